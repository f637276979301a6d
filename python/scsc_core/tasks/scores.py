# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of label maps, all from one confusion matrix."""

from __future__ import annotations

import numpy as np


def confusion(labels: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Confusion matrix int64 [classes, classes]: row = label, column = prediction.

    Pixels whose label is no class (255, ignore) are left out.

    Args:
        labels, prediction: uint8, equal shapes.
        classes: n; predictions must be below n.
    Raises:
        ValueError: shapes disagree, or a prediction is no class.
    """
    if labels.shape != prediction.shape:
        raise ValueError(
            f"prediction must have the labels' shape {labels.shape}, got {prediction.shape}"
        )
    known = labels < classes
    found = prediction[known].astype(np.int64)
    if found.size and found.max() >= classes:
        raise ValueError(f"prediction must be below {classes}, got {found.max()}")
    pairs = np.bincount(labels[known].astype(np.int64) * classes + found, minlength=classes**2)
    return pairs.reshape(classes, classes)


def iou(matrix: np.ndarray) -> np.ndarray:
    """Intersection over union float64 [..., n] of confusion matrices; nan for absent classes.

    A class is absent when it occurs neither in the labels nor in the predictions.
    """
    hit = np.diagonal(matrix, axis1=-2, axis2=-1).astype(float)
    union = matrix.sum(-1) + matrix.sum(-2) - hit
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(union > 0, hit / union, np.nan)


def mean_iou(matrix: np.ndarray) -> np.ndarray | float:
    """Mean IoU over the classes that occur; nan when none does."""
    values = iou(matrix)
    count = np.isfinite(values).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nansum(values, -1) / count


def pixel_accuracy(matrix: np.ndarray) -> np.ndarray | float:
    """Share of labelled pixels that are right."""
    total = matrix.sum((-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.diagonal(matrix, axis1=-2, axis2=-1).sum(-1) / total
