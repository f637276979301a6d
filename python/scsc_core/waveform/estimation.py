# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel and noise estimates from known symbols, smoothed by short impulse responses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import _native
from .numerology import Numerology
from .sequences import ltf_signs

SMOOTH_STEPS = 4
# Least tap powers, in units of what noise alone puts on a tap: at the start (a tap that begins at
# nothing never grows) and later (numbers stay finite). A path between two samples has many weak taps
# that must grow, a path on a sample none. Error of the estimate at 6 dB, flat, in dB:
#   floor              0.03    0.1    0.3    1.0
#   on a sample       -25.5  -25.5  -25.4  -25.2
#   halfway between   -19.8  -20.3  -21.0  -21.2
# On the mean over delays 0.3 is the best at 0, 6 and 12 dB; from 20 dB on all are equal.
_FIRST_FLOOR = 0.3
_LAST_FLOOR = 1e-4


@dataclass(frozen=True)
class ChannelEstimate:
    """Channel of all used carriers.

    Attributes:
        h: complex128 [n_used, n_rx, 2].
        error_share: variance of y - H z from the error of h, over the noise variance (beta).
    """

    h: np.ndarray
    error_share: float


def ltf_estimate(windows: np.ndarray, n: Numerology) -> tuple[np.ndarray, float]:
    """Least-squares channel and noise variance from the four long training symbols.

    YA, YB = mean of the two symbols of a block times the signs; h1 = (YA - YB) / sqrt 2,
    h2 = (YA + YB) / sqrt 2. Noise: what the two symbols of a block differ by.

    Args:
        windows: complex [4, n_used, n_rx], carriers of A1, A2, B1, B2.
    Returns:
        complex128 [n_used, n_rx, 2] with error variance noise_var / 2, and noise_var per carrier.
    """
    return _native.train_channel(np.ascontiguousarray(windows, np.complex64), ltf_signs(n))


def known_estimate(y: np.ndarray, sent: np.ndarray) -> tuple[np.ndarray, float]:
    """Least-squares channel from known symbols with orthogonal antennas, and what it leaves of them.

    Args:
        y: complex [n_symbols, n_used, n_rx].
        sent: complex [n_symbols, n_used, 2], power 1/2 per antenna.
    Returns:
        complex128 [n_used, n_rx, 2] with error variance 2 noise_var / n_symbols, and the sum of
        |y - H x|^2, of mean (n_symbols - 2) n_used n_rx noise_var.
    """
    return _native.match_symbols(
        np.ascontiguousarray(y, np.complex64), np.ascontiguousarray(sent, complex)
    )


def smooth(h: np.ndarray, error_var: float, noise_var: float, n: Numerology) -> ChannelEstimate:
    """Estimate with impulse responses of n_cp taps whose power is learned from the same data.

    h = F g + e with F the transform of taps 0 .. n_cp - 1 onto the used carriers, g_l ~ CN(0, D_l)
    for every antenna pair and e ~ CN(0, s): C = (F^H F / s + D^-1)^-1, g = C F^H h / s. D starts from
    the matched filter g0 = F^H h / n_used, D_l = mean |g0_l|^2 - s / n_used, and is renewed
    `SMOOTH_STEPS` times as mean |g_l|^2 + C_ll (means over antenna pairs).

    Args:
        h: complex [n_used, n_rx, 2], least-squares estimate with independent errors.
        error_var: s > 0, variance of these errors.
        noise_var: noise variance of a carrier.
    Source: sparse Bayesian learning (Tipping 2001) with a profile common to all antenna pairs.
    """
    transform, gram = _transform(n)
    error_var = max(error_var, 1e-30)
    smoothed, error = _native.smooth_channel(
        np.ascontiguousarray(h, complex),
        transform,
        gram,
        error_var,
        SMOOTH_STEPS,
        _FIRST_FLOOR,
        _LAST_FLOOR,
    )
    return ChannelEstimate(smoothed, error / max(noise_var, 1e-30))


@lru_cache(maxsize=16)
def _transform(n: Numerology) -> tuple[np.ndarray, np.ndarray]:
    """F complex128 [n_used, n_cp], and F^H F float64, real as the carriers are symmetric about 0."""
    transform = np.exp(-2j * np.pi / n.n_fft * np.outer(n.used, np.arange(n.n_cp)))
    return transform, np.ascontiguousarray((transform.conj().T @ transform).real)
