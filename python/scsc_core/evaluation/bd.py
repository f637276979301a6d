# SPDX-License-Identifier: GPL-3.0-or-later
"""Bjontegaard differences of two curves: rate saved at equal metric, metric gained at equal rate.

    BD-rate   = exp(mean over the common metric range of  ln R_test(m) - ln R_anchor(m)) - 1
    BD-metric = mean over the common range of ln R of  m_test(ln R) - m_anchor(ln R)

Single figures come from the `bjontegaard` package. Resamples of a bootstrap need thousands of them:
those are computed here for all rows at once, by the same interpolation (a test compares the two).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

METHODS = ("pchip", "cubic")
MIN_POINTS = 4
MIN_OVERLAP = 0.5


@dataclass(frozen=True)
class Difference:
    """One Bjontegaard difference.

    Attributes:
        value: per cent for a rate, units of the metric otherwise; None when it has no number.
        problem: why there is none: "not monotone", "overlap 31 %", "3 points"; else None.
        overlap: common range over the shorter range of the abscissa, 0..1.
    """

    value: float | None
    problem: str | None
    overlap: float


def rate_difference(
    rate_anchor: np.ndarray,
    metric_anchor: np.ndarray,
    rate_test: np.ndarray,
    metric_test: np.ndarray,
    method: str = "pchip",
) -> Difference:
    """Rate that the test curve needs beyond the anchor at equal metric, in per cent; negative saves.

    A number is given only for at least 4 points a curve, a metric that rises strictly with the rate,
    and metric ranges of which at least half is common.

    Args:
        rate_anchor, rate_test: float [n], > 0, any order.
        metric_anchor, metric_test: float [n], higher is better.
        method: "pchip" (headline) or "cubic".
    Raises:
        ValueError: lengths differ, a rate is not positive, unknown method.
    Source: evaluation.md section 6; Bjontegaard, VCEG-M33.
    """
    _check_method(method)
    anchor, test = _sorted(rate_anchor, metric_anchor), _sorted(rate_test, metric_test)
    overlap = _overlap(anchor[1], test[1])
    problem = _too_few(anchor, test)
    if problem is None and not all((np.diff(metric) > 0).all() for _, metric in (anchor, test)):
        problem = "not monotone"
    problem = problem or _too_little(overlap)
    if problem is not None:
        return Difference(None, problem, overlap)
    from bjontegaard import bd_rate

    value = bd_rate(*anchor, *test, method, require_matching_points=False, min_overlap=0)
    return Difference(float(value), None, overlap)


def metric_difference(
    rate_anchor: np.ndarray,
    metric_anchor: np.ndarray,
    rate_test: np.ndarray,
    metric_test: np.ndarray,
    method: str = "pchip",
) -> Difference:
    """Metric that the test curve gains over the anchor at equal rate, in units of the metric.

    Arguments and errors as in `rate_difference`; the metric need not rise with the rate.
    """
    _check_method(method)
    anchor, test = _sorted(rate_anchor, metric_anchor), _sorted(rate_test, metric_test)
    overlap = _overlap(np.log(anchor[0]), np.log(test[0]))
    problem = _too_few(anchor, test)
    if problem is None and not all((np.diff(rate) > 0).all() for rate, _ in (anchor, test)):
        problem = "not monotone"
    problem = problem or _too_little(overlap)
    if problem is not None:
        return Difference(None, problem, overlap)
    from bjontegaard import bd_psnr

    value = bd_psnr(*anchor, *test, method, require_matching_points=False, min_overlap=0)
    return Difference(float(value), None, overlap)


def pooled(rate: np.ndarray, metric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curve with neighbouring points merged until its metric rises strictly with the rate.

    Points that violate the order are replaced by one at their mean ln rate and mean metric (pool
    adjacent violators). A strictly rising curve stays as it is. It serves the resamples of a
    bootstrap, and curves that are flat within their noise; figures from it are called pooled.

    Args:
        rate, metric: float [n], rate > 0.
    Returns:
        (rate, metric), float [n'], n' <= n, both strictly rising.
    """
    rate, metric = _sorted(rate, metric)
    heaps: list[list[float]] = []  # [sum of ln rate, sum of metric, points]
    for log_rate, value in zip(np.log(rate), metric):
        heaps.append([log_rate, value, 1.0])
        while len(heaps) > 1 and heaps[-2][1] / heaps[-2][2] >= heaps[-1][1] / heaps[-1][2]:
            last = heaps.pop()
            heaps[-1] = [a + b for a, b in zip(heaps[-1], last)]
    sums = np.array(heaps)
    if len(sums) == len(rate):
        return rate, metric
    return np.exp(sums[:, 0] / sums[:, 2]), sums[:, 1] / sums[:, 2]


