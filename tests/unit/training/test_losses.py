# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses on fixed tensors against values by hand."""

import math

import pytest
import torch

from scsc_core.tasks.segmentation import segmentation_loss, soft_jaccard

# four pixels of two classes: p = (1/4, 3/4) everywhere, the last label ignored
LOGITS = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1).expand(1, 2, 1, 4)
LABELS = torch.tensor([[[0, 0, 1, 255]]])
CE = -(2 * math.log(0.25) + math.log(0.75)) / 3
# class 0: .5 / (.75 + 2 - .5), class 1: .75 / (2.25 + 1 - .75)
JACCARD = (0.5 / 2.25 + 0.75 / 2.5) / 2


def test_cross_entropy_and_soft_jaccard():
    assert CE == pytest.approx(1.0200902649, abs=1e-9)

    assert segmentation_loss(LOGITS, LABELS, jaccard=0).item() == pytest.approx(CE, abs=1e-6)
    assert soft_jaccard(LOGITS.softmax(1), LABELS).item() == pytest.approx(JACCARD, abs=1e-6)
    whole = segmentation_loss(LOGITS, LABELS).item()
    assert whole == pytest.approx(CE + 1 - JACCARD, abs=1e-6)


def test_class_weights_weigh_the_cross_entropy_alone():
    weights = torch.tensor([1.0, 3.0])

    found = segmentation_loss(LOGITS, LABELS, weights, jaccard=0.5).item()

    expected = -(2 * math.log(0.25) + 3 * math.log(0.75)) / 5
    assert found == pytest.approx(expected + 0.5 * (1 - JACCARD), abs=1e-6)


def test_class_that_is_absent_does_not_count():
    logits = torch.cat([LOGITS, torch.full((1, 1, 1, 4), -100.0)], 1)

    assert soft_jaccard(logits.softmax(1), LABELS).item() == pytest.approx(JACCARD, abs=1e-6)


def test_ignored_pixels_give_no_gradient():
    logits = LOGITS.clone().requires_grad_(True)

    segmentation_loss(logits, LABELS).backward()

    assert logits.grad[..., 3].abs().sum() == 0 and logits.grad[..., :3].abs().min() > 0


def test_picture_without_labels_costs_nothing():
    logits = LOGITS.clone().requires_grad_(True)

    loss = segmentation_loss(logits, torch.full_like(LABELS, 255))
    loss.backward()

    assert loss.item() == 0 and logits.grad.abs().sum() == 0
