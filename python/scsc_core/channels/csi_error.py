# SPDX-License-Identifier: GPL-3.0-or-later
"""Imperfect channel knowledge: H_hat = H + E, and what a link should compute with."""

from __future__ import annotations

import math

import numpy as np

CSI_LOCATIONS = ("both", "tx", "rx")


def _checked_variance(error_variance: float) -> float:
    if not (math.isfinite(error_variance) and error_variance >= 0):
        raise ValueError(f"error_variance must be finite and >= 0, got {error_variance}")
    return float(error_variance)


def csi_estimate(h: np.ndarray, error_variance: float, rng: np.random.Generator) -> np.ndarray:
    """Channel estimate H_hat = H + E with E ~ CN(0, error_variance) per entry, complex128.

    Args:
        h: complex [..., n_rx, n_tx].
        error_variance: >= 0; the paper's imperfect case is 0.1 (read as the variance).
        rng: generator of the CSI error process.
    Raises:
        ValueError: error_variance negative or not finite.
    Source: link.md section 8.
    """
    scale = math.sqrt(_checked_variance(error_variance) / 2)
    h = np.asarray(h, complex)
    return h + scale * rng.standard_normal((*h.shape, 2)).view(complex)[..., 0]


def effective(
    h_hat: np.ndarray, noise_var: float, error_variance: float, total_power: float
) -> tuple[np.ndarray, float]:
    """Channel and noise variance of a link end that is aware of its estimation error.

    H_used = H_hat / (1 + v),  N0_eff = N0 + Ptot v / (1 + v), for E|H_qp|^2 = 1. A naive end takes
    H_hat and N0 instead: its mutual information falls at high SNR.

    Args:
        h_hat: complex [..., n_rx, n_tx].
        noise_var: N0 > 0.
        error_variance: v >= 0.
        total_power: Ptot > 0.
    Returns:
        complex128 like h_hat, float.
    Raises:
        ValueError: an argument is out of range.
    Source: link.md section 8.
    """
    v = _checked_variance(error_variance)
    if not noise_var > 0 or not total_power > 0:
        raise ValueError(
            f"noise_var and total_power must be > 0, got {noise_var} and {total_power}"
        )
    return np.asarray(h_hat, complex) / (1 + v), noise_var + total_power * v / (1 + v)


def csi_views(h: np.ndarray, h_hat: np.ndarray, at: str = "both") -> tuple[np.ndarray, np.ndarray]:
    """(channel known to the transmitter, to the receiver) when the error is at both|tx|rx ends.

    Raises:
        ValueError: unknown location.
    """
    if at not in CSI_LOCATIONS:
        raise ValueError(f"at must be one of {', '.join(CSI_LOCATIONS)}, got {at!r}")
    return (h if at == "rx" else h_hat), (h if at == "tx" else h_hat)
