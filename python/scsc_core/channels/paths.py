# SPDX-License-Identifier: GPL-3.0-or-later
"""Fading of the paths of a delay profile between two linear arrays.

A path model has `delays_s` float64 [P], `draw(n)` for the gains of independent blocks and `at(times)`
for those of one run in time, both complex128 [n, P, n_rx, n_tx] with E sum_p |g_p|^2 = 1 per pair of
antennas.
"""

from __future__ import annotations

import math

import numpy as np

from .arrays import correlation_root, steering
from .doppler import JakesProcess
from .tr38901 import DelayProfile, tdl_profile


def flat_profile(rician_k_db: float | None = None) -> DelayProfile:
    """One fading path, or with a K factor in dB a line of sight and a fading path, at delay 0."""
    if rician_k_db is None:
        return DelayProfile(np.zeros(1), np.ones(1), np.zeros(1, bool))
    k = 10 ** (rician_k_db / 10)
    powers = np.array([k / (k + 1), 1 / (k + 1)])
    return DelayProfile(np.zeros(2), powers, np.array([True, False]))


def exponential_profile(rms_samples: float, sample_rate_hz: float) -> DelayProfile:
    """Taps at sample spacing up to 5 rms with powers exp(-n / rms), delays in s.

    Args:
        rms_samples: decay constant in samples, >= 0; below 0.2 a single tap is left.
        sample_rate_hz: > 0.
    """
    n = np.arange(int(5 * rms_samples) + 1)
    powers = np.exp(-n / rms_samples) if rms_samples > 0 else np.ones(1)
    return DelayProfile(n / sample_rate_hz, powers / powers.sum(), np.zeros(n.size, bool))


def tapped_profile(profile: str, delay_spread_s: float) -> DelayProfile:
    """TDL-A .. TDL-E scaled to an rms delay spread, delays in s."""
    table = tdl_profile(profile)
    return DelayProfile(table.delays * delay_spread_s, table.powers, table.line_of_sight)


def listed_profile(delays_s: np.ndarray, powers_db: np.ndarray) -> DelayProfile:
    """Fading paths at the given delays, mean powers in dB scaled to sum 1.

    Raises:
        ValueError: lengths differ, nothing is given, a value is not finite or a delay negative.
    """
    delays, powers = np.asarray(delays_s, float), np.asarray(powers_db, float)
    if delays.ndim != 1 or delays.shape != powers.shape or not delays.size:
        raise ValueError(
            f"delays and powers must be lists of one length >= 1, got {delays.size} and {powers.size}"
        )
    if not (np.isfinite(delays).all() and np.isfinite(powers).all() and (delays >= 0).all()):
        raise ValueError("delays must be >= 0, delays and powers finite")
    linear = 10 ** ((powers - powers.max()) / 10)
    return DelayProfile(delays, linear / linear.sum(), np.zeros(delays.size, bool))


class FadingPaths:
    """Paths that fade independently, Rayleigh or line of sight, the same law for every antenna pair.

    Fading: sqrt(P_p) R_rx^(1/2) W R_tx^(1/2), W i.i.d. CN(0, 1), R_ij = rho^|i - j|. Line of sight:
    sqrt(P_p) exp(j phi) a_rx a_tx^T, steering vectors of half-wavelength arrays at angles that are
    uniform and new per block.

    Args:
        profile: delays in s, powers, kinds.
        n_tx, n_rx: antennas, >= 1.
        correlation_tx, correlation_rx: rho in [0, 1).
        doppler_hz: largest Doppler shift; needed by `at`, which then describes one run in time with
            the Jakes spectrum; None where only `draw` is used.
        seed: SeedSequence or int.
    Raises:
        ValueError: an argument is out of range.
    Note:
        The gains do not depend on the sizes of the draws.
    Source: waveform.md section 11.
    """

    def __init__(
        self,
        profile: DelayProfile,
        n_tx: int = 2,
        n_rx: int = 2,
        correlation_tx: float = 0.0,
        correlation_rx: float = 0.0,
        doppler_hz: float | None = None,
        seed: int | np.random.SeedSequence = 0,
    ):
        if not isinstance(seed, np.random.SeedSequence):
            seed = np.random.SeedSequence(seed)
        scattered, direct = (np.random.default_rng(child) for child in seed.spawn(2))
        self.delays_s = profile.delays
        self.n_tx, self.n_rx = n_tx, n_rx
        self._amplitudes = np.sqrt(profile.powers)[:, None, None]
        self._direct_paths = np.flatnonzero(profile.line_of_sight)
        self._fading_paths = np.flatnonzero(~profile.line_of_sight)
        self._root_tx = correlation_root(n_tx, correlation_tx)
        self._root_rx = correlation_root(n_rx, correlation_rx)
        self._scattered, self._direct = scattered, direct
        self._shape = (self._fading_paths.size, n_rx, n_tx)
        if doppler_hz is not None:
            self._doppler_hz = doppler_hz
            self._jakes = JakesProcess(self._shape, doppler_hz, scattered)
            self._run = direct.random((1, self._direct_paths.size, 3))

    def draw(self, n_blocks: int) -> np.ndarray:
        """Gains of the next n_blocks independent blocks, complex128 [n_blocks, P, n_rx, n_tx]."""
        parts = self._scattered.standard_normal((n_blocks, *self._shape, 2))
        white = parts.view(complex)[..., 0] * math.sqrt(0.5)
        uniform = self._direct.random((n_blocks, self._direct_paths.size, 3))
        return self._gains(white, uniform, 2 * np.pi * uniform[..., 2])

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Gains complex128 [T, P, n_rx, n_tx] of one run at times float64 [T] in s."""
        white = self._jakes.at(times_s)
        # the direct wave comes from one angle: a single Doppler shift
        shift = self._doppler_hz * np.cos(2 * np.pi * self._run[..., 1])
        phase = 2 * np.pi * (self._run[..., 2] + shift * np.asarray(times_s, float)[:, None])
        uniform = np.broadcast_to(self._run, (len(white), *self._run.shape[1:]))
        return self._gains(white, uniform, phase)

    def _gains(self, white: np.ndarray, uniform: np.ndarray, phase: np.ndarray) -> np.ndarray:
        gains = np.empty((len(white), self.delays_s.size, self.n_rx, self.n_tx), complex)
        gains[:, self._fading_paths] = self._root_rx @ white @ self._root_tx
        cosine = np.sin(2 * np.pi * uniform[..., :2])
        a_tx, a_rx = steering(cosine[..., 0], self.n_tx), steering(cosine[..., 1], self.n_rx)
        direct = np.exp(1j * phase)[..., None, None] * a_rx[..., :, None] * a_tx[..., None, :]
        gains[:, self._direct_paths] = direct
        return gains * self._amplitudes
