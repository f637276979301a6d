# SPDX-License-Identifier: GPL-3.0-or-later
"""Cyclic redundancy checks of TS 38.212 section 5.1 on words of one byte per bit."""

from __future__ import annotations

import numpy as np

from .. import _native

KINDS = ("24a", "24b", "16", "11")


def crc(kind: str, bits: np.ndarray) -> np.ndarray:
    """Check bits of a word, first bit = highest power.

    A word followed by its own check bits has check bits of zero.

    Args:
        kind: "24a", "24b", "16" or "11" (polynomials 0x864CFB, 0x800063, 0x1021, 0x621).
        bits: [n] of 0 and 1, any integer or bool type, n >= 0.
    Returns:
        uint8 [24], [24], [16] or [11].
    Raises:
        ValueError: unknown kind, more than one axis, values other than 0 and 1.
    Source: TS 38.212 section 5.1; zero initial state, no final inversion.
    """
    return _native.crc(kind, as_bits(bits, "bits", (1,)))


def as_bits(bits: np.ndarray, name: str, n_axes: tuple[int, ...]) -> np.ndarray:
    """The array as C-contiguous uint8; ValueError unless integers or bools with n_axes axes."""
    array = np.asarray(bits)
    if array.dtype.kind not in "bui":
        raise ValueError(f"{name} must be integers or bools of value 0 or 1, got {array.dtype}")
    if array.ndim not in n_axes:
        allowed = " or ".join(map(str, n_axes))
        raise ValueError(f"{name} must have {allowed} axes, got shape {array.shape}")
    if array.dtype != np.uint8:
        if array.size and (array.min() < 0 or array.max() > 1):
            raise ValueError(f"{name} must hold 0 and 1 only")
        array = array.astype(np.uint8)
    return np.ascontiguousarray(array)
