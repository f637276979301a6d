# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft bits of a received frame: joint maximum likelihood over the table of every carrier."""

from __future__ import annotations

import numpy as np

from .. import _native
from ..mimo.detection import LLR_KINDS


def frame_llr(frame, tables: np.ndarray, llr: str = "maxlog") -> np.ndarray:
    """LLRs of a frame's coded bits, positive means bit 0.

    Per data carrier d: y = H_d z + n, z a row of tables[d]; H_d is the channel as this frame found it,
    whatever channel the tables were made for.

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
        frame.noise_var,
        llr == "exact",
    )
