# SPDX-License-Identifier: GPL-3.0-or-later
"""Time variation of fading: sums of sinusoids with the Jakes spectrum."""

from __future__ import annotations

import math

import numpy as np

N_SINUSOIDS = 16
# Longest phase step between two knots of a linear interpolation: (0.1 rad)^2 / 8 = -58 dB of error.
KNOT_PHASE = 0.1


class JakesProcess:
    """Independent Rayleigh-like processes with Doppler spectrum of Jakes, CN(0, 1) in the ensemble.

    g(t) = sum_m exp(j(2 pi f_d cos(alpha_m) t + phi_m)) / sqrt(M), alpha_m = (2 pi m + theta) / M,
    theta and phi_m uniform; E g(t) g*(t + tau) = J_0(2 pi f_d tau).

    Args:
        shape: of the array of processes.
        doppler_hz: f_d > 0, largest Doppler shift.
        rng: generator of angles and phases; used here only.
    Raises:
        ValueError: doppler_hz is not positive and finite.
    Source: waveform.md section 8.
    """

    def __init__(self, shape: tuple[int, ...], doppler_hz: float, rng: np.random.Generator):
        if not (math.isfinite(doppler_hz) and doppler_hz > 0):
            raise ValueError(f"doppler_hz must be > 0, got {doppler_hz}")
        drawn = 2 * np.pi * rng.random((*shape, N_SINUSOIDS + 1))
        self._phases = drawn[..., :-1]
        angles = (2 * np.pi * np.arange(N_SINUSOIDS) + drawn[..., -1:]) / N_SINUSOIDS
        self._speeds = 2 * np.pi * doppler_hz * np.cos(angles)

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Values complex128 [T, *shape] at times float64 [T] in s."""
        times = np.asarray(times_s, float).reshape(-1, *[1] * self._speeds.ndim)
        waves = np.exp(1j * (self._speeds * times + self._phases))
        return waves.sum(-1) / math.sqrt(N_SINUSOIDS)


def knot_samples(doppler_hz: float, sample_rate_hz: float) -> int:
    """Samples between two knots at which a fading channel is computed, 16 .. 4096.

    In between the taps are interpolated linearly.
    """
    samples = KNOT_PHASE * sample_rate_hz / (2 * np.pi * doppler_hz)
    return int(min(max(samples, 16), 4096))


def jakes_correlation(doppler_hz: float, lag_s: float) -> float:
    """Autocorrelation J_0(2 pi f_d tau) of the Jakes spectrum at a lag in s."""
    angle = 2 * np.pi * (np.arange(256) + 0.5) / 256  # exact to rounding up to an argument of 200
    return float(np.cos(2 * np.pi * doppler_hz * lag_s * np.cos(angle)).mean())
