# SPDX-License-Identifier: GPL-3.0-or-later
"""What any learned pre-processor has to beat: blur, edge-preserving blur and down-scaling.

A control stands in the place of PPEN, a function (image uint8 [H, W, 3], qp) -> image uint8. Names are
"gaussian-0.7" (standard deviation in pixels), "bilateral-1.5-12" (standard deviations in pixels and in
grey levels) and "downscale-0.75" (factor of both sides; the receiver scales back).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

KINDS = {
    "gaussian": ("SIGMA",),
    "bilateral": ("SIGMA", "GREY_SIGMA"),
    "downscale": ("FACTOR",),
}
AUTO = (
    "gaussian-0.3",
    "gaussian-0.4",
    "gaussian-0.5",
    "gaussian-0.7",
    "gaussian-1.0",
    "bilateral-1-8",
    "bilateral-1.5-12",
    "bilateral-2-20",
    "downscale-0.75",
)
MAX_SIGMA = 8.0
_REACH = 3.0  # a Gaussian kernel ends at this many standard deviations


@dataclass(frozen=True)
class Control:
    """A pre-processing by a fixed filter; `name` says which, calling it applies it."""

    name: str
    filter: Callable[[np.ndarray], np.ndarray]

    def __call__(self, image: np.ndarray, qp: float) -> np.ndarray:
        """The filtered picture uint8 [H', W', 3]; a control does not depend on qp."""
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"image must be uint8 [H, W, 3], got {image.dtype} {image.shape}")
        return self.filter(image)


def get(name: str) -> Control:
    """The control of a name.

    Raises:
        ValueError: unknown kind, wrong number of values, or a value out of range.
    """
    kind, *texts = name.split("-")
    if kind not in KINDS or len(texts) != len(KINDS[kind]):
        forms = ", ".join("-".join((kind, *values)) for kind, values in KINDS.items())
        raise ValueError(f"control must be one of {forms}, got {name!r}")
    try:
        values = [float(text) for text in texts]
    except ValueError:
        raise ValueError(f"control {name!r}: {'-'.join(texts)} must be numbers") from None
    if kind == "downscale":
        if not 0.25 <= values[0] <= 1:
            raise ValueError(f"control {name!r}: FACTOR must be in 0.25..1")
        return Control(name, lambda image: downscale(image, values[0]))
    if not 0 <= values[0] <= MAX_SIGMA:
        raise ValueError(f"control {name!r}: SIGMA must be in 0..{MAX_SIGMA:g}")
    if kind == "gaussian":
        return Control(name, lambda image: gaussian(image, values[0]))
    if not 0 < values[1] <= 255:
        raise ValueError(f"control {name!r}: GREY_SIGMA must be above 0, at most 255")
    return Control(name, lambda image: bilateral(image, *values))


def gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian low-pass, borders mirrored; sigma in pixels, 0 is the identity.

    Args:
        image: uint8 [H, W, 3].
        sigma: >= 0.
    Returns:
        uint8 [H, W, 3], rounded.
    """
    kernel = _kernel(sigma)
    reach = len(kernel) // 2
    result = image.astype(np.float32)
    for axis in (0, 1):
        padded = _mirrored(result, reach, axis)
        result = sum(
            weight * _shifted(padded, offset, result.shape[axis], axis)
            for offset, weight in enumerate(kernel)
        )
    return _rounded(result)


def bilateral(image: np.ndarray, sigma: float, grey_sigma: float) -> np.ndarray:
    """Edge-preserving mean: weights exp(-distance^2 / 2 sigma^2 - difference^2 / 2 grey_sigma^2).

    The difference is that of luma, so the three colours of a pixel move together; borders mirrored.

    Args:
        image: uint8 [H, W, 3].
        sigma: pixels, >= 0; 0 is the identity.
        grey_sigma: grey levels, > 0.
    Returns:
        uint8 [H, W, 3], rounded.
    Source: Tomasi, Manduchi, 1998.
    """
    kernel = _kernel(sigma)
    reach = len(kernel) // 2
    height, width = image.shape[:2]
    colours = image.astype(np.float32)
    luma = colours @ np.array([0.299, 0.587, 0.114], np.float32)
    stacked = np.concatenate([colours, luma[..., None]], axis=2)
    padded = _mirrored(_mirrored(stacked, reach, 0), reach, 1)
    total = np.zeros_like(colours)
    weights = np.zeros((height, width, 1), np.float32)
    for row, row_weight in enumerate(kernel):
        for column, column_weight in enumerate(kernel):
            part = padded[row : row + height, column : column + width]
            difference = (part[..., 3] - luma) / grey_sigma
            weight = (row_weight * column_weight * np.exp(-(difference**2) / 2))[..., None]
            total += weight * part[..., :3]
            weights += weight
    return _rounded(total / weights)


def downscale(image: np.ndarray, factor: float) -> np.ndarray:
    """The picture at a fraction of its sides (Lanczos, antialiased); `restored` undoes the size.

    Args:
        image: uint8 [H, W, 3].
        factor: (0, 1]; 1 is the identity. Sides are rounded, at least 1.
    """
    size = [max(1, round(side * factor)) for side in image.shape[:2]]
    return restored(image, (size[0], size[1]))


def restored(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture at (height, width), Lanczos; the same array when it has that size already."""
    if image.shape[:2] == tuple(size):
        return image
    from PIL import Image

    height, width = size
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
    return np.array(picture)


def _kernel(sigma: float) -> np.ndarray:
    if not 0 <= sigma <= MAX_SIGMA:
        raise ValueError(f"sigma must be in 0..{MAX_SIGMA:g}, got {sigma}")
    if sigma == 0:
        return np.ones(1, np.float32)
    reach = math.ceil(_REACH * sigma)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    return (weights / weights.sum()).astype(np.float32)


def _mirrored(image: np.ndarray, reach: int, axis: int) -> np.ndarray:
    padding = [(0, 0)] * image.ndim
    padding[axis] = (reach, reach)
    return np.pad(image, padding, mode="symmetric")


def _shifted(padded: np.ndarray, offset: int, length: int, axis: int) -> np.ndarray:
    return padded[offset : offset + length] if axis == 0 else padded[:, offset : offset + length]


def _rounded(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
