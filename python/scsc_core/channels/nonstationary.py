# SPDX-License-Identifier: GPL-3.0-or-later
"""Non-stationary geometry-based channel: clusters that are born, drift and die, spherical waves."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

LIGHT_SPEED = 299_792_458.0
LOS_SHARE, LOS_K_DB, LOS_K_DEVIATION_DB = 0.3, 9.0, 3.5  # of the drops; K of those


@dataclass(frozen=True)
class Geometry:
    """Parameters of the model; angles in degrees.

    Attributes:
        carrier_hz: carrier frequency.
        birth_per_m, death_per_m: lambda_G, lambda_R of clusters; their ratio is the mean number.
        array_correlation_m, scene_correlation_m: D_cA, D_cS.
        moving_share: P_F, clusters that move, each with a speed up to cluster_speed (m/s).
        rays: per cluster.
        distance_least_m, distance_mean_m: cluster to array, least value and mean of what exceeds it.
        azimuth_tx_deg, azimuth_rx_deg, elevation_deg: deviations of the clusters' mean angles.
        ray_deg: deviation of the rays' angles, Laplace.
        delay_scale_s, delay_ratio: sigma_tau and r of the delays and powers.
        shadowing_db: deviation of a cluster's power.
        rx_speed: of the receiver in m/s, straight away from the transmitter.
        los_distance_m: between the arrays at t = 0.
    """

    carrier_hz: float = 3.5e9
    birth_per_m: float = 80.0
    death_per_m: float = 4.0
    array_correlation_m: float = 30.0
    scene_correlation_m: float = 100.0
    moving_share: float = 0.3
    cluster_speed: float = 1.5
    rays: int = 20
    distance_least_m: float = 5.0
    distance_mean_m: float = 25.0
    azimuth_tx_deg: float = 26.0
    azimuth_rx_deg: float = 47.0
    elevation_deg: float = 7.0
    ray_deg: float = 5.0
    delay_scale_s: float = 129e-9
    delay_ratio: float = 2.1
    shadowing_db: float = 3.0
    rx_speed: float = 1.5
    los_distance_m: float = 100.0

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in ("moving_share", "cluster_speed", "rx_speed") else 1e-12
            if not (math.isfinite(value) and value >= least):
                raise ValueError(f"{field.name} must be a number > 0, got {value}")
        if self.delay_ratio <= 1 or self.moving_share > 1 or int(self.rays) != self.rays:
            raise ValueError(
                "delay_ratio must be > 1, moving_share at most 1 and rays an integer, got "
                f"{self.delay_ratio}, {self.moving_share} and {self.rays}"
            )

    @property
    def wavelength_m(self) -> float:
        return LIGHT_SPEED / self.carrier_hz

    @property
    def mean_clusters(self) -> float:
        return self.birth_per_m / self.death_per_m


class GeometricChannel:
    """One scene between two linear arrays of half-wavelength spacing, in time.

        H_qp = sqrt(K/(K+1)) exp(-j 2pi d_qp/lam)
             + sqrt(1/(K+1)) sum_n sum_m sqrt(P_n p_nm) exp(j th_nm - j 2pi (dR_q,nm + dT_nm,p)/lam
                                                           - j 2pi f tau_n) vR_qn vT_pn

    dT, dR: distances between ray m of cluster n and one antenna (spherical waves); vT, vR in {0, 1}:
    which antennas see the cluster. The transmit array is at the origin along y, the receive array
    parallel to it at x = los_distance_m and moving along x.

    Args:
        rng: generator of the scene.
        k: K >= 0, linear; 0 is no line of sight, None draws it: 30 % of the scenes have one, with
            K ~ N(9, 3.5) dB.
        n_tx, n_rx: antennas, >= 1.
        geometry: parameters.
    Note:
        The structure follows Wu et al. 2018; the numbers could not be compared with the
        publication, so results are in its style and not its matrices.
    Source: waveform.md section 11; S. Wu, C.-X. Wang, H. Aggoune, M. Alwakeel, X. You, "A general
        3-D non-stationary 5G wireless channel model", IEEE Trans. Commun. 66(7), 2018.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        k: float | None = None,
        n_tx: int = 2,
        n_rx: int = 2,
        geometry: Geometry | None = None,
    ):
        self.geometry = geometry = geometry or Geometry()
        self._rng = rng
        if k is None:
            direct = rng.random() < LOS_SHARE
            level_db = LOS_K_DB + LOS_K_DEVIATION_DB * rng.standard_normal()
            k = 10 ** (level_db / 10) if direct else 0.0
        if not (math.isfinite(k) and k >= 0):
            raise ValueError(f"k must be >= 0, got {k}")
        self.k = float(k)
        self._tx, self._rx = _array(n_tx, geometry), _array(n_rx, geometry)
        self._rx_origin = np.array([geometry.los_distance_m, 0.0, 0.0])
        self._rx_velocity = np.array([geometry.rx_speed, 0.0, 0.0])
        self._clusters = self._born(max(1, rng.poisson(geometry.mean_clusters)))

    def matrix(self, frequency_hz: float = 0.0) -> np.ndarray:
        """H of this instant at a frequency offset, complex128 [n_rx, n_tx], E|h|^2 about 1."""
        geometry, clusters = self.geometry, self._clusters
        wave = 2 * np.pi / geometry.wavelength_m
        far_tx = np.linalg.norm(clusters.rays_tx[:, :, None] - self._tx, axis=-1)
        far_rx = np.linalg.norm(clusters.rays_rx[:, :, None] - self._rx, axis=-1)
        delays, powers = clusters.delays_and_powers(geometry)
        amplitudes = np.sqrt(powers[:, None] * clusters.shares)
        phases = clusters.phases - 2 * np.pi * frequency_hz * delays[:, None]
        rays = (amplitudes * np.exp(1j * phases))[..., None]
        at_rx = np.exp(-1j * wave * far_rx) * clusters.seen_rx[:, None]
        at_tx = np.exp(-1j * wave * far_tx) * clusters.seen_tx[:, None]
        scattered = np.tensordot(rays * at_rx, at_tx, axes=((0, 1), (0, 1)))
        if self.k == 0:
            return scattered
        apart = self._rx_origin + self._rx[:, None] - self._tx[None]
        direct = np.exp(-1j * wave * np.linalg.norm(apart, axis=-1))
        return math.sqrt(self.k / (self.k + 1)) * direct + math.sqrt(1 / (self.k + 1)) * scattered

    def advance(self, step_s: float) -> None:
        """Move the receiver and the clusters on by step_s > 0; clusters die and are born."""
        if not (math.isfinite(step_s) and step_s > 0):
            raise ValueError(f"step_s must be > 0, got {step_s}")
        geometry, rng = self.geometry, self._rng
        # the mean speed of a moving cluster is taken as 1 m/s
        distance = (geometry.rx_speed + geometry.moving_share * 1.0) * step_s
        survival = math.exp(-geometry.death_per_m * distance / geometry.scene_correlation_m)
        clusters = self._clusters.kept(rng.random(len(self._clusters.phases)) < survival)
        clusters.rays_tx += clusters.velocities[:, None] * step_s
        clusters.rays_rx += (clusters.velocities - self._rx_velocity)[:, None] * step_s
        self._rx_origin = self._rx_origin + self._rx_velocity * step_s
        newborn = rng.poisson(geometry.mean_clusters * (1 - survival))
        newborn = max(newborn, 1 if len(clusters.phases) == 0 else 0)
        self._clusters = clusters.joined(self._born(newborn)) if newborn else clusters

    def _born(self, n: int) -> _Clusters:
        geometry, rng = self.geometry, self._rng
        directions = rng.standard_normal((n, 3))
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        speeds = rng.uniform(0, geometry.cluster_speed, n)
        speeds *= rng.random(n) < geometry.moving_share
        shares = rng.exponential(size=(n, geometry.rays))
        return _Clusters(
            rays_tx=self._positions(n, 0.0, geometry.azimuth_tx_deg),
            rays_rx=self._positions(n, math.pi, geometry.azimuth_rx_deg),
            velocities=directions * speeds[:, None],
            links_s=rng.exponential(geometry.delay_scale_s, n),
            shadowing_db=rng.normal(0, geometry.shadowing_db, n),
            shares=shares / shares.sum(-1, keepdims=True),
            phases=rng.uniform(0, 2 * np.pi, (n, geometry.rays)),
            seen_tx=self._visible(n, len(self._tx)),
            seen_rx=self._visible(n, len(self._rx)),
        )

    def _positions(self, n: int, towards: float, azimuth_deg: float) -> np.ndarray:
        """Points float64 [n, rays, 3] of new clusters relative to their array."""
        geometry, rng = self.geometry, self._rng
        distance = geometry.distance_least_m + rng.exponential(geometry.distance_mean_m, n)
        azimuth = towards + np.deg2rad(azimuth_deg) * rng.standard_normal(n)
        elevation = np.deg2rad(geometry.elevation_deg) * rng.standard_normal(n)
        scale = np.deg2rad(geometry.ray_deg) / math.sqrt(2)  # Laplace: deviation sqrt(2) scale
        offsets = rng.laplace(0, scale, (2, n, geometry.rays))
        azimuth, elevation = azimuth[:, None] + offsets[0], elevation[:, None] + offsets[1]
        direction = (
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        )
        return distance[:, None, None] * np.stack(direction, -1)

    def _visible(self, n: int, n_antennas: int) -> np.ndarray:
        """bool [n, n_antennas]: births and deaths along the array from a random antenna, both ways."""
        geometry, rng = self.geometry, self._rng
        step = geometry.wavelength_m / 2
        survival = math.exp(-geometry.death_per_m * step / geometry.array_correlation_m)
        first = rng.integers(n_antennas, size=n)[:, None]
        alive = rng.random((n, n_antennas)) < survival
        index = np.arange(n_antennas)
        up = np.cumprod(np.where(index > first, alive, True), -1)
        down = np.cumprod(np.where(index < first, alive, True)[:, ::-1], -1)[:, ::-1]
        return (up & down).astype(bool)


