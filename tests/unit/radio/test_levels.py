# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.radio.levels import (
    Levels,
    advice,
    measure_levels,
    receive_gain_change_db,
    scale_burst,
)


def _gaussian(n, seed=1):
    """complex [2, n] of unit total mean power, as OFDM has."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n))) / 2


def test_burst_leaves_at_030_rms_per_antenna():
    x = np.full((2, 1000), np.exp(0.3j) / np.sqrt(2))

    scaled = scale_burst(x)

    np.testing.assert_allclose(np.abs(scaled.samples), 0.30, rtol=1e-6)
    assert scaled.samples.dtype == np.complex64
    assert (scaled.clip_count, round(scaled.peak, 6)) == (0, 0.30)


def test_backoff_lowers_the_level_by_its_decibels():
    x = _gaussian(1000)

    ratio = scale_burst(x, 6).samples / scale_burst(x * 0.1, 0).samples * 0.1

    np.testing.assert_allclose(ratio, 10 ** (-6 / 20), rtol=1e-5)


def test_clipping_keeps_the_phase_and_counts():
    x = np.array([[3 + 4j, 0.1, 1j], [0, 0, -5]])

    scaled = scale_burst(x)

    assert scaled.clip_count == 2  # 5 and 5 times 0.42; 1 times 0.42 is below
    np.testing.assert_allclose(np.abs(scaled.samples[0, 0]), 0.95, rtol=1e-6)
    np.testing.assert_allclose(scaled.samples[0, 0] / 0.95, 0.6 + 0.8j, rtol=1e-6)
    np.testing.assert_allclose(scaled.samples[1, 2], -0.95, rtol=1e-6)
    assert scaled.peak == pytest.approx(5 * 0.3 * np.sqrt(2), rel=1e-6)


def test_gaussian_burst_clips_as_rarely_as_its_tail_says():
    n = 200_000

    count = scale_burst(_gaussian(n)).clip_count

    # |x|^2 exponential with mean 0.09: P(|x| > 0.95) = exp(-0.9025/0.09) = 4.4e-5; 99.9 % of Poisson
    mean = 2 * n * np.exp(-(0.95**2) / 0.09)
    assert abs(count - mean) < 3.3 * np.sqrt(mean)


def test_measured_levels():
    samples = np.array([[0.3, 0.3j, -0.3, -0.3j], [0.5, 0.5, 0.5, 1.0]])

    levels = measure_levels(samples)

    assert levels.rms == pytest.approx((0.3, np.sqrt(1.75 / 4)))
    assert levels.peak == pytest.approx((0.3, 1.0))
    assert levels.clip_count == (0, 1)
    assert levels.dc_db[0] < -200 and levels.dc_db[1] == pytest.approx(
        10 * np.log10(0.625**2 / (1.75 / 4))
    )


def test_no_samples_have_no_level():
    assert measure_levels(np.zeros((2, 0), np.complex64)).rms == (0.0, 0.0)
    with pytest.raises(ValueError, match=r"samples must be complex \[2, n\], got \[3, 4\]"):
        measure_levels(np.zeros((3, 4)))


@pytest.mark.parametrize(
    ("rms", "clips", "change_db"),
    [
        (0.2, 0, 0),
        (0.02, 0, 20 * np.log10(np.sqrt(0.03) / 0.02)),
        (0.6, 0, 20 * np.log10(np.sqrt(0.03) / 0.6)),
        (0.2, 5, -10),  # a clipped burst hides its level
        (0.0, 0, 0),
    ],
)
def test_gain_change_brings_bursts_to_the_plan(rms, clips, change_db):
    levels = Levels((rms, rms / 2), (1, 1), (clips, 0), (-40, -40))

    assert receive_gain_change_db(levels) == pytest.approx(change_db)


def test_advice_says_which_gain_and_by_how_much():
    low = advice(Levels((0.01, 0.01), (0.02, 0.02), (0, 0), (-40, -40)))
    clipped = advice(Levels((0.5, 0.5), (1, 1), (7, 0), (-40, -40)), tx_clip_count=3)

    assert low == ["bursts at 0.010 rms, 0.1 to 0.3 wanted: raise rx_gain_db by 25 dB"]
    assert "3 transmit samples clipped: raise backoff_db" in clipped[0]
    assert "7 received samples at full scale: lower rx_gain_db by 10 dB" in clipped[1]


def test_advice_names_a_silent_antenna_and_dc():
    lines = advice(Levels((0.2, 0.0), (0.3, 0.0), (0, 0), (-5, -300)))

    assert lines[0].startswith("receive antenna 2 is silent")
    assert lines[1].startswith("DC of -5 dB at receive antenna 1")


def test_good_levels_need_no_advice():
    assert advice(Levels((0.2, 0.15), (0.7, 0.6), (0, 0), (-40, -40))) == []
