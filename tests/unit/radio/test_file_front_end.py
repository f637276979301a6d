# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.radio import FrontEnd, FrontEndError, open_front_end
from scsc_core.radio.levels import FULL_SCALE
from scsc_core.radio.sigmf_file import SigmfReader, SigmfWriter


class Clock:
    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


def _samples(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n))
    return (x / np.abs(x) / np.sqrt(2)).astype(np.complex64)


@pytest.fixture
def recording(tmp_path):
    """1000 samples, of which the last 400 follow a loss."""
    with SigmfWriter(tmp_path / "air", 2e6, 9e8) as writer:
        writer.write(_samples(600))
        writer.start_capture(10_000)
        writer.write(_samples(400, 1))
    return str(tmp_path / "air")


def _replay(front_end, n=300, limit=50):
    chunks = []
    while not (chunks and chunks[-1].end) and len(chunks) < limit:
        chunks.append(front_end.read(n, 0))
    return chunks


def test_replay_gives_the_recording_and_its_end(recording):
    front_end = open_front_end("file", {"sigmf": recording})

    chunks = _replay(front_end)

    assert isinstance(front_end, FrontEnd)
    assert (front_end.rate_hz, front_end.frequency_hz) == (2e6, 9e8)
    np.testing.assert_array_equal(
        np.concatenate([chunk.samples for chunk in chunks], 1),
        np.concatenate([_samples(600), _samples(400, 1)], 1),
    )
    assert [chunk.sample_index for chunk in chunks] == [0, 300, 600, 900]
    assert [chunk.discontinuity for chunk in chunks] == [False, False, True, False]
    after = front_end.read(300, 0)
    assert after.end and after.samples.shape == (2, 0)


def test_chunk_never_crosses_a_loss(recording):
    chunks = _replay(open_front_end("file", {"sigmf": recording}), n=1000)

    assert [chunk.samples.shape[1] for chunk in chunks] == [600, 400]
    assert chunks[1].discontinuity and chunks[1].end


def test_loop_starts_again_with_a_discontinuity(recording):
    front_end = open_front_end("file", {"sigmf": recording, "loop": True})

    chunks = [front_end.read(1000, 0) for _ in range(5)]

    assert [chunk.samples.shape[1] for chunk in chunks] == [600, 400, 600, 400, 600]
    assert [chunk.discontinuity for chunk in chunks] == [False, True, True, True, True]
    assert not any(chunk.end for chunk in chunks)
    assert chunks[4].sample_index == 2000
    np.testing.assert_array_equal(chunks[2].samples, _samples(600))


def test_realtime_replay_follows_the_clock(recording):
    clock = Clock()
    front_end = open_front_end("file", {"sigmf": recording, "realtime": True}, clock=clock)

    assert front_end.read(500, 0.0).samples.shape[1] == 0
    assert front_end.read(500, 1.0).samples.shape[1] == 500
    assert clock.time == pytest.approx(500 / 2e6, abs=2e-6)


def test_damaged_samples_become_zeros_and_are_counted(tmp_path):
    samples = _samples(100)
    samples[0, 5] = np.nan
    with SigmfWriter(tmp_path / "air", 1e6, 1e9) as writer:
        writer.write(samples)
    front_end = open_front_end("file", {"sigmf": str(tmp_path / "air")})

    assert front_end.read(100, 0).samples[0, 5] == 0
    assert [(event.kind, event.count) for event in front_end.events()] == [("not_finite", 1)]


def test_recording_that_was_not_finalised_is_cut_and_told(tmp_path):
    writer = SigmfWriter(tmp_path / "air", 1e6, 1e9)
    writer.write(_samples(100))
    with open(writer.data_path, "ab") as data:
        data.write(b"123")

    front_end = open_front_end("file", {"sigmf": str(tmp_path / "air")})

    assert [event.kind for event in front_end.events()] == ["truncated"]
    assert front_end.read(500, 0).samples.shape[1] == 100


def test_sent_bursts_are_recorded_with_zeros_between(tmp_path):
    name = str(tmp_path / "sent")
    front_end = open_front_end("file", {"sigmf": name, "direction": "tx", "rate_hz": 1e6})
    x = _samples(500)

    front_end.tx_burst(x)
    front_end.tx_burst(x, at=2e-3)
    assert front_end.flush(0)
    front_end.close()
    front_end.close()

    with SigmfReader(name) as reader:
        y = reader.read(10_000)
        assert [entry["core:sample_start"] for entry in reader.annotations] == [128, 2000]
    assert y.shape[1] == 2000 + 500 + 128
    np.testing.assert_allclose(y[:, 128:628], x * FULL_SCALE, rtol=1e-6)
    np.testing.assert_allclose(y[:, 2000:2500], x * FULL_SCALE, rtol=1e-6)
    assert not y[:, 628:2000].any() and not y[:, 2500:].any()


def test_direction_decides_what_can_be_done(recording, tmp_path):
    replay = open_front_end("file", {"sigmf": recording})
    record = open_front_end("file", {"sigmf": str(tmp_path / "new"), "direction": "tx"})

    assert (replay.capabilities, record.capabilities) == ({"rx"}, {"tx", "timed"})
    with pytest.raises(FrontEndError, match="set direction tx"):
        replay.tx_burst(_samples(5))
    with pytest.raises(FrontEndError, match="set direction rx"):
        record.read(5, 0)


@pytest.mark.parametrize("direction", ["tx", "rx"])
def test_error_of_the_recording_is_one_of_the_front_end(recording, direction):
    name = "nothing-here" if direction == "rx" else recording

    with pytest.raises(FrontEndError, match="^file: .*; ") as caught:
        open_front_end("file", {"sigmf": name, "direction": direction})

    assert caught.value.kind == "file" and caught.value.cure
