# SPDX-License-Identifier: GPL-3.0-or-later
"""Parity-check matrices: reading them, and a systematic encoder for each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

_MAX_CODE_BITS = 16384


@dataclass(frozen=True)
class ParityCheckCode:
    """A binary linear block code with its systematic encoder.

    Attributes:
        indptr, indices: int32, the m rows of H in compressed form, columns ascending.
        information: int [k], columns that carry the information bits.
        parity: int [n - k], the other columns.
        generator: float32 [k, n - k] of 0 and 1: parity bits = (v @ generator) mod 2.
    """

    indptr: np.ndarray
    indices: np.ndarray
    information: np.ndarray
    parity: np.ndarray
    generator: np.ndarray

    @property
    def code_bits(self) -> int:
        """n."""
        return len(self.information) + len(self.parity)

    def encode(self, words: np.ndarray) -> np.ndarray:
        """Information words uint8 [b, k] -> parity bits uint8 [b, n - k]."""
        # float32 is exact: sums stay far below 2^24, and the product runs in BLAS.
        return (words.astype(np.float32) @ self.generator % 2).astype(np.uint8)


@lru_cache(maxsize=16)
def gallager_code(n: int, d_v: int, d_c: int, seed: int) -> ParityCheckCode:
    """Regular Gallager code of pyldpc: n bits, d_v checks per bit, d_c bits per check.

    Raises:
        ModuleNotFoundError: pyldpc is not installed.
        ValueError: its generator does not belong to its matrix (never seen, but not promised).
    """
    try:
        import pyldpc
    except ImportError as error:
        raise ModuleNotFoundError(
            "Gallager codes need pyldpc: pip install pyldpc (or pass a matrix h)"
        ) from error
    h, g = pyldpc.make_ldpc(n, d_v, d_c, systematic=True, sparse=True, seed=seed)
    h = np.asarray(h).astype(np.uint8)
    g = np.asarray(g).astype(np.float32)
    k = g.shape[1]
    if (h.astype(np.float32) @ g % 2).any() or not np.array_equal(g[:k], np.eye(k)):
        raise ValueError(
            f"pyldpc found no systematic code for n = {n}; try another seed than {seed}"
        )
    generator = g[k:].T.copy()
    indptr, indices = _compressed(h)
    return ParityCheckCode(indptr, indices, np.arange(k), np.arange(k, n), generator)


def code_of_matrix(h: np.ndarray) -> ParityCheckCode:
    """The code of any parity-check matrix [m, n] of 0 and 1; dependent rows are allowed.

    Raises:
        ValueError: values other than 0 and 1, no information bit left, or more than 16384 columns.
    """
    h = np.asarray(h.toarray() if hasattr(h, "toarray") else h)
    if h.ndim != 2 or h.dtype.kind not in "buif" or not np.isin(h, (0, 1)).all():
        raise ValueError(f"h must be a matrix of 0 and 1, got {h.dtype} of shape {list(h.shape)}")
    if h.shape[0] < 1 or not 2 <= h.shape[1] <= _MAX_CODE_BITS:
        raise ValueError(
            f"h must have at least 1 row and 2..{_MAX_CODE_BITS} columns, got {list(h.shape)}"
        )
    h = h.astype(np.uint8)
    reduced, parity = _row_reduced(h)
    information = np.setdiff1d(np.arange(h.shape[1]), parity)
    if len(information) == 0:
        raise ValueError("h must leave information bits, got full column rank")
    indptr, indices = _compressed(h)
    generator = reduced[:, information].T.astype(np.float32)
    return ParityCheckCode(indptr, indices, information, parity, generator)


def read_matrix(path: str | Path) -> np.ndarray:
    """Parity-check matrix of a file: .alist, .npy, or .npz (scipy sparse, or one array named h).

    Raises:
        ValueError: the file is missing, of another kind or damaged; the message names it.
    """
    path = Path(path)
    try:
        if path.suffix == ".alist":
            return _read_alist(path.read_text(encoding="ascii"))
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            return _read_npz(path)
    except (OSError, ValueError, KeyError, IndexError, EOFError) as error:
        raise ValueError(f"{path}: no readable parity-check matrix ({error})") from error
    raise ValueError(f"{path}: a parity-check matrix must be .alist, .npy or .npz")


def _read_npz(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as data:
        for name in ("h", "H"):
            if name in data:
                return data[name]
        if "indptr" not in data:
            raise ValueError(f"has neither h nor a sparse matrix, but {', '.join(data)}")
    from scipy.sparse import load_npz

    return load_npz(path).toarray()


def _read_alist(text: str) -> np.ndarray:
    """Alist format: n m, largest weights, column weights, row weights, then the column lists."""
    numbers = [int(word) for word in text.split()]
    n, m, column_weight = numbers[0], numbers[1], numbers[2]
    if not (2 <= n <= _MAX_CODE_BITS and 1 <= m <= n and 0 < column_weight <= m):
        raise ValueError(f"sizes {n} x {m} with weight {column_weight} are out of range")
    weights = numbers[4 : 4 + n]
    lists = np.array(numbers[4 + n + m : 4 + n + m + n * column_weight])
    if len(lists) != n * column_weight:
        raise ValueError("the column lists are cut short")
    h = np.zeros((m, n), np.uint8)
    for column, (rows, weight) in enumerate(zip(lists.reshape(n, -1), weights)):
        rows = rows[rows > 0]
        if len(rows) != weight or rows.size and rows.max() > m:
            raise ValueError(f"column {column} disagrees with its weight or the number of rows")
        h[rows - 1, column] = 1
    return h


def _compressed(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(h)
    counts = np.bincount(rows, minlength=len(h))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32), columns.astype(np.int32)


def _row_reduced(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reduced row echelon form over GF(2) without zero rows, and its pivot columns.

    Pivots are taken from the last column down, so that the usual [information | parity] order stays.
    """
    n = h.shape[1]
    packed = np.packbits(h, axis=1)
    pivots: list[int] = []
    for column in range(n - 1, -1, -1):
        rank = len(pivots)
        if rank == len(packed):
            break
        ones = (packed[:, column // 8] >> (7 - column % 8) & 1).astype(bool)
        below = np.flatnonzero(ones[rank:])
        if len(below) == 0:
            continue
        swap = rank + below[0]
        packed[[rank, swap]] = packed[[swap, rank]]
        ones[[rank, swap]] = ones[[swap, rank]]
        ones[rank] = False
        packed[ones] ^= packed[rank]
        pivots.append(column)
    reduced = np.unpackbits(packed[: len(pivots)], axis=1)[:, :n]
    return reduced, np.array(pivots, int)
