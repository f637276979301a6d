# SPDX-License-Identifier: GPL-3.0-or-later
"""PPEN by the kernels of the native module, for the transmitter's processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from .. import _native
from .layers import DA, QA, DeformConv3x3, StripPool

if TYPE_CHECKING:
    from .ppen import Ppen, PpenConfig


def fit(config: PpenConfig) -> bool:
    """Whether the kernels have what a network needs: maxima of whole rows and columns, or none."""
    return config.strip == "off" or (config.strip == "max" and not config.strip_window)


def take(x: torch.Tensor) -> bool:
    """Whether the kernels compute for these pictures: float32 in main memory, without gradient."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not (torch.is_grad_enabled() and x.requires_grad)
    )


class PpenKernels:
    """The function of a frozen `Ppen` on feature maps [h, w, c], one picture after the other.

    Biases, ReLU and the factors of QA layers are part of the convolutions, which take the two maps
    of a concatenation as they are. Results differ from torch's by the order of float32 sums.

    Args:
        network: `Ppen` in evaluation mode, BatchNorm folded; `fit(network.config)`. Its weights
            are copied.
        stride: sides of feature maps are multiples of it.
    Source: networks.md section 4.
    """

    def __init__(self, network: Ppen, stride: int):
        self._stride = stride
        self._encoder = [_Block(block) for block in network.encoder]
        self._shrink = [_convolution(block.conv) for block in network.shrink]
        self._grow = [
            _native.TransposedConvolution3x3(*_arrays(up.conv.weight, up.conv.bias))
            for up in network.grow
        ]
        self._decoder = [_Block(block, joined=True) for block in network.decoder]
        first, second, last = network.output
        self._output = _convolution(first.conv, joined=True), _convolution(second.conv)
        upper = network.upper
        self._mixers = [_matrix(conv) for conv in (upper.conv1, upper.conv2, last)]
        self._upper_qa, self._encoder_qa, self._decoder_qa = (
            [_Factors(layer) for layer in layers]
            for layers in ((upper.qa1, upper.qa2), network.encoder_qa, network.decoder_qa)
        )

    def __call__(self, x: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """Pictures [B, 3, H, W], channels last, of pictures that `take` and normalised QPs [B]."""
        maps = x.detach().permute(0, 2, 3, 1).contiguous().numpy()
        qs = q.detach().expand(len(x)).numpy()
        shaped = [self._shape(*pair) for pair in zip(maps, qs, strict=True)]
        return torch.from_numpy(np.stack(shaped)).permute(0, 3, 1, 2)

    def _shape(self, picture: np.ndarray, q: np.float32) -> np.ndarray:
        threads = torch.get_num_threads()
        # Between them the QA layers miss the first and last block of the encoder.
        encoder_scale = [None, *(qa(q) for qa in self._encoder_qa), None]
        decoder_scale = [None, *(qa(q) for qa in self._decoder_qa)]
        below, right = (-side % self._stride for side in picture.shape[:2])
        x = np.pad(picture, ((0, below), (0, right), (0, 0)), "edge") if below or right else picture
        skips = []
        for stage, (block, scale) in enumerate(zip(self._encoder, encoder_scale, strict=True)):
            x = block(x, None, scale, threads)
            if stage < len(self._shrink):
                skips.append(x)
                x = self._shrink[stage](x, None, None, threads)
        joined = *self._decoder, self._output[0]
        for grow, block, scale in zip(self._grow, joined, decoder_scale, strict=True):
            x = block(grow(x, threads), skips.pop(), scale, threads)
        x = self._output[1](x, None, None, threads)
        return _native.shape_picture(picture, x, *self._mixing(q), threads)

    def _mixing(self, q: np.float32) -> tuple[np.ndarray, ...]:
        """A1, b1, (A2, L), b2: the upper branch and the last convolution of the lower one."""
        (first, first_bias), (second, second_bias), (lower, lower_bias) = self._mixers
        s, t = (1 if qa(q) is None else qa(q)[:, None] for qa in self._upper_qa)
        return (
            s * first,
            np.ravel(s * first_bias[:, None]),
            np.concatenate([t * second, lower], 1),
            np.ravel(t * second_bias[:, None]) + lower_bias,
        )


class _Block:
    """`DA`; `joined`: of two maps with as many channels each."""

    def __init__(self, block: DA, joined: bool = False):
        self.conv = _convolution(block.conv, joined=joined)
        deform = block.deform
        self.deform = _native.Convolution3x3(*_arrays(deform.weight, deform.bias))
        self.offset = None
        if isinstance(deform, DeformConv3x3):
            self.offset = _convolution(deform.offset, relu=False)
        self.strip = None
        if isinstance(block.strip, StripPool):
            row, column = block.strip.row, block.strip.column
            self.strip = _native.StripPooling(
                *_arrays(row.weight[..., 0], row.bias),
                *_arrays(column.weight[:, :, 0], column.bias),
                *_matrix(block.strip.gate),
            )

    def __call__(self, x, second, scale, threads: int) -> np.ndarray:
        x = self.conv(x, second, scale, threads)
        if self.offset is None:
            x = self.deform(x, None, None, threads)
        else:
            x = self.deform.deformed(x, self.offset(x, None, None, threads), threads)
        if self.strip is not None:
            self.strip.apply(x, threads)
        return x


class _Factors:
    """The factors of a `QA` layer for a normalised QP; None where the layer is left out."""

    def __init__(self, layer: nn.Module):
        self._weights = None
        if isinstance(layer, QA):
            inner, outer = layer.inner, layer.outer
            self._weights = _arrays(inner.weight[:, 0], inner.bias, outer.weight, outer.bias)

    def __call__(self, q: np.float32) -> np.ndarray | None:
        if self._weights is None:
            return None
        inner, inner_bias, outer, outer_bias = self._weights
        return outer @ np.maximum(inner * q + inner_bias, 0) + outer_bias


def _convolution(conv: nn.Conv2d, relu: bool = True, joined: bool = False):
    second = conv.in_channels // 2 if joined else 0
    return _native.Convolution3x3(*_arrays(conv.weight, conv.bias), conv.stride[0], relu, second)


def _matrix(conv: nn.Conv2d) -> list[np.ndarray]:
    """Weight [o, i] and bias of a convolution 1x1."""
    return _arrays(conv.weight[:, :, 0, 0], conv.bias)


def _arrays(*tensors: torch.Tensor) -> list[np.ndarray]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]
