# SPDX-License-Identifier: GPL-3.0-or-later
"""The score that PPENs are chosen by, against values by hand and a made-up codec."""

import numpy as np
import pytest

from scsc_core.data import Sample
from scsc_core.training.codec_pool import Transcoded
from scsc_core.training.ppen_validation import FrameValidation, equal_rate

RATES = np.array([0.1, 0.2, 0.4])


@pytest.mark.parametrize(
    ("score", "wanted", "rate"),
    [
        ([0.5, 0.6, 0.7], 0.65, np.sqrt(0.2 * 0.4)),
        ([0.5, 0.6, 0.7], 0.3, 0.1),
        ([0.5, 0.6, 0.7], 0.9, 0.4),
        # .65 was reached with .2 already: the rate above it buys nothing
        ([0.5, 0.65, 0.6], 0.6, 0.1 * 2 ** (2 / 3)),
        ([0.5, 0.65, 0.6], 0.65, 0.2),
        ([0.5, 0.5, 0.5], 0.5, 0.1),
    ],
)
def test_equal_rate_reads_the_monotone_curve(score, wanted, rate):
    found = equal_rate(RATES, np.array(score), wanted)

    assert found == pytest.approx(rate, rel=1e-9)
    order = [2, 0, 1]
    assert equal_rate(RATES[order], np.array(score)[order], wanted) == pytest.approx(found)


class HalvingPool:
    """A codec whose files halve every 6 QP, and again where no pixel is black."""

    def transcode(self, images, qps):
        sizes = [
            int(4096 * 2 ** (-qp / 6)) // (1 + (image.min() > 0)) for image, qp in zip(images, qps)
        ]
        return [Transcoded(image, bytes(size)) for image, size in zip(images, sizes)]


class Threshold:
    """Two classes by brightness."""

    classes = ("dark", "bright")

    def segment(self, image):
        return (image[:, :, 0] > 100).astype(np.uint8)


@pytest.fixture
def validation():
    image = np.zeros((35, 32, 3), np.uint8)
    image[:16] = 200
    label = (image[:, :, 0] > 0).astype(np.uint8)
    samples = [Sample(image, label, "frame", "none")]
    return FrameValidation(samples, Threshold(), HalvingPool(), (28, 34))


def test_frames_are_cut_not_scaled(validation):
    assert validation.frames[0][0].shape == (32, 32, 3)
    bpp, iou, accuracy, psnr = validation.point(30, None)
    assert (
        bpp == 8 * 128 / 32**2
        and (iou, accuracy) == (1, 1)
        and psnr == pytest.approx(78.13, abs=0.01)
    )


def test_identity_saves_what_the_curve_says_plain_coding_wastes(validation):
    # this task needs no bits: the curve is flat, and its cheapest point is QP 50
    found = validation.scores(lambda image, qp: image)

    sizes = [int(4096 * 2 ** (-qp / 6)) for qp in (28, 34, 50)]
    gains = [np.log(sizes[2] / size) for size in sizes[:2]]
    assert found["score"] == pytest.approx(np.mean(gains))
    assert found["saving"] == pytest.approx(1 - np.exp(-np.mean(gains)))
    assert (found["bits"], found["iou_gain"], found["accuracy_gain"]) == (1, 0, 0)
    assert found["psnr_loss_db"] == 0


def test_smaller_files_at_equal_score_raise_the_score_by_their_logarithm(validation):
    identity = validation.scores(lambda image, qp: image)

    brighter = validation.scores(lambda image, qp: image + np.uint8(1))

    # sizes are whole bytes: the half of 41 is 20
    assert brighter["score"] - identity["score"] == pytest.approx(np.log(2), abs=0.05)
    assert brighter["bits"] == pytest.approx(0.5, abs=0.02)
    assert brighter["psnr_loss_db"] == pytest.approx(78.13 - 48.13, abs=0.01)
