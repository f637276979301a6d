# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of radio front ends on samples complex64 [antennas, n].

Every function works sample by sample, with the same roundings for any number of samples.
"""

from __future__ import annotations

import math

import numpy as np

from .. import _native


def iq_imbalance(x: np.ndarray, gain_db: float, phase_deg: float) -> np.ndarray:
    """In-phase and quadrature branches of unequal gain and not at right angles.

    I' = g (cos(p/2) I + sin(p/2) Q), Q' = (sin(p/2) I + cos(p/2) Q) / g, g = 10^(gain_db / 40).

    Args:
        x: complex64 [antennas, n].
        gain_db: of the in-phase over the quadrature branch.
        phase_deg: deviation from 90 degrees.
    """
    gain, half = 10 ** (gain_db / 40), math.radians(phase_deg) / 2
    own, cross = math.cos(half), math.sin(half)
    out = np.empty_like(x)
    out.real = x.real * np.float32(gain * own) + x.imag * np.float32(gain * cross)
    out.imag = x.real * np.float32(cross / gain) + x.imag * np.float32(own / gain)
    return out


def clip_envelope(x: np.ndarray, level: float) -> tuple[np.ndarray, int]:
    """Samples with |x| limited to `level`, phase kept, and how many were limited."""
    power = x.real * x.real + x.imag * x.imag
    over = power > np.float32(level * level)
    count = int(np.count_nonzero(over))
    if count == 0:
        return x, 0
    scale = np.ones_like(power)
    scale[over] = np.float32(level) / np.sqrt(power[over])
    return x * scale, count


def quantise(x: np.ndarray, bits: int, full_scale: float) -> np.ndarray:
    """Real and imaginary part rounded to `bits` bits over +-full_scale, saturating."""
    levels = 1 << (bits - 1)
    step = np.float32(full_scale / levels)
    parts = np.round(x.view(np.float32) / step)
    return (np.clip(parts, -levels, levels - 1) * step).view(np.complex64)


class BurstFinder:
    """Finds where bursts begin: the first sample that is not zero after 32 or more that are.

    The state runs on from call to call, so any chunking gives the same starts.
    """

    zeros_between = 32

    def __init__(self):
        self._zeros = 0  # length of the run of zeros that ends the input so far

    def push(self, x: np.ndarray) -> np.ndarray:
        """Starts int64 [b] in the next samples x complex64 [antennas, n], relative to them."""
        n = x.shape[1]
        if n and (x[0].real != 0).all():  # inside a burst: the usual case, and quickly seen
            started = self._zeros >= self.zeros_between
            self._zeros = 0
            return np.array([0] if started else [], np.int64)
        nonzero = np.flatnonzero((x != 0).any(0))
        if nonzero.size == 0:
            self._zeros += n
            return nonzero
        before = np.diff(nonzero, prepend=-1 - self._zeros) - 1
        self._zeros = n - 1 - int(nonzero[-1])
        return nonzero[before >= self.zeros_between]


class PhaseOscillator:
    """A carrier frequency offset and phase noise, the same for all antennas of an end.

    Args:
        frequency: offset in cycles per sample.
        deviation: standard deviation of the random walk's steps in rad per sample.
        rng: generator of the phase noise.
    """

    def __init__(self, frequency: float, deviation: float, rng: np.random.Generator):
        self._rng = rng
        self._start = self._walk = self._frequency = 0.0
        self._next = 0
        self.tune(frequency, deviation)

    def tune(self, frequency: float, deviation: float) -> None:
        """Another frequency and deviation from the next sample on; the phase goes on."""
        self._start = math.remainder(self._start + self._frequency * self._next, 1.0)
        self._frequency, self._next = frequency, 0
        self._deviation = deviation / (2 * math.pi)

    @property
    def idle(self) -> bool:
        """Whether the phase is 0 and stays so."""
        return not (self._frequency or self._deviation or self._start or self._walk)

    def turns(self, n: int) -> np.ndarray:
        """Phase of the next n samples, float32 [n] in cycles, -0.5 .. 0.5."""
        phase = self._frequency * np.arange(self._next, self._next + n) + self._start
        self._next += n
        if self._deviation and n:
            steps = self._deviation * self._rng.standard_normal(n)
            steps[0] += self._walk
            walk = np.cumsum(steps)  # sums from left to right, in any chunking
            self._walk = float(walk[-1])
            phase += walk
        else:
            phase += self._walk
        return (phase - np.rint(phase)).astype(np.float32)

    def turn(self, x: np.ndarray) -> None:
        """Multiply the next n samples x complex64 [antennas, n] by exp(j phase) in place."""
        _native.rotate(x, self.turns(x.shape[1]))


class WhiteNoise:
    """Noise of two receive antennas: what a sample gets depends on its number alone.

    Args:
        seed: SeedSequence.
    Source: sample_noise.h (Philox and Box-Muller).
    """

    def __init__(self, seed: np.random.SeedSequence):
        self._key = int(seed.generate_state(1, np.uint64)[0])
        self._next = 0

    def add_to(self, x: np.ndarray, variance: float) -> None:
        """Add CN(0, variance) to the next n samples x complex64 [2, n] in place."""
        if variance > 0:
            _native.add_noise(x, self._key, self._next, math.sqrt(variance / 2))
        self._next += x.shape[1]


class Tone:
    """An interfering carrier, the same frequency and a phase of its own at every antenna.

    Args:
        amplitude: magnitude of the samples.
        frequency: in cycles per sample.
        antennas: number of receive antennas.
        rng: generator of the phases.
    """

    def __init__(self, amplitude: float, frequency: float, antennas: int, rng: np.random.Generator):
        self._phases = rng.random(antennas).astype(np.float32)
        self._oscillator = PhaseOscillator(frequency, 0.0, rng)
        self._amplitude = np.float32(amplitude)

    def tune(self, amplitude: float, frequency: float) -> None:
        """Another magnitude and frequency from the next sample on; the phases go on."""
        self._amplitude = np.float32(amplitude)
        self._oscillator.tune(frequency, 0.0)

    def add_to(self, x: np.ndarray) -> None:
        """Add the next n samples to x complex64 [antennas, n] in place."""
        if self._amplitude == 0:
            return
        turns = self._oscillator.turns(x.shape[1])
        for row, phase in zip(x, self._phases, strict=True):
            angle = np.float32(2 * np.pi) * (turns + phase)
            row.real += self._amplitude * np.cos(angle)
            row.imag += self._amplitude * np.sin(angle)
