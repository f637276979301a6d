# SPDX-License-Identifier: GPL-3.0-or-later
"""Tapped and clustered delay lines of 3GPP TR 38.901, profiles A to E, read from data files."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

PROFILES = ("A", "B", "C", "D", "E")
_DATA = Path(__file__).with_name("data")
# Table 7.5-3: offsets of the 20 rays of a cluster with an rms angle spread of one, each with both
# signs.
_OFFSETS = (0.0447, 0.1413, 0.2492, 0.3715, 0.5129, 0.6797, 0.8844, 1.1481, 1.5195, 2.1551)
RAY_OFFSETS = np.array([sign * offset for offset in _OFFSETS for sign in (1, -1)])


@dataclass(frozen=True)
class DelayProfile:
    """Paths of a channel: when they arrive and with which mean power.

    Attributes:
        delays: float64 [P]; in units of the rms delay spread here, in s where a model uses them.
        powers: float64 [P], linear, sum 1.
        line_of_sight: bool [P], paths of constant magnitude; the others fade.
    """

    delays: np.ndarray
    powers: np.ndarray
    line_of_sight: np.ndarray

    def rms_delay(self) -> float:
        """Root of the power-weighted variance of the delays, in their unit."""
        mean = self.powers @ self.delays
        return float(np.sqrt(self.powers @ (self.delays - mean) ** 2))


@dataclass(frozen=True)
class ClusterProfile:
    """A clustered delay line: paths with directions.

    Attributes:
        paths: delays, powers and kind of the P clusters.
        aod, aoa, zod, zoa: float64 [P], azimuth and zenith of departure and arrival in rad.
        c_asd, c_asa, c_zsd, c_zsa: rms spreads of the rays of a cluster in rad.
        xpr_db: cross-polarisation ratio; plays no part with antennas of one polarisation.
    """

    paths: DelayProfile
    aod: np.ndarray
    aoa: np.ndarray
    zod: np.ndarray
    zoa: np.ndarray
    c_asd: float
    c_asa: float
    c_zsd: float
    c_zsa: float
    xpr_db: float


def _check(profile: str) -> None:
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}, got {profile!r}")


def _rows(name: str, profile: str) -> list[dict[str, str]]:
    _check(profile)
    with open(_DATA / name, encoding="utf-8", newline="") as file:
        table = csv.DictReader(line for line in file if not line.startswith("#"))
        return [row for row in table if row["profile"] == profile]


def _column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def _paths(rows: list[dict[str, str]]) -> DelayProfile:
    powers = 10 ** (_column(rows, "power_db") / 10)
    direct = np.array([row["kind"] == "line_of_sight" for row in rows])
    return DelayProfile(_column(rows, "delay"), powers / powers.sum(), direct)


@lru_cache(maxsize=None)
def tdl_profile(profile: str) -> DelayProfile:
    """Tapped delay line TDL-A .. TDL-E, delays in units of the rms delay spread.

    D and E begin with a line-of-sight path and a fading one at the same delay.

    Raises:
        ValueError: unknown profile.
    Source: 3GPP TR 38.901, tables 7.7.2-1 to 7.7.2-5.
    """
    return _paths(_rows("tdl.csv", profile))


@lru_cache(maxsize=None)
def cdl_profile(profile: str) -> ClusterProfile:
    """Clustered delay line CDL-A .. CDL-E, delays in units of the rms delay spread.

    Raises:
        ValueError: unknown profile.
    Source: 3GPP TR 38.901, tables 7.7.1-1 to 7.7.1-5.
    """
    rows = _rows("cdl.csv", profile)
    angles = {
        name: np.deg2rad(_column(rows, f"{name}_deg")) for name in ("aod", "aoa", "zod", "zoa")
    }
    (spread,) = _rows("cdl_spreads.csv", profile)
    spreads = {
        name: float(np.deg2rad(float(spread[f"{name}_deg"])))
        for name in ("c_asd", "c_asa", "c_zsd", "c_zsa")
    }
    return ClusterProfile(_paths(rows), **angles, **spreads, xpr_db=float(spread["xpr_db"]))
