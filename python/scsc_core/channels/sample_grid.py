# SPDX-License-Identifier: GPL-3.0-or-later
"""Band-limited interpolation: path delays on the sample grid, and a clock that runs at another rate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

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
    return np.linalg.lstsq(basis, values, rcond=None)[0].astype(np.float32)


class DriftingClock:
    """A sampling clock that is off by some ppm: y[n] = v(n + eps (n - n0) - latency).

    The drift starts anew at every origin n0 (the beginning of a burst), and after 16 samples of
    drift where a burst is longer than that; the number of samples never changes. The same samples
    in any chunking give the same output.

    Args:
        sfo_ppm: eps in 1e-6, positive: the receiver samples too slowly; |eps| <= 1000.
        planes: number of real-valued streams.
    Raises:
        ValueError: sfo_ppm out of range.
    """

    latency = HALF_WIDTH + SLACK

    def __init__(self, sfo_ppm: float, planes: int):
        if not 0 < abs(sfo_ppm) <= 1000:
            raise ValueError(f"sfo_ppm must be within +-1000 and not 0, got {sfo_ppm}")
        self._rate = sfo_ppm * 1e-6
        self._period = int(SLACK / abs(self._rate))
        self._before = HALF_WIDTH + SLACK  # samples kept on each side of the position
        self._history = np.zeros((planes, self._before + self.latency), np.float32)
        self._next = 0  # index of the next output
        self._origins = [0]

    def resample(self, v: np.ndarray, origins: list[int]) -> np.ndarray:
        """Output float32 [planes, n] for the next input float32 [planes, n].

        Args:
            v: contiguous samples.
            origins: indices of inputs, counted from the first sample ever, where drift starts anew.
        """
        self._origins = sorted(self._origins + origins)
        n = v.shape[1]
        extended = np.concatenate([self._history, v], 1)
        out = np.empty_like(v)
        first = self._next - self.latency  # position of output 0 of this call, without drift
        bounds = [0, *sorted({o - first for o in self._origins if 0 < o - first < n}), n]
        for a, b in zip(bounds[:-1], bounds[1:], strict=True):
            origin = max([o for o in self._origins if o <= first + a], default=0)
            self._stretch(extended, out, a, b, first + a - origin)
        self._history = extended[:, n:].copy()
        self._next += n
        last = first + n
        past = [o for o in self._origins if o <= last]
        self._origins = past[-1:] + [o for o in self._origins if o > last]
        return out

    def _stretch(self, extended, out, a: int, b: int, age: int) -> None:
        drift = self._rate * ((age + np.arange(b - a)) % self._period)
        whole = np.floor(drift)
        fraction = (drift - whole).astype(np.float32)
        edges = np.flatnonzero(np.diff(whole)) + 1
        polynomials = _polynomials()
        for start, stop in zip([0, *edges], [*edges, b - a], strict=True):
            mu = fraction[start:stop]
            base = self._before + a + start + int(whole[start])
            total = np.zeros((out.shape[0], stop - start), np.float32)
            for k in range(2 * HALF_WIDTH):
                weight = np.full(stop - start, polynomials[0, k], np.float32)
                for coefficient in polynomials[1:, k]:
                    weight *= mu
                    weight += coefficient
                left = base + k + 1 - HALF_WIDTH
                total += weight * extended[:, left : left + stop - start]
            out[:, a + start : a + stop] = total
