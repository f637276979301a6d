# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that says which arrays the codecs accept."""

from __future__ import annotations

import numpy as np

MAX_SIDE = 4096


def check_image(image: np.ndarray, max_side: int = MAX_SIDE) -> np.ndarray:
    """A C-contiguous uint8 [H,W,3] view or copy of an acceptable picture.

    Args:
        image: uint8 [H,W,3], or gray [H,W] or [H,W,1] (repeated three times); 1 .. max_side a side.
        max_side: int, largest height and width.
    Raises:
        ValueError: anything else, naming what was given and what is allowed.
    """
    if not isinstance(image, np.ndarray):
        raise ValueError(f"image must be a numpy array uint8 [H,W,3], got {type(image).__name__}")
    if image.dtype != np.uint8:
        raise ValueError(f"image must be uint8 [H,W,3], got dtype {image.dtype}")
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ValueError(f"image must be uint8 [H,W,3], got shape {list(image.shape)}")
    check_size(image.shape[0], image.shape[1], max_side)
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image)


def check_size(height: int, width: int, max_side: int = MAX_SIDE) -> None:
    """ValueError unless both sides are in 1 .. max_side."""
    if height < 1 or width < 1:
        raise ValueError(f"image must not be empty, got height {height}, width {width}")
    if height > max_side or width > max_side:
        raise ValueError(f"image sides must be at most {max_side}, got {height} x {width}")


def plausible_size(size: object) -> tuple[int, int] | None:
    """(height, width) of a picture that may be made without trust in the caller, or None."""
    try:
        height, width = (int(side) for side in size)
    except (TypeError, ValueError, OverflowError):
        return None
    if 1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE:
        return height, width
    return None


def nothing_saved(size: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
    """Mid-gray picture and all-False mask; 16 x 16 when no size is known."""
    height, width = plausible_size(size) or (16, 16)
    return np.full((height, width, 3), 128, np.uint8), np.zeros((height, width), bool)
