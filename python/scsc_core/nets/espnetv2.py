# SPDX-License-Identifier: GPL-3.0-or-later
"""ESPNetv2 for segmentation: encoder of dilated depthwise pyramids, decoder of scale pyramids."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .layers import init_kaiming, pad_to_multiple

STRIDE = 32  # both sides of the picture inside the network are multiples of it
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# channels of level 1 (half size) to level 4 (a sixteenth) by scale
ENCODER_WIDTHS = {
    0.5: (16, 32, 64, 128),
    1.0: (32, 64, 128, 256),
    1.5: (32, 96, 192, 384),
    2.0: (32, 128, 256, 512),
}
SCALES = tuple(ENCODER_WIDTHS)
_BRANCHES = 4
_DECODER_WIDTHS = (64, 48, 32)
_PYRAMID_WIDTH = 10
_PYRAMID_SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)
_SMALLEST_MAP = 5  # sides of a pyramid's reduced map
# dilations of the four branches: those whose receptive field fits the limit, one for the others
_DILATIONS_WIDE, _DILATIONS_NARROW = (1, 2, 3, 4), (1, 1, 2, 3)


@dataclass(frozen=True)
class EspNetV2Config:
    """Size of an ESPNetv2.

    Attributes:
        scale: width of the encoder, one of `SCALES`.
        classes: outputs; the published weights have 20 (19 and a background).
    """

    scale: float = 2.0
    classes: int = 20

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(
                f"scale must be one of {', '.join(map(str, SCALES))}, got {self.scale}"
            )
        if not 2 <= self.classes <= 254:
            raise ValueError(f"classes must be in 2 .. 254, got {self.classes}")


def _conv(i: int, o: int, kernel: int, stride: int = 1, groups: int = 1, dilation: int = 1):
    padding = dilation * (kernel // 2)
    return nn.Conv2d(i, o, kernel, stride, padding, dilation, groups, bias=False)


def _named(conv: nn.Conv2d | None = None, channels: int = 0, act: bool = True) -> nn.Sequential:
    """conv, bn, act under these names, as the encoder's weights have them."""
    channels = channels or conv.out_channels
    parts = OrderedDict() if conv is None else OrderedDict(conv=conv)
    parts["bn"] = nn.BatchNorm2d(channels)
    if act:
        parts["act"] = nn.PReLU(channels)
    return nn.Sequential(parts)


def _numbered(name: str, *before: nn.Module, channels: int) -> nn.Sequential:
    """`before`, bn, act numbered inside `name`, as the decoder's weights have them."""
    inner = nn.Sequential(*before, nn.BatchNorm2d(channels), nn.PReLU(channels))
    return nn.Sequential(OrderedDict([(name, inner)]))


class Eesp(nn.Module):
    """Four dilated depthwise convolutions, summed hierarchically, between two grouped 1x1 ones.

    b_k = b_(k-1) + dw_k(p), p = proj_1x1(x); out = conv_1x1_exp(br(concat b_k)).

    Args:
        i, o: channels, multiples of 4 and of 16.
        stride: 1, or 2 to halve the picture; then the result comes without residual and PReLU.
        narrow: dilations (1, 1, 2, 3) instead of (1, 2, 3, 4).
    Source: networks.md section 11.1; Mehta et al. 2019.
    """

    def __init__(self, i: int, o: int, stride: int = 1, narrow: bool = False):
        super().__init__()
        n = o // _BRANCHES
        self.stride = stride
        self.proj_1x1 = _named(_conv(i, n, 1, groups=_BRANCHES))
        self.spp_dw = nn.ModuleList(
            nn.Sequential(OrderedDict(conv=_conv(n, n, 3, stride, n, dilation)))
            for dilation in (_DILATIONS_NARROW if narrow else _DILATIONS_WIDE)
        )
        self.conv_1x1_exp = _named(_conv(o, o, 1, groups=_BRANCHES), act=False)
        self.br_after_cat = _named(channels=o)
        self.module_act = nn.PReLU(o)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        projected = self.proj_1x1(x)
        branches = [self.spp_dw[0](projected)]
        for branch in self.spp_dw[1:]:
            branches.append(branches[-1] + branch(projected))
        out = self.conv_1x1_exp(self.br_after_cat(torch.cat(branches, 1)))
        if self.stride == 2:
            return out
        return self.module_act(out + x if out.shape == x.shape else out)