@dataclass
class _Clusters:
    """State of N clusters of M rays; positions in m relative to the array of their end."""

    rays_tx: np.ndarray  # [N, M, 3]
    rays_rx: np.ndarray
    velocities: np.ndarray  # [N, 3]
    links_s: np.ndarray  # [N], delay between a cluster's two ends
    shadowing_db: np.ndarray
    shares: np.ndarray  # [N, M], of the cluster's power
    phases: np.ndarray  # [N, M]
    seen_tx: np.ndarray  # bool [N, n_tx]
    seen_rx: np.ndarray

    def delays_and_powers(self, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
        """Delays in s and powers with sum 1, float64 [N] each."""
        distances = sum(
            np.linalg.norm(rays.mean(1), axis=-1) for rays in (self.rays_tx, self.rays_rx)
        )
        delays = distances / LIGHT_SPEED + self.links_s
        ratio = geometry.delay_ratio
        decay = (delays - delays.min()) * (ratio - 1) / (ratio * geometry.delay_scale_s)
        powers = np.exp(-decay) * 10 ** (-self.shadowing_db / 10)
        return delays, powers / powers.sum()

    def kept(self, keep: np.ndarray) -> _Clusters:
        return _Clusters(*(getattr(self, field.name)[keep] for field in fields(self)))

    def joined(self, other: _Clusters) -> _Clusters:
        return _Clusters(
            *(
                np.concatenate([getattr(self, field.name), getattr(other, field.name)])
                for field in fields(self)
            )
        )


def _array(n: int, geometry: Geometry) -> np.ndarray:
    """Antenna positions float64 [n, 3] in m, along y around the array's origin."""
    position = np.zeros((n, 3))
    position[:, 1] = (np.arange(n) - (n - 1) / 2) * geometry.wavelength_m / 2
    return position
