# SPDX-License-Identifier: GPL-3.0-or-later
"""Task networks whose picture is too large for the memory: when that is, and that it is told."""

import numpy as np
import pytest
import torch

from scsc_core.nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from scsc_core.nets.espnetv2 import EspNetV2, EspNetV2Config
from scsc_core.nets.inference import Runtime
from scsc_core.tasks import segmentation
from scsc_core.tasks.espnetv2 import EspNetV2Segmenter
from scsc_core.tasks.segmentation import Segmenter

IMAGE = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)


def espnetv2(runtime):
    return EspNetV2Segmenter(EspNetV2(EspNetV2Config(0.5)), runtime=runtime)


def erf_pspnet(runtime):
    return Segmenter(ErfPspNet(ErfPspNetConfig()), runtime=runtime)


@pytest.fixture(params=[espnetv2, erf_pspnet])
def build(request):
    """Function of a runtime: a task network that sees the whole picture."""

    def seeded(runtime):
        torch.manual_seed(4)
        return request.param(runtime)

    segmentation._note_tiles.cache_clear()
    yield seeded
    segmentation._note_tiles.cache_clear()


def need(segmenter):
    told = segmenter if isinstance(segmenter, EspNetV2Segmenter) else segmenter.network
    return told.bytes_per_pixel() * IMAGE.shape[0] * IMAGE.shape[1]


def test_picture_that_fits_stays_whole_and_nothing_is_told(build, capsys):
    whole = build(Runtime(max_bytes=0))

    labels = build(Runtime(max_bytes=need(whole))).segment(IMAGE)

    assert np.array_equal(labels, whole.segment(IMAGE))
    assert capsys.readouterr().err == ""


def test_tiles_are_told_once_as_their_labels_differ(build, capsys):
    whole = build(Runtime(max_bytes=0))
    tiled = build(Runtime(max_bytes=need(whole) - 1, overlap=16))

    labels = [tiled.segment(IMAGE) for _ in range(2)]

    assert (labels[0] != whole.segment(IMAGE)).any() and np.array_equal(*labels)
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "labels of a picture too large" in told


@pytest.mark.parametrize(
    ("zoom", "megapixels"),
    [(4 / 3, 3.3), (1 / 2, 20)],
)
def test_largest_espnetv2_takes_pictures_whole_up_to(zoom, megapixels):
    segmenter = EspNetV2Segmenter(EspNetV2(EspNetV2Config(2.0)), zoom)
    side = round((megapixels * 1e6) ** 0.5)

    assert not segmenter.runtime.is_tiled(side, side, segmenter)
    assert segmenter.runtime.is_tiled(side, round(1.02 * side), segmenter)
