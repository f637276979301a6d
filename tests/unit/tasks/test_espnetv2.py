# SPDX-License-Identifier: GPL-3.0-or-later
"""ESPNetv2 as a task network: categories, sizes, gradients, figures on CamVid frames."""

import numpy as np
import pytest
import torch

from scsc_core import data, zoo
from scsc_core.nets.espnetv2 import EspNetV2, EspNetV2Config
from scsc_core.tasks.espnetv2 import TO_SEVEN, EspNetV2Segmenter
from scsc_core.tasks.segmentation import CLASSES7, Segmenter, confusion, mean_iou, pixel_accuracy

CITYSCAPES = {
    "flat": "road sidewalk",
    "construction": "building wall fence",
    "object": "pole light sign",
    "nature": "vegetation terrain",
    "sky": "sky",
    "person": "person rider",
    "vehicle": "car truck bus train motorcycle bicycle",
}
# log-probabilities of `picture()` in the order of CLASSES7 at row 30, column 20, scale 0.5
PINNED = [-1.6506, -3.0920, -3.9887, -0.6432, -10.5322, -4.5886, -1.5687]


@pytest.fixture(scope="module")
def segmenter():
    torch.manual_seed(0)
    return EspNetV2Segmenter(EspNetV2(EspNetV2Config(0.5)))


@pytest.fixture
def weights(research_data, tmp_path, monkeypatch):
    """Root of the research data where it has the published weights."""
    if not (research_data / "weights" / "espnetv2_s_0.5_city_1024x512.pth").is_file():
        pytest.skip(f"no published weights in {research_data / 'weights'}")
    monkeypatch.setenv("SCSC_CACHE", str(tmp_path))
    return research_data


def picture(height=72, width=96):
    """Seeded picture uint8 [H, W, 3]: bright above, dark below, with noise."""
    y = np.linspace(1, 0, height)[:, None, None]
    noise = np.random.default_rng(3).uniform(-20, 20, (height, width, 3))
    return np.clip(np.rint(30 + 190 * y**2 + noise), 0, 255).astype(np.uint8)


def as_tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def test_nineteen_classes_become_seven_categories():
    expected = [
        CLASSES7.index(category) for category, names in CITYSCAPES.items() for _ in names.split()
    ]

    assert tuple(expected) == TO_SEVEN


def test_it_is_a_frozen_segmenter(segmenter):
    assert isinstance(segmenter, Segmenter) and segmenter.classes == CLASSES7
    assert not segmenter.network.training
    assert not any(p.requires_grad for p in segmenter.network.parameters())


@pytest.mark.parametrize("size", [(360, 480), (17, 33), (1, 1)])
def test_labels_have_the_size_of_the_picture(segmenter, size):
    labels = segmenter.segment(picture(*size))

    assert labels.shape == size and labels.dtype == np.uint8 and labels.max() < 7


def test_frame_of_camvid_is_shown_as_640_by_480(segmenter):
    seen = []
    hook = segmenter.network.register_forward_pre_hook(lambda m, x: seen.append(x[0].shape))
    segmenter.segment(picture(360, 480))
    hook.remove()

    assert seen == [(1, 3, 480, 640)]


def test_scores_are_log_probabilities_of_the_member_classes(segmenter):
    x = as_tensor(picture())

    with torch.no_grad():
        scores = segmenter.logits(x)
        shares = segmenter._class_logits(x).softmax(1)

    torch.testing.assert_close(scores.exp().sum(1), torch.ones(1, 72, 96))
    torch.testing.assert_close(scores[:, 5].exp(), shares[:, 11] + shares[:, 12])


def test_segment_takes_the_best_class_not_the_best_sum(segmenter, monkeypatch):
    strong, weak = 10, (13, 14, 15)  # sky against three vehicles that together have more
    classes = torch.full((1, 19, 4, 4), -20.0)
    classes[:, strong] = 1.0
    classes[:, weak] = 0.5
    monkeypatch.setattr(segmenter, "_class_logits", lambda x: classes)

    assert (segmenter.segment(picture(4, 4)) == CLASSES7.index("sky")).all()
    assert (segmenter.logits(None).argmax(1) == CLASSES7.index("vehicle")).all()


def test_loss_gives_the_picture_a_gradient_and_the_network_none(segmenter):
    x = as_tensor(picture(32, 48)).requires_grad_()
    labels = torch.randint(0, 7, (1, 32, 48), generator=torch.Generator().manual_seed(0))
    labels[:, :4] = data.IGNORE

    segmenter.loss(segmenter.logits(x), labels).backward()

    assert torch.isfinite(x.grad).all() and (x.grad != 0).float().mean() > 0.99
    assert all(p.grad is None for p in segmenter.network.parameters())


def test_published_weights_give_the_pinned_scores(weights):
    segmenter = EspNetV2Segmenter.load(0.5, weights)

    with torch.no_grad():
        scores = segmenter.logits(as_tensor(picture()))[0, :, 30, 20]

    # 60 layers in float32: other kernels sum in another order
    np.testing.assert_allclose(scores.numpy(), PINNED, atol=2e-3)


def test_published_weights_segment_frames_of_camvid(weights):
    segmenter = EspNetV2Segmenter.load(0.5, weights)
    frames = data.open("camvid", weights / "camvid", "test")
    total = np.zeros((7, 7), np.int64)

    for index in range(0, len(frames), 25):
        frame = frames[index]
        total += confusion(frame.label, segmenter.segment(frame.image), 7)

    # all 147 test frames give .536 and .803; six of them scatter by some hundredths
    assert mean_iou(total) > 0.47 and pixel_accuracy(total) > 0.75


def test_bad_arguments_are_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="network must have >= 19 outputs, got 7"):
        EspNetV2Segmenter(EspNetV2(EspNetV2Config(0.5, 7)))
    with pytest.raises(ValueError, match="zoom must be > 0, got 0"):
        EspNetV2Segmenter(EspNetV2(EspNetV2Config(0.5)), 0)
    with pytest.raises(ValueError, match="scale must be one of 0.5, .* got 3"):
        EspNetV2Segmenter.load(3)
    with pytest.raises(zoo.ModelError, match="espnetv2_s_1.0_city_1024x512.pth cannot be read"):
        EspNetV2Segmenter.load(1, tmp_path)
    monkeypatch.setattr(data, "root", lambda: None)
    with pytest.raises(zoo.ModelError, match="set SCSC_DATA"):
        EspNetV2Segmenter.load()
