# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib

import numpy as np
import pytest

from scsc_core.channels import FadingChannel, load_channels, load_recording, save_channels


@pytest.mark.parametrize("name", ["h.npy", "h.npz"])
def test_saved_channels_come_back(tmp_path, name):
    h = FadingChannel("rayleigh", 3, 2, seed=1).draw(5)
    save_channels(tmp_path / name, h)

    loaded = load_channels(tmp_path / name)

    np.testing.assert_array_equal(loaded, h)
    assert loaded.dtype == np.complex128


@pytest.mark.parametrize(
    "content, message",
    [
        (np.ones((2, 2)), r"\[blocks, n_rx, n_tx\], got shape \(2, 2\)"),
        (np.ones((0, 2, 2)), "got shape"),
        (np.ones((1, 2, 2), int), "complex or real floats, got int64"),
        (np.full((1, 2, 2), np.nan), "block 0 is not finite"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, content, message):
    np.save(tmp_path / "h.npy", content)

    with pytest.raises(ValueError, match=message):
        load_channels(tmp_path / "h.npy")


@pytest.mark.parametrize("content", [b"", b"no numpy file", b"PK\x03\x04 cut", b"\x93NUMPY\x01"])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "h.npz").write_bytes(content)

    with pytest.raises(ValueError, match="cannot read channel file"):
        load_channels(tmp_path / "h.npz")


def test_missing_file_array_and_suffix_are_named(tmp_path):
    with pytest.raises(ValueError, match="cannot read channel file"):
        load_channels(tmp_path / "none.npy")
    np.savez(tmp_path / "g.npz", g=np.ones((1, 2, 2)))
    with pytest.raises(ValueError, match="needs an array h, has"):
        load_channels(tmp_path / "g.npz")
    with pytest.raises(ValueError, match=".npy or .npz"):
        save_channels(tmp_path / "h.mat", np.ones((1, 2, 2)))


def test_pickled_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "h.npy", np.array([{}], object), allow_pickle=True)

    with pytest.raises(ValueError, match="cannot read channel file"):
        load_channels(tmp_path / "h.npy")


def test_recording_keeps_taps_rate_source_and_hash(tmp_path):
    h = np.arange(24).reshape(2, 2, 2, 3) + 0j
    np.savez(tmp_path / "h.npz", h=h, fs=5e6, source="roof, Tuesday")

    recording = load_recording(tmp_path / "h.npz")

    np.testing.assert_array_equal(recording.taps, np.moveaxis(h, 3, 1))
    assert (recording.sample_rate_hz, recording.source) == (5e6, "roof, Tuesday")
    content = (tmp_path / "h.npz").read_bytes()
    assert recording.sha256 == hashlib.sha256(content).hexdigest()


def test_flat_recording_is_one_tap_and_is_scaled_over_the_whole_set(tmp_path):
    save_channels(tmp_path / "h.npy", 3 * FadingChannel(seed=1).draw(9))

    recording = load_recording(tmp_path / "h.npy")

    assert recording.taps.shape == (9, 1, 2, 2) and recording.sample_rate_hz is None
    scaled = recording.normalised()
    assert np.mean(np.abs(scaled) ** 2) == pytest.approx(1)
    np.testing.assert_allclose(
        scaled / recording.taps, scaled[0, 0, 0, 0] / recording.taps[0, 0, 0, 0]
    )


@pytest.mark.parametrize("fs", [0.0, -1.0, np.nan, "fast", [1.0, 2.0]])
def test_recording_of_an_impossible_rate_is_refused(tmp_path, fs):
    np.savez(tmp_path / "h.npz", h=np.ones((1, 2, 2)), fs=fs)

    with pytest.raises(ValueError, match="fs must be a number > 0"):
        load_recording(tmp_path / "h.npz")


def test_silent_recording_cannot_be_scaled(tmp_path):
    np.save(tmp_path / "h.npy", np.zeros((1, 2, 2)))

    with pytest.raises(ValueError, match="must not all be zero"):
        load_recording(tmp_path / "h.npy").normalised()
