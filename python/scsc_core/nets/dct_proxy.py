# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter-free proxies of the codec: block transform with a soft dead zone, and identity."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from .proxy_output import ProxyOutput

LUMA_BLOCK, CHROMA_BLOCK = 16, 8
# Elasticity d log(bits of BPG) / d log(sum of log2(1 + |c| / step)) when a picture is smoothed or
# sharpened, at these QPs (networks.md section 5).
KNOTS_QP = (28.0, 31.0, 34.0, 37.0, 41.0, 44.0, 47.0)
ELASTICITY = (1.06, 1.05, 1.03, 0.98, 0.82, 0.64, 0.46)
# Mean of log bpp - e_Q log r: 24 Kodak and 24 CamVid training crops 256 x 256, BPG preset medium.
LOG_SCALE = (0.524, 0.481, 0.383, 0.235, -0.230, -0.829, -1.552)
DEAD_ZONE, LEAK = 0.6, 0.1
# ITU-R BT.601, full range: rows Y, Cb, Cr over R, G, B.
_YCBCR = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)


def dct_matrix(size: int) -> torch.Tensor:
    """Orthonormal DCT-II, float32 [size, size]: row k is the k-th cosine."""
    k = torch.arange(size, dtype=torch.float64)
    matrix = torch.cos(math.pi / size * k[:, None] * (k + 0.5)) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def block_dct(plane: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """DCT of every block of [B,C,H,W] as [B,C,H/n,n,W/n,n]: (block row, frequency) per axis."""
    n = len(matrix)
    blocks = plane.unflatten(3, (-1, n)) @ matrix.T
    blocks = blocks.flatten(3).unflatten(2, (-1, n))
    return (matrix @ blocks).unflatten(4, (-1, n))


def inverse_block_dct(coefficients: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """The plane [B,C,H,W] whose `block_dct` these coefficients are."""
    rows = matrix.T @ coefficients.flatten(4)
    return (rows.flatten(2, 3).unflatten(3, (-1, len(matrix))) @ matrix).flatten(3)


def dc_differences(coefficients: torch.Tensor) -> torch.Tensor:
    """The same with each block's DC replaced by its difference to the block on its left.

    The first column takes the block above instead, the very first block keeps its value: what
    intra prediction leaves of the mean.
    """
    dc = coefficients[:, :, :, 0, :, 0]
    column = torch.diff(dc[..., :1], dim=2, prepend=torch.zeros_like(dc[:, :, :1, :1]))
    difference = torch.cat([column, torch.diff(dc, dim=3)], 3)
    mask = torch.zeros_like(coefficients[0, 0, 0, :, 0, :])
    mask[0, 0] = 1
    return coefficients + mask[:, None] * (difference - dc)[:, :, :, None, :, None]


def soft_dead_zone(c: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """c ((1 - l) c^2 / (c^2 + (0.6 step)^2) + l), l = 0.1: small coefficients fade out."""
    energy = c * c
    return c * ((1 - LEAK) * energy / (energy + (DEAD_ZONE * step) ** 2) + LEAK)


def interpolate(q: torch.Tensor, knots, values) -> torch.Tensor:
    """Piecewise linear in q [B], constant outside the knots."""
    x = torch.as_tensor(knots, dtype=q.dtype, device=q.device)
    y = torch.as_tensor(values, dtype=q.dtype, device=q.device)
    right = torch.searchsorted(x, q.contiguous()).clamp(1, len(x) - 1)
    share = ((q - x[right - 1]) / (x[right] - x[right - 1])).clamp(0, 1)
    return y[right - 1] + share * (y[right] - y[right - 1])


class DctProxy(nn.Module):
    """Codec proxy without parameters: block DCT, soft dead zone, log-magnitude rate.

    YCbCr 4:2:0, orthonormal DCT 16 x 16 of luma and 8 x 8 of chroma on the 8-bit scale,
    step = 2^((Q - 4) / 6):
    image = inverse DCT of `soft_dead_zone`;
    bpp = exp(e_Q log(r) + b_Q), r = sum log2(1 + |c| / step) / (H W), DC as differences.

    e_Q is the measured elasticity (`ELASTICITY`), b_Q the measured offset (`LOG_SCALE`), so that
    d bpp has the size of the codec's, not only its direction. No training and no state. Computes
    in the type of its constants, float32, under autocast too.

    Source: networks.md section 5, proxy="dct".
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("ycbcr", torch.tensor(_YCBCR), persistent=False)
        self.register_buffer("rgb", torch.linalg.inv(self.ycbcr), persistent=False)
        self.register_buffer("luma_dct", dct_matrix(LUMA_BLOCK), persistent=False)
        self.register_buffer("chroma_dct", dct_matrix(CHROMA_BLOCK), persistent=False)

    def forward(self, x: torch.Tensor, q: torch.Tensor, link=None) -> ProxyOutput:
        """Estimate of the decoded picture and of its rate.

        Args:
            x: float [B,3,H,W] in [0,1], any H, W (padded to multiples of 16 by replication).
            q: float [B], slice QP.
            link: not used: what is delivered does not depend on the link.
        Returns:
            `ProxyOutput` in float32; the image may leave [0,1] by some ringing.
        """
        height, width = x.shape[2:]
        with torch.autocast(x.device.type, enabled=False):
            padding = (0, -width % LUMA_BLOCK, 0, -height % LUMA_BLOCK)
            padded = functional.pad(x.to(self.ycbcr), padding, mode="replicate")
            q = q.to(padded)
            step = torch.exp2((q - 4) / 6)[:, None, None, None, None, None]
            # 8-bit scale around mid gray; the chroma planes are centred already
            planes = 255 * torch.einsum("dc,bchw->bdhw", self.ycbcr, padded - 0.5)
            luma = block_dct(planes[:, :1], self.luma_dct)
            chroma = block_dct(functional.avg_pool2d(planes[:, 1:], 2), self.chroma_dct)
            image = self._picture(soft_dead_zone(luma, step), soft_dead_zone(chroma, step))
            bits = sum(_log_magnitudes(part, step) for part in (luma, chroma))
            elasticity = interpolate(q, KNOTS_QP, ELASTICITY)
            offset = interpolate(q, KNOTS_QP, LOG_SCALE)
            # 1e-6: an empty picture has a rate of about zero, not a logarithm of it
            rate = bits / (padded.shape[2] * padded.shape[3]) + 1e-6
            bpp = torch.exp(elasticity * torch.log(rate) + offset)
        return ProxyOutput(image[:, :, :height, :width], bpp)

    def _picture(self, luma: torch.Tensor, chroma: torch.Tensor) -> torch.Tensor:
        y = inverse_block_dct(luma, self.luma_dct)
        half = inverse_block_dct(chroma, self.chroma_dct)
        cbcr = functional.interpolate(half, scale_factor=2, mode="bilinear")
        planes = torch.cat([y, cbcr], 1)
        return torch.einsum("dc,bchw->bdhw", self.rgb, planes) / 255 + 0.5


def _log_magnitudes(coefficients: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    return torch.log2(1 + dc_differences(coefficients).abs() / step).flatten(1).sum(1)


class DctRateProxy(DctProxy):
    """The rate of `DctProxy` with the picture itself: the task's gradient passes undamped.

    At high QPs most coefficients lie in the dead zone, where `DctProxy` lets a tenth of the
    gradient through; a change that lifts one out of it is then hardly found.

    Source: ours; compared in experiments.md.
    """

    def forward(self, x: torch.Tensor, q: torch.Tensor, link=None) -> ProxyOutput:
        """`ProxyOutput` (x, bpp of `DctProxy`)."""
        return ProxyOutput(x, super().forward(x, q).bpp)


class IdentityProxy(nn.Module):
    """The control: the picture itself and a rate of zero, so only the image has a gradient.

    Source: networks.md section 5; training.md section 4, proxy=off.
    """

    def forward(self, x: torch.Tensor, q: torch.Tensor, link=None) -> ProxyOutput:
        """`ProxyOutput` (x, zeros [B]); q and link are not used."""
        return ProxyOutput(x, x.new_zeros(len(x)))


# proxies without weights, by the name that settings give them
FORMULA_PROXIES = {"dct": DctProxy, "dct-rate": DctRateProxy, "identity": IdentityProxy}
