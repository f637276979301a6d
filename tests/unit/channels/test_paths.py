# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.channels.arrays import correlation_root, steering
from scsc_core.channels.cdl import ClusterPaths
from scsc_core.channels.doppler import JakesProcess, jakes_correlation, knot_samples
from scsc_core.channels.paths import (
    FadingPaths,
    exponential_profile,
    flat_profile,
    listed_profile,
    tapped_profile,
)
from scsc_core.evaluation.channel_acceptance import Moments

Z999 = 3.29  # two-sided 99.9 % of a normal variable


def _assert_mean(samples, expected):
    error = samples.std(ddof=1) / np.sqrt(len(samples))
    assert abs(samples.mean() - expected) < Z999 * error + 1e-12


@pytest.mark.parametrize(
    "profile",
    [
        flat_profile(),
        flat_profile(9.0),
        exponential_profile(1.5, 5e6),
        tapped_profile("A", 50e-9),
        tapped_profile("D", 50e-9),
        listed_profile(np.array([0, 1e-7]), np.array([0, -3])),
    ],
)
def test_paths_carry_their_powers_for_every_antenna_pair(profile):
    gains = FadingPaths(profile, correlation_tx=0.5, correlation_rx=0.3, seed=1).draw(5000)

    assert profile.powers.sum() == pytest.approx(1)
    for path, power in enumerate(profile.powers):
        if profile.line_of_sight[path]:
            np.testing.assert_allclose(np.abs(gains[:, path]) ** 2, power)
        else:
            _assert_mean(np.abs(gains[:, path, 1, 0]) ** 2, power)
    _assert_mean((np.abs(gains.sum(1)) ** 2).mean((1, 2)), 1)


def test_correlation_is_exponential_at_each_end():
    gains = FadingPaths(flat_profile(), 3, 2, 0.7, 0.4, seed=2).draw(20_000)[:, 0]

    for (q, p), (r, s) in [((0, 0), (0, 2)), ((0, 0), (1, 0)), ((0, 2), (1, 1))]:
        product = gains[:, q, p] * gains[:, r, s].conj()
        _assert_mean(product.real, 0.7 ** abs(p - s) * 0.4 ** abs(q - r))


def test_line_of_sight_is_a_steering_matrix_of_new_angles_per_block():
    direct = FadingPaths(flat_profile(60.0), 3, 2, seed=3).draw(50)[:, 0]

    assert np.linalg.matrix_rank(direct, tol=1e-6).tolist() == [1] * 50
    step = np.angle(direct[:, :, 1:] / direct[:, :, :-1])
    assert np.ptp(step[:, 0, 0]) > np.pi / 2  # another direction every time
    np.testing.assert_allclose(direct[:, 0, 1] ** 2, direct[:, 0, 0] * direct[:, 0, 2], atol=1e-6)


@pytest.mark.parametrize(
    "make", [lambda: FadingPaths(flat_profile(3.0)), lambda: ClusterPaths("D")]
)
def test_gains_do_not_depend_on_the_sizes_of_the_draws(make):
    whole, model = make().draw(10), make()

    parts = np.concatenate([model.draw(n) for n in (1, 0, 4, 5)])

    np.testing.assert_array_equal(parts, whole)


def test_exponential_profile_ends_at_five_rms():
    profile = exponential_profile(2.0, 1e6)

    np.testing.assert_allclose(profile.delays * 1e6, np.arange(11))
    np.testing.assert_allclose(profile.powers[1:] / profile.powers[:-1], np.exp(-0.5))
    assert len(exponential_profile(0.0, 1e6).delays) == 1


@pytest.mark.parametrize(
    "delays, powers, message",
    [
        ([], [], "one length >= 1"),
        ([0, 1], [0], "one length >= 1"),
        ([-1], [0], "delays must be >= 0"),
        ([0], [np.nan], "finite"),
    ],
)
def test_listed_paths_name_the_wrong_argument(delays, powers, message):
    with pytest.raises(ValueError, match=message):
        listed_profile(np.array(delays), np.array(powers))


