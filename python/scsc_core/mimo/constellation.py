# SPDX-License-Identifier: GPL-3.0-or-later
"""QAM constellations of TS 38.211 and the product alphabets of several streams."""

from __future__ import annotations

from functools import cache

import numpy as np

MODULATIONS = {"bpsk": 1, "qpsk": 2, "16qam": 4, "64qam": 6, "256qam": 8}


def bits_per_symbol(modulation: str) -> int:
    """Number of bits m that one symbol of a modulation carries.

    Args:
        modulation: "bpsk", "qpsk", "16qam", "64qam" or "256qam".
    Raises:
        ValueError: unknown name.
    """
    try:
        return MODULATIONS[modulation]
    except (KeyError, TypeError):
        allowed = ", ".join(MODULATIONS)
        raise ValueError(f"modulation must be one of {allowed}, got {modulation!r}") from None


def _frozen(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    for array in arrays:
        array.setflags(write=False)
    return arrays


def label_bits(n_points: int, n_bits: int) -> np.ndarray:
    """Bits uint8 [n_points, n_bits] of the indices 0 .. n_points - 1, first column = MSB."""
    return (np.arange(n_points)[:, None] >> np.arange(n_bits - 1, -1, -1) & 1).astype(np.uint8)


@cache
def pam_levels(n_bits: int) -> np.ndarray:
    """Gray levels float64 [2^n_bits] of one real dimension, index = bits MSB first, energy 1/2."""
    signs = 1.0 - 2.0 * label_bits(1 << n_bits, n_bits)
    levels = signs[:, n_bits - 1].copy()
    for k in range(n_bits - 2, -1, -1):
        levels = signs[:, k] * (2.0 ** (n_bits - 1 - k) - levels)
    return _frozen(levels / np.sqrt(2 * (levels**2).mean()))[0]


@cache
def qam(n_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Gray QAM with 2^n_bits points of unit mean energy and its labels.

    Even bits select the real part, odd bits the imaginary part; one bit gives the BPSK of
    TS 38.211 (both parts carry it) and no bit the silent stream (one point at zero).

    Args:
        n_bits: 0, 1, or even.
    Returns:
        points complex128 [2^n_bits], bits uint8 [2^n_bits, n_bits]; both read-only.
    Raises:
        ValueError: n_bits is odd and above 1, or negative.
    Source: TS 38.211 sections 5.1.2 to 5.1.6; link.md section 4.2.
    """
    if n_bits == 0:
        return _frozen(np.zeros(1, complex), np.zeros((1, 0), np.uint8))
    if n_bits == 1:
        points = np.array([1, -1]) * (1 + 1j) / np.sqrt(2)
        return _frozen(points, label_bits(2, 1))
    if n_bits < 0 or n_bits % 2:
        raise ValueError(f"bits per symbol must be 0, 1 or even, got {n_bits}")
    bits = label_bits(1 << n_bits, n_bits)
    weights = 1 << np.arange(n_bits // 2 - 1, -1, -1)
    levels = pam_levels(n_bits // 2)
    return _frozen(levels[bits[:, 0::2] @ weights] + 1j * levels[bits[:, 1::2] @ weights], bits)


def constellation(modulation: str) -> tuple[np.ndarray, np.ndarray]:
    """Points complex128 [M] and labels uint8 [M, m] of a named modulation (read-only)."""
    return qam(bits_per_symbol(modulation))


@cache
def mixed_alphabet(stream_bits: tuple[int, ...]) -> np.ndarray:
    """All symbol vectors complex128 [K, n_s] when stream i carries stream_bits[i] bits.

    Row index = integer value of the coded bits, stream 1 first and MSB first.
    """
    grids = np.meshgrid(*[qam(bits)[0] for bits in stream_bits], indexing="ij")
    return _frozen(np.stack(grids, -1).reshape(-1, len(stream_bits)))[0]


def product_alphabet(n_bits: int, n_streams: int) -> tuple[np.ndarray, np.ndarray]:
    """Symbol vectors complex128 [K, n_s] and bits uint8 [K, n_s m] of n_s equal streams.

    Source: link.md section 4.2.
    """
    symbols = mixed_alphabet((n_bits,) * n_streams)
    return symbols, _labels(len(symbols), n_bits * n_streams)


@cache
def _labels(n_points: int, n_bits: int) -> np.ndarray:
    return _frozen(label_bits(n_points, n_bits))[0]


@cache
def xor_permutation() -> np.ndarray:
    """Row order int64 [16] of the label map kappa = xor on two QPSK streams.

    Bits (b0, b1, b2, b3) pass the mapper as (b0, b1, b2^b0, b3^b1); x' = x[order], and the
    order is its own inverse. It makes the rotated pair Gray: with weights 2 : 1 on one
    direction the sum is Gray 16QAM.
    Source: link.md section 5.1.
    """
    bits = label_bits(16, 4)
    bits[:, 2] ^= bits[:, 0]
    bits[:, 3] ^= bits[:, 1]
    return _frozen(bits @ (1 << np.arange(3, -1, -1)))[0]
