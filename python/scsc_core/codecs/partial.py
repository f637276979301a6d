# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of the part of a picture that a cut file still gives."""

from __future__ import annotations

import numpy as np

# Deblocking changes 3 luma samples (1 chroma sample, 2 luma) beside an edge and SAO looks 1
# further; doubled.
LOOP_FILTER_REACH = 8
# Chroma interpolation reads 4 chroma samples (8 luma samples) on either side; plus 2 for their
# grid.
CHROMA_REACH = 10


def grow(mask: np.ndarray, reach: int) -> np.ndarray:
    """True wherever a True lies within `reach` rows and columns."""
    for axis in (0, 1):
        length = mask.shape[axis]
        sums = np.cumsum(mask, axis=axis, dtype=np.int64)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        high = np.minimum(np.arange(length) + reach + 1, length)
        low = np.maximum(np.arange(length) - reach, 0)
        mask = sums.take(high, axis) > sums.take(low, axis)
    return mask


def from_first_block_on(mask: np.ndarray, block: int, lead: int = 1) -> np.ndarray:
    """True from `lead` blocks before the first block (in raster order) that holds a True."""
    height, width = mask.shape
    columns = -(-width // block)
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return np.zeros_like(mask)
    row = rows[0] // block
    band = mask[row * block : (row + 1) * block].any(axis=0)
    first = max(0, row * columns + int(np.flatnonzero(band)[0]) // block - lead)
    order = np.arange(-(-height // block) * columns).reshape(-1, columns)
    late = order >= first
    return late.repeat(block, 0).repeat(block, 1)[:height, :width]
