# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of the PPEN experiment over QP, and their differences with intervals.

A curve holds what each frame gave at each QP; a resample of it is a row of counts over the frames
(`bootstrap.counts`). Rates are bits per pixel of all frames together, mIoU comes from confusion
matrices summed over frames, PSNR is the mean of the frames' values in dB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..tasks import scores
from . import bd, bootstrap
from .point_store import PointStore
from .ppen_points import Frame, Judge, Source, point_key


@dataclass(frozen=True, eq=False)
class Curve:
    """One source under one judge; what `resampled` computed once is remembered.

    Attributes:
        name: of the source.
        qps: rising, or (None,) for a picture that does not depend on QP.
        bits: float [F, Q]; nan where nothing was coded.
        mse: float [F, Q], against the frame as it was before pre-processing.
        confusion: float [F, Q, C, C], row = label, column = prediction.
        pixels: float [F].
    """

    name: str
    qps: tuple[int | None, ...]
    bits: np.ndarray
    mse: np.ndarray
    confusion: np.ndarray
    pixels: np.ndarray
    _known: dict = field(default_factory=dict, repr=False)

    def resampled(self, metric: str, drawn: np.ndarray) -> np.ndarray:
        """The method `metric` of this class on resamples [R, F]."""
        if len(drawn) == 1:
            return getattr(self, metric)(drawn)
        key = metric, id(drawn)
        if key not in self._known:
            # the resamples are kept as well, so that their id stays theirs
            self._known[key] = drawn, getattr(self, metric)(drawn)
        return self._known[key][1]

    def at(self, qps: Sequence[int]) -> Curve:
        """The same curve at some of its QPs."""
        columns = [self.qps.index(qp) for qp in qps]
        return Curve(
            self.name,
            tuple(qps),
            self.bits[:, columns],
            self.mse[:, columns],
            self.confusion[:, columns],
            self.pixels,
        )

    def rate(self, drawn: np.ndarray) -> np.ndarray:
        """Bits per pixel [R, Q] of resamples [R, F]."""
        return bootstrap.sums(drawn, self.bits) / bootstrap.sums(drawn, self.pixels)[:, None]

    def psnr_db(self, drawn: np.ndarray) -> np.ndarray:
        """Mean of the frames' PSNR [R, Q] in dB; inf where a frame is unchanged."""
        with np.errstate(divide="ignore"):
            values = 10 * np.log10(255**2 / self.mse)
        if np.isfinite(values).all():
            return bootstrap.means(drawn, values)
        drawn_means = [values[row.nonzero()[0]].mean(0) for row in drawn]
        return np.array(drawn_means).reshape(len(drawn), values.shape[1])

    def psnr_of_mean_db(self, drawn: np.ndarray) -> np.ndarray:
        """PSNR of the mean square error over all frames [R, Q] in dB."""
        with np.errstate(divide="ignore"):
            return 10 * np.log10(255**2 / bootstrap.means(drawn, self.mse))

    def class_iou(self, drawn: np.ndarray) -> np.ndarray:
        """Intersection over union per class [R, Q, C]; nan for a class that does not occur."""
        return scores.iou(bootstrap.sums(drawn, self.confusion))

    def miou(self, drawn: np.ndarray) -> np.ndarray:
        """Mean of the classes that occur [R, Q]."""
        return scores.mean_iou(bootstrap.sums(drawn, self.confusion))

    def accuracy(self, drawn: np.ndarray) -> np.ndarray:
        """Share of scored pixels that are right [R, Q]."""
        return scores.pixel_accuracy(bootstrap.sums(drawn, self.confusion))


def whole_set(curve: Curve) -> np.ndarray:
    """The resample [1, F] in which every frame occurs once."""
    return np.ones((1, len(curve.pixels)))


def load(
    store: PointStore,
    frames: Sequence[Frame],
    source: Source,
    judge: Judge,
    qps: Sequence[int | None],
    codec: str | None,
) -> Curve:
    """The curve of stored points; codec None reads the pictures that were never coded.

    Raises:
        KeyError: a point is missing.
    """
    points = [[store[point_key(frame, source, qp, judge, codec)] for qp in qps] for frame in frames]

    def table(name: str) -> np.ndarray:
        return np.array([[point[name] for point in row] for row in points], float)

    n = judge.classes
    return Curve(
        source.name,
        tuple(qps),
        table("bits"),
        table("mse"),
        table("confusion").reshape(len(frames), len(qps), n, n),
        np.array([float(frame.label.size) for frame in frames]),
    )


