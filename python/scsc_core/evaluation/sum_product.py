# SPDX-License-Identifier: GPL-3.0-or-later
"""Float sum-product decoder of the NR LDPC codes, yardstick for the int8 decoder."""

from __future__ import annotations

import numpy as np

from .. import _native

_LARGEST = 30.0  # beyond it tanh is 1 in float32


def _parity_checks(base_graph: int, lifting_size: int, n_rows: int) -> list[list[tuple[int, int]]]:
    """(column, shift) of each row of the base graph."""
    rows: list[list[tuple[int, int]]] = [[] for _ in range(n_rows)]
    for row, column, shift in _native.ldpc_edges(base_graph, lifting_size):
        if row < n_rows:
            rows[row].append((column, shift))
    return rows


class SumProduct:
    """Layered sum-product decoder over float32 for batches.

    Check update: |R_e| = phi(sum of phi(|v|) over the others), phi(x) = -log tanh(x / 2).

    Args:
        base_graph: 1 or 2.
        lifting_size: one of the 51 sizes.
        received: positions from the start of the circular buffer that are received at all.
    Source: layered belief propagation, Hocevar 2004; written for this project.
    """

    def __init__(self, base_graph: int, lifting_size: int, received: int):
        self.kb = 22 if base_graph == 1 else 10
        last_column = (received - 1) // lifting_size + 2
        n_rows = max(4, last_column + 1 - self.kb)
        self._z = lifting_size
        self._rows = _parity_checks(base_graph, lifting_size, n_rows)

    def decode(self, llr: np.ndarray, max_iterations: int) -> np.ndarray:
        """float32 [n, N] -> uint8 [n, K]; frames leave when all their checks hold."""
        n_frames, z = len(llr), self._z
        decided = np.zeros((n_frames, self.kb * z), np.uint8)
        index = np.arange(n_frames)
        posterior = np.zeros((n_frames, llr.shape[1] // z + 2, z), np.float32)
        posterior[:, 2:] = llr.reshape(n_frames, -1, z)
        messages = [np.zeros((n_frames, len(row), z), np.float32) for row in self._rows]
        for _ in range(max_iterations):
            for row, message in zip(self._rows, messages, strict=True):
                self._update(row, posterior, message)
            bits = (posterior < 0).astype(np.uint8)
            decided[index] = bits[:, : self.kb].reshape(len(index), -1)
            going = self._unsatisfied(bits)
            if not going.any():
                break
            index, posterior = index[going], posterior[going]
            messages = [message[going] for message in messages]
        return decided

    @staticmethod
    def _update(row: list[tuple[int, int]], posterior: np.ndarray, message: np.ndarray) -> None:
        inputs = np.stack([np.roll(posterior[:, c], -s, axis=1) for c, s in row], axis=1)
        inputs -= message
        magnitude = _phi(np.abs(inputs))
        magnitude = _phi(np.maximum(magnitude.sum(axis=1, keepdims=True) - magnitude, 0.0))
        negative = inputs < 0
        odd = np.logical_xor.reduce(negative, axis=1, keepdims=True) ^ negative
        message[:] = np.where(odd, -magnitude, magnitude)
        inputs += message
        for e, (column, shift) in enumerate(row):
            posterior[:, column] = np.roll(inputs[:, e], shift, axis=1)

    def _unsatisfied(self, bits: np.ndarray) -> np.ndarray:
        bad = np.zeros(len(bits), bool)
        for row in self._rows:
            parity = np.zeros((len(bits), self._z), np.uint8)
            for column, shift in row:
                parity ^= np.roll(bits[:, column], -shift, axis=1)
            bad |= parity.any(axis=1)
        return bad


def _phi(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 1e-7, _LARGEST)
    return -np.log(np.tanh(0.5 * x) + np.float32(1e-30))
