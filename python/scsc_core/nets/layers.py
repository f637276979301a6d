# SPDX-License-Identifier: GPL-3.0-or-later
"""Building blocks that the networks share."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from .strips import TileStrips

ERFNET_EPS = 1e-3  # of BatchNorm in ERFNet's blocks
STRIP_POOLING = ("max", "mean", "off")


class NB1D(nn.Module):
    """Non-bottleneck-1D: residual block of four factorised convolutions.

    conv3x1, ReLU, conv1x3, BN, ReLU, conv3x1 and conv1x3 with dilation d, BN, dropout, + x, ReLU.

    Args:
        channels: C.
        dropout: probability of dropping a channel.
        dilation: d.
    Source: networks.md section 2; ERFNet (Romera et al. 2018).
    """

    folds = (("conv2", "bn1"), ("conv4", "bn2"))

    def __init__(self, channels: int, dropout: float, dilation: int):
        super().__init__()
        c, d = channels, dilation
        self.conv1 = nn.Conv2d(c, c, (3, 1), padding=(1, 0))
        self.conv2 = nn.Conv2d(c, c, (1, 3), padding=(0, 1))
        self.bn1 = nn.BatchNorm2d(c, eps=ERFNET_EPS)
        self.conv3 = nn.Conv2d(c, c, (3, 1), padding=(d, 0), dilation=(d, 1))
        self.conv4 = nn.Conv2d(c, c, (1, 3), padding=(0, d), dilation=(1, d))
        self.bn2 = nn.BatchNorm2d(c, eps=ERFNET_EPS)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn1(self.conv2(F.relu(self.conv1(x)))))
        y = self.bn2(self.conv4(F.relu(self.conv3(y))))
        return F.relu(self.dropout(y) + x)


class Down(nn.Module):
    """Half the size: concat(conv3x3 stride 2, maxpool 2), BN, ReLU; i -> o channels."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.conv = nn.Conv2d(i, o - i, 3, stride=2, padding=1)
        self.bn = nn.BatchNorm2d(o, eps=ERFNET_EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(torch.cat([self.conv(x), F.max_pool2d(x, 2)], 1)))


class Up(nn.Module):
    """Twice the size: transposed conv3x3 stride 2, BN, ReLU; i -> o channels."""

    folds = (("conv", "bn"),)

    def __init__(self, i: int, o: int, eps: float = ERFNET_EPS):
        super().__init__()
        self.conv = nn.ConvTranspose2d(i, o, 3, stride=2, padding=1, output_padding=1)
        self.bn = nn.BatchNorm2d(o, eps=eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x)))


