# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of radio front ends on planes of samples: float32 [antennas, 2, n], real and imaginary part.

Every function works sample by sample, with the same roundings for any number of samples.
"""

from __future__ import annotations

import math

import numpy as np


def iq_imbalance(x: np.ndarray, gain_db: float, phase_deg: float) -> np.ndarray:
    """In-phase and quadrature branches of unequal gain and not at right angles.

    I' = g (cos(p/2) I + sin(p/2) Q), Q' = (sin(p/2) I + cos(p/2) Q) / g, g = 10^(gain_db / 40).

    Args:
        x: float32 [antennas, 2, n].
        gain_db: of the in-phase over the quadrature branch.
        phase_deg: deviation from 90 degrees.
    """
    gain, half = 10 ** (gain_db / 40), math.radians(phase_deg) / 2
    own, cross = math.cos(half), math.sin(half)
    out = np.empty_like(x)
    out[:, 0] = x[:, 0] * np.float32(gain * own) + x[:, 1] * np.float32(gain * cross)
    out[:, 1] = x[:, 0] * np.float32(cross / gain) + x[:, 1] * np.float32(own / gain)
    return out


def clip_envelope(x: np.ndarray, level: float) -> tuple[np.ndarray, int]:
    """Samples with |x| limited to `level`, phase kept, and how many were limited."""
    power = x[:, 0] * x[:, 0] + x[:, 1] * x[:, 1]
    over = power > np.float32(level * level)
    count = int(np.count_nonzero(over))
    if count == 0:
        return x, 0
    scale = np.ones_like(power)
    scale[over] = np.float32(level) / np.sqrt(power[over])
    return x * scale[:, None], count


def rotate(x: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """x exp(j phase), phase float64 [n] in rad, the same for all antennas."""
    wrapped = (phase - 2 * np.pi * np.round(phase / (2 * np.pi))).astype(np.float32)
    cosine, sine = np.cos(wrapped), np.sin(wrapped)
    out = np.empty_like(x)
    out[:, 0] = x[:, 0] * cosine - x[:, 1] * sine
    out[:, 1] = x[:, 0] * sine + x[:, 1] * cosine
    return out


def quantise(x: np.ndarray, bits: int, full_scale: float) -> np.ndarray:
    """Real and imaginary part rounded to `bits` bits over +-full_scale, saturating."""
    levels = 1 << (bits - 1)
    step = np.float32(full_scale / levels)
    return np.clip(np.round(x / step), -levels, levels - 1) * step


class BurstFinder:
    """Finds where bursts begin: the first sample that is not zero after 32 or more that are.

    The state runs on from call to call, so any chunking gives the same starts.
    """

    zeros_between = 32

    def __init__(self):
        self._zeros = 0  # length of the run of zeros that ends the input so far

    def push(self, x: np.ndarray) -> np.ndarray:
        """Starts int64 [b] in the next samples x float32 [antennas, 2, n], relative to them."""
        n = x.shape[2]
        if n and (x[0, 0] != 0).all():  # inside a burst: the usual case, and quickly seen
            started = self._zeros >= self.zeros_between
            self._zeros = 0
            return np.array([0] if started else [], np.int64)
        nonzero = np.flatnonzero((x != 0).any((0, 1)))
        if nonzero.size == 0:
            self._zeros += n
            return nonzero
        before = np.diff(nonzero, prepend=-1 - self._zeros) - 1
        self._zeros = n - 1 - int(nonzero[-1])
        return nonzero[before >= self.zeros_between]


class PhaseOscillator:
    """Phase of a carrier frequency offset and phase noise, one for all antennas of an end.

    Args:
        frequency: offset in cycles per sample.
        deviation: standard deviation of the random walk's steps in rad per sample.
        rng: generator of the phase noise.
    """

    def __init__(self, frequency: float, deviation: float, rng: np.random.Generator):
        self._frequency, self._deviation, self._rng = frequency, deviation, rng
        self._next, self._walk = 0, 0.0

    def phase(self, n: int) -> np.ndarray:
        """Phase of the next n samples, float64 [n] in rad."""
        index = np.arange(self._next, self._next + n)
        self._next += n
        phase = 2 * np.pi * np.mod(self._frequency * index, 1.0)
        if self._deviation == 0 or n == 0:
            return phase
        steps = self._deviation * self._rng.standard_normal(n)
        steps[0] += self._walk
        walk = np.cumsum(steps)  # sums from left to right, in any chunking
        self._walk = walk[-1]
        return phase + walk


class Tone:
    """An interfering carrier, the same frequency and a phase of its own at every antenna.

    Args:
        amplitude: magnitude of the samples.
        frequency: in cycles per sample.
        antennas: number of receive antennas.
        rng: generator of the phases.
    """

    def __init__(self, amplitude: float, frequency: float, antennas: int, rng: np.random.Generator):
        self._amplitude, self._frequency = np.float32(amplitude), frequency
        self._phases = 2 * np.pi * rng.random(antennas)
        self._next = 0

    def add_to(self, x: np.ndarray) -> None:
        """Add the next n samples to x float32 [antennas, 2, n] in place."""
        turns = np.mod(self._frequency * np.arange(self._next, self._next + x.shape[2]), 1.0)
        self._next += x.shape[2]
        for antenna, phase in enumerate(self._phases):
            angle = (2 * np.pi * turns + phase).astype(np.float32)
            x[antenna, 0] += self._amplitude * np.cos(angle)
            x[antenna, 1] += self._amplitude * np.sin(angle)
