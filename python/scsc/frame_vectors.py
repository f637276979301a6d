# SPDX-License-Identifier: GPL-3.0-or-later
"""Vectors of a received frame for views: in front of and behind the combiner, and their error."""

from __future__ import annotations

import numpy as np

from scsc_core import mimo


def received_vectors(frame) -> np.ndarray:
    """y of a ReceivedFrame, complex64 [n_rx, k], carrier by carrier."""
    return np.ascontiguousarray(frame.y.transpose(1, 0, 2), np.complex64).reshape(
        frame.y.shape[1], -1
    )


def combined_vectors(frame, tables: np.ndarray) -> np.ndarray:
    """Estimate r = U2 y of the transmitted vectors behind the combiner (CEN), complex64 [n_tx, k].

    Args:
        frame: ReceivedFrame with data.
        tables: complex [n_data or 1, K, n_tx].
    Source: Han et al., Eq. (12), corrected; link.md section 6.
    """
    n_data, _, nsym = frame.y.shape
    uses = np.full(n_data, nsym)
    y = received_vectors(frame)
    r = mimo.combine(y, frame.h_data, tables, frame.noise_var, block_uses=uses)
    return np.ascontiguousarray(r, np.complex64)


def error_vector_db(r: np.ndarray, tables: np.ndarray, nsym: int) -> np.ndarray:
    """Error vector magnitude of each transmit antenna, from decisions for the nearest table row.

    EVM = sum |r - z|^2 / sum |z|^2 with z the row nearest to r. Too small where decisions fail, below
    about 10 dB.

    Args:
        r: complex [n_tx, n_data nsym], carrier by carrier.
        tables: complex [n_data or 1, K, n_tx].
        nsym: vectors of a carrier.
    Returns:
        float64 [n_tx] in dB; nan for an antenna that sends nothing.
    Source: ours; waveform.md section 6.
    """
    tables = np.asarray(tables, np.complex64)
    points = r.reshape(len(r), -1, nsym).transpose(1, 2, 0)  # [n_data, nsym, n_tx]
    correlation = (points @ tables.conj().transpose(0, 2, 1)).real
    distance = (np.abs(tables) ** 2).sum(-1)[:, None, :] - 2 * correlation
    nearest = distance.argmin(-1)
    z = np.take_along_axis(
        np.broadcast_to(tables, (len(points), *tables.shape[1:])), nearest[..., None], axis=1
    )
    error = (np.abs(points - z) ** 2).sum((0, 1), dtype=float)
    energy = (np.abs(z) ** 2).sum((0, 1), dtype=float)
    sends = energy > 1e-6 * energy.max(initial=1e-30)
    ratio = np.where(sends, error, np.nan) / np.where(sends, energy, 1.0)
    return 10 * np.log10(np.maximum(ratio, 1e-12))
