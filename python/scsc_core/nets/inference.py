# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks at run time: device, precision, weights, and one picture of any size through them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from .layers import fold_batchnorm

PRECISIONS = ("float32", "bf16")
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_KEEP_BYTES = 1 << 30  # mallopt takes an int


class WeightsError(ValueError):
    """Weights that do not belong to the network; one line with the first difference."""


@lru_cache(maxsize=1)
def keep_memory() -> None:
    """Let the C library keep freed memory instead of giving it back after every tensor.

    Feature maps are large blocks that glibc maps and unmaps on each use; faulting their pages in
    again took up to half of a forward pass on a virtual machine. No effect with other allocators.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)
        library.mallopt(_M_TOP_PAD, 64 << 20)


def has_bf16(device: str = "cpu") -> bool:
    """Whether the device computes bfloat16 faster than float32."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_avx512_bf16_supported())


@dataclass(frozen=True)
class Runtime:
    """Where and how a frozen network runs.

    Attributes:
        device: "cpu", "cuda" or "cuda:N".
        precision: "float32", or "bf16" (autocast) where the processor has it.
        max_pixels: larger pictures go through in overlapping tiles of at most so many pixels;
            0: never.
        overlap: samples on each side of a tile that only serve as its surroundings.
    Raises:
        ValueError: unknown device or precision, or one that this machine lacks.
    """

    device: str = "cpu"
    precision: str = "float32"
    max_pixels: int = 1 << 22
    overlap: int = 128

    def __post_init__(self) -> None:
        kind = self.device.partition(":")[0]
        if kind not in ("cpu", "cuda"):
            raise ValueError(f"device must be cpu, cuda or cuda:N, got {self.device!r}")
        if kind == "cuda" and not torch.cuda.is_available():
            raise ValueError(f"device must be cpu: no CUDA device is here, got {self.device!r}")
        if self.precision not in PRECISIONS:
            allowed = ", ".join(PRECISIONS)
            raise ValueError(f"precision must be one of {allowed}, got {self.precision!r}")
        if self.precision == "bf16" and not has_bf16(self.device):
            raise ValueError("precision must be float32: this processor has no bfloat16 units")
        if self.max_pixels < 0 or self.overlap < 0:
            raise ValueError(
                f"max_pixels and overlap must be >= 0, got {self.max_pixels}, {self.overlap}"
            )

    def prepare(self, network: torch.nn.Module) -> torch.nn.Module:
        """A copy of the network, frozen, in evaluation mode, on the device, channels last.

        BatchNorm is folded into the convolutions. A network with an attribute `native` (PPEN)
        computes by the native kernels on the CPU in float32; torch stays for gradients, other
        types, CUDA, torch.compile, and what the kernels lack (mean and windowed strip pooling).
        """
        if self.device == "cpu":
            keep_memory()
        network = fold_batchnorm(network).to(self.device, memory_format=torch.channels_last)
        if hasattr(network, "native"):
            network.native = self.device == "cpu" and self.precision == "float32"
        return network.requires_grad_(False)

    def run(
        self, function: Callable[[torch.Tensor], torch.Tensor], image: np.ndarray
    ) -> np.ndarray:
        """Apply a function of a float picture [1, 3, h, w] to uint8 [H, W, 3].

        Returns:
            The function's result without its batch axis, [H, W] or [c, H, W]. Pictures above
            `max_pixels` go through in tiles; tiles start at multiples of 16, so that away from
            seams only what a network sees of the whole picture (pooling) can differ.
        """
        x = torch.tensor(image).permute(2, 0, 1)[None]  # a copy: the array may be read-only
        height, width = image.shape[:2]
        autocast = torch.autocast(
            self.device.partition(":")[0], torch.bfloat16, enabled=self.precision == "bf16"
        )
        with torch.inference_mode(), autocast:
            if not self.max_pixels or height * width <= self.max_pixels:
                return self._call(function, x)
            result = None
            for inner, outer in tiles(height, width, self.max_pixels, self.overlap):
                part = self._call(function, x[..., outer[0], outer[1]])
                if result is None:
                    result = np.empty((*part.shape[:-2], height, width), part.dtype)
                rows, columns = (
                    slice(i.start - o.start, i.stop - o.start)
                    for i, o in zip(inner, outer, strict=True)
                )
                result[..., inner[0], inner[1]] = part[..., rows, columns]
            return result

    def _call(self, function, x):
        x = x.to(self.device).to(torch.float32).div_(255)
        return function(x.contiguous(memory_format=torch.channels_last))[0].cpu().numpy()


def tiles(
    height: int, width: int, max_pixels: int, overlap: int
) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Tiles that cover a picture: (what a tile gives, what it sees) as (rows, columns).

    The picture is halved along its longer side until a tile with its overlap fits; edges inside
    the picture lie at multiples of 16.
    """

    def split(rows: slice, columns: slice):
        seen = tuple(
            slice(max(0, s.start - overlap) // 16 * 16, min(limit, s.stop + overlap))
            for s, limit in ((rows, height), (columns, width))
        )
        h, w = rows.stop - rows.start, columns.stop - columns.start
        pixels = (seen[0].stop - seen[0].start) * (seen[1].stop - seen[1].start)
        if pixels <= max_pixels or max(h, w) < 32:
            return [((rows, columns), seen)]
        longer = rows if h >= w else columns
        middle = (longer.start + longer.stop) // 32 * 16
        halves = slice(longer.start, middle), slice(middle, longer.stop)
        parts = [(half, columns) if h >= w else (rows, half) for half in halves]
        return [tile for part in parts for tile in split(*part)]

    return split(slice(0, height), slice(0, width))


def load_weights(network: torch.nn.Module, tensors: dict[str, np.ndarray]) -> torch.nn.Module:
    """Put numpy tensors into a network.

    Raises:
        WeightsError: a tensor is missing, too many, of another shape, or not finite.
    """
    own = network.state_dict()
    own = {k: v for k, v in own.items() if not k.endswith("num_batches_tracked")}
    missing, extra = sorted(set(own) - set(tensors)), sorted(set(tensors) - set(own))
    if missing or extra:
        first = f"{missing[0]} is missing" if missing else f"{extra[0]} is unknown"
        raise WeightsError(
            f"weights are of another architecture: {first} "
            f"({len(missing)} missing, {len(extra)} unknown of {len(own)} tensors)"
        )
    for name, value in own.items():
        if tuple(tensors[name].shape) != tuple(value.shape):
            raise WeightsError(
                f"weights are of another architecture: {name} has shape "
                f"{tuple(tensors[name].shape)}, the network {tuple(value.shape)}"
            )
        if not np.isfinite(tensors[name]).all():
            raise WeightsError(f"weights are damaged: {name} holds values that are not finite")
    network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in tensors.items()}, False)
    return network


def weights_of(network: torch.nn.Module) -> dict[str, np.ndarray]:
    """All tensors of a network as numpy arrays, batch counters left out."""
    return {
        name: value.detach().cpu().float().numpy()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
