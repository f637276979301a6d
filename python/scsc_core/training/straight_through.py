# SPDX-License-Identifier: GPL-3.0-or-later
"""The codec's value with the proxy's gradient: Algorithm 2 through a codec without derivative."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ..nets.proxy_output import ProxyOutput


class CodedBatch(NamedTuple):
    """Decoded pictures and rates that carry the proxy's gradient.

    Attributes:
        image: float [B,3,H,W], values of the codec's pictures.
        bpp: float [B], values of the codec's rates, bits per pixel.
    """

    image: torch.Tensor
    bpp: torch.Tensor


def straight_through(value: torch.Tensor, proxy: torch.Tensor) -> torch.Tensor:
    """proxy + (value - proxy).detach(): numbers of `value`, gradient of `proxy`.

    Args:
        value: float tensor without gradient, what the real chain gave.
        proxy: float tensor of the same shape, its differentiable estimate.
    Raises:
        ValueError: the shapes differ (broadcasting would hide a mixed-up batch).
    """
    if value.shape != proxy.shape:
        raise ValueError(
            f"value must have the proxy's shape {tuple(proxy.shape)}, got {tuple(value.shape)}"
        )
    return proxy + (value - proxy).detach()


def coded_batch(image: torch.Tensor, bpp: torch.Tensor, proxy: ProxyOutput) -> CodedBatch:
    """Both lines of the corrected Algorithm 2 at once.

    x_hat_st = x_hat_a + (x_hat - x_hat_a).detach(), bpp_st = bpp_p + (bpp - bpp_p).detach()

    Args:
        image: float [B,3,H,W] in [0,1], the codec's decoded pictures.
        bpp: float [B], the codec's bits per pixel.
        proxy: what the proxy made of the same input.
    Source: networks.md section 5; training.md section 4, line 5.
    """
    return CodedBatch(straight_through(image, proxy.image), straight_through(bpp, proxy.bpp))
