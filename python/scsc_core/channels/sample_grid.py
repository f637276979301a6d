# SPDX-License-Identifier: GPL-3.0-or-later
"""Band-limited interpolation: path delays on the sample grid, and a clock that runs at another rate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .. import _native

# Sinc with a Kaiser window: error below -60 dB up to 26 / 64 of the sample rate, the outermost used
# carrier of the waveform.
HALF_WIDTH = 12
_KAISER = 6.5
_DEGREE = 7  # of the polynomials in the fraction; their error is below -120 dB
SLACK = 16  # samples by which a sampling clock may drift before it starts anew


def kernel(position: np.ndarray) -> np.ndarray:
    """Interpolation kernel at positions in samples, float64; 1 at 0, 0 at other integers."""
    position = np.asarray(position, float)
    inside = np.clip(1 - (position / HALF_WIDTH) ** 2, 0, None)
    window = np.i0(_KAISER * np.sqrt(inside)) / np.i0(_KAISER)
    return np.where(np.abs(position) < HALF_WIDTH, np.sinc(position) * window, 0.0)


def grid_weights(delays_samples: np.ndarray, lead: int) -> np.ndarray:
    """What every path adds to the taps of a filter at sample spacing, float64 [L, P].

    Tap l has the delay l - lead.

    Args:
        delays_samples: float [P], >= 0.
        lead: taps before delay 0: 0 where all delays are whole numbers (each path is then one tap),
            else `HALF_WIDTH`.
    """
    delays = np.asarray(delays_samples, float)
    if lead == 0:
        return (np.arange(int(delays.max()) + 1)[:, None] == delays).astype(float)
    grid = np.arange(-lead, int(np.floor(delays.max())) + HALF_WIDTH)
    return kernel(grid[:, None] - delays)


@lru_cache(maxsize=1)
def _polynomials() -> np.ndarray:
    """Coefficients float32 [degree + 1, 2 HALF_WIDTH] of the kernel's values in the fraction."""
    fraction = 0.5 - 0.5 * np.cos(np.pi * (np.arange(64) + 0.5) / 64)
    offsets = np.arange(1 - HALF_WIDTH, HALF_WIDTH + 1)
    values = kernel(fraction[:, None] - offsets)
    basis = np.vander(fraction, _DEGREE + 1)  # highest power first
    return np.ascontiguousarray(np.linalg.lstsq(basis, values, rcond=None)[0], np.float32)


class DriftingClock:
    """A sampling clock that is off by some ppm: y[n] = v(n + eps (n - n0) - latency).

    The drift starts anew at every origin n0 (the beginning of a burst), and after 16 samples of
    drift where a burst is longer than that; the number of samples never changes. The same samples
    in any chunking give the same output.

    Args:
        sfo_ppm: eps in 1e-6, |eps| <= 1000; positive: the receiver samples too slowly.
        rows: number of complex streams.
        first: index of the first input.
    Raises:
        ValueError: sfo_ppm out of range.
    """

    latency = HALF_WIDTH + SLACK

    def __init__(self, sfo_ppm: float, rows: int, first: int = 0):
        self._before = HALF_WIDTH + SLACK  # samples kept on each side of the position
        self._history = np.zeros((rows, self._before + self.latency), np.complex64)
        self._next = first  # index of the next output
        self._origins = [(first, 0.0)]  # index of an input, drift there in samples
        self.tune(sfo_ppm)

    def tune(self, sfo_ppm: float) -> None:
        """Another offset from the next output on, where the drift is what it has come to."""
        if not abs(sfo_ppm) <= 1000:
            raise ValueError(f"sfo_ppm must be within +-1000, got {sfo_ppm}")
        here = self._next - self.latency
        past = [origin for origin in self._origins if origin[0] <= here]
        drift = float(self._drift(*past[-1], here, 1)[0]) if past else 0.0
        self._origins = [(here, drift), *self._origins[len(past) :]]
        self._rate = sfo_ppm * 1e-6

    def resample(self, v: np.ndarray, origins: list[int]) -> np.ndarray:
        """Output complex64 [rows, n] for the next input complex64 [rows, n].

        Args:
            v: samples.
            origins: indices of inputs where drift starts anew.
        """
        drifting = [*self._origins, *((origin, 0.0) for origin in origins)]
        self._origins = sorted(drifting, key=lambda origin: origin[0])
        n = v.shape[1]
        extended = np.concatenate([self._history, v], 1)
        first = self._next - self.latency  # position of output 0 of this call, without drift
        drift = self._drifts(first, n)
        whole = np.floor(drift)
        starts = whole.astype(np.int64) + np.arange(n) + (self._before + 1 - HALF_WIDTH)
        fractions = (drift - whole).astype(np.float32)
        self._history = extended[:, n:].copy()
        self._next += n
        past = [origin for origin in self._origins if origin[0] <= first + n]
        self._origins = past[-1:] + self._origins[len(past) :]
        return _native.interpolate(extended, starts, fractions, _polynomials())

    def _drifts(self, first: int, n: int) -> np.ndarray:
        """Drift float64 [n] of the outputs at positions `first` on."""
        starts = [max(index - first, 0) for index, _ in self._origins] + [n]
        drifts = np.zeros(n)
        for (index, drift), a, b in zip(self._origins, starts[:-1], starts[1:], strict=True):
            if a < min(b, n):
                drifts[a:b] = self._drift(index, drift, first + a, min(b, n) - a)
        return drifts

    def _drift(self, index: int, start: float, first: int, n: int) -> np.ndarray:
        """Drift float64 [n] at positions `first` on, by the origin at an index."""
        drift = start + self._rate * np.arange(first - index, first - index + n)
        return drift - SLACK * np.trunc(drift / SLACK)
