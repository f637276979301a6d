# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation at the receiver: a frozen network from a picture to a label map."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional as F

from ..data.sample import IGNORE
from ..nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from ..nets.inference import Runtime, load_weights
from .categories import CLASSES7, IGNORE_COLOUR, PALETTE7, colours, overlay
from .scores import confusion, iou, mean_iou, pixel_accuracy

__all__ = [
    "CLASSES7",
    "IGNORE",
    "IGNORE_COLOUR",
    "PALETTE7",
    "Segmenter",
    "colours",
    "confusion",
    "iou",
    "mean_iou",
    "overlay",
    "pixel_accuracy",
    "segmentation_loss",
    "soft_jaccard",
]


class Segmenter:
    """Label maps of pictures by a frozen network.

    Args:
        network: module with logits [B, n, H, W] of pictures [B, 3, H, W] in [0, 1].
        classes: names of the n classes.
        runtime: where and how it runs.
    Attributes:
        network; classes; differentiable: gradients reach the picture.
    """

    differentiable = True

    def __init__(
        self,
        network: torch.nn.Module,
        classes: tuple[str, ...] = CLASSES7,
        runtime: Runtime | None = None,
    ):
        self.classes = tuple(classes)
        self.runtime = runtime or Runtime()
        self.network = self.runtime.prepare(network)

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], config: dict) -> Segmenter:
        """The network of an index entry; see `zoo.load`."""
        known = {field.name for field in fields(ErfPspNetConfig)}
        names = tuple(config.get("class_names", CLASSES7))
        network = ErfPspNet(ErfPspNetConfig(**{k: v for k, v in config.items() if k in known}))
        load_weights(network, tensors)
        return cls(network, names)

    def move(self, device: torch.device | str) -> None:
        """Run on this device from now on."""
        self.runtime = replace(self.runtime, device=str(device))
        self.network.to(device)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [B, n, H, W] of float pictures [B, 3, H, W] in [0, 1]; differentiable in x."""
        return self.network(x)

    def segment(self, image: np.ndarray) -> np.ndarray:
        """Label map uint8 [H, W] of a picture uint8 [H, W, 3]."""

        return self._labels(lambda x: self.logits(x).argmax(1), image, self.network)

    def _labels(
        self, function: Callable[[torch.Tensor], torch.Tensor], image: np.ndarray, network: object
    ) -> np.ndarray:
        """What `Runtime.run` gives as uint8, with a note where it gives it from tiles."""
        if self.runtime.is_tiled(*image.shape[:2], network):
            _note_tiles()
        labels = self.runtime.run(lambda x, *_strips: function(x), image, network)
        return labels.astype(np.uint8)

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """`segmentation_loss` without class weights."""
        return segmentation_loss(logits, labels)


@lru_cache(maxsize=1)
def _note_tiles() -> None:
    """Say once that labels are not those that the whole picture would have."""
    print(
        "note: labels of a picture too large for the task network in one piece come from tiles, "
        "each seen alone",
        file=sys.stderr,
    )


def segmentation_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor | None = None,
    jaccard: float = 1.0,
) -> torch.Tensor:
    """L_seg = CE(logits, y) + jaccard (1 - J), J the soft Jaccard index.

    Args:
        logits: [B, n, H, W].
        labels: int64 [B, H, W], `IGNORE` is masked; where nothing else is left, the loss is 0.
        weights: [n] of the cross-entropy, or None.
        jaccard: factor of the second term; 0 leaves it out.
    Source: training.md section 3. Note: the paper writes 1 - IoU of hard predictions, which has
        no gradient.
    """
    logits = logits.float()
    if (labels == IGNORE).all():
        return logits.sum() * 0
    loss = F.cross_entropy(logits, labels, weights, ignore_index=IGNORE)
    if jaccard:
        loss = loss + jaccard * (1 - soft_jaccard(logits.softmax(1), labels))
    return loss


def soft_jaccard(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean over the classes present of sum(p y) / sum(p + y - p y); ignored pixels are masked."""
    n = probabilities.shape[1]
    known = (labels != IGNORE)[:, None]
    y = F.one_hot(labels.masked_fill(labels == IGNORE, 0), n).movedim(-1, 1) * known
    p = probabilities * known
    both = (p * y).sum((0, 2, 3))
    either = p.sum((0, 2, 3)) + y.sum((0, 2, 3)) - both
    present = y.sum((0, 2, 3)) > 0
    if not present.any():
        return probabilities.sum() * 0 + 1
    return (both[present] / either[present]).mean()
