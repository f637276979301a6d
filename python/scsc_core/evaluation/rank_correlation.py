# SPDX-License-Identifier: GPL-3.0-or-later
"""Spearman's rank correlation."""

from __future__ import annotations

import numpy as np


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks 0 .. n - 1 of values [n], equal values share the mean of theirs."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    return (ends - (sizes + 1) / 2)[group]


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation of the ranks of a, b [n]; nan where either is constant or n < 2."""
    first, second = ranks(np.asarray(a)), ranks(np.asarray(b))
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread > 0 else float("nan")
