# SPDX-License-Identifier: GPL-3.0-or-later
"""Clustered delay lines CDL-A .. CDL-E of 3GPP TR 38.901 between two linear arrays."""

from __future__ import annotations

import math

import numpy as np

from .arrays import steering
from .tr38901 import RAY_OFFSETS, cdl_profile

_N_RAYS = RAY_OFFSETS.size


class ClusterPaths:
    """Gains of the clusters: 20 rays each, with the directions of the tables.

        g_n = sqrt(P_n / 20) sum_m exp(j phi_nm) a_rx(aoa_nm, zoa_nm) a_tx(aod_nm, zod_nm)^T

    Angles are those of the cluster plus offsets of table 7.5-3 times the cluster's spread, coupled
    at random between the four angles; a line of sight is a single ray. Arrays are horizontal, half a
    wavelength apart, across the direction azimuth 0, all antennas vertical and isotropic, so that
    the cross-polarisation ratio plays no part.

    Args:
        profile: A .. E.
        delay_spread_s: rms delay spread, >= 0.
        n_tx, n_rx: antennas, >= 1.
        doppler_hz: largest Doppler shift v / lambda; needed by `at`: the receiver moves
            horizontally in a random direction and every ray has the shift of its angle of arrival.
        seed: SeedSequence or int.
    Raises:
        ValueError: unknown profile, a number out of range.
    Note:
        The gains do not depend on the sizes of the draws.
    Source: 3GPP TR 38.901, section 7.7.1; waveform.md section 11.
    """

    def __init__(
        self,
        profile: str = "A",
        delay_spread_s: float = 100e-9,
        n_tx: int = 2,
        n_rx: int = 2,
        doppler_hz: float | None = None,
        seed: int | np.random.SeedSequence = 0,
    ):
        if not (math.isfinite(delay_spread_s) and delay_spread_s >= 0):
            raise ValueError(f"delay_spread_s must be >= 0, got {delay_spread_s}")
        if not isinstance(seed, np.random.SeedSequence):
            seed = np.random.SeedSequence(seed)
        self._table = cdl_profile(profile)
        self._rng = np.random.default_rng(seed)
        self.n_tx, self.n_rx = n_tx, n_rx
        self.delays_s = self._table.paths.delays * delay_spread_s
        direct = self._table.paths.line_of_sight
        # weights of the rays: a line of sight is its first ray
        self._weights = (
            np.where(direct[:, None], np.arange(_N_RAYS) == 0, math.sqrt(1 / _N_RAYS))
            * np.sqrt(self._table.paths.powers)[:, None]
        )
        self._spread = ~direct[:, None]
        self._doppler_hz = doppler_hz
        if doppler_hz is not None:
            self._heading = 2 * np.pi * self._rng.random()
            self._run = self._rays(self._uniform(1)[0])

    def draw(self, n_blocks: int) -> np.ndarray:
        """Gains of the next n_blocks independent blocks, complex128 [n_blocks, P, n_rx, n_tx]."""
        gains = np.empty((n_blocks, self.delays_s.size, self.n_rx, self.n_tx), complex)
        for start in range(0, n_blocks, 256):  # bounds the memory
            part = slice(start, min(start + 256, n_blocks))
            rays, a_rx, a_tx, _ = self._rays(self._uniform(part.stop - part.start))
            gains[part] = (rays[..., None] * a_rx).swapaxes(-1, -2) @ a_tx
        return gains

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Gains complex128 [T, P, n_rx, n_tx] of one run at times float64 [T] in s."""
        rays, a_rx, a_tx, cosine = self._run
        speed = 2j * np.pi * self._doppler_hz * cosine
        moving = rays * np.exp(speed * np.asarray(times_s, float)[:, None, None])
        return (moving[..., None] * a_rx).swapaxes(-1, -2) @ a_tx

    def _uniform(self, n_blocks: int) -> np.ndarray:
        return self._rng.random((n_blocks, self.delays_s.size, _N_RAYS, 4))

    def _rays(self, uniform: np.ndarray):
        """Ray amplitudes, steering vectors at both ends, cosine between ray and motion."""
        table, spread = self._table, self._spread
        # the order of random numbers is a random permutation
        offsets = [RAY_OFFSETS * spread] + [
            RAY_OFFSETS[np.argsort(uniform[..., i], -1)] * spread for i in range(3)
        ]
        aod, aoa, zod, zoa = (
            centre[:, None] + width * offset
            for centre, width, offset in (
                (table.aod, table.c_asd, offsets[0]),
                (table.aoa, table.c_asa, offsets[1]),
                (table.zod, table.c_zsd, offsets[2]),
                (table.zoa, table.c_zsa, offsets[3]),
            )
        )
        rays = self._weights * np.exp(2j * np.pi * uniform[..., 3])
        a_rx = steering(np.sin(zoa) * np.sin(aoa), self.n_rx)
        a_tx = steering(np.sin(zod) * np.sin(aod), self.n_tx)
        heading = self._heading if self._doppler_hz is not None else 0.0
        return rays, a_rx, a_tx, np.sin(zoa) * np.cos(aoa - heading)
