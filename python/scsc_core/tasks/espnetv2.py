# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation by published ESPNetv2 weights: the task network that nothing here was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from .. import data, zoo
from ..data import IGNORE
from ..nets.espnetv2 import STRIDE, EspNetV2, EspNetV2Config

FILE = "espnetv2_s_{scale}_city_1024x512.pth"
# 19 Cityscapes classes: road sidewalk building wall fence pole light sign vegetation terrain sky
# person rider car truck bus train motorcycle bicycle; the network's twentieth is background
TO_SEVEN = (0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 6, 6, 6, 6, 6, 6)
# frames of 480 x 360 are shown to the network as 640 x 480
ZOOM = 4 / 3


class EspNetV2Segmenter:
    """Frozen ESPNetv2 with the interface of `tasks.segmentation.Segmenter`, 7 categories.

    Pictures are resized by `zoom` (bicubic, sides rounded to multiples of 32), the logits back to
    the picture's size (bilinear). Outputs of the background are left out.

    Args:
        network: an `EspNetV2` with at least 19 outputs in the order of Cityscapes.
        zoom: float > 0, size inside the network over size of the picture; 4/3 suits CamVid's
            480 x 360, 1/2 the 2048 x 1024 of Cityscapes.
    Raises:
        ValueError: too few outputs or zoom <= 0.
    Note:
        `segment` takes the best of 19 classes and then its category. The largest of the seven
        scores of `logits` may differ: several weak classes of one category can outweigh one
        strong class.
    Source: networks.md section 11.1.
    """

    classes = 7

    def __init__(self, network: EspNetV2, zoom: float = ZOOM):
        if network.config.classes < len(TO_SEVEN):
            raise ValueError(f"network must have >= 19 outputs, got {network.config.classes}")
        if not zoom > 0:
            raise ValueError(f"zoom must be > 0, got {zoom}")
        self.network = network.eval().requires_grad_(False)
        self.zoom = zoom

    @classmethod
    def load(
        cls, scale: float = 2.0, root: str | Path | None = None, zoom: float = ZOOM
    ) -> EspNetV2Segmenter:
        """With the published weights, trained on Cityscapes (non-commercial research).

        Args:
            scale: width of the encoder: 0.5, 1.0, 1.5 or 2.0.
            root: folder that holds weights/espnetv2_s_<scale>_city_1024x512.pth; None means
                `data.root()`.
            zoom: see the class.
        Raises:
            ValueError: no such scale.
            ModelError: no such file, or its content is not the published one.
        """
        network = EspNetV2(EspNetV2Config(scale))
        root = data.root() if root is None else root
        if root is None:
            raise zoo.ModelError("ESPNetv2 needs the folder of its weights: set SCSC_DATA")
        path = Path(root) / "weights" / FILE.format(scale=float(scale))
        tensors = zoo.import_pth(path)
        network.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
        return cls(network, zoom)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities of the categories, logsumexp over the classes of each.

        Args:
            x: float [B, 3, H, W] in [0, 1]; gradients flow to it.
        Returns:
            [B, 7, H, W].
        """
        scores = F.log_softmax(self._class_logits(x), 1)
        members = [[c for c, k in enumerate(TO_SEVEN) if k == n] for n in range(self.classes)]
        return torch.stack([scores[:, m].logsumexp(1) for m in members], 1)

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy over the labelled pixels; labels integer [B, H, W], 255 = ignore."""
        return F.nll_loss(logits, labels.long(), ignore_index=IGNORE)

    @torch.no_grad()
    def segment(self, image: np.ndarray) -> np.ndarray:
        """Categories uint8 [H, W] of a picture uint8 [H, W, 3]."""
        x = torch.from_numpy(np.array(image)).to(self.network.mean.device)
        x = x.permute(2, 0, 1)[None].float() / 255
        classes = self._class_logits(x)[0].argmax(0).cpu().numpy()
        return np.array(TO_SEVEN, np.uint8)[classes]

    def _class_logits(self, x: torch.Tensor) -> torch.Tensor:
        size = tuple(x.shape[-2:])
        inside = [max(1, round(side * self.zoom / STRIDE)) * STRIDE for side in size]
        # antialias: the cubic kernel of image libraries, and no aliasing where zoom < 1
        x = F.interpolate(x, inside, mode="bicubic", antialias=True)
        out = self.network(x)[:, : len(TO_SEVEN)]
        return F.interpolate(out, size, mode="bilinear", align_corners=False)
