# SPDX-License-Identifier: GPL-3.0-or-later
"""Sounding frames from a front end to itself: delay, channel, gain; and recordings of a front end."""

import numpy as np
import pytest

from scsc_core.radio import FrontEndError, RxChunk, open_front_end
from scsc_core.radio.calibration import (
    GainPoint,
    capture,
    find_sounding,
    recommend_gain,
    sound,
    sweep_gain,
)
from scsc_core.radio.sample_recorder import RecordedFrontEnd
from scsc_core.radio.sigmf_file import SigmfReader
from scsc_core.waveform.modulator import Modulator

BURST = Modulator().sounding()
H = np.array([[0.3, 0.1j], [-0.05, 0.2 + 0.1j]])


def noise(n, power, seed=1):
    rng = np.random.default_rng(seed)
    return np.sqrt(power / 2) * (rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n)))


class Delayed:
    """A channel: H, a delay, noise."""

    def __init__(self, delay, noise_power=1e-4):
        self._rest = np.zeros((2, delay), np.complex64)
        self._power, self._count = noise_power, 0

    def apply(self, samples):
        self._count += 1
        y = np.concatenate([self._rest, samples], axis=1)
        self._rest = y[:, samples.shape[1] :]
        y = y[:, : samples.shape[1]]
        return H @ y + noise(y.shape[1], self._power, self._count)


def test_delay_channel_and_noise_of_a_known_case():
    samples = noise(4000, 1e-4)
    samples[:, 777 : 777 + BURST.shape[1]] += H @ BURST

    fit = find_sounding(samples, BURST)

    # 256 + 320 known samples a row: the estimate is off by sqrt(1e-4 / 576 / 0.5), five times that
    assert fit.delay_samples == 777
    assert np.abs(fit.h - H).max() < 0.003
    assert np.allclose(fit.noise_power, 1e-4, rtol=0.2)
    gains = 10 * np.log10(np.sum(np.abs(H) ** 2, axis=1) / 2 / 1e-4)
    assert np.allclose(fit.snr_db, gains, atol=1.0)
    values = np.linalg.svd(H, compute_uv=False)
    assert fit.condition_db == pytest.approx(20 * np.log10(values[0] / values[1]), abs=0.5)


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_sounding_frame(seed):
    assert find_sounding(noise(30_000, 1.0, seed), BURST) is None


def test_silence_is_no_sounding_frame():
    assert find_sounding(np.zeros((2, 2000)), BURST) is None


@pytest.mark.parametrize("shape", [(3, 2000), (2, 100), (2000,)])
def test_samples_must_be_two_rows_of_at_least_the_burst(shape):
    with pytest.raises(ValueError, match="samples"):
        find_sounding(np.zeros(shape), BURST)


@pytest.mark.parametrize("delay", [0, 41, 900])
def test_delay_over_a_front_end_is_that_of_its_channel(delay):
    front_end = open_front_end("sim", {}, channel=Delayed(delay))

    fits = [sound(front_end, BURST, 0.005) for _ in range(3)]

    front_end.close()
    assert [fit.delay_samples for fit in fits] == [delay] * 3


def test_capture_gives_as_many_samples_as_wanted():
    front_end = open_front_end("sim", {"realtime": True})

    samples = capture(front_end, 20_000)

    front_end.close()
    assert samples.shape == (2, 20_000)


class Scripted:
    """Gives one chunk again and again."""

    def __init__(self, n, discontinuity=False):
        self.chunk = RxChunk(np.zeros((2, n), np.complex64), 0, 0.0, discontinuity)
        self.reads = 0

    def read(self, n, timeout_s):
        self.reads += 1
        return self.chunk


def test_capture_gives_up_on_a_front_end_that_is_silent():
    seconds = iter(range(100))
    front_end = Scripted(0)

    assert capture(front_end, 1000, now=lambda: next(seconds)) is None
    assert front_end.reads == 3  # 2 s without a sample are too long


def test_capture_waits_for_a_slow_one():
    seconds = iter(range(100_000))

    assert capture(Scripted(1), 1000, now=lambda: next(seconds)).shape == (2, 1000)


def test_capture_gives_up_on_one_that_loses_samples_again_and_again():
    assert capture(Scripted(10, discontinuity=True), 1000, now=lambda: 0.0) is None


def test_sweep_leaves_out_gains_that_the_device_refuses():
    front_end = open_front_end("sim", {}, channel=Delayed(3))

    def set_gain(tx_db, rx_db):
        if rx_db > 20:
            raise FrontEndError("sim", "gain too high", "lower it")

    front_end.set_gain = set_gain

    points = sweep_gain(front_end, BURST, 0.0, [0.0, 20.0, 40.0], 0.005)

    front_end.close()
    assert [point.rx_gain_db for point in points] == [0.0, 20.0]


@pytest.mark.parametrize(
    ("points", "gain"),
    [
        ([], None),
        ([GainPoint(0, 0.02, 0.1, 0, 9), GainPoint(20, 0.2, 0.7, 0, 25)], 20),
        ([GainPoint(10, 0.12, 0.5, 0, 22), GainPoint(15, 0.2, 0.7, 0, 25)], 15),
        # 0.0173 rms is 20 dB below the middle of 0.1 .. 0.3
        ([GainPoint(0, np.sqrt(0.03) / 10, 0.1, 0, 9)], 20),
        ([GainPoint(30, 0.25, 1.0, 40, 20)], 20),  # clipped: the true level is unknown
    ],
)
def test_gain_is_the_best_one_without_clipping(points, gain):
    assert recommend_gain(points) == gain


def test_received_samples_are_recorded_as_they_came(tmp_path):
    front_end = RecordedFrontEnd(
        open_front_end("sim", {}, channel=Delayed(3)), str(tmp_path / "r"), "rx"
    )
    front_end.tx_burst(BURST)

    read = [front_end.read(500, 0.0).samples for _ in range(4)]
    front_end.close()

    with SigmfReader(tmp_path / "r") as recording:
        assert np.array_equal(recording.read(10**6), np.concatenate(read, axis=1))


def test_sent_bursts_are_recorded_with_their_gaps(tmp_path):
    front_end = RecordedFrontEnd(open_front_end("sim"), str(tmp_path / "r"), "tx")
    for _ in range(2):
        front_end.tx_burst(BURST)
    front_end.close()

    with SigmfReader(tmp_path / "r") as recording:
        starts = [a["core:sample_start"] for a in recording.annotations]
    assert np.diff(starts) == BURST.shape[1] + 128


def test_recording_is_not_written_over(tmp_path):
    front_end = open_front_end("sim")
    RecordedFrontEnd(front_end, str(tmp_path / "r"), "rx").close()

    with pytest.raises(FrontEndError, match="exists already"):
        RecordedFrontEnd(front_end, str(tmp_path / "r"), "rx")


def test_full_disk_ends_the_recording_and_not_the_link(tmp_path):
    inner = open_front_end("sim")
    front_end = RecordedFrontEnd(inner, str(tmp_path / "r"), "rx")
    front_end._writer._data.close()
    front_end._writer._data = open("/dev/full", "wb", buffering=0)
    inner.tx_burst(BURST)

    chunk = front_end.read(500, 0.0)
    front_end.read(500, 0.0)
    front_end.close()

    (event,) = front_end.events()
    assert chunk.samples.shape[1] == 500 and "No space left" in front_end.problem
    assert (event.kind, event.count, event.detail) == ("unrecorded", 1, front_end.problem)
