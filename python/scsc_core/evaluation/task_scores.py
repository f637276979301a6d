# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task network reaches on undamaged pictures: the ceiling of every curve that it judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..tasks.scores import confusion, iou, mean_iou, pixel_accuracy
from . import bootstrap
from .ppen_inputs import frames, judge


@dataclass(frozen=True)
class TaskScores:
    """Scores of one network, each with its 95 % interval.

    Attributes:
        network, data, split, frames; miou, accuracy and iou (by class): (value, low, high), the
        bounds nan where there is no interval; note: what the intervals are of, or why there are
        none.
    """

    network: str
    data: str
    split: str
    frames: int
    miou: tuple[float, float, float]
    accuracy: tuple[float, float, float]
    iou: tuple[tuple[float, float, float], ...]
    note: str


def run(
    names: tuple[str, ...],
    data: str = "camvid",
    split: str = "test",
    count: int | None = None,
    folder: str | None = None,
    block: int = 5,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[TaskScores]:
    """Scores of task networks on a split; intervals by blocks of `block` consecutive frames.

    Frames are cropped to multiples of 16 as in every other experiment.

    Raises:
        ValueError: unknown network, data set or split, or nothing to score.
    """
    judges = [judge(name) for name in names]
    pictures = frames(data, split, count, folder)
    groups = bootstrap.blocks([f.name for f in pictures], block)
    drawn = bootstrap.counts(groups)
    note = bootstrap.described(bootstrap.RESAMPLES, len(groups), block)
    results, total = [], len(judges) * len(pictures)
    for place, network in enumerate(judges):
        matrices = []
        for number, frame in enumerate(pictures):
            found = confusion(frame.label, network.segment(frame.image), network.classes)
            matrices.append(found)
            progress(place * len(pictures) + number + 1, total)
        matrices = np.array(matrices)
        results.append(_scores(network.name, data, split, matrices, drawn, note))
    return results


def _scores(name, data, split, matrices, drawn, note) -> TaskScores:
    whole, resampled = matrices.sum(0), bootstrap.sums(drawn, matrices)

    def figure(function, index=None):
        value, values = function(whole), function(resampled)
        if index is not None:
            value, values = value[index], values[:, index]
        bounds = bootstrap.interval(values) or (float("nan"), float("nan"))
        return (float(value), *bounds)

    by_class = tuple(figure(iou, index) for index in range(matrices.shape[1]))
    scores = figure(mean_iou), figure(pixel_accuracy), by_class
    return TaskScores(name, data, split, len(matrices), *scores, note)


def lines(results: list[TaskScores]) -> list[str]:
    """A table as text: networks in columns of value [low, high], in percent."""
    from ..tasks.categories import CLASSES7

    texts = []
    for result in results:
        texts.append(f"{result.network} on {result.data} {result.split}, {result.frames} frames")
        texts.append(f"  {result.note}")
        rows = [("mIoU", result.miou), ("pixel accuracy", result.accuracy)]
        rows += list(zip(CLASSES7, result.iou, strict=True))
        for title, (value, low, high) in rows:
            bounds = "n/a" if np.isnan(low) else f"{100 * low:.2f}, {100 * high:.2f}"
            texts.append(f"  {title:<16} {100 * value:6.2f}  [{bounds}]")
    return texts
