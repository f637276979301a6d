# SPDX-License-Identifier: GPL-3.0-or-later
"""ERFNet and ERF-PSPNet: the segmentation networks that are trained here."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .layers import NB1D, Down, Up, init_kaiming, pad_to_multiple

DECODERS = ("pspnet", "erfnet")
_BINS = (1, 2, 4, 8)
_STRIDE = 8


@dataclass(frozen=True)
class ErfPspNetConfig:
    """Shape of the network.

    Attributes:
        classes: outputs.
        decoder: "pspnet" (ERF-PSPNet) or "erfnet".
        auxiliary: a second head at 1/8 size, for training.
        dropout: factor of the encoder's dropout, 1 = the published .03 and .3.
    """

    classes: int = 7
    decoder: str = "pspnet"
    auxiliary: bool = False
    dropout: float = 1.0

    def __post_init__(self) -> None:
        if self.decoder not in DECODERS:
            raise ValueError(f"decoder must be one of {', '.join(DECODERS)}, got {self.decoder!r}")
        if not 2 <= self.classes <= 254:
            raise ValueError(f"classes must be in 2 .. 254, got {self.classes}")
        if not 0 <= self.dropout <= 3:
            raise ValueError(f"dropout must be in 0 .. 3, got {self.dropout}")


class _PyramidDecoder(nn.Module):
    """Pyramid pooling over {1, 2, 4, 8}^2 bins, concatenated, conv3x3, conv1x1, bilinear x8."""

    folds = (("conv", "bn"),)

    def __init__(self, classes: int):
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(128, 32, 1, bias=False) for _ in _BINS)
        # the released momentum .95 is a decay; torch's momentum is 1 - decay
        self.branch_bn = nn.ModuleList(nn.BatchNorm2d(32, momentum=0.05) for _ in _BINS)
        self.conv = nn.Conv2d(256, 256, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(256)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Conv2d(256, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size = x.shape[-2:]
        parts = [x]
        for bins, conv, bn in zip(_BINS, self.branches, self.branch_bn, strict=True):
            pooled = F.relu(bn(conv(F.adaptive_avg_pool2d(x, bins))))
            parts.append(F.interpolate(pooled, size, mode="bilinear", align_corners=False))
        y = self.dropout(F.relu(self.bn(self.conv(torch.cat(parts, 1)))))
        y = self.head(y)
        return F.interpolate(y, scale_factor=_STRIDE, mode="bilinear", align_corners=False)


class _ErfDecoder(nn.Sequential):
    def __init__(self, classes: int):
        super().__init__(
            Up(128, 64),
            NB1D(64, 0, 1),
            NB1D(64, 0, 1),
            Up(64, 16),
            NB1D(16, 0, 1),
            NB1D(16, 0, 1),
            nn.ConvTranspose2d(16, classes, 2, stride=2),
        )


class ErfPspNet(nn.Module):
    """Segmentation logits of pictures.

    Encoder: Down 3-16-64, 5 NB1D(64), Down 64-128, 2 x [NB1D(128) with dilation 2, 4, 8, 16].

    Source: networks.md section 3; Romera et al. 2018, Yang et al. 2018.
    """

    def __init__(self, config: ErfPspNetConfig):
        super().__init__()
        self.config = config
        small, large = 0.03 * config.dropout, 0.3 * config.dropout
        layers = [Down(3, 16), Down(16, 64)]
        layers += [NB1D(64, small, 1) for _ in range(5)]
        layers += [Down(64, 128)]
        layers += [NB1D(128, min(large, 0.9), d) for _ in range(2) for d in (2, 4, 8, 16)]
        self.encoder = nn.Sequential(*layers)
        pyramid = config.decoder == "pspnet"
        self.decoder = (_PyramidDecoder if pyramid else _ErfDecoder)(config.classes)
        self.auxiliary = nn.Conv2d(128, config.classes, 1) if config.auxiliary else None
        init_kaiming(self)

    def bytes_per_pixel(self, tiled: bool = False) -> int:
        """Memory of the feature maps that live at a time, per pixel; the same in tiles."""
        return max(72, 5 * self.config.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [B, classes, H, W] of pictures float [B, 3, H, W] in [0, 1], any H and W."""
        return self._crop(self.decoder(self.features(x)), x)

    def with_auxiliary(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits at full size and at 1/8 size of the padded picture, for training."""
        if self.auxiliary is None:
            raise ValueError("auxiliary must be true in the configuration for two outputs")
        features = self.features(x)
        return self._crop(self.decoder(features), x), self.auxiliary(features)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Encoder output [B, 128, H / 8, W / 8], sides rounded up."""
        return self.encoder(pad_to_multiple(x, _STRIDE))

    @staticmethod
    def _crop(logits, x):
        return logits[..., : x.shape[-2], : x.shape[-1]]