class DownSampler(nn.Module):
    """Half the size: pooled input beside a strided `Eesp`, reinforced by the picture itself."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.eesp = Eesp(i, o - i, stride=2)
        self.inp_reinf = nn.Sequential(_named(_conv(3, 3, 3)), _named(_conv(3, o, 1), act=False))
        self.act = nn.PReLU(o)

    def forward(self, x: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        """x [B, i, h, w] and the normalised picture [B, 3, H, W] give [B, o, h / 2, w / 2]."""
        out = torch.cat([F.avg_pool2d(x, 3, 2, 1), self.eesp(x)], 1)
        while picture.shape[-1] > out.shape[-1]:
            picture = F.avg_pool2d(picture, 3, 2, 1)
        return self.act(out + self.inp_reinf(picture))


class _Encoder(nn.Module):
    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        w1, w2, w3, w4 = widths
        self.level1 = _named(_conv(3, w1, 3, stride=2))
        self.level2_0 = DownSampler(w1, w2)
        self.level3_0 = DownSampler(w2, w3)
        self.level3 = nn.Sequential(*(Eesp(w3, w3) for _ in range(3)))
        self.level4_0 = DownSampler(w3, w4)
        self.level4 = nn.Sequential(*(Eesp(w4, w4, narrow=True) for _ in range(7)))

    def forward(self, picture: torch.Tensor) -> list[torch.Tensor]:
        l1 = self.level1(picture)
        l2 = self.level2_0(l1, picture)
        l3 = self.level3(self.level3_0(l2, picture))
        return [l1, l2, l3, self.level4(self.level4_0(l3, picture))]


class PyramidUnit(nn.Module):
    """Five depthwise 3x3 convolutions at scales 2 to 0.1 of the map, shuffled and merged.

    Args:
        i, o: channels in and out.
        last: the final 1x1 convolution has a bias and no BatchNorm, PReLU after it.
    Source: networks.md section 11.1.
    """

    def __init__(self, i: int, o: int, last: bool = False):
        super().__init__()
        n, count = _PYRAMID_WIDTH, len(_PYRAMID_SCALES)
        self.projection_layer = _numbered("cbr", _conv(i, n, 1), channels=n)
        self.stages = nn.ModuleList(_conv(n, n, 3, groups=n) for _ in _PYRAMID_SCALES)
        self.merge_layer = nn.Sequential(
            _numbered("br", channels=n * count),
            nn.ChannelShuffle(count),
            _numbered("cbr", _conv(n * count, n, 3, groups=n), channels=n),
            nn.Conv2d(n, o, 1, bias=last),
        )
        self.br = nn.Identity() if last else _numbered("br", channels=o)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.projection_layer(x)
        maps = [
            self._at(x, stage, s) for stage, s in zip(self.stages, _PYRAMID_SCALES, strict=True)
        ]
        return self.br(self.merge_layer(torch.cat(maps, 1)))

    @staticmethod
    def _at(x: torch.Tensor, stage: nn.Conv2d, scale: float) -> torch.Tensor:
        size = x.shape[-2:]
        scaled = [max(math.ceil(side * scale), _SMALLEST_MAP) for side in size]
        if scale == 1:
            return stage(x)
        if scale > 1:
            return F.adaptive_avg_pool2d(stage(_resized(x, scaled)), size)
        return _resized(stage(F.adaptive_avg_pool2d(x, scaled)), size)


def _resized(x: torch.Tensor, size) -> torch.Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)


class _Merge(nn.Module):
    """Encoder map of i channels as o channels, each weighted by a gate over the whole map."""

    def __init__(self, i: int, o: int):
        super().__init__()
        self.wt_layer = nn.Sequential(nn.AdaptiveAvgPool2d(1), _conv(i, o, 1), nn.Sigmoid())
        expansion = _conv(i, o, 3, groups=math.gcd(i, o))
        self.expansion_layer = _numbered("cbr", expansion, channels=o)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.expansion_layer(x) * self.wt_layer(x)


class EspNetV2(nn.Module):
    """ESPNetv2: picture to logits, with the state-dict names of the published weights.

    The picture is normalised by the mean and standard deviation of ImageNet inside; sides are
    padded right and bottom by replication to multiples of 32 and the logits cropped.

    Submodules carry the names of the published weights (`spp_dw`, `bu_dec_l1`), not of this library.

    Source: networks.md section 11.1; Mehta et al. 2019.
    """

    def __init__(self, config: EspNetV2Config):
        super().__init__()
        self.config = config
        w1, w2, w3, w4 = ENCODER_WIDTHS[config.scale]
        o1, o2, o3 = _DECODER_WIDTHS
        self.base_net = _Encoder((w1, w2, w3, w4))
        self.bu_dec_l1 = PyramidUnit(w4, o1)
        self.bu_dec_l2 = PyramidUnit(o1, o2)
        self.bu_dec_l3 = PyramidUnit(o2, o3)
        self.bu_dec_l4 = PyramidUnit(o3, config.classes, last=True)
        self.merge_enc_dec_l2 = _Merge(w3, o1)
        self.merge_enc_dec_l3 = _Merge(w2, o2)
        self.merge_enc_dec_l4 = _Merge(w1, o3)
        for level, width in zip((2, 3, 4), _DECODER_WIDTHS, strict=True):
            parts = nn.Sequential(nn.BatchNorm2d(width), nn.PReLU(width))
            self.add_module(f"bu_br_l{level}", parts)
        for name, values in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            shaped = torch.tensor(values).view(1, 3, 1, 1)
            self.register_buffer(name, shaped, persistent=False)
        init_kaiming(self)

    def bytes_per_pixel(self, tiled: bool = False) -> int:
        """Memory of the feature maps that live at a time, per pixel; the same in tiles.

        The normalised picture and the encoder's four maps live to the end. To these the last
        pyramid adds most, or the classes at half size and at full size.
        """
        maps = sum(w / 4**n for n, w in enumerate(ENCODER_WIDTHS[self.config.scale]))
        return math.ceil(12 + maps + max(250, 5 * self.config.classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [B, classes, H, W] of RGB pictures x float [B, 3, H, W] in [0, 1]."""
        height, width = x.shape[-2:]
        x = pad_to_multiple((x - self.mean) / self.std, STRIDE)
        l1, l2, l3, l4 = self.base_net(x)
        out = self.bu_dec_l1(l4)
        out = self.bu_dec_l2(self.bu_br_l2(_doubled(out) + self.merge_enc_dec_l2(l3)))
        out = self.bu_dec_l3(self.bu_br_l3(_doubled(out) + self.merge_enc_dec_l3(l2)))
        out = self.bu_dec_l4(self.bu_br_l4(_doubled(out) + self.merge_enc_dec_l4(l1)))
        return _resized(out, x.shape[-2:])[..., :height, :width]


def _doubled(x: torch.Tensor) -> torch.Tensor:
    return _resized(x, (2 * x.shape[-2], 2 * x.shape[-1]))