class GDN(nn.Module):
    """Generalised divisive normalisation, y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2).

    beta and gamma are stored as roots, so that both stay positive; beta >= 1e-6.

    Args:
        channels: C.
        inverse: multiply instead of divide (IGDN).
    Source: networks.md section 2; Balle et al. 2016.
    """

    _BETA_MIN = 1e-6

    def __init__(self, channels: int, inverse: bool = False):
        super().__init__()
        self.inverse = inverse
        self.beta_root = nn.Parameter(torch.ones(channels))
        self.gamma_root = nn.Parameter(0.1**0.5 * torch.eye(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beta = self.beta_root.square().clamp(min=self._BETA_MIN)
        gamma = self.gamma_root.square()
        norm = F.conv2d(x.square(), gamma[:, :, None, None], beta).sqrt()
        return x * norm if self.inverse else x / norm


class DeformConv3x3(nn.Module):
    """Deformable 3x3 convolution, F(p) = sum_n w_n t(p + p_n + dp_n) + b.

    The offsets dp_n = conv3x3(x), channels (2 n, 2 n + 1) = (dy, dx) of tap n = 3 ky + kx, start
    at zero. Samples are bilinear, zero outside; coordinates are kept in float32.

    Source: networks.md section 2.1; Dai et al. 2017.
    """

    def __init__(self, i: int, o: int):
        super().__init__()
        self.offset = nn.Conv2d(i, 18, 3, padding=1)
        self.weight = nn.Parameter(torch.empty(o, i, 3, 3))
        self.bias = nn.Parameter(torch.zeros(o))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return deform_conv3x3(x, self.offset(x), self.weight, self.bias)


def deform_conv3x3(
    x: torch.Tensor, offset: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> torch.Tensor:
    """The sampling and summing of `DeformConv3x3`.

    Args:
        x: [B, i, H, W]. offset: [B, 18, H, W], samples. weight: [o, i, 3, 3]. bias: [o].
    Returns:
        [B, o, H, W].
    """
    height, width = x.shape[-2:]
    # grid_sample has no place for a side of one sample: zeros beside it give it two
    x = F.pad(x, (0, int(width == 1), 0, int(height == 1)))
    place = offset.dtype if offset.dtype == torch.float64 else torch.float32
    rows = torch.arange(height, device=x.device, dtype=place)[:, None]
    columns = torch.arange(width, device=x.device, dtype=place)
    total = bias[:, None, None]
    for n in range(9):
        y = rows + (n // 3 - 1) + offset[:, 2 * n].to(place)
        z = columns + (n % 3 - 1) + offset[:, 2 * n + 1].to(place)
        grid = torch.stack([_normalised(z, x.shape[3]), _normalised(y, x.shape[2])], -1)
        taken = F.grid_sample(x.to(place), grid, "bilinear", "zeros", align_corners=True)
        # tap by tap, never stacked: nine copies of the features would not fit for large pictures
        total = total + F.conv2d(taken.to(x.dtype), weight[:, :, n // 3, n % 3, None, None])
    return total


def _normalised(position: torch.Tensor, size: int) -> torch.Tensor:
    """Sample positions 0 .. size - 1 on grid_sample's scale -1 .. 1; size >= 2."""
    return 2 * position / (size - 1) - 1


class StripPool(nn.Module):
    """Strip pooling: a gate from row and column maxima.

    r = BN(conv3x1(pool over columns)), c = BN(conv1x3(pool over rows)),
    output x sigmoid(conv1x1(ReLU(r + c))).

    Args:
        channels: C.
        pool: "max" (Eq. (8)) or "mean" (the work it cites).
        window: pool in windows of this many columns and rows; 0: whole rows and columns.
    Source: networks.md section 2.2; Eq. (8); Hou et al. 2020.
    """

    folds = (("row", "row_bn"), ("column", "column_bn"))

    def __init__(self, channels: int, pool: str = "max", window: int = 0):
        super().__init__()
        self.pool, self.window = pool, window
        self.row = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), bias=False)
        self.row_bn = nn.BatchNorm2d(channels)
        self.column = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), bias=False)
        self.column_bn = nn.BatchNorm2d(channels)
        self.gate = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor, strips: TileStrips | None = None) -> torch.Tensor:
        """The gated map; `strips`: x is a tile of a picture and pools are over the picture."""
        if strips is None:
            rows, columns = self._pooled(x, 3), self._pooled(x, 2)
        else:
            rows, columns = strips.pools(x, self.pool, self.window)
        r, c = self.row_bn(self.row(rows)), self.column_bn(self.column(columns))
        if strips is not None:
            r, c = strips.here(r, c, x, self.window)
        elif self.window:
            r = r.repeat_interleave(self.window, 3)[..., : x.shape[3]]
            c = c.repeat_interleave(self.window, 2)[..., : x.shape[2], :]
        return x * torch.sigmoid(self.gate(F.relu(r + c)))

    def _pooled(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        if self.pool == "mean" and not self.window:
            return x.mean(axis, True)
        # not amax: its kernels take eight times as long forward and backward
        pool = F.max_pool2d if self.pool == "max" else F.avg_pool2d
        length = self.window or x.shape[axis]
        return pool(x, (1, length) if axis == 3 else (length, 1), ceil_mode=True)


class DA(nn.Module):
    """Conv3x3 i -> o, BN, ReLU, deformable (or plain) conv3x3, BN, ReLU, strip pooling.

    Args:
        i, o: channels.
        deform: deformable second convolution; plain otherwise.
        strip: "max", "mean" or "off".
        strip_window: see `StripPool`.
    Source: networks.md section 2; Eqs. (6) to (8).
    """

    folds = (("conv", "bn1"), ("deform", "bn2"))

    def __init__(self, i: int, o: int, deform: bool, strip: str = "max", strip_window: int = 0):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(o)
        self.deform = DeformConv3x3(o, o) if deform else nn.Conv2d(o, o, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(o)
        self.strip = nn.Identity() if strip == "off" else StripPool(o, strip, strip_window)

    def forward(self, x: torch.Tensor, strips: TileStrips | None = None) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv(x)))
        x = F.relu(self.bn2(self.deform(x)))
        return self.strip(x, strips) if isinstance(self.strip, StripPool) else self.strip(x)


class QA(nn.Module):
    """Quantisation-adaptive scale: f v, v = W2 ReLU(W1 q + b1) + b2, one factor per channel.

    q is the normalised QP (Q - 34.5) / 6.5. Starts as the identity.

    Args:
        channels: C.
        hidden: h.
    Source: networks.md section 2.3; the paper's quantisation adaptive layer.
    """

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.inner = nn.Linear(1, hidden)
        self.outer = nn.Linear(hidden, channels)
        nn.init.zeros_(self.outer.weight)
        nn.init.ones_(self.outer.bias)

    def forward(self, f: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        scale = self.outer(F.relu(self.inner(q[:, None])))
        return f * scale[:, :, None, None].to(f.dtype)


class FiLM(nn.Module):
    """y = (1 + g) x + b, (g, b) linear in a condition of 64 values; starts as the identity."""

    def __init__(self, channels: int, condition: int = 64):
        super().__init__()
        self.linear = nn.Linear(condition, 2 * channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        g, b = self.linear(condition)[:, :, None, None].to(x.dtype).chunk(2, 1)
        return (1 + g) * x + b


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(255 * x) / 255

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class _Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        # descent moves against the gradient: from below 0 only up, from above 1 only down
        stuck = ((x < 0) & (gradient > 0)) | ((x > 1) & (gradient < 0))
        return gradient.masked_fill(stuck, 0)


def ste_round(x: torch.Tensor) -> torch.Tensor:
    """[0, 1] rounded to 8 bits; the gradient passes."""
    return _Round.apply(x)


def ste_clamp(x: torch.Tensor) -> torch.Tensor:
    """Clamp to [0, 1]; the gradient passes inside, and outside where it leads back."""
    return _Clamp.apply(x)


def pad_to_multiple(x: torch.Tensor, multiple: int) -> torch.Tensor:
    """[B, C, H, W] continued right and below by its edge, so that both sides are multiples."""
    height, width = x.shape[-2:]
    below, right = -height % multiple, -width % multiple
    return F.pad(x, (0, right, 0, below), mode="replicate") if below or right else x


def init_kaiming(network: nn.Module) -> None:
    """Kaiming-normal (fan-in, ReLU) weights and zero biases for plain convolutions."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def fold_batchnorm(network: nn.Module) -> nn.Module:
    """A copy of a network for inference with every BatchNorm after a convolution folded into it.

    w' = w g / sqrt(var + eps), b' = (b - mean) g / sqrt(var + eps) + beta: the same function with
    fewer passes over the feature maps. Modules name their pairs in `folds` (convolution, BN).
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        for conv_name, bn_name in getattr(module, "folds", ()):
            conv, bn = getattr(module, conv_name), getattr(module, bn_name)
            if isinstance(bn, nn.BatchNorm2d):
                _fold(conv, bn)
                setattr(module, bn_name, nn.Identity())
    return network


@torch.no_grad()
def _fold(conv: nn.Module, bn: nn.BatchNorm2d) -> None:
    scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    axis = 1 if isinstance(conv, nn.ConvTranspose2d) else 0
    shape = [1] * conv.weight.dim()
    shape[axis] = -1
    conv.weight.mul_(scale.reshape(shape))
    bias = 0 if conv.bias is None else conv.bias
    conv.bias = nn.Parameter((bias - bn.running_mean) * scale + bn.bias)


def parameter_count(network: nn.Module) -> int:
    """Trainable numbers, running statistics left out."""
    return sum(p.numel() for p in network.parameters())