def test_jakes_correlation_is_the_bessel_function():
    doppler_hz, lags = 10.0, np.array([0, 0.01, 0.025, 0.0383, 0.06])
    process = JakesProcess((20_000,), doppler_hz, np.random.default_rng(4))

    values = process.at(lags)

    for value, lag in zip(values, lags):
        product = values[0].conj() * value
        _assert_mean(product.real, jakes_correlation(doppler_hz, lag))
        _assert_mean(product.imag, 0)


def test_jakes_correlation_crosses_zero_where_the_bessel_function_does():
    assert jakes_correlation(1.0, 0.0) == pytest.approx(1)
    assert jakes_correlation(1.0, 2.404825557695773 / (2 * np.pi)) == pytest.approx(0, abs=1e-12)


def test_jakes_needs_a_doppler_shift():
    with pytest.raises(ValueError, match="doppler_hz must be > 0, got 0"):
        JakesProcess((1,), 0, np.random.default_rng(0))


def test_knots_are_close_enough_for_straight_lines():
    assert knot_samples(5.0, 1e6) == 3183
    assert knot_samples(0.001, 1e6) == 4096
    assert knot_samples(1e3, 1e6) == 16


def test_fading_in_time_keeps_powers_and_moves_with_the_doppler_shift():
    profile = flat_profile(0.0)
    near, far = [], []
    for seed in range(600):
        gains = FadingPaths(profile, doppler_hz=10.0, seed=seed).at(np.array([0, 1e-3, 1.0]))[:, 1]
        near.append(np.abs(gains[1] - gains[0]).mean())
        far.append((np.abs(gains[2]) ** 2).mean())

    assert np.mean(near) < 0.05  # 2 pi f_d / sqrt(2) t = 0.044 of an rms of 0.7
    _assert_mean(np.array(far), 0.5)


@pytest.mark.parametrize("profile, correlation", [("A", (0.43, 0.46)), ("D", (0.92, 0.91))])
def test_clusters_have_the_correlation_of_their_angles(profile, correlation):
    gains = ClusterPaths(profile, seed=5).draw(1500)

    moments = Moments.of(gains.sum(1))

    # 99.9 % of a correlation of 1500 draws of two entries each
    assert moments.correlation_tx == pytest.approx(correlation[0], abs=0.06)
    assert moments.correlation_rx == pytest.approx(correlation[1], abs=0.06)
    _assert_mean((np.abs(gains) ** 2).sum(1).mean((1, 2)), 1)


def test_cluster_delays_scale_with_the_spread():
    model = ClusterPaths("C", delay_spread_s=2e-7)

    assert model.delays_s[-1] == pytest.approx(8.6523 * 2e-7)
    with pytest.raises(ValueError, match="delay_spread_s must be >= 0, got -1"):
        ClusterPaths("C", delay_spread_s=-1)


def test_cluster_line_of_sight_has_one_doppler_shift():
    model = ClusterPaths("E", doppler_hz=5.0, seed=6)

    direct = model.at(np.array([0.0, 0.01, 0.02]))[:, 0]

    turn = direct[1:] / direct[:-1]
    np.testing.assert_allclose(np.abs(turn), 1)
    np.testing.assert_allclose(turn, turn[0, 0, 0])
    assert abs(np.angle(turn[0, 0, 0])) <= 2 * np.pi * 5 * 0.01


def test_steering_turns_by_half_a_wavelength():
    np.testing.assert_allclose(steering(np.array(1.0), 3), [1, -1, 1], atol=1e-12)
    np.testing.assert_allclose(steering(np.array(0.5), 2), [1, 1j], atol=1e-12)


def test_correlation_root_squares_to_the_correlation():
    root = correlation_root(3, 0.6)

    np.testing.assert_allclose(root @ root, [[1, 0.6, 0.36], [0.6, 1, 0.6], [0.36, 0.6, 1]])
    with pytest.raises(ValueError, match=r"correlation must be in \[0, 1\), got 1"):
        correlation_root(2, 1)
