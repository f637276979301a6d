# SPDX-License-Identifier: GPL-3.0-or-later
"""PPEN: the network that shapes a picture before the codec, aware of the codec's QP."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from .layers import DA, QA, STRIP_POOLING, Up, init_kaiming, pad_to_multiple, ste_clamp

if TYPE_CHECKING:
    from .strips import TileStrips

# variant -> widths w1..w5, hidden units of QA, encoder stages whose second convolution deforms
VARIANTS = {
    "paper": ((32, 64, 128, 256, 512), 64, (0, 1, 2, 3, 4)),
    "medium": ((16, 32, 64, 128, 256), 16, (3, 4)),
    "small": ((8, 16, 32, 64, 128), 16, (3, 4)),
    "tiny": ((4, 8, 16, 32, 64), 8, (3, 4)),
}
_UPPER_HIDDEN = 16
_STRIDE = 16


def normalised_qp(qp: torch.Tensor) -> torch.Tensor:
    """(Q - 34.5) / 6.5, the scale on which the networks see the slice QP."""
    return (qp - 34.5) / 6.5


@dataclass(frozen=True)
class PpenConfig:
    """Shape of the network.

    Attributes:
        variant: a key of `VARIANTS`.
        qa: quantisation-adaptive layers; False makes a network for one QP (ablation).
        deform: deformable convolutions where the variant has them; False: plain (ablation).
        strip: strip pooling "max", "mean" or "off".
        strip_window: columns and rows of a pooling window; 0: whole.
    """

    variant: str = "small"
    qa: bool = True
    deform: bool = True
    strip: str = "max"
    strip_window: int = 0

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, got {self.variant!r}")
        if self.strip not in STRIP_POOLING:
            raise ValueError(f"strip must be one of {', '.join(STRIP_POOLING)}, got {self.strip!r}")
        if self.strip_window < 0:
            raise ValueError(f"strip_window must be >= 0, got {self.strip_window}")


class _Off(nn.Module):
    """Stands where a QA layer is left out."""

    def forward(self, f: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        return f


class _UpperBranch(nn.Module):
    """Two 1x1 convolutions 3 -> 3 with QA; starts as the identity for pictures."""

    def __init__(self, qa: bool):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.qa1, self.qa2 = (QA(3, _UPPER_HIDDEN) if qa else _Off() for _ in range(2))

    def reset(self) -> None:
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight)
            nn.init.zeros_(conv.bias)

    def forward(self, x: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        return self.qa2(self.conv2(F.relu(self.qa1(self.conv1(x), q))), q)


class _ConvBnRelu(nn.Module):
    folds = (("conv", "bn"),)

    def __init__(self, i: int, o: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 3, stride=stride, padding=1)
        self.bn = nn.BatchNorm2d(o)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x)))


class Ppen(nn.Module):
    """x' = clamp(upper(x, Q) + lower(x, Q), 0, 1).

    Upper branch: 1x1 convolutions with QA. Lower branch: a U-Net of DA modules at five scales with
    QA on intermediate maps. Without training it is exactly the identity for every Q.

    Attributes:
        native: whether the native kernels compute where they can (`ppen_kernels`); for frozen
            networks with folded BatchNorm, see `Runtime.prepare`.
    Source: networks.md section 4; Han et al., Sec. III-A, Fig. 3.
    Note: widths, depth and placement are not given by the paper; this layout has its 12.68 M
    parameters in the variant "paper".
    """

    native = False
    _kernels = None

    def __init__(self, config: PpenConfig):
        super().__init__()
        self.config = config
        widths, hidden, deformed = VARIANTS[config.variant]

        def da(i: int, o: int, stage: int | None = None) -> DA:
            deform = config.deform and stage in deformed
            return DA(i, o, deform, config.strip, config.strip_window)

        def qa(channels: int) -> nn.Module:
            return QA(channels, hidden) if config.qa else _Off()

        self.upper = _UpperBranch(config.qa)
        self.encoder = nn.ModuleList(
            da(i, o, stage) for stage, (i, o) in enumerate(zip((3, *widths), widths, strict=False))
        )
        self.shrink = nn.ModuleList(_ConvBnRelu(w, w, stride=2) for w in widths[:4])
        self.encoder_qa = nn.ModuleList(qa(w) for w in widths[:3])
        self.grow = nn.ModuleList(Up(widths[k + 1], widths[k], eps=1e-5) for k in (3, 2, 1, 0))
        self.decoder = nn.ModuleList(da(2 * widths[k], widths[k]) for k in (3, 2, 1))
        self.decoder_qa = nn.ModuleList(qa(2 * widths[k]) for k in (2, 1, 0))
        w = widths[0]
        self.output = nn.Sequential(_ConvBnRelu(2 * w, w), _ConvBnRelu(w, w), nn.Conv2d(w, 3, 1))
        self.reset()

    def reset(self) -> None:
        """Fresh weights from the ambient generator; the network becomes the identity."""
        init_kaiming(self)
        for module in self.modules():
            if hasattr(module, "offset"):
                nn.init.zeros_(module.offset.weight)
        self.upper.reset()
        nn.init.zeros_(self.output[-1].weight)

    def forward(
        self, x: torch.Tensor, qp: torch.Tensor, strips: TileStrips | None = None
    ) -> torch.Tensor:
        """Shaped pictures [B, 3, H, W] in [0, 1], not rounded, of pictures x and slice QPs [B].

        With `strips`, x is a tile of a picture and strip pooling is that of the picture.
        """
        q = normalised_qp(qp).to(x.dtype)
        if self.native and strips is None and not torch.compiler.is_compiling():
            kernels = self._kernels_for(x)
            if kernels is not None:
                return kernels(x, q)
        lower = self._lower(pad_to_multiple(x, _STRIDE), q, strips)
        lower = lower[..., : x.shape[-2], : x.shape[-1]]
        with torch.autocast("cuda" if x.is_cuda else "cpu", enabled=False):
            # the picture itself: bfloat16 would add a noise of half a level, which costs bits
            return ste_clamp(self.upper(x, q) + lower.to(x.dtype))

    def bytes_per_pixel(self, tiled: bool = False) -> int:
        """Feature maps in memory at a time, in bytes per pixel of a picture in float32.

        By the kernels 3.5 maps of w1 channels at full size: the last block's two inputs, the map
        that one of them grew from, and the result. By torch, and so for tiles, at most 5.2, or 6.7
        if the first block is deformable: samples of taps and their sums.
        """
        from . import ppen_kernels

        widths, _, deformed = VARIANTS[self.config.variant]
        maps = 6.7 if self.config.deform and 0 in deformed else 5.2
        if self.native and ppen_kernels.fit(self.config) and not tiled:
            maps = 3.5
        return math.ceil(4 * maps * widths[0])

    def _kernels_for(self, x: torch.Tensor):
        from . import ppen_kernels

        if self.training or not (ppen_kernels.fit(self.config) and ppen_kernels.take(x)):
            return None
        if self._kernels is None:
            self._kernels = ppen_kernels.PpenKernels(self, _STRIDE)
        return self._kernels

    def __getstate__(self):
        return {**self.__dict__, "_kernels": None}  # a copy builds its own

    def _lower(self, x: torch.Tensor, q: torch.Tensor, strips: TileStrips | None) -> torch.Tensor:
        skips = []
        for stage, block in enumerate(self.encoder):
            if 1 <= stage <= 3:
                x = self.encoder_qa[stage - 1](x, q)
            x = block(x, strips)
            if stage < 4:
                skips.append(x)
                x = self.shrink[stage](x)
        for step, grow in enumerate(self.grow):
            x = torch.cat([grow(x), skips.pop()], 1)
            if step:
                x = self.decoder_qa[step - 1](x, q)
            if step < 3:
                x = self.decoder[step](x, strips)
        return self.output(x)
