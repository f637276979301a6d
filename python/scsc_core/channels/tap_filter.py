# SPDX-License-Identifier: GPL-3.0-or-later
"""Time-varying MIMO filter: every stretch of the input passes its own taps and its own delay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .. import _native


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

    A stretch's tail runs on into the next one, as a burst's echoes do. Every output is the same sum
    in the same order however the input is split.

    Args:
        memory: longest delay + L - 1 that will occur.
    """

    def __init__(self, memory: int):
        self._memory = memory
        self._history = np.zeros((2, memory), np.complex64)
        self._next = 0
        self._stretches: list[Stretch] = []

    def lengthen(self, memory: int) -> None:
        """Make room for stretches with a longest delay + L - 1 of `memory`."""
        missing = max(memory - self._memory, 0)
        self._history = np.pad(self._history, ((0, 0), (missing, 0)))
        self._memory += missing

    def push(self, x: np.ndarray, stretches: list[Stretch]) -> np.ndarray:
        """Output complex64 [2, n] for the next input.

        Args:
            x: complex64 [2, n].
            stretches: those that begin inside this input, in order; the very first at index 0.
        """
        n = x.shape[1]
        self._stretches += stretches
        extended = np.concatenate([self._history, x], 1)
        y = np.zeros((2, n), np.complex64)
        for stretch, end in self._active(n):
            self._add(y, extended, stretch, end)
        self._history = extended[:, n:].copy()
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

    def _add(self, y: np.ndarray, extended: np.ndarray, stretch: Stretch, end: int) -> None:
        origin = self._next - self._memory  # index of the first column of `extended`
        change = None
        if stretch.end_taps is not None:
            change = (stretch.end_taps - stretch.taps).astype(np.complex64)
        _native.filter_taps(
            y,
            extended,
            first=max(stretch.start - origin, 0),
            last=end - origin,
            lag=self._memory - stretch.delay,
            taps=stretch.taps.astype(np.complex64),
            change=change,
            ramp_start=stretch.start - origin,
            ramp_step=1 / stretch.length if stretch.length else 0.0,
        )
