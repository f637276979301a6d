# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation by published ESPNetv2 weights: the task network that nothing here was trained on."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from .. import data, zoo
from ..nets.espnetv2 import STRIDE, EspNetV2, EspNetV2Config
from ..nets.inference import Runtime, load_weights
from .segmentation import Segmenter

FILE = "espnetv2_s_{scale}_city_1024x512.pth"
# 19 Cityscapes classes: road sidewalk building wall fence pole light sign vegetation terrain sky
# person rider car truck bus train motorcycle bicycle; the network's twentieth is background
TO_SEVEN = (0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 6, 6, 6, 6, 6, 6)
# frames of 480 x 360 are shown to the network as 640 x 480
ZOOM = 4 / 3


class EspNetV2Segmenter(Segmenter):
    """Label maps of 7 categories by a frozen ESPNetv2 of 19 Cityscapes classes.

    Pictures are resized by `zoom` (bicubic, sides rounded to multiples of 32), the scores back to
    the picture's size (bilinear). Outputs of the background are left out.

    Args:
        network: an `EspNetV2` with at least 19 outputs in the order of Cityscapes.
        zoom: float > 0, size inside the network over size of the picture: 4/3 suits CamVid's
            480 x 360, 1/2 the 2048 x 1024 of Cityscapes.
        runtime: where and how it runs.
    Raises:
        ValueError: too few outputs or zoom <= 0.
    Note:
        `segment` takes the best of 19 classes and then its category. The largest score of
        `logits` may be another category: several weak classes together against one strong class.
    Source: networks.md section 11.1.
    """

    def __init__(self, network: EspNetV2, zoom: float = ZOOM, runtime: Runtime | None = None):
        if network.config.classes < len(TO_SEVEN):
            raise ValueError(f"network must have >= 19 outputs, got {network.config.classes}")
        if not zoom > 0:
            raise ValueError(f"zoom must be > 0, got {zoom}")
        super().__init__(network, runtime=runtime)
        self.zoom = zoom
        self._categories = torch.tensor(TO_SEVEN, device=self.runtime.device)

    @classmethod
    def load(
        cls,
        scale: float = 2.0,
        root: str | Path | None = None,
        zoom: float = ZOOM,
        runtime: Runtime | None = None,
    ) -> EspNetV2Segmenter:
        """With the published weights, trained on Cityscapes (non-commercial research).

        Args:
            scale: width of the encoder: 0.5, 1.0, 1.5 or 2.0.
            root: folder that holds weights/espnetv2_s_<scale>_city_1024x512.pth; None means
                `data.root()`.
            zoom, runtime: see the class.
        Raises:
            ValueError: no such scale.
            ModelError: no such file, or its content is not the published one.
        """
        network = EspNetV2(EspNetV2Config(scale))
        root = data.root() if root is None else root
        if root is None:
            raise zoo.ModelError("ESPNetv2 needs the folder of its weights: set SCSC_DATA")
        tensors = zoo.import_pth(Path(root) / "weights" / FILE.format(scale=float(scale)))
        counters = "num_batches_tracked"  # of BatchNorm's training, not weights
        tensors = {n: t for n, t in tensors.items() if not n.endswith(counters)}
        return cls(load_weights(network, tensors), zoom, runtime)

    def move(self, device: torch.device | str) -> None:
        """Run on this device from now on."""
        super().move(device)
        self._categories = self._categories.to(device)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities [B, 7, H, W], logsumexp over the classes of each category.

        Args:
            x: float [B, 3, H, W] in [0, 1]; differentiable in x.
        """
        scores = F.log_softmax(self._class_logits(x).float(), 1)
        members = [self._categories == n for n in range(len(self.classes))]
        return torch.stack([scores[:, m].logsumexp(1) for m in members], 1)

    def segment(self, image: np.ndarray) -> np.ndarray:
        """Label map uint8 [H, W] of a picture uint8 [H, W, 3]."""

        def categories(x: torch.Tensor) -> torch.Tensor:
            return self._categories[self._class_logits(x).argmax(1)]

        return self._labels(categories, image, self)

    def bytes_per_pixel(self, tiled: bool = False) -> int:
        """Memory of `segment` at a time, per pixel of the picture; the same in tiles.

        Inside, zoom^2 pixels of float32 and the network's maps; at the end the network's scores,
        and at the size of the picture 19 scores and the best class.
        """
        inside = self.network.bytes_per_pixel(tiled) + 12
        scores = 4 * self.network.config.classes + 12
        return math.ceil(max(self.zoom**2 * inside, self.zoom**2 * scores + 4 * len(TO_SEVEN) + 8))

    def _class_logits(self, x: torch.Tensor) -> torch.Tensor:
        size = tuple(x.shape[-2:])
        inside = [max(1, round(side * self.zoom / STRIDE)) * STRIDE for side in size]
        # antialias: the cubic kernel of image libraries, and no aliasing where zoom < 1
        x = F.interpolate(x, inside, mode="bicubic", antialias=True)
        out = self.network(x)[:, : len(TO_SEVEN)]
        return F.interpolate(out, size, mode="bilinear", align_corners=False)
