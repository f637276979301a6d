# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft bits of a received frame: joint maximum likelihood over the table of every carrier."""

from __future__ import annotations

import numpy as np

from .. import _native
from ..mimo.detection import LLR_KINDS

# Of the received power: how well a channel estimate fits at the end of a frame, at best. Channels
# change while a frame lasts; soft bits that believe in less noise than that saturate, and dense
# constellations fail more often the higher the SNR is. A decoder that follows the ratios of soft
# bits loses nothing by the floor.
MODEL_ERROR_DB = -21.0


def frame_llr(frame, tables: np.ndarray, llr: str = "maxlog") -> np.ndarray:
    """LLRs of a frame's coded bits, positive means bit 0.

    Per data carrier d: y = H_d z + n, z a row of tables[d]; H_d is the channel as this frame found it,
    whatever channel the tables were made for. The noise is that of the frame, but no less than
    `MODEL_ERROR_DB` below the received power of an antenna.

    Args:
        frame: ReceivedFrame with data.
        tables: complex [n_data, K, 2], or [1, K, 2] for all carriers; mean row energy 2, K a power of 2.
        llr: "maxlog", or "exact" (log-sum-exp).
    Returns:
        float32 [nsym n_data log2 K], in the order of channel uses u = n_data t + d.
    Raises:
        ValueError: shapes disagree, unknown llr.
    """
    n_data = len(frame.y)
    tables = np.ascontiguousarray(tables, complex)
    if tables.ndim != 3 or tables.shape[0] not in (1, n_data) or tables.shape[2] != 2:
        raise ValueError(f"tables must be [{n_data}, K, 2] or [1, K, 2], got shape {tables.shape}")
    if llr not in LLR_KINDS:
        raise ValueError(f"llr must be one of {', '.join(LLR_KINDS)}, got {llr!r}")
    return _native.frame_bits(
        np.ascontiguousarray(frame.y, np.complex64),
        np.ascontiguousarray(frame.h_data, complex),
        tables,
        _believed_noise_var(frame),
        llr == "exact",
    )


def _believed_noise_var(frame) -> float:
    if not frame.noise_var > 0:
        return frame.noise_var  # for the kernel to refuse
    power = 2 * np.mean(np.abs(frame.h_data) ** 2)  # two transmit antennas of unit power
    return max(frame.noise_var, power * 10 ** (MODEL_ERROR_DB / 10))
