# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest

from scsc_core.evaluation.running_iou import RunningIou

RIGHT = np.array([[8, 0], [0, 2]])
WRONG = np.array([[0, 8], [2, 0]])


def test_iou_is_of_the_summed_confusion():
    scores = RunningIou()

    scores.add(RIGHT, True)
    scores.add(np.array([[10, 0], [0, 0]]), True)  # without the rare class: no say about it
    scores.add(np.array([[7, 1], [2, 0]]), True)

    assert scores.mean_iou() == pytest.approx((25 / 28 + 2 / 5) / 2)


def test_lost_pictures_count_in_one_of_the_two_means():
    scores = RunningIou()

    scores.add(RIGHT, True)
    scores.add(WRONG, False)

    assert scores.delivered_mean_iou() == 1.0
    # sum [[8, 8], [2, 2]]: 8 of 18 and 2 of 12
    assert scores.mean_iou() == pytest.approx((8 / 18 + 2 / 12) / 2)


def test_window_forgets_the_oldest():
    scores = RunningIou(window=2)

    for confusion, delivered in ((WRONG, False), (RIGHT, True), (RIGHT, True)):
        scores.add(confusion, delivered)

    assert scores.mean_iou() == scores.delivered_mean_iou() == 1.0


def test_nothing_counted_is_nan():
    scores = RunningIou()
    scores.add(RIGHT, True)

    scores.clear()

    assert math.isnan(scores.mean_iou()) and math.isnan(scores.delivered_mean_iou())


def test_negative_window_is_named():
    with pytest.raises(ValueError, match="window must be >= 0, got -1"):
        RunningIou(-1)