def combined(curves: dict[str, Curve], by_qp: dict[int, str], name: str) -> Curve:
    """The curve that takes at each QP the points of another source."""
    parts = [curves[source].at([qp]) for qp, source in by_qp.items()]
    return Curve(
        name,
        tuple(by_qp),
        *(
            np.concatenate([getattr(part, field) for part in parts], axis=1)
            for field in ("bits", "mse", "confusion")
        ),
        parts[0].pixels,
    )


@dataclass(frozen=True)
class Comparison:
    """A Bjontegaard difference of two curves with its interval.

    Attributes:
        figure: a key of `FIGURES`.
        test, anchor: names of the sources.
        value: PCHIP, in the figure's unit; None when `problem` says why not.
        problem: None, "not monotone", "overlap 31%" or "3 points".
        pooled: the same after merging points that break the order (`bd.pooled`); equals `value`
            where that exists.
        interval: 95 % from resamples of the pooled curves; None where too few are defined.
        cubic: the figure by cubic fit, None as `value`.
        overlap: share of the range that is common.
        p: two-sided bootstrap p-value of no difference.
    """

    figure: str
    test: str
    anchor: str
    value: float | None
    problem: str | None
    pooled: float | None
    interval: tuple[float, float] | None
    cubic: float | None
    overlap: float
    p: float


@dataclass(frozen=True)
class Figure:
    """How a difference is formed: metric, whether the rate is compared, unit, better direction."""

    title: str
    unit: str
    of_rate: bool
    lower_is_better: bool
    metric: str
    scale: float = 1.0


FIGURES = {
    "bd_rate_miou": Figure("BD-rate at equal mIoU", "%", True, True, "miou"),
    "bd_rate_accuracy": Figure("BD-rate at equal pixel accuracy", "%", True, True, "accuracy"),
    "bd_rate_psnr": Figure("BD-rate at equal PSNR", "%", True, True, "psnr_db"),
    "bd_miou": Figure("mIoU at equal rate", "points", False, False, "miou", 100),
    "bd_accuracy": Figure("accuracy at equal rate", "points", False, False, "accuracy", 100),
    "bd_psnr": Figure("BD-PSNR", "dB", False, False, "psnr_db"),
}


def compare(figure: str, test: Curve, anchor: Curve, drawn: np.ndarray) -> Comparison:
    """One figure of two curves over the same frames and the same resamples (paired).

    Args:
        figure: a key of `FIGURES`.
        test, anchor: curves.
        drawn: int [R, F], `bootstrap.counts`.
    """
    kind = FIGURES[figure]
    once = whole_set(test)
    single, many = (
        (bd.rate_difference, bd.rate_differences)
        if kind.of_rate
        else (bd.metric_difference, bd.metric_differences)
    )

    def arguments(counts: np.ndarray) -> list[np.ndarray]:
        return [
            values
            for curve in (anchor, test)
            for values in (
                curve.resampled("rate", counts),
                kind.scale * curve.resampled(kind.metric, counts),
            )
        ]

    whole = arguments(once)
    result, cubic = (single(*(row[0] for row in whole), method) for method in bd.METHODS)
    pooled = float(many(*whole)[0])
    resampled = many(*arguments(drawn))
    return Comparison(
        figure,
        test.name,
        anchor.name,
        result.value,
        result.problem,
        None if np.isnan(pooled) else pooled,
        bootstrap.interval(resampled),
        cubic.value,
        result.overlap,
        bootstrap.p_value(resampled),
    )


def class_gains(
    test: Curve, anchor: Curve, drawn: np.ndarray
) -> list[tuple[float, tuple[float, float] | None]]:
    """IoU gained at equal rate per class, in points, each with its 95 % interval."""
    gains = []
    for index in range(test.confusion.shape[-1]):
        values = [
            bd.metric_differences(
                *(
                    values
                    for curve in (anchor, test)
                    for values in (
                        curve.resampled("rate", counts),
                        100 * curve.resampled("class_iou", counts)[..., index],
                    )
                )
            )
            for counts in (whole_set(test), drawn)
        ]
        gains.append((float(values[0][0]), bootstrap.interval(values[1])))
    return gains