def rate_differences(
    rates_anchor: np.ndarray,
    metrics_anchor: np.ndarray,
    rates_test: np.ndarray,
    metrics_test: np.ndarray,
    method: str = "pchip",
) -> np.ndarray:
    """`rate_difference` of many pairs of curves at once, each pooled first.

    Args:
        rates_anchor, metrics_anchor, rates_test, metrics_test: float [r, n], one pair of curves a row.
        method: "pchip" or "cubic".
    Returns:
        float [r], per cent; nan where the metric ranges do not overlap, or where too few points are
        left (pchip 2, cubic 4).
    """
    _check_method(method)
    anchors = _pooled_rows(rates_anchor, metrics_anchor)
    tests = _pooled_rows(rates_test, metrics_test)
    low = np.array([max(a[1][0], t[1][0]) for a, t in zip(anchors, tests)])
    high = np.array([min(a[1][-1], t[1][-1]) for a, t in zip(anchors, tests)])
    areas = [
        _areas([metric for _, metric in curves], [np.log(r) for r, _ in curves], low, high, method)
        for curves in (anchors, tests)
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(high > low, (areas[1] - areas[0]) / (high - low), np.nan)
    return 100 * np.expm1(mean)


def metric_differences(
    rates_anchor: np.ndarray,
    metrics_anchor: np.ndarray,
    rates_test: np.ndarray,
    metrics_test: np.ndarray,
    method: str = "pchip",
) -> np.ndarray:
    """`metric_difference` of many pairs of curves at once.

    Args:
        rates_anchor, metrics_anchor, rates_test, metrics_test: float [r, n]; the rates of a row are
            distinct.
        method: "pchip" or "cubic".
    Returns:
        float [r], units of the metric; nan where the ranges of rate do not overlap.
    """
    _check_method(method)
    curves = []
    for rates, metrics in ((rates_anchor, metrics_anchor), (rates_test, metrics_test)):
        order = np.argsort(rates, axis=1)
        curves.append(
            [np.take_along_axis(a, order, axis=1) for a in (np.log(rates), np.asarray(metrics))]
        )
    (x_anchor, y_anchor), (x_test, y_test) = curves
    low = np.maximum(x_anchor[:, 0], x_test[:, 0])
    high = np.minimum(x_anchor[:, -1], x_test[:, -1])
    areas = [
        _areas(list(x), list(y), low, high, method)
        for x, y in ((x_anchor, y_anchor), (x_test, y_test))
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(high > low, (areas[1] - areas[0]) / (high - low), np.nan)


def _pooled_rows(rates, metrics) -> list[tuple[np.ndarray, np.ndarray]]:
    order = np.argsort(rates, axis=1, kind="stable")
    rates, metrics = (np.take_along_axis(np.asarray(a), order, 1) for a in (rates, metrics))
    rising = (np.diff(metrics, axis=1) > 0).all(1)
    return [
        (rate, metric) if clean else pooled(rate, metric)
        for rate, metric, clean in zip(rates, metrics, rising)
    ]


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")


def _sorted(rate, metric) -> tuple[np.ndarray, np.ndarray]:
    rate, metric = np.asarray(rate, float), np.asarray(metric, float)
    if rate.ndim != 1 or rate.shape != metric.shape:
        raise ValueError(
            f"rate and metric must have one equal length, got {rate.shape} and {metric.shape}"
        )
    if not (rate > 0).all():
        raise ValueError(f"rates must be > 0, got {rate.tolist()}")
    order = np.argsort(rate, kind="stable")
    return rate[order], metric[order]


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Common range over the shorter one.

    Not over both together: a curve that also reaches scores far below the other's does not make
    their common part less common.
    """
    if not len(a) or not len(b):
        return 0.0
    shorter = min(np.ptp(a), np.ptp(b))
    common = min(a.max(), b.max()) - max(a.min(), b.min())
    return float(max(common, 0.0) / shorter) if shorter > 0 else 0.0


def _too_few(anchor, test) -> str | None:
    fewest = min(len(anchor[0]), len(test[0]))
    return f"{fewest} points" if fewest < MIN_POINTS else None


def _too_little(overlap: float) -> str | None:
    return f"overlap {overlap:.0%}" if overlap < MIN_OVERLAP else None


def _areas(xs, ys, low, high, method) -> np.ndarray:
    """Integrals of the interpolated curves from low to high, rows of equal length together."""
    lengths = np.array([len(x) for x in xs])
    areas = np.full(len(xs), np.nan)
    smallest = 2 if method == "pchip" else MIN_POINTS
    for n in np.unique(lengths[lengths >= smallest]):
        rows = np.flatnonzero((lengths == n) & (high > low))
        if len(rows):
            x, y = (np.stack([values[i] for i in rows]) for values in (xs, ys))
            area = _pchip_area if method == "pchip" else _cubic_area
            areas[rows] = area(x, y, low[rows], high[rows])
    return areas


def _pchip_area(x, y, low, high) -> np.ndarray:
    width = np.diff(x, axis=1)
    slope = np.diff(y, axis=1) / width
    tangent = _pchip_tangents(width, slope)

    def primitive(at):
        s = np.clip((at[:, None] - x[:, :-1]) / width, 0, 1)
        parts = (
            (s**4 / 2 - s**3 + s) * y[:, :-1]
            + (s**4 / 4 - 2 * s**3 / 3 + s**2 / 2) * width * tangent[:, :-1]
            + (s**3 - s**4 / 2) * y[:, 1:]
            + (s**4 / 4 - s**3 / 3) * width * tangent[:, 1:]
        )
        return (width * parts).sum(1)

    return primitive(high) - primitive(low)


def _pchip_tangents(width, slope) -> np.ndarray:
    """Slopes at the points: weighted harmonic means inside, three-point formula at both ends."""
    if slope.shape[1] == 1:
        return np.repeat(slope, 2, axis=1)
    left, right = slope[:, :-1], slope[:, 1:]
    weight_left = 2 * width[:, 1:] + width[:, :-1]
    weight_right = width[:, 1:] + 2 * width[:, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (weight_left + weight_right) / (weight_left / left + weight_right / right)
    inner = np.where(left * right > 0, mean, 0.0)
    ends = [
        _end_tangent(width[:, i], width[:, j], slope[:, i], slope[:, j])
        for i, j in ((0, 1), (-1, -2))
    ]
    return np.column_stack([ends[0], inner, ends[1]])


def _end_tangent(width, next_width, slope, next_slope) -> np.ndarray:
    tangent = ((2 * width + next_width) * slope - width * next_slope) / (width + next_width)
    steep = (np.sign(slope) != np.sign(next_slope)) & (np.abs(tangent) > 3 * np.abs(slope))
    return np.where(np.sign(tangent) != np.sign(slope), 0.0, np.where(steep, 3 * slope, tangent))


def _cubic_area(x, y, low, high) -> np.ndarray:
    # Least squares is done on [-1, 1], where the powers are well conditioned.
    middle, half = (x[:, 0] + x[:, -1]) / 2, (x[:, -1] - x[:, 0]) / 2
    powers = ((x - middle[:, None]) / half[:, None])[..., None] ** np.arange(4)
    factors = (np.linalg.pinv(powers) @ y[..., None])[..., 0]

    def primitive(at):
        s = (at - middle) / half
        exponents = np.arange(1, 5)
        return half * (factors * s[:, None] ** exponents / exponents).sum(1)

    return primitive(high) - primitive(low)
