# SPDX-License-Identifier: GPL-3.0-or-later
"""Outage and operating points read from mutual information over channels and SNRs."""

from __future__ import annotations

import numpy as np


def outage_rate(information, rate: float) -> np.ndarray:
    """Share of channels whose information is below a rate: P(I < R).

    Args:
        information: float [..., channels], bits per channel use.
        rate: R in bits per channel use.
    """
    return (np.asarray(information) < rate).mean(-1)


def rate_at_outage(information, probability: float = 0.1) -> np.ndarray:
    """Largest rate that a given share of the channels cannot carry: a quantile of I.

    Args:
        information: float [..., channels].
        probability: in (0, 1).
    """
    if not 0 < probability < 1:
        raise ValueError(f"probability must be in (0, 1), got {probability}")
    return np.quantile(np.asarray(information), probability, axis=-1)


def snr_at_rate(snr_db, curve, rate: float) -> float:
    """Lowest SNR at which a curve reaches a rate, by linear interpolation in dB.

    Args:
        snr_db: float [n], rising.
        curve: float [n], rate at each SNR.
        rate: the rate wanted.
    Returns:
        SNR in dB; -inf if the first point is already above, +inf if no point reaches it.
    Raises:
        ValueError: lengths differ, or snr_db does not rise.
    """
    snr_db, curve = np.asarray(snr_db, float), np.asarray(curve, float)
    if snr_db.shape != curve.shape or snr_db.ndim != 1:
        raise ValueError(f"snr_db and curve must be [n], got {snr_db.shape}, {curve.shape}")
    if (np.diff(snr_db) <= 0).any():
        raise ValueError("snr_db must rise")
    reached = np.flatnonzero(curve >= rate)
    if not len(reached):
        return float("inf")
    i = int(reached[0])
    if i == 0:
        return float(snr_db[0]) if curve[0] == rate else float("-inf")
    share = (rate - curve[i - 1]) / (curve[i] - curve[i - 1])
    return float(snr_db[i - 1] + share * (snr_db[i] - snr_db[i - 1]))
