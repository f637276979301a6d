# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed and block error rate of the polar code and of the generic decoder."""

from __future__ import annotations

import numpy as np

from .. import _native
from .benchmark import Row, measure

# Payload, E, Es/N0 in dB, design block error rate, target Mbit/s (channel_coding.md section 9).
# K = payload + CRC11 is 536, 280 and 792: those of 512, 256 and 768 bits with 24 CRC bits.
_POLAR_POINTS = (
    (525, 1024, 2.0, 5e-3, 3.0),
    (525, 1024, 1.5, 7.7e-2, 3.0),
    (269, 1024, -1.5, 4.5e-3, None),
    (781, 1024, 5.5, 1.5e-3, None),
)
# One decade of block errors takes about .44 dB here: .1 dB is this factor.
_TENTH_OF_A_DB = 1.7
# Es/N0 in dB where a (3, 6) code of this length is at about 1e-2, and well above.
_GENERIC_SNR_DB = (1.75, 3.0)
_GENERIC_BITS = 2016


def run(quick: bool = False) -> list[Row]:
    """Rows for the polar code and for a (3, 6) code; quick takes a tenth of the blocks.

    The points are those of channel_coding.md section 9. Speeds are information bits per second of
    one core, numpy in and numpy out.
    """
    n_blocks = 400 if quick else 4000
    rng = np.random.default_rng(1)
    rows = []
    for payload, coded, snr_db, design, target in _POLAR_POINTS:
        rows += _polar_rows(payload, coded, snr_db, design, target, n_blocks, rng)
    rows.append(_polar_encoder_row())
    for snr_db in _GENERIC_SNR_DB:
        rows += _generic_rows(snr_db, 256 if quick else 1024, rng)
    return rows


def _polar_rows(payload, coded, snr_db, design, target, n_blocks, rng) -> list[Row]:
    bits = rng.integers(0, 2, (n_blocks, payload), dtype=np.uint8)
    llr = _qpsk_llr(_native.polar_encode(bits, coded), snr_db, rng)
    condition = f"A={payload} E={coded} L=8, QPSK AWGN {snr_db:g} dB, {_native.isa()}"
    decoded, _ = _native.polar_decode(llr, payload)
    error_rate = float((decoded != bits).any(axis=1).mean())
    few = llr[:200]
    timing = measure(lambda: _native.polar_decode(few, payload))
    return [
        _speed("polar decode", len(few) * payload, timing, target, condition),
        Row(
            "polar block error rate",
            error_rate,
            "",
            _TENTH_OF_A_DB * design,
            False,
            f"{condition}, {n_blocks} blocks",
        ),
    ]


def _polar_encoder_row() -> Row:
    bits = np.random.default_rng(2).integers(0, 2, (200, 525), dtype=np.uint8)
    timing = measure(lambda: _native.polar_encode(bits, 1024))
    return _speed("polar encode", bits.size, timing, None, "A=525 E=1024")


def _generic_rows(snr_db, n_words, rng) -> list[Row]:
    indptr, indices = _regular_matrix(_GENERIC_BITS, 3, 6)
    zeros = np.zeros((n_words, _GENERIC_BITS), np.uint8)
    llr = _qpsk_llr(zeros, snr_db, rng)
    condition = f"(3,6) n={_GENERIC_BITS} cap 20, QPSK AWGN {snr_db:g} dB, {_native.isa()}"
    bits, _, _ = _native.decode_generic(indptr, indices, llr, 20)
    timing = measure(lambda: _native.decode_generic(indptr, indices, llr, 20))
    error_rate = float(bits.any(axis=1).mean())
    return [
        _speed("generic decode", llr.size // 2, timing, 45.0, condition),
        Row(
            "generic block error rate", error_rate, "", None, False, f"{condition}, {n_words} words"
        ),
    ]


def _speed(name, n_bits, timing, target, condition) -> Row:
    rates = [n_bits / seconds / 1e6 for seconds in (timing.median_s, timing.max_s, timing.min_s)]
    return Row(name, rates[0], "Mbit/s", target, True, condition, (rates[1], rates[2]))


def _qpsk_llr(coded, snr_db, rng) -> np.ndarray:
    """float32 LLRs of bits sent as QPSK at Es/N0 = snr_db."""
    snr = 10 ** (snr_db / 10)
    received = 1.0 - 2.0 * coded + rng.normal(size=coded.shape) / np.sqrt(snr)
    return (2 * snr * received).astype(np.float32)


def _regular_matrix(n, d_v, d_c) -> tuple[np.ndarray, np.ndarray]:
    """indptr, indices of a random regular matrix, d_v permuted layers."""
    rng = np.random.default_rng(3)
    layers = [np.sort(rng.permutation(n).reshape(-1, d_c), axis=1) for _ in range(d_v)]
    indices = np.concatenate(layers).astype(np.int32).ravel()
    return np.arange(0, len(indices) + 1, d_c, dtype=np.int32), indices
