# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.channels import csi_estimate, csi_views, effective


def test_estimation_error_has_the_stated_variance():
    h = np.zeros((50_000, 2, 2))

    error = csi_estimate(h, 0.1, np.random.default_rng(1))

    power = (np.abs(error) ** 2).ravel()
    # 99.9 % of the mean of exponential powers
    assert abs(power.mean() - 0.1) < 3.29 * 0.1 / np.sqrt(power.size)
    assert abs((error**2).mean()) < 3.8 * 0.1 * np.sqrt(2 / error.size)


def test_effective_channel_is_the_conditional_mean():
    rng = np.random.default_rng(2)
    h = rng.standard_normal((100_000, 2)).view(complex)[..., 0] * np.sqrt(0.5)
    h_hat = csi_estimate(h, 0.25, rng)

    h_used, noise_var = effective(h_hat, 0.5, 0.25, total_power=2.0)

    rest = h - h_used
    assert noise_var == pytest.approx(0.5 + 2 * 0.25 / 1.25)
    # orthogonality of the estimate and its error; variance v/(1+v) of the error; 99.9 % intervals
    assert abs((rest * h_hat.conj()).mean()) < 3.8 * np.sqrt(0.2 * 1.25 / h.size)
    assert abs((np.abs(rest) ** 2).mean() - 0.2) < 3.29 * 0.2 / np.sqrt(h.size)


def test_no_error_changes_nothing():
    h = np.array([[1, 2j], [3, 4]])

    np.testing.assert_array_equal(csi_estimate(h, 0, np.random.default_rng(0)), h)
    h_used, noise_var = effective(h, 0.3, 0, 2)
    np.testing.assert_array_equal(h_used, h)
    assert noise_var == 0.3


def test_error_sits_where_it_is_asked_for():
    assert csi_views("h", "h_hat", "both") == ("h_hat", "h_hat")
    assert csi_views("h", "h_hat", "tx") == ("h_hat", "h")
    assert csi_views("h", "h_hat", "rx") == ("h", "h_hat")
    with pytest.raises(ValueError, match="both, tx, rx, got 'none'"):
        csi_views("h", "h_hat", "none")


def test_wrong_variances_are_named():
    with pytest.raises(ValueError, match="error_variance must be finite and >= 0, got -1"):
        csi_estimate(np.eye(2), -1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="noise_var and total_power must be > 0"):
        effective(np.eye(2), 0, 0.1, 2)
