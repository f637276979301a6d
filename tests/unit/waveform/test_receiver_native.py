# SPDX-License-Identifier: GPL-3.0-or-later
"""Native code of the receiver against its NumPy definitions, under every instruction set."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import reference_receiver as reference
from sample_channel import TABLE, data_frame, normal, received, taps

from scsc_core import _native
from scsc_core.waveform import demodulator, estimation, header, synchroniser
from scsc_core.waveform.detection import MODEL_ERROR_DB, frame_llr
from scsc_core.waveform.numerology import numerology

# name, rms delay in samples, carrier offset in spacings, SNR in dB
CASES = [
    ("64", 0.0, 0.13, 20.0),
    ("64", 2.0, -1.93, 12.0),
    ("64-cp32", 1.0, 1.7, 3.0),
    ("128", 3.0, 0.4, 30.0),
    ("256", 4.0, -0.2, 15.0),
]


def found_in(samples):
    p, metric = synchroniser.detection_metric(samples)
    near = int(metric.argmax())
    return near, complex(p[near])


def close(found, expected, part: float):
    """Errors below `part` of the largest value."""
    return np.abs(found - expected).max() <= part * np.abs(expected).max()


@pytest.mark.parametrize("n_samples", [0, 279, 280, 1000, 20_000])
def test_detector_is_as_defined(n_samples):
    rng, n = np.random.default_rng(n_samples), numerology("64")
    samples = received(rng, data_frame(rng, n, 30)[0], n, 3.0, 0.7)[:, :n_samples]
    samples = np.pad(samples, ((0, 0), (0, n_samples - samples.shape[1])))

    p, metric = synchroniser.detection_metric(samples)

    expected_p, expected = reference.detection_metric(samples)
    assert p.shape == metric.shape == (max(0, n_samples - synchroniser.DETECTOR_SPAN + 1),)
    np.testing.assert_allclose(p, expected_p, atol=1e-5 * np.abs(expected_p).max(initial=1e-9))
    # float32 products of 15 x 4 terms
    np.testing.assert_allclose(metric, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name, rms, cfo, snr_db", CASES)
def test_frame_is_received_as_defined(name, rms, cfo, snr_db):
    n, rng = numerology(name), np.random.default_rng(7)
    x, _ = data_frame(rng, n, 20)
    samples = received(rng, x, n, snr_db, cfo * n.n_fft / 64, taps(rng, rms))
    near, p = found_in(samples)
    expected = reference.receive(samples, near, p, n)

    at = synchroniser.synchronise(samples, near, p, n)
    start = demodulator.read_start(samples, at, n)
    data = demodulator.read_data(samples, at, start, n)

    # float32 correlations: 1e-6 of a power, of which the parabola takes small differences
    assert at.start == expected.at.start
    assert at.q == pytest.approx(expected.at.q, rel=1e-5)
    assert at.omega == pytest.approx(expected.at.omega, abs=1e-7)
    assert start.header == expected.start.header
    assert start.noise_var == pytest.approx(expected.start.noise_var, rel=1e-4)
    assert start.estimate.error_share == pytest.approx(
        expected.start.estimate.error_share, rel=1e-4
    )
    # what the offset estimates differ by, 1e-7, turns the last symbol by less than 3e-4
    assert data.omega == pytest.approx(expected.data.omega, abs=2e-8)
    assert data.clock == pytest.approx(expected.data.clock, abs=1e-8)
    assert close(data.h, expected.data.h, 1e-4)
    assert close(data.y, expected.data.y, 1e-4)
    assert data.snr_db == pytest.approx(expected.data.snr_db, abs=1e-3)


@pytest.mark.parametrize("name", ["64", "64-cp4", "128-cp64", "256-cp128"])
@pytest.mark.parametrize("noise_var", [1e-6, 0.1, 30.0])
def test_smoothing_is_as_defined(name, noise_var):
    n, rng = numerology(name), np.random.default_rng(3)
    gains = taps(rng, n.n_cp / 16)
    ramp = np.exp(-2j * np.pi / n.n_fft * np.outer(n.used, np.arange(len(gains))))
    h = np.einsum("kl,lra->kra", ramp, gains)
    h = h + normal(rng, *h.shape) * np.sqrt(noise_var / 2)

    found = estimation.smooth(h, noise_var / 2, noise_var, n)

    # a covariance of condition 1e8 in double
    expected = reference.smooth(h, noise_var / 2, noise_var, n)
    assert close(found.h, expected.h, 1e-7)
    assert found.error_share == pytest.approx(expected.error_share, rel=1e-7)


@pytest.mark.parametrize("nsym", [1, 2, 5, 40, 100])
def test_phases_are_tracked_as_defined(nsym):
    """Frames shorter and longer than the windows of the tracker, with both offsets left in y."""
    n, rng = numerology("64"), np.random.default_rng(nsym)
    x, _ = data_frame(rng, n, nsym)
    samples = received(rng, x, n, 15.0, 0.05)
    near, p = found_in(samples)
    at = synchroniser.synchronise(samples, near, p, n)
    start = demodulator.read_start(samples, at, n)
    left = demodulator.Start(**{**vars(start), "drift": start.drift + 3e-5})

    found = demodulator.read_data(samples, at, left, n)

    expected = reference.read_data(samples, at, left, n)
    assert close(found.y, expected.y, 1e-5)
    assert found.omega == pytest.approx(expected.omega, abs=1e-10)
    assert found.clock == pytest.approx(expected.clock, rel=1e-4, abs=1e-10)


@pytest.mark.parametrize("name", ["64", "256"])
def test_header_bits_are_as_defined(name):
    n, rng = numerology(name), np.random.default_rng(2)
    y = normal(rng, n.header_symbols, n.n_used, 2).astype(np.complex64)
    h = normal(rng, n.n_used, 2, 2)

    found = header.header_llr(y, h, 0.3, n)

    assert close(found, reference.header_llr(y, h, 0.3, n), 1e-6)


@pytest.mark.parametrize("name", ["64", "128", "256"])
def test_header_symbols_are_as_defined(name):
    n = numerology(name)
    bits = np.random.default_rng(4).integers(0, 2, header.FIELD_BITS).astype(np.uint8)

    found = header.encode_header(bits, n)

    # 1/2 against products of 1 / sqrt 2
    np.testing.assert_allclose(found, reference.encode_header(bits, n), atol=1e-15)


@pytest.mark.parametrize("llr", ["maxlog", "exact"])
@pytest.mark.parametrize("n_points, nsym", [(2, 3), (16, 54), (64, 1), (256, 9)])
@pytest.mark.parametrize("common", [True, False])
def test_soft_bits_of_frames_are_as_defined(llr, n_points, nsym, common):
    n_data, rng = 48, np.random.default_rng(n_points)
    tables = normal(rng, 1 if common else n_data, n_points, 2)
    y = normal(rng, n_data, 2, nsym).astype(np.complex64)
    y[3, 1, 0] = np.nan
    frame = SimpleNamespace(y=y, h_data=normal(rng, n_data, 2, 2), noise_var=0.05)

    found = frame_llr(frame, tables, llr)

    # the same kernel; centroids are rounded to float32 from double in both
    expected = reference.frame_llr(frame, tables, llr)
    assert found.dtype == np.float32 and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)
    assert not found.reshape(nsym, n_data, -1)[0, 3].any()


def test_soft_bits_believe_in_no_less_noise_than_a_channel_estimate_is_worth():
    rng = np.random.default_rng(7)
    y, h = normal(rng, 48, 2, 3).astype(np.complex64), normal(rng, 48, 2, 2)
    floor = 2 * np.mean(np.abs(h) ** 2) * 10 ** (MODEL_ERROR_DB / 10)

    at = {
        factor: frame_llr(SimpleNamespace(y=y, h_data=h, noise_var=factor * floor), TABLE[None])
        for factor in (1e-3, 1.0, 2.0)
    }

    np.testing.assert_array_equal(at[1e-3], at[1.0])
    np.testing.assert_allclose(2 * at[2.0], at[1.0], rtol=1e-5)  # max-log goes with 1 / N0


def test_bad_arguments_of_soft_bits_are_refused():
    rng = np.random.default_rng(1)
    frame = SimpleNamespace(
        y=normal(rng, 48, 2, 3).astype(np.complex64), h_data=normal(rng, 48, 2, 2), noise_var=0.1
    )

    for tables in (TABLE, TABLE[None].repeat(47, 0), TABLE[None, :3], TABLE[None, :, :1]):
        with pytest.raises(ValueError, match="tables"):
            frame_llr(frame, tables)
    with pytest.raises(ValueError, match="llr must be one of"):
        frame_llr(frame, TABLE[None], "best")
    frame.noise_var = 0.0
    with pytest.raises(ValueError, match="noise_var"):
        frame_llr(frame, TABLE[None])


def preamble(**changes):
    return synchroniser._preamble(numerology("64")) | changes


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"n_starts": 0}, "n_starts must be at least 1"),
        ({"n_starts": 66}, "samples' columns"),
        ({"windows": np.arange(3, dtype=np.int32)}, "windows' length must be 4"),
        ({"windows": np.full(4, -1, np.int32)}, "windows must be in 0"),
        ({"known": np.zeros((2, 34), np.float32)}, "known's columns must be 35"),
        ({"steer": np.zeros((35, 2), np.complex64)}, "steer's columns must be at least 3"),
        ({"max_paths": -1}, "max_paths must be at least 0"),
        ({"period": np.zeros(16)}, "period must be complex64"),
    ],
)
def test_bad_preambles_are_refused(changes, message):
    n = numerology("64")
    samples = np.zeros((2, n.preamble_samples + 2 * synchroniser.TIMING_SEARCH), np.complex64)
    _native.time_frame(samples, np.zeros(1), preamble())

    with pytest.raises(ValueError, match=message):
        _native.time_frame(samples, np.zeros(1), preamble(**changes))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"h": np.ones((52, 2, 1), complex)}, "h's transmit antennas"),
        ({"sent": np.ones((8, 3, 2), complex)}, "sent's carriers must be 4"),
        ({"rows": np.array([0, 1, 2, 52], np.int32)}, "rows must be in 0..51"),
        ({"times": np.zeros(7)}, "times' length must be 8"),
        ({"limit": 0.0}, "limit must be finite and > 0"),
        ({"n_steps": 2}, "n_steps must be at least 3"),
        ({"y": np.ones((8, 51, 2), np.complex64)}, "y's carriers must be 52"),
    ],
)
def test_bad_arguments_of_the_drift_are_refused(changes, message):
    arguments = {
        "y": np.ones((8, 52, 2), np.complex64),
        "h": np.ones((52, 2, 2), complex),
        "sent": np.ones((8, 4, 2), complex),
        "rows": np.arange(4, dtype=np.int32),
        "times": np.arange(8.0),
        "limit": 0.01,
        "n_steps": 5,
    }
    _native.find_drift(**arguments)

    with pytest.raises(ValueError, match=message):
        _native.find_drift(**arguments | changes)


def test_estimates_of_hopeless_samples_are_not_refused():
    """What came over the air never raises: noise of any size gives an estimate, if a useless one."""
    n = numerology("64")

    for noise_var in (np.inf, np.nan, 1e300):
        estimate = estimation.smooth(np.ones((n.n_used, 2, 2), complex), noise_var, noise_var, n)
        assert estimate.h.shape == (n.n_used, 2, 2)


_CHILD = """
import sys
import numpy as np
import test_receiver_native as tests
for case in tests.CASES[:4:3]:
    tests.test_frame_is_received_as_defined(*case)
tests.test_smoothing_is_as_defined("128-cp64", 0.1)
"""


@pytest.mark.parametrize("isa", [isa for isa in _native.available_isas() if isa != _native.isa()])
def test_every_instruction_set_receives_as_defined(isa):
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])

    subprocess.run(
        [sys.executable, "-c", _CHILD],
        check=True,
        env=os.environ | {"SCSC_ISA": isa, "PYTHONPATH": path},
    )
