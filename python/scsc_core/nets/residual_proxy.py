# SPDX-License-Identifier: GPL-3.0-or-later
"""Codec proxy that learns only what the DCT proxy leaves: a small correction of picture and rate."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .dct_proxy import DctProxy
from .inference import load_weights
from .layers import FiLM, init_kaiming, pad_to_multiple
from .proxy_output import ProxyOutput
from .rate_model import RateLine

WIDTH = 32
BLOCKS = 3
_STRIDE = 16  # of the transform: no block of it may see the padding
_PICTURE = 12  # three colours, 2 x 2 pixels


class Block(nn.Module):
    """x + conv3(ReLU(FiLM(conv3(x))))."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.film = FiLM(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return x + self.second(F.relu(self.film(self.first(x), condition)))


class ResidualProxy(nn.Module):
    """Differentiable stand-in for the codec: `DctProxy` and a correction of it.

    d, r = picture and bits per pixel of DctProxy(x, Q);
    (e, g) = f(d, x, Q) at half the size, e 2 x 2 pixels each, g one value;
    picture = d + e, bpp = `RateLine` of r exp(mean g).

    f: conv3 24->32, FiLM, ReLU, three blocks, conv3 32->13 that starts at zero, so that an
    untrained one is the DCT proxy. The condition is Q alone: what the codec gives does not depend
    on the link. 87,117 parameters.

    Source: ours. `proxy.Proxy`, the paper's kind, must learn the picture through a bottleneck.
    """

    def __init__(self):
        super().__init__()
        self.dct = DctProxy()
        self.condition = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 64))
        self.first = nn.Conv2d(2 * _PICTURE, WIDTH, 3, padding=1)
        self.film = FiLM(WIDTH)
        self.blocks = nn.ModuleList(Block(WIDTH) for _ in range(BLOCKS))
        self.last = nn.Conv2d(WIDTH, _PICTURE + 1, 3, padding=1)
        self.line = RateLine()
        init_kaiming(self)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], config: dict) -> ResidualProxy:
        """Frozen proxy in evaluation mode with these weights (for `zoo.load`).

        Raises:
            WeightsError: names or shapes of the weights differ, or they are not finite.
        """
        return load_weights(cls(), tensors).eval().requires_grad_(False)

    def forward(self, x: torch.Tensor, q: torch.Tensor, link=None) -> ProxyOutput:
        """Estimate of the decoded picture and its rate.

        Args:
            x: float [B,3,H,W] in [0,1], any H, W (padded to multiples of 16 by replication).
            q: float [B], slice QP.
            link: not used.
        """
        image, rate = self.estimate(x, q)
        return ProxyOutput(image, self.line(rate, q))

    def estimate(
        self, x: torch.Tensor, q: torch.Tensor, link=None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(picture [B,3,H,W], bits per pixel [B] before the fitted line)."""
        height, width = x.shape[-2:]
        padded = pad_to_multiple(x, _STRIDE)
        image, bpp = self.dct(padded, q)
        condition = self.condition((q.to(padded)[:, None] - 37.5) / 9.5)
        both = torch.cat([image, padded], 1) - 0.5
        seen = F.pixel_unshuffle(both, 2)
        features = F.relu(self.film(self.first(seen), condition))
        for block in self.blocks:
            features = block(features, condition)
        correction = self.last(features).float()
        image = image + F.pixel_shuffle(correction[:, :_PICTURE], 2)
        rate = bpp * torch.exp(correction[:, _PICTURE:].mean((1, 2, 3)))
        return image[..., :height, :width], rate
