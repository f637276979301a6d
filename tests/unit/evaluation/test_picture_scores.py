# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of received pictures: what they are judged by, and that a repeated one is scored once."""

import math

import numpy as np
import pytest

from scsc_core.data import IGNORE
from scsc_core.evaluation.picture_scores import (
    CLEAN_PREDICTION,
    GROUND_TRUTH,
    PictureScorer,
    task_score,
)
from scsc_core.tasks.categories import CLASSES7


class BrightnessSegmenter:
    """Class 0 for dark pixels, class 4 for bright ones; counts its calls."""

    def __init__(self):
        self.calls = 0

    def segment(self, image):
        self.calls += 1
        return np.where(image.mean(-1) < 128, 0, 4).astype(np.uint8)


@pytest.fixture
def picture():
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, 32:] = 255
    return image


def test_truth_is_the_judge_where_it_is_given(picture):
    truth = np.zeros(picture.shape[:2], np.uint8)

    scorer = PictureScorer(picture, BrightnessSegmenter(), truth)

    assert scorer.judge == GROUND_TRUTH
    assert task_score(scorer.clean.confusion).pixel_accuracy == 0.5


def test_clean_prediction_is_the_judge_without_truth(picture):
    scorer = PictureScorer(picture, BrightnessSegmenter())

    inverted = task_score(scorer.score(255 - picture).confusion)
    assert scorer.judge == CLEAN_PREDICTION
    assert task_score(scorer.clean.confusion).miou == 1
    assert inverted.miou == inverted.pixel_accuracy == 0


def test_score_has_fidelity_and_prediction(picture):
    scorer = PictureScorer(picture, BrightnessSegmenter())

    score = scorer.score(np.full_like(picture, 255))

    assert score.psnr_db == pytest.approx(10 * math.log10(2))
    assert (score.labels == 4).all()


def test_picture_that_comes_again_is_not_segmented_again(picture):
    segmenter = BrightnessSegmenter()
    scorer = PictureScorer(picture, segmenter)
    before = segmenter.calls

    scores = [scorer.score((255 - picture).copy()) for _ in range(5)]

    assert segmenter.calls == before + 1
    assert all(score is scores[0] for score in scores)


def test_ignored_pixels_do_not_count(picture):
    truth = np.full(picture.shape[:2], IGNORE, np.uint8)
    truth[:, :8] = 0

    scorer = PictureScorer(picture, BrightnessSegmenter(), truth)

    assert scorer.clean.confusion.sum() == 8 * 48
    assert task_score(scorer.clean.confusion).pixel_accuracy == 1


def test_task_score_of_a_sum_is_over_all_pixels():
    perfect, wrong = np.zeros((2, 7, 7), np.int64)
    perfect[0, 0] = perfect[4, 4] = 30
    wrong[0, 4] = 40

    score = task_score(perfect + wrong)

    assert score.pixel_accuracy == 0.6
    assert score.iou[CLASSES7[0]] == pytest.approx(30 / 70)
    assert score.iou[CLASSES7[1]] is None
    assert score.miou == pytest.approx(30 / 70)


def test_truth_of_another_size_is_refused(picture):
    with pytest.raises(ValueError, match="truth must be 64x48 like the picture, got 48x64"):
        PictureScorer(picture, BrightnessSegmenter(), np.zeros((64, 48), np.uint8))
