# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.evaluation import bd

RATE = np.array([0.1, 0.2, 0.35, 0.6, 1.0])
METRIC = np.array([0.30, 0.42, 0.50, 0.55, 0.57])


def _curves(count, seed, n=7):
    rng = np.random.default_rng(seed)
    rates = np.cumsum(rng.uniform(0.05, 0.3, (count, n)), axis=1)
    return rates, np.cumsum(rng.uniform(0.01, 0.1, (count, n)), axis=1)


@pytest.mark.parametrize("method", bd.METHODS)
def test_curve_against_itself_differs_by_nothing(method):
    assert bd.rate_difference(RATE, METRIC, RATE, METRIC, method).value == pytest.approx(0)
    assert bd.metric_difference(RATE, METRIC, RATE, METRIC, method).value == pytest.approx(0)


@pytest.mark.parametrize("method", bd.METHODS)
def test_half_the_rate_is_minus_fifty_per_cent(method):
    found = bd.rate_difference(RATE, METRIC, RATE / 2, METRIC, method)

    assert found.value == pytest.approx(-50)
    assert (found.problem, found.overlap) == (None, 1)


def test_constant_gain_is_found_at_equal_rate():
    assert bd.metric_difference(RATE, METRIC, RATE, METRIC + 0.03).value == pytest.approx(0.03)


def test_order_of_points_does_not_matter():
    found = bd.rate_difference(RATE[::-1], METRIC[::-1], RATE / 2, METRIC)

    assert found.value == pytest.approx(-50)


@pytest.mark.parametrize(
    ("test_rate", "test_metric", "problem"),
    [
        (RATE[:3], METRIC[:3], "3 points"),
        (RATE, METRIC[[0, 2, 1, 3, 4]], "not monotone"),
        (RATE, np.array([0.30, 0.42, 0.42, 0.55, 0.57]), "not monotone"),
        (RATE, METRIC + 0.2, "overlap 26%"),
    ],
)
def test_no_number_without_its_conditions(test_rate, test_metric, problem):
    found = bd.rate_difference(RATE, METRIC, test_rate, test_metric)

    assert (found.value, found.problem) == (None, problem)


def test_reference_that_reaches_further_down_costs_no_overlap():
    longer_rate = np.append(RATE, RATE.min() / np.array([2.0, 4.0]))
    longer_metric = np.append(METRIC, METRIC.min() - np.array([0.2, 0.4]))

    found = bd.rate_difference(longer_rate, longer_metric, RATE / 2, METRIC)

    assert found.overlap == pytest.approx(1) and found.value == pytest.approx(-50, abs=3)


@pytest.mark.parametrize("method", bd.METHODS)
@pytest.mark.parametrize("n", [4, 5, 7])
def test_many_rows_equal_the_package(method, n):
    rates_a, metrics_a = _curves(40, 1, n)
    rates_b, metrics_b = _curves(40, 2, n)

    rate = bd.rate_differences(rates_a, metrics_a, rates_b, metrics_b, method)
    metric = bd.metric_differences(rates_a, metrics_a, rates_b, metrics_b, method)

    rows = zip(rates_a, metrics_a, rates_b, metrics_b)
    singles = [
        (bd.rate_difference(*row, method), bd.metric_difference(*row, method)) for row in rows
    ]
    by_rate = np.array([single.value or np.nan for single, _ in singles])
    by_metric = np.array([single.value or np.nan for _, single in singles])
    known = ~np.isnan(by_rate)
    assert known.sum() > 10 and (~np.isnan(by_metric)).sum() > 10
    np.testing.assert_allclose(rate[known], by_rate[known], rtol=1e-6)
    known = ~np.isnan(by_metric)
    np.testing.assert_allclose(metric[known], by_metric[known], rtol=1e-6, atol=1e-12)


def test_pooling_merges_neighbours_that_fall():
    rate, metric = bd.pooled(np.array([1.0, 2.0, 8.0, 16.0]), np.array([0.1, 0.4, 0.2, 0.5]))

    np.testing.assert_allclose(rate, [1, 4, 16])
    np.testing.assert_allclose(metric, [0.1, 0.3, 0.5])


def test_pooling_leaves_a_rising_curve_alone():
    rate, metric = bd.pooled(RATE, METRIC)

    np.testing.assert_array_equal(rate, RATE)
    np.testing.assert_array_equal(metric, METRIC)


def test_rows_without_overlap_are_undefined():
    found = bd.rate_differences(RATE[None], METRIC[None], RATE[None], METRIC[None] + 1)

    assert np.isnan(found).all()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="method must be one of pchip, cubic"):
        bd.rate_difference(RATE, METRIC, RATE, METRIC, "akima")
    with pytest.raises(ValueError, match="equal length"):
        bd.rate_difference(RATE, METRIC[:4], RATE, METRIC)
    with pytest.raises(ValueError, match="rates must be > 0"):
        bd.rate_difference(RATE * 0, METRIC, RATE, METRIC)
