# SPDX-License-Identifier: GPL-3.0-or-later
"""Modulator: header and rows of a transmit table in, samples of both antennas out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .header import FrameHeader, encode_header, pack
from .numerology import N_TX, TOTAL_POWER, Numerology, numerology
from .sequences import long_training, pilots, short_training, to_time


class Modulator:
    """Builds frames: short and long training fields, header, data symbols with pilots.

    x = ifft(X) N / sqrt(n_used) with a cyclic prefix; a table row z of mean energy 2 goes out as
    z / sqrt 2, so that every part of a frame has unit mean power over both antennas.

    Args:
        n: Numerology; None is the 64-point default.
    """

    def __init__(self, n: Numerology | None = None):
        self.numerology = numerology() if n is None else n

    def modulate(self, header: FrameHeader, index: np.ndarray, tables: np.ndarray) -> np.ndarray:
        """One frame with data.

        Args:
            header: its nsym > 0 says how many data symbols there are.
            index: uint16 [nsym * n_data], row of the table for channel use u = n_data t + d (data
                symbol t, data carrier d).
            tables: complex [n_data, K, 2], one per data carrier, or [1, K, 2] for all; rows of mean
                energy 2.
        Returns:
            complex64 [2, frame_samples(nsym)].
        Raises:
            ValueError: shapes or sizes disagree, a row is out of range, tables not finite.
        """
        n = self.numerology
        if not 1 <= header.nsym <= n.max_nsym:
            raise ValueError(
                f"nsym must be 1..{n.max_nsym} for a frame with data, got {header.nsym}"
            )
        index, tables = _checked(index, tables, header.nsym, n)
        grid = np.empty((header.nsym, n.n_used, N_TX), complex)
        carrier = np.arange(n.n_data) if len(tables) > 1 else 0
        grid[:, n.data_rows] = tables[carrier, index] / np.sqrt(TOTAL_POWER)
        grid[:, n.pilot_rows] = pilots(n, n.header_symbols + header.nsym)[n.header_symbols :]
        return np.concatenate([_head(header, n), _symbols(grid, n)], axis=1)

    def sounding(self, header: FrameHeader | None = None) -> np.ndarray:
        """A frame without data: type "sounding" or "end".

        Args:
            header: nsym 0; None is a plain sounding frame.
        Returns:
            complex64 [2, overhead_samples].
        Raises:
            ValueError: nsym is not 0.
        """
        if header is None:
            header = FrameHeader(type="sounding", nsym=0)
        if header.nsym:
            raise ValueError(f"nsym must be 0 for a frame without data, got {header.nsym}")
        return _head(header, self.numerology).copy()


def _checked(index, tables, nsym: int, n: Numerology) -> tuple[np.ndarray, np.ndarray]:
    index, tables = np.asarray(index), np.asarray(tables)
    if index.dtype.kind not in "iu" or index.shape != (nsym * n.n_data,):
        raise ValueError(
            f"index must be integers [{nsym * n.n_data}] for nsym {nsym}, got {index.dtype} "
            f"{index.shape}"
        )
    if tables.ndim != 3 or tables.shape[0] not in (1, n.n_data) or tables.shape[2] != N_TX:
        raise ValueError(
            f"tables must be [{n.n_data}, K, 2] or [1, K, 2], got shape {tables.shape}"
        )
    if index.size and not (0 <= index.min() and index.max() < tables.shape[1]):
        raise ValueError(
            f"index must be 0..{tables.shape[1] - 1}, got {index.min()}..{index.max()}"
        )
    if not np.isfinite(tables).all():
        raise ValueError("tables must be finite")
    return index.reshape(nsym, n.n_data), tables


def _symbols(grid: np.ndarray, n: Numerology) -> np.ndarray:
    """OFDM symbols with prefix, complex64 [2, n_symbols * symbol_samples] of [symbols, used, 2]."""
    body = to_time(grid.transpose(2, 0, 1), n)
    whole = np.concatenate([body[..., n.n_fft - n.n_cp :], body], axis=-1)
    return whole.reshape(N_TX, -1).astype(np.complex64)


@lru_cache(maxsize=64)
def _head(header: FrameHeader, n: Numerology) -> np.ndarray:
    """Everything in front of the data, complex64 [2, overhead_samples]."""
    parts = [short_training(), long_training(n)]
    parts = [part.astype(np.complex64) for part in parts]
    return np.concatenate([*parts, _symbols(encode_header(pack(header), n), n)], axis=1)
