# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of received pictures against the one that was sent: fidelity, and what the task sees."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tasks.categories import CLASSES7
from ..tasks.scores import confusion, iou, mean_iou, pixel_accuracy
from . import metrics

GROUND_TRUTH = "ground truth"
CLEAN_PREDICTION = "prediction on the clean picture"
_REMEMBERED = 64  # pictures; a link delivers the same one again and again


@dataclass(frozen=True)
class PictureScore:
    """One received picture.

    Attributes:
        psnr_db, ms_ssim: against the picture that was sent.
        labels: uint8 [H, W], prediction of the task network.
        confusion: int64 [n, n], reference by row, prediction by column.
    """

    psnr_db: float
    ms_ssim: float | None
    labels: np.ndarray
    confusion: np.ndarray


@dataclass(frozen=True)
class TaskScore:
    """Scores of a confusion matrix: mean IoU over the classes that occur, pixel accuracy, IoU by class
    (None where a class occurs neither in the reference nor in the prediction)."""

    miou: float
    pixel_accuracy: float
    iou: dict[str, float | None]


class PictureScorer:
    """Scores pictures against one sent picture; a picture that comes again is not scored again.

    Args:
        image: uint8 [H, W, 3], the picture as it was before any pre-processing.
        segmenter: task network (tasks.segmentation.Segmenter), the same for every picture.
        truth: uint8 [H, W], labels; None judges against the network's own prediction on `image`,
            which is agreement and not accuracy (`judge` says which).
    Raises:
        ValueError: the size of `truth` differs from the picture's.
    """

    def __init__(self, image: np.ndarray, segmenter: Any, truth: np.ndarray | None = None):
        if truth is not None and truth.shape != image.shape[:2]:
            raise ValueError(
                f"truth must be {image.shape[1]}x{image.shape[0]} like the picture, got "
                f"{truth.shape[1]}x{truth.shape[0]}"
            )
        self.image = image
        self.truth = truth
        self.judge = CLEAN_PREDICTION if truth is None else GROUND_TRUTH
        self._segmenter = segmenter
        self._clean = segmenter.segment(image)
        self._reference = self._clean if truth is None else truth
        self._scores: OrderedDict[bytes, PictureScore] = OrderedDict()
        self.clean = self.score(image)

    def score(self, received: np.ndarray) -> PictureScore:
        """Scores of one picture uint8 [H, W, 3] of the size that was sent."""
        key = hashlib.blake2b(np.ascontiguousarray(received), digest_size=16).digest()
        if key not in self._scores:
            self._scores[key] = self._score(received)
            if len(self._scores) > _REMEMBERED:
                self._scores.popitem(last=False)
        self._scores.move_to_end(key)
        return self._scores[key]

    def _score(self, received: np.ndarray) -> PictureScore:
        labels = self._segmenter.segment(received)
        return PictureScore(
            metrics.psnr_db(self.image, received),
            metrics.ms_ssim(self.image, received),
            labels,
            confusion(self._reference, labels, len(CLASSES7)),
        )


def task_score(matrix: np.ndarray) -> TaskScore:
    """Scores of a confusion matrix int64 [7, 7], which may be the sum over several pictures."""
    by_class = {
        name: float(value) if np.isfinite(value) else None
        for name, value in zip(CLASSES7, iou(matrix))
    }
    return TaskScore(float(mean_iou(matrix)), float(pixel_accuracy(matrix)), by_class)
