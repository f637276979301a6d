# SPDX-License-Identifier: GPL-3.0-or-later
"""Time-varying MIMO filter: every stretch of the input passes its own taps and its own delay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


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
        # planes -im, re, im: [0:2] is j x, [1:3] is x
        self._history = np.zeros((n_tx, 3, memory), np.float32)
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
        extended = np.empty((self._n_tx, 3, self._memory + n), np.float32)
        extended[:, :, : self._memory] = self._history
        extended[:, 1:, self._memory :] = x
        np.negative(x[:, 1], out=extended[:, 0, self._memory :])
        y = np.zeros((self._n_rx, 2, n), np.float32)
        scratch = np.empty_like(y)
        for stretch, end in self._active(n):
            self._add(y, scratch, extended, stretch, end)
        self._history = extended[:, :, n:].copy() if self._memory else self._history
        self._next += n
        return y

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

    def _add(self, y, scratch, extended, stretch: Stretch, end: int) -> None:
        self._convolve(y, scratch, extended, stretch, end, stretch.taps)
        if stretch.end_taps is None:
            return
        # taps + a (end_taps - taps), with the ramp a on the input
        offset = self._next - self._memory
        start = max(stretch.start, offset)
        ramp = np.arange(start - stretch.start, end - stretch.start, dtype=np.float32)
        ramp *= np.float32(1 / stretch.length)
        ramped = np.zeros_like(extended)
        inside = slice(start - offset, end - offset)
        ramped[:, :, inside] = extended[:, :, inside] * ramp
        self._convolve(y, scratch, ramped, stretch, end, stretch.end_taps - stretch.taps)

    def _convolve(self, y, scratch, extended, stretch: Stretch, end: int, taps) -> None:
        real = taps.real.astype(np.float32)[..., None, None]
        imaginary = taps.imag.astype(np.float32)[..., None, None]
        n, offset = y.shape[2], self._next - self._memory
        for tap in range(len(taps)):
            shift = stretch.delay + tap
            a = max(stretch.start + shift - self._next, 0)
            b = min(end + shift - self._next, n)
            if a >= b:
                continue
            source = slice(self._next + a - shift - offset, self._next + b - shift - offset)
            part, product = y[:, :, a:b], scratch[:, :, a:b]
            for tx in range(self._n_tx):
                # a product, then a sum: each rounded once, whatever the vector length
                np.multiply(real[tap, :, tx], extended[tx, 1:, source], out=product)
                part += product
                np.multiply(imaginary[tap, :, tx], extended[tx, :2, source], out=product)
                part += product
