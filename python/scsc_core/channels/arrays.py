# SPDX-License-Identifier: GPL-3.0-or-later
"""Uniform linear arrays: steering vectors and exponential correlation."""

from __future__ import annotations

import numpy as np


def steering(direction_cosine: np.ndarray, n: int, spacing: float = 0.5) -> np.ndarray:
    """Steering vectors a_i = exp(j 2 pi spacing i u) of a uniform linear array.

    Args:
        direction_cosine: float [...], u = cosine of the angle between a plane wave and the array's
            axis, in [-1, 1]; broadside is 0.
        n: antennas, >= 1.
        spacing: distance of neighbours in wavelengths.
    Returns:
        complex128 [..., n].
    """
    phase = 2 * np.pi * spacing * np.asarray(direction_cosine, float)
    return np.exp(1j * phase[..., None] * np.arange(n))


def correlation_root(n: int, rho: float) -> np.ndarray:
    """Symmetric square root of the exponential correlation matrix rho^|i - j|, float64 [n, n].

    Raises:
        ValueError: rho is not in [0, 1).
    """
    if not 0 <= rho < 1:
        raise ValueError(f"correlation must be in [0, 1), got {rho}")
    index = np.arange(n)
    values, vectors = np.linalg.eigh(np.power(float(rho), np.abs(index[:, None] - index)))
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
