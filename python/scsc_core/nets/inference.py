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
from .strips import ALIGNMENT, PictureStrips, StripsMissing

PRECISIONS = ("float32", "bf16")
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_KEEP_BYTES = 1 << 30  # mallopt takes an int
_BYTES_PER_PIXEL = 660  # of feature maps, where a network does not tell; task networks take less


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
        max_bytes: pictures whose feature maps would take more memory at a time go through in
            overlapping tiles that take at most so much; 0: never. Weights, the picture and the
            result (not above 40 bytes per pixel) are not counted.
        overlap: samples on each side of a tile that only serve as its surroundings. PPEN's
            convolutions see 185 and what its deformable ones learnt to look further.
    Raises:
        ValueError: unknown device or precision, or one that this machine lacks.
    """

    device: str = "cpu"
    precision: str = "float32"
    max_bytes: int = 2 << 30
    overlap: int = 256

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
        if self.max_bytes < 0 or self.overlap < 0:
            raise ValueError(
                f"max_bytes and overlap must be >= 0, got {self.max_bytes}, {self.overlap}"
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

    def is_tiled(self, height: int, width: int, network: object = None) -> bool:
        """Whether `run` takes a picture of this size in tiles; network as there."""
        return 0 < self.max_bytes < height * width * _bytes_per_pixel(network)

    def run(
        self,
        function: Callable[..., torch.Tensor],
        image: np.ndarray,
        network: object = None,
    ) -> np.ndarray:
        """Apply a function of a float picture [1, 3, h, w] to uint8 [H, W, 3].

        Args:
            network: what computes the function; its `bytes_per_pixel` tells its memory where it
                has it. The function then takes its tiles as (picture, strips); a network that
                pools over the whole picture by strips (`Ppen`) wants both.
        Returns:
            The function's result without its batch axis, [H, W] or [c, H, W]. In tiles (see
            `max_bytes`) it differs where convolutions reach beyond `overlap`, and everywhere if
            the function looks at the whole picture in another way than by strips.
        """
        x = torch.tensor(image).permute(2, 0, 1)[None]  # a copy: the array may be read-only
        height, width = image.shape[:2]
        autocast = torch.autocast(
            self.device.partition(":")[0], torch.bfloat16, enabled=self.precision == "bf16"
        )
        with torch.inference_mode(), autocast:
            if not self.is_tiled(height, width, network):
                return self._call(function, x)
            pixels = self.max_bytes // _bytes_per_pixel(network, tiled=True)
            cover = tiles(height, width, pixels, self.overlap)
            strips = None if network is None else PictureStrips(height, width)
            while (result := self._one_pass(function, x, cover, strips)) is None:
                strips.end_pass()
            return result

    def _one_pass(self, function, x, cover, strips) -> np.ndarray | None:
        """The result of all tiles together; None: the pass has added to the strips."""
        result = None
        for inner, outer in cover:
            more = () if strips is None else (strips.tile(inner, outer),)
            try:
                part = self._call(function, x[..., outer[0], outer[1]], *more)
            except StripsMissing:
                continue
            if result is None:
                result = np.empty((*part.shape[:-2], *x.shape[-2:]), part.dtype)
            rows, columns = (
                slice(i.start - o.start, i.stop - o.start)
                for i, o in zip(inner, outer, strict=True)
            )
            result[..., inner[0], inner[1]] = part[..., rows, columns]
        return result

    def _call(self, function, x, *more):
        x = x.to(self.device).to(torch.float32).div_(255)
        return function(x.contiguous(memory_format=torch.channels_last), *more)[0].cpu().numpy()


def _bytes_per_pixel(network: object, tiled: bool = False) -> int:
    if not hasattr(network, "bytes_per_pixel"):
        return _BYTES_PER_PIXEL
    return network.bytes_per_pixel(tiled)


def tiles(
    height: int, width: int, max_pixels: int, overlap: int
) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Tiles that cover a picture: (what a tile gives, what it sees) as (rows, columns).

    The picture is halved along its longer side until a tile with its overlap fits; edges inside
    the picture lie at multiples of 16.
    """

    def split(rows: slice, columns: slice):
        seen = tuple(
            slice(max(0, s.start - overlap) // ALIGNMENT * ALIGNMENT, min(limit, s.stop + overlap))
            for s, limit in ((rows, height), (columns, width))
        )
        h, w = rows.stop - rows.start, columns.stop - columns.start
        pixels = (seen[0].stop - seen[0].start) * (seen[1].stop - seen[1].start)
        if pixels <= max_pixels or max(h, w) < 2 * ALIGNMENT:
            return [((rows, columns), seen)]
        longer = rows if h >= w else columns
        middle = (longer.start + longer.stop) // (2 * ALIGNMENT) * ALIGNMENT
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
