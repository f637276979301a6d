# SPDX-License-Identifier: GPL-3.0-or-later
"""Moments of the channel models beside their reference values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..channels.cdl import ClusterPaths
from ..channels.doppler import JakesProcess, jakes_correlation
from ..channels.fading import FadingChannel
from ..channels.nonstationary import GeometricChannel
from ..channels.nonstationary_sets import channel_set
from ..channels.paths import FadingPaths, exponential_profile, flat_profile, tapped_profile
from ..channels.tr38901 import PROFILES, cdl_profile, tdl_profile

CONDITION_TOLERANCE_DB, CAPACITY_TOLERANCE = 0.5, 0.08
CORRELATION_TOLERANCE, POWER_TOLERANCE, DELAY_TOLERANCE = 0.06, 0.01, 0.001
# Geometry and CDL: waveform.md section 11. i.i.d.: the condition number's
# distribution is ((x - 1) / (x + 1))^3, x its square: median 9.39 dB;
# capacity by integration over the eigenvalues. The track: our own, a regression value.
CONDITION_DB = {
    "i.i.d. Rayleigh": 9.39,
    "nonstationary, no line of sight": 11.0,
    "nonstationary, line of sight, K = 9 dB": 19.2,
    "nonstationary-track-v1": 11.4,
    "CDL-A": 10.2,
    "CDL-C": 9.7,
    "CDL-D": 15.8,
}
CAPACITY = {
    "i.i.d. Rayleigh": 5.55,
    "nonstationary, no line of sight": 5.27,
    "nonstationary, line of sight, K = 9 dB": 4.71,
    "nonstationary-track-v1": 5.18,
    "CDL-A": 5.34,
    "CDL-C": 5.42,
    "CDL-D": 4.93,
}
CORRELATION = {  # transmit, receive
    "nonstationary, no line of sight": (0.39, 0.05),
    "nonstationary, line of sight, K = 9 dB": (0.93, 0.88),
    "CDL-A": (0.45, 0.47),
    "CDL-C": (0.44, 0.30),
    "CDL-D": (0.92, 0.91),
}
RMS_DELAY = dict.fromkeys(PROFILES, 1.0) | {"D": 0.994}


@dataclass(frozen=True)
class Moments:
    """What a set of 2 x 2 matrices is like.

    Attributes:
        power: mean |h|^2.
        condition_db: 10, 50 and 90 % quantile of the condition number in dB.
        correlation_tx, correlation_rx: |E h_i h_j*| / E |h|^2 of the two antennas of one end.
        capacity: mean log2 det(I + 5 H H^H), bit per use at 10 dB received SNR.
    """

    power: float
    condition_db: tuple[float, float, float]
    correlation_tx: float
    correlation_rx: float
    capacity: float

    @classmethod
    def of(cls, h: np.ndarray) -> Moments:
        """Moments of matrices complex [n, 2, 2]."""
        gains = np.linalg.svd(h, compute_uv=False)
        condition = 20 * np.log10(gains[:, 0] / np.maximum(gains[:, 1], 1e-12))
        power = float(np.mean(np.abs(h) ** 2))
        return cls(
            power,
            tuple(float(q) for q in np.quantile(condition, (0.1, 0.5, 0.9))),
            float(abs(np.mean(h[:, :, 0] * h[:, :, 1].conj())) / power),
            float(abs(np.mean(h[:, 0] * h[:, 1].conj())) / power),
            float(np.log2(1 + 5 * gains**2).sum(-1).mean()),
        )


@dataclass(frozen=True)
class Comparison:
    """One figure beside its reference.

    Attributes:
        name: model and figure.
        measured, reference, tolerance: in `unit`.
        unit: empty for a ratio.
    """

    name: str
    measured: float
    reference: float
    tolerance: float
    unit: str = ""

    @property
    def passed(self) -> bool:
        """Whether the figure is within its tolerance."""
        return abs(self.measured - self.reference) <= self.tolerance


def compare(draws: int = 10_000) -> list[Comparison]:
    """All figures: delays, powers, and the moments of every model.

    Args:
        draws: matrices of each random model; with fewer than about 4000 the sampling error comes
            near the tolerances. The default takes about a minute.
    Raises:
        ValueError: draws < 100.
    Source: waveform.md sections 10 and 11.
    """
    if draws < 100:
        raise ValueError(f"draws must be >= 100, got {draws}")
    return [*_delays(), *_powers(draws), *_doppler(draws), *_sets(draws)]


def _delays() -> Iterator[Comparison]:
    for profile in PROFILES:
        for kind, paths in (("TDL", tdl_profile(profile)), ("CDL", cdl_profile(profile).paths)):
            name = f"{kind}-{profile}: rms delay over delay spread"
            yield Comparison(name, paths.rms_delay(), RMS_DELAY[profile], DELAY_TOLERANCE)


def _powers(draws: int) -> Iterator[Comparison]:
    models = {
        "rayleigh": flat_profile(),
        "rician, K = 9 dB": flat_profile(9.0),
        "exp, rms 2 samples": exponential_profile(2.0, 5e6),
        "TDL-B": tapped_profile("B", 50e-9),
        "TDL-E": tapped_profile("E", 50e-9),
    }
    for name, profile in models.items():
        total = 0.0
        model, left = FadingPaths(profile, seed=1), 10 * draws
        while left > 0:  # in parts, to bound the memory
            gains = model.draw(min(left, 2000))
            total += float(np.sum(np.abs(gains) ** 2))
            left -= len(gains)
        power = total / (10 * draws)
        yield Comparison(f"{name}: E||H||^2 / 4", power / 4, 1.0, POWER_TOLERANCE)


def _doppler(draws: int) -> Iterator[Comparison]:
    doppler_hz = 10.0
    values = JakesProcess((draws,), doppler_hz, np.random.default_rng(2)).at([0.0, 0.02, 0.0383])
    for lag_s, value in ((0.02, values[1]), (0.0383, values[2])):
        correlation = float((values[0].conj() * value).real.mean())
        name = f"Jakes, f_d tau = {doppler_hz * lag_s:g}: autocorrelation"
        yield Comparison(name, correlation, jakes_correlation(doppler_hz, lag_s), 4 / draws**0.5)


def _sets(draws: int) -> Iterator[Comparison]:
    for name, h in _matrices(draws):
        moments = Moments.of(h)
        yield Comparison(
            f"{name}: median condition number",
            moments.condition_db[1],
            CONDITION_DB[name],
            CONDITION_TOLERANCE_DB,
            "dB",
        )
        yield Comparison(
            f"{name}: capacity at 10 dB received SNR",
            moments.capacity,
            CAPACITY[name],
            CAPACITY_TOLERANCE,
            "bit/use",
        )
        ends = (("transmit", moments.correlation_tx), ("receive", moments.correlation_rx))
        for (end, measured), reference in zip(ends, CORRELATION.get(name, ())):
            claim = f"{name}: {end} correlation"
            yield Comparison(claim, measured, reference, CORRELATION_TOLERANCE)


def _matrices(draws: int) -> Iterator[tuple[str, np.ndarray]]:
    yield "i.i.d. Rayleigh", FadingChannel("rayleigh", seed=3).draw(draws)
    for name, k in (
        ("nonstationary, no line of sight", 0.0),
        ("nonstationary, line of sight, K = 9 dB", 10**0.9),
    ):
        scenes = (GeometricChannel(np.random.default_rng(seed), k) for seed in range(draws))
        yield name, np.stack([scene.matrix() for scene in scenes])
    track = channel_set("nonstationary-track-v1")
    yield track.name, np.concatenate([track.train, track.test])
    for profile in "ACD":
        yield f"CDL-{profile}", ClusterPaths(profile, seed=4).draw(draws).sum(1)
