# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation of picture and label together: scale, crop, flip, roll, gamma, channel gains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .sample import IGNORE, DataError


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training sample, in this order.

    Attributes:
        crop: (height, width) of the result.
        scale: (low, high) factor of both sides, log-uniform; antialiased, labels nearest.
        hflip, vflip: bool, mirror with probability 1/2.
        roll: bool, shift a cyclic panorama sideways by a random offset; no training stage sets it.
        gamma: (low, high) exponent, log-uniform, of v / 255.
        gain: (low, high) factor of each colour channel.
    Source: training.md section 2.1.
    """

    crop: tuple[int, int]
    scale: tuple[float, float] = (0.6, 1.4)
    hflip: bool = True
    vflip: bool = False
    roll: bool = False
    gamma: tuple[float, float] = (0.8, 1.25)
    gain: tuple[float, float] = (0.9, 1.1)

    def __post_init__(self) -> None:
        if min(self.crop) < 1:
            raise DataError(f"crop must be at least 1 x 1, got {self.crop}")
        for name in ("scale", "gamma", "gain"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise DataError(f"{name} must be 0 < low <= high, got {(low, high)}")

    def __call__(
        self, image: np.ndarray, label: np.ndarray | None, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Changed copies of image uint8 [H, W, 3] and label uint8 [H, W]; the label may be None.

        Where the scaled picture is smaller than the crop, the picture is continued by its edge and
        the label is `IGNORE`.
        """
        image, label = self._geometry(image, label, rng)
        return self._colour(image, rng), label

    def _geometry(self, image, label, rng):
        if self.roll:
            offset = int(rng.integers(image.shape[1]))
            image = np.roll(image, offset, 1)
            label = None if label is None else np.roll(label, offset, 1)
        image, label = _scaled_crop(image, label, self.crop, _log_uniform(rng, self.scale), rng)
        if self.hflip and rng.random() < 0.5:
            image, label = image[:, ::-1], None if label is None else label[:, ::-1]
        if self.vflip and rng.random() < 0.5:
            image, label = image[::-1], None if label is None else label[::-1]
        return np.ascontiguousarray(image), None if label is None else np.ascontiguousarray(label)

    def _colour(self, image, rng):
        if self.gamma == (1.0, 1.0) and self.gain == (1.0, 1.0):
            return image
        gamma, gains = _log_uniform(rng, self.gamma), rng.uniform(*self.gain, size=3)
        curve = 255 * (np.arange(256) / 255) ** gamma
        tables = np.clip(curve[:, None] * gains + 0.5, 0, 255).astype(np.uint8)
        return np.stack([tables[image[:, :, c], c] for c in range(3)], 2)


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


def _scaled_crop(image, label, crop, factor, rng):
    """A random window of the picture scaled by `factor`, without scaling what lies outside it."""
    from PIL import Image

    height, width = image.shape[:2]
    sides = [min(want / factor, side) for want, side in zip(crop, (height, width), strict=True)]
    # whole offsets: at factor 1 the window is an exact copy, where a fraction would blur the noise
    # that the codec has to spend bits on
    top, left = (
        int(rng.integers(int(side - part) + 1))
        for side, part in zip((height, width), sides, strict=True)
    )
    box = (left, top, left + sides[1], top + sides[0])
    size = [min(want, max(1, round(side * factor))) for want, side in zip(crop, sides, strict=True)]
    size = (size[1], size[0])
    picture = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC, box=box)
    image = _padded(np.asarray(picture), crop, "edge")
    if label is not None:
        classes = Image.fromarray(label).resize(size, Image.Resampling.NEAREST, box=box)
        label = _padded(np.asarray(classes), crop, "constant")
    return image, label


def _padded(array, crop, mode):
    missing = [(0, want - have) for want, have in zip(crop, array.shape[:2], strict=True)]
    if not any(after for _, after in missing):
        return array
    missing += [(0, 0)] * (array.ndim - 2)
    return np.pad(
        array, missing, mode, **({"constant_values": IGNORE} if mode == "constant" else {})
    )
