# SPDX-License-Identifier: GPL-3.0-or-later
"""The path model that a stream channel's configuration names."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from . import paths
from .cdl import ClusterPaths
from .nonstationary import GeometricChannel
from .recorded import load_recording
from .stream_config import StreamChannelConfig

# Unitary up to a factor, so that `awgn` is two clean streams although both antennas hear both.
AWGN = np.array([[1, 1], [1, -1]], complex)


class PathModel(Protocol):
    """Gains of the paths between two arrays of two antennas.

    Attributes:
        delays_s: float64 [P].
    """

    delays_s: np.ndarray

    def draw(self, n_blocks: int) -> np.ndarray:
        """Gains of the next independent blocks, complex128 [n_blocks, P, n_rx, n_tx]."""

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Gains complex128 [T, P, n_rx, n_tx] of one run in time; models of block doppler only."""


class RepeatedPaths:
    """Matrices of a list, in order, from its start again at its end.

    Args:
        taps: complex [n, P, n_rx, n_tx].
        delays_s: float [P].
    """

    def __init__(self, taps: np.ndarray, delays_s: np.ndarray):
        self.delays_s = delays_s
        self._taps = taps
        self._next = 0

    def draw(self, n_blocks: int) -> np.ndarray:
        """Gains of the next n_blocks entries, complex128 [n_blocks, P, n_rx, n_tx]."""
        index = (self._next + np.arange(n_blocks)) % len(self._taps)
        self._next = int((self._next + n_blocks) % len(self._taps))
        return self._taps[index]


class GeometricPaths:
    """The flat matrix of the non-stationary geometry: new scenes, or one scene in time.

    Args:
        doppler_hz: of the moving receiver, v / lambda; sets how fast the scene of `at` goes by.
        seed: SeedSequence.
    """

    delays_s = np.zeros(1)

    def __init__(self, doppler_hz: float | None, seed: np.random.SeedSequence):
        self._rng = np.random.default_rng(seed)
        if doppler_hz is None:
            return
        self._scene = GeometricChannel(self._rng)
        # the scene's own clock: its receiver has the speed that the Doppler shift needs
        geometry = self._scene.geometry
        self._pace = doppler_hz * geometry.wavelength_m / geometry.rx_speed
        self._now = 0.0

    def draw(self, n_blocks: int) -> np.ndarray:
        """Matrices of independent scenes, complex128 [n_blocks, 1, n_rx, n_tx]."""
        scenes = [GeometricChannel(self._rng).matrix() for _ in range(n_blocks)]
        return np.array(scenes, complex).reshape(n_blocks, 1, 2, 2)

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Matrices complex128 [T, 1, n_rx, n_tx] at rising times in s, each later than the last."""
        out = np.empty((len(times_s), 1, 2, 2), complex)
        for i, time in enumerate(np.asarray(times_s, float)):
            if time > self._now:
                self._scene.advance((time - self._now) * self._pace)
                self._now = float(time)
            out[i, 0] = self._scene.matrix()
        return out


def path_model(config: StreamChannelConfig, seed: np.random.SeedSequence) -> PathModel:
    """The paths of a configuration.

    Raises:
        ValueError: the channel file cannot be used.
    """
    doppler = config.doppler_hz or None
    if config.model == "awgn":
        return RepeatedPaths(AWGN[None, None], np.zeros(1))
    if config.model == "file":
        return _recorded(config)
    if config.model == "cdl":
        return ClusterPaths(
            config.profile, config.delay_spread_ns * 1e-9, doppler_hz=doppler, seed=seed
        )
    if config.model == "nonstationary":
        return GeometricPaths(doppler, seed)
    return paths.FadingPaths(
        _profile(config),
        correlation_tx=config.correlation_tx,
        correlation_rx=config.correlation_rx,
        doppler_hz=doppler,
        seed=seed,
    )


def _profile(config: StreamChannelConfig) -> paths.DelayProfile:
    spread = config.delay_spread_ns * 1e-9
    if config.model == "rayleigh":
        return paths.flat_profile()
    if config.model == "rician":
        return paths.flat_profile(config.rician_k_db)
    if config.model == "exp":
        return paths.exponential_profile(spread * config.sample_rate_hz, config.sample_rate_hz)
    if config.model == "tdl":
        return paths.tapped_profile(config.profile, spread)
    return paths.listed_profile(np.array(config.delays_ns) * 1e-9, np.array(config.powers_db))


def _recorded(config: StreamChannelConfig) -> RepeatedPaths:
    recording = load_recording(config.channel_file)
    if recording.taps.shape[2:] != (2, 2):
        raise ValueError(
            f"channel_file {config.channel_file} holds {recording.taps.shape[2]}x"
            f"{recording.taps.shape[3]} matrices (n_rx x n_tx), the channel is 2x2"
        )
    spacing = 1 / (recording.sample_rate_hz or config.sample_rate_hz)
    return RepeatedPaths(recording.normalised(), np.arange(recording.taps.shape[1]) * spacing)
