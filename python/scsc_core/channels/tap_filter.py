# SPDX-License-Identifier: GPL-3.0-or-later
"""Time-varying MIMO filter: every stretch of the input passes its own taps and its own delay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# Outputs are computed in tiles that begin at multiples of this, whole even where only a part is
# asked for: a column of a matrix product then rounds the same in any chunking.
_TILE = 512


@dataclass(frozen=True)
class Stretch:
    """Input samples start <= i < next stretch's start and the channel that they pass.

    Attributes:
        start: index of its first input sample.
        delay: whole samples >= 0 before tap 0.
        taps: complex128 [L, n_rx, n_tx].
        end_taps: taps at index start + length, reached linearly; None where taps are constant.
        length: input samples of the linear change; 0 where taps are constant.
    """

    start: int
    delay: int
    taps: np.ndarray
    end_taps: np.ndarray | None = None
    length: int = 0


class TapFilter:
    """y[n] = sum over stretches s, taps l of h_s[l] x_s[n - delay_s - l], x_s: the input of stretch s.

    A stretch's tail runs on into the next one, as a burst's echoes do. Samples are float32 planes;
    every output is the same sum in the same order however the input is split.

    Args:
        n_tx, n_rx: streams in and out.
        memory: longest delay + L - 1 that will occur.
    """

    def __init__(self, n_tx: int, n_rx: int, memory: int):
        self._n_tx, self._n_rx, self._memory = n_tx, n_rx, memory
        self._history = np.zeros((2 * n_tx, memory), np.float32)
        self._next = 0
        self._stretches: list[Stretch] = []

    def push(self, x: np.ndarray, stretches: list[Stretch]) -> np.ndarray:
        """Output float32 [n_rx, 2, n] (re, im) for the next input.

        Args:
            x: float32 [n_tx, 2, n].
            stretches: those that begin inside this input, in order; the very first at index 0.
        """
        n = x.shape[2]
        self._stretches += stretches
        extended = np.concatenate([self._history, x.reshape(2 * self._n_tx, n)], 1)
        y = np.zeros((2 * self._n_rx, n), np.float32)
        for stretch, end in self._active(n):
            self._add(y, extended, stretch, end)
        self._history = extended[:, n:].copy()
        self._next += n
        return y.reshape(self._n_rx, 2, n)

    def _active(self, n: int) -> Iterator[tuple[Stretch, int]]:
        """Stretches that reach these outputs, with the index of their last input + 1."""
        ends = [stretch.start for stretch in self._stretches[1:]] + [self._next + n]
        pairs = [
            (stretch, end)
            for stretch, end in zip(self._stretches, ends, strict=True)
            if end + self._memory > self._next
        ]
        self._stretches = [stretch for stretch, _ in pairs]
        yield from pairs

    def _add(self, y: np.ndarray, extended: np.ndarray, stretch: Stretch, end: int) -> None:
        n_taps, first, n = len(stretch.taps), self._next, y.shape[1]
        begin = max(first, stretch.start + stretch.delay)
        stop = min(first + n, end + stretch.delay + n_taps - 1)
        if begin >= stop:
            return
        weights = _weights(stretch.taps)
        if stretch.end_taps is not None:
            weights = np.concatenate([weights, _weights(stretch.end_taps - stretch.taps)], 1)
        for tile in range(begin - begin % _TILE, stop, _TILE):
            source = self._source(extended, stretch, end, tile - stretch.delay - n_taps + 1)
            windows = sliding_window_view(source, _TILE, -1)[:, ::-1]
            part = weights @ windows.reshape(-1, _TILE)
            a, b = max(tile, begin), min(tile + _TILE, stop)
            y[:, a - first : b - first] += part[:, a - tile : b - tile]

    def _source(self, extended: np.ndarray, stretch: Stretch, end: int, start: int) -> np.ndarray:
        """Input of a stretch from index `start` as far as a tile needs it, zero outside.

        Where the taps change, a second set of rows holds the input times the ramp 0 .. 1.
        """
        length = _TILE + len(stretch.taps) - 1
        rows = len(extended)
        source = np.zeros((rows if stretch.end_taps is None else 2 * rows, length), np.float32)
        offset = self._next - self._memory  # index of the first column of `extended`
        a, b = max(start, stretch.start, offset), min(start + length, end)
        if a >= b:
            return source
        inside = slice(a - start, b - start)
        source[:rows, inside] = extended[:, a - offset : b - offset]
        if stretch.end_taps is not None:
            ramp = np.arange(a - stretch.start, b - stretch.start, dtype=np.float32)
            ramp *= np.float32(1 / stretch.length)
            np.multiply(source[:rows, inside], ramp, out=source[rows:, inside])
        return source


def _weights(taps: np.ndarray) -> np.ndarray:
    """Real matrix float32 [2 n_rx, 2 n_tx L] of complex taps [L, n_rx, n_tx] on (re, im) planes."""
    n_taps, n_rx, n_tx = taps.shape
    real = np.empty((n_rx, 2, n_tx, 2, n_taps), np.float32)
    real[:, 0, :, 0] = real[:, 1, :, 1] = taps.real.transpose(1, 2, 0)
    real[:, 1, :, 0] = taps.imag.transpose(1, 2, 0)
    real[:, 0, :, 1] = -real[:, 1, :, 0]
    return real.reshape(2 * n_rx, 2 * n_tx * n_taps)
