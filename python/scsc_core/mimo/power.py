# SPDX-License-Identifier: GPL-3.0-or-later
"""Power allocation over the singular directions: water-filling and mercury."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from .constellation import qam
from .grids import grid_index, grids


def two_streams(first: np.ndarray) -> np.ndarray:
    """Fractions [..., 2] from that of stream 1."""
    power = np.empty(first.shape + (2,))
    power[..., 0] = first
    power[..., 1] = 1 - first.astype(float)
    return power


def waterfill(gains: np.ndarray) -> np.ndarray:
    """Water-filling power fractions p_i = (mu - 1/g_i)^+, sum 1.

    Args:
        gains: float64 [..., n_s], g_i = s_i^2 Ptot / N0, in falling order.
    Returns:
        float64 [..., n_s].
    Source: link.md section 4.4.
    """
    n = gains.shape[-1]
    if n == 1:
        return np.ones(gains.shape)
    inverse = 1 / np.maximum(gains, 1e-9)
    if n == 2:
        first = np.minimum(1.0, 0.5 * (1 + inverse[..., 1] - inverse[..., 0]))
        return two_streams(first)
    levels = (1 + np.cumsum(inverse, -1)) / np.arange(1, n + 1)
    active = (levels > inverse).sum(-1) - 1
    level = np.take_along_axis(levels, active[..., None], -1)
    return np.maximum(level - inverse, 0)


@cache
def _mmse_grid(n_bits: int) -> tuple[np.ndarray, np.ndarray]:
    # minimum mean square error of unit-energy QAM against the Es/N0 in dB, one real dimension
    grid_db = np.arange(-60.0, 60.0, 0.1)
    if n_bits == 1:
        snr, levels = 2 * 10 ** (grid_db / 10), np.array([1.0, -1.0]) / np.sqrt(2)
    else:
        snr = 10 ** (grid_db / 10)
        levels = np.unique(np.round(qam(n_bits)[0].real, 12))
    x, weight = np.polynomial.hermite.hermgauss(64)
    weight = weight / math.sqrt(math.pi) / len(levels)
    error = np.zeros(len(snr))
    for sent in levels:
        root = np.sqrt(snr)[:, None, None]
        gap = root * (sent - levels)[:, None]
        likely = np.exp(-gap * (gap + 2 * x))
        mean = (likely * levels[:, None]).sum(1) / likely.sum(1)
        error += ((sent - mean) ** 2) @ weight
    # kept strictly falling so that it can be inverted
    return grid_db, np.minimum.accumulate(2 * error) + 1e-300


def mercury(gains: np.ndarray, n_bits: int) -> np.ndarray:
    """Mercury/water-filling fractions: p maximises the sum of the streams' QAM informations.

    At the optimum g_i mmse(p_i g_i) is equal on all active streams. Two QPSK streams use the
    stored 1-dB grid (the golden reference), others a bisection on that common value.

    Args:
        gains: float64 [..., n_s], in falling order.
        n_bits: bits per QAM symbol.
    Returns:
        float64 [..., n_s], sum 1.
    Note:
        The sum that is maximised is coded-modulation information; it equals BICM
        information for BPSK and QPSK only.
    Source: Lozano, Tulino, Verdu, IEEE Trans. IT 52(7), 2006; link.md section 5.5.
    """
    if gains.shape[-1] == 1:
        return np.ones(gains.shape)
    if gains.shape[-1] == 2 and n_bits == 2:
        i, j = grid_index(gains)
        return two_streams(grids()["mwf"][i, j])
    grid_db, mmse = _mmse_grid(n_bits)
    safe = np.maximum(gains, 1e-9)

    def used(level):
        wanted = level[..., None] / safe
        snr_db = np.interp(-np.log(wanted), -np.log(mmse), grid_db)
        return np.where(wanted < mmse[0], 10 ** (snr_db / 10) / safe, 0.0)

    low, high = np.full(gains.shape[:-1], -700.0), np.log(safe.max(-1))
    for _ in range(80):
        middle = 0.5 * (low + high)
        too_much = used(np.exp(middle)).sum(-1) > 1
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    power = used(np.exp(high))
    total = power.sum(-1, keepdims=True)
    strongest = np.arange(gains.shape[-1]) == 0
    return np.where(total > 0, power / np.where(total > 0, total, 1), strongest)
