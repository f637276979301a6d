# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate of a feature map under a mean-scale hyperprior, differentiable and never saturated."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from .dct_proxy import KNOTS_QP, interpolate
from .layers import pad_to_multiple

SCALE_MIN = 0.11
_HYPER_STRIDE = 4
_LOG_GAP = -1e-6  # keeps log(1 - exp(gap)) finite where the interval's ends fall together


def log_difference(log_upper: torch.Tensor, log_lower: torch.Tensor) -> torch.Tensor:
    """log(upper - lower) from the logarithms, with a gradient even in the far tail."""
    gap = (log_lower - log_upper).clamp(max=_LOG_GAP)
    return log_upper + torch.log(-torch.expm1(gap))


def gaussian_bits(values: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """-log2 of the N(mean, scale^2) probability of the unit interval around each value."""
    # the lower tail is the accurate one
    distance = (values - mean).abs()
    upper = torch.special.log_ndtr((0.5 - distance) / scale)
    lower = torch.special.log_ndtr((-0.5 - distance) / scale)
    return -log_difference(upper, lower) / math.log(2)


class LogisticPrior(nn.Module):
    """Factorised prior: one logistic distribution for each channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.location = nn.Parameter(torch.zeros(channels))
        self.log_scale = nn.Parameter(torch.zeros(channels))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """-log2 of the probability of the unit interval around each value of z [B,C,h,w]."""
        distance = (z - self.location[:, None, None]).abs()
        slope = torch.exp(-self.log_scale)[:, None, None]
        upper = F.logsigmoid((0.5 - distance) * slope)
        lower = F.logsigmoid((-0.5 - distance) * slope)
        return -log_difference(upper, lower) / math.log(2)


class RateModel(nn.Module):
    """Bits of features y at 1/16 scale, -sum log2 p(y~ | mu, sigma) - sum log2 p(z~).

    Hyper-analysis conv3 M->N, ReLU, conv5 s2, ReLU, conv5 s2 -> z; hyper-synthesis tconv5 s2, ReLU,
    tconv5 s2, ReLU, conv3 N->2M -> (mu, sigma), sigma = softplus + 0.11. In training y~, z~ have
    uniform noise; in evaluation they are rounded, with the gradient of the value.

    Args:
        n: N, channels of the hyper part.
        m: M, channels of y.
    Source: networks.md section 5, rate branch.
    """

    def __init__(self, n: int, m: int):
        super().__init__()
        down = {"kernel_size": 5, "stride": 2, "padding": 2}
        up = down | {"output_padding": 1}
        self.analysis = nn.Sequential(
            nn.Conv2d(m, n, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(n, n, **down),
            nn.ReLU(),
            nn.Conv2d(n, n, **down),
        )
        self.prior = LogisticPrior(n)
        self.synthesis = nn.Sequential(
            nn.ConvTranspose2d(n, n, **up),
            nn.ReLU(),
            nn.ConvTranspose2d(n, n, **up),
            nn.ReLU(),
            nn.Conv2d(n, 2 * m, 3, padding=1),
        )

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        """Bits, float [B], of y [B,M,h,w], any h, w; likelihoods in float32 at least."""
        height, width = y.shape[-2:]
        z = self._quantised(self.analysis(pad_to_multiple(y, _HYPER_STRIDE)))
        moments = self.synthesis(z.to(y.dtype))[..., :height, :width]
        with torch.autocast(y.device.type, enabled=False):
            mean, spread = _exact(moments).chunk(2, 1)
            bits = gaussian_bits(self._quantised(y), mean, F.softplus(spread) + SCALE_MIN)
            return bits.flatten(1).sum(1) + self.prior(z).flatten(1).sum(1)

    def _quantised(self, values: torch.Tensor) -> torch.Tensor:
        values = _exact(values)
        if self.training:
            return values + torch.rand_like(values) - 0.5
        return values + (values.round() - values).detach()


def _exact(values: torch.Tensor) -> torch.Tensor:
    return values if values.dtype == torch.float64 else values.float()


class RateLine(nn.Module):
    """bpp = exp(a_Q log(rate) + b_Q): from a model's bits per pixel to the codec's.

    a_Q, b_Q are buffers at the QPs `KNOTS_QP`, linear in between, fitted to codec results; before
    the fit a = 1, b = 0.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("slope", torch.ones(len(KNOTS_QP)))
        self.register_buffer("offset", torch.zeros(len(KNOTS_QP)))

    def forward(self, rate: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """bpp [B] of rate, q [B]."""
        q = q.to(rate)
        slope = interpolate(q, KNOTS_QP, self.slope)
        return torch.exp(slope * torch.log(rate) + interpolate(q, KNOTS_QP, self.offset))
