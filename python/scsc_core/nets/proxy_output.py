# SPDX-License-Identifier: GPL-3.0-or-later
"""What every codec proxy returns."""

from __future__ import annotations

from typing import NamedTuple

import torch


class ProxyOutput(NamedTuple):
    """Differentiable stand-in for one encode and decode.

    Attributes:
        image: float [B,3,H,W], estimate of the decoded picture, nominally in [0,1].
        bpp: float [B], estimate of bits per pixel.
    """

    image: torch.Tensor
    bpp: torch.Tensor
