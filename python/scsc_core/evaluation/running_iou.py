# SPDX-License-Identifier: GPL-3.0-or-later
"""Mean IoU over the last pictures of a live link."""

from __future__ import annotations

from collections import deque

import numpy as np

from ..tasks.scores import mean_iou


class RunningIou:
    """IoU of the confusion summed over the last pictures, lost ones included and left out.

    IoU_c = TP_c / (TP_c + FP_c + FN_c) of the sum; the mean is taken over the classes that occur.
    Means of the pictures' own values would weigh a class that is rare by the pictures without it.

    Args:
        window: int >= 0, pictures that count; 0: all since the last `clear`.
    Raises:
        ValueError: window < 0.
    Source: evaluation.md section 2.
    """

    def __init__(self, window: int = 0):
        if window < 0:
            raise ValueError(f"window must be >= 0, got {window}")
        self._window = window
        self.clear()

    def clear(self) -> None:
        """Forget all pictures."""
        self._last: deque[tuple[np.ndarray, bool]] = deque()
        self._sums: dict[bool, np.ndarray | int] = {True: 0, False: 0}

    def add(self, confusion: np.ndarray, delivered: bool) -> None:
        """Count one picture by its confusion int64 [n, n]."""
        self._sums[delivered] = self._sums[delivered] + confusion
        if not self._window:
            return
        self._last.append((confusion, delivered))
        if len(self._last) > self._window:
            oldest, was_delivered = self._last.popleft()
            self._sums[was_delivered] = self._sums[was_delivered] - oldest

    def mean_iou(self) -> float:
        """Mean IoU of all pictures that count; nan without one."""
        return _mean_iou(self._sums[True] + self._sums[False])

    def delivered_mean_iou(self) -> float:
        """Mean IoU of the delivered ones among them; nan without one."""
        return _mean_iou(self._sums[True])


def _mean_iou(confusion: np.ndarray | int) -> float:
    return float(mean_iou(confusion)) if np.any(confusion) else float("nan")
