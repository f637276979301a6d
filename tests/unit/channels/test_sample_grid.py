# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.channels.sample_grid import HALF_WIDTH, DriftingClock, grid_weights, kernel

USED = np.arange(-26, 27) / 64  # cycles per sample


@pytest.mark.parametrize("delay", [0.1, 0.5, 0.77, 3.25])
def test_fractional_delay_is_right_at_every_used_carrier(delay):
    weights = grid_weights(np.array([delay]), HALF_WIDTH)[:, 0]

    taps = np.arange(len(weights)) - HALF_WIDTH
    response = np.exp(-2j * np.pi * np.outer(USED, taps)) @ weights
    error = np.abs(response - np.exp(-2j * np.pi * USED * delay)).max()

    assert 20 * np.log10(error) < -60


def test_whole_delays_are_single_taps():
    weights = grid_weights(np.array([0.0, 2.0, 2.0]), 0)

    np.testing.assert_array_equal(weights, [[1, 0, 0], [0, 0, 0], [0, 1, 1]])


def test_kernel_is_one_at_zero_and_zero_at_other_integers():
    np.testing.assert_allclose(kernel(np.arange(-15, 16)), np.arange(31) == 15, atol=1e-15)


def _tone(index, frequency=0.2):
    return np.exp(2j * np.pi * frequency * index).astype(np.complex64)


@pytest.mark.parametrize("sfo_ppm", [200.0, -200.0])
def test_clock_samples_at_its_own_rate_from_the_origin(sfo_ppm):
    n, origin = 20_000, 300
    clock = DriftingClock(sfo_ppm, 1)

    y = clock.resample(_tone(np.arange(n))[None], [origin])[0]

    position = np.arange(n) - clock.latency
    after = position >= origin
    expected = _tone(position + sfo_ppm * 1e-6 * (position - origin))[after]
    error = np.abs(y[after] - expected)
    assert error.max() < 2e-3  # -60 dB of the kernel, both sides


def test_drift_starts_anew_when_it_reaches_its_limit():
    clock = DriftingClock(1000.0, 1)  # 16 samples after 16000

    y = clock.resample(_tone(np.arange(40_000))[None], [])[0]

    position = np.arange(39_000, 39_500) - clock.latency
    expected = _tone(position + 1e-3 * (position - 32_000))
    assert np.abs(y[39_000:39_500] - expected).max() < 2e-3


def test_drift_goes_on_at_another_offset():
    clock = DriftingClock(800.0, 1)
    tone = _tone(np.arange(10_000))
    before = clock.resample(tone[None, :5000], [])[0]

    clock.tune(-300.0)
    after = clock.resample(tone[None, 5000:], [])[0]

    drift = np.angle(np.concatenate([before, after]) / _tone(np.arange(10_000) - clock.latency))
    drift = np.unwrap(drift[100:]) / (2 * np.pi * 0.2)  # of a tone of 0.2 cycles per sample
    steps = np.diff(drift) * 1e6
    np.testing.assert_allclose([steps[:4800].mean(), steps[4950:].mean()], [800, -300], atol=2)
    assert np.abs(np.diff(drift)).max() < 5e-3  # no jump: -60 dB of the kernel


@pytest.mark.parametrize("sfo_ppm", [1001.0, np.nan])
def test_clock_names_the_wrong_offset(sfo_ppm):
    with pytest.raises(ValueError, match="sfo_ppm must be within"):
        DriftingClock(sfo_ppm, 1)
