# SPDX-License-Identifier: GPL-3.0-or-later
"""Imperfect channel knowledge: the estimate that both ends share, and how to compute with it."""

import numpy as np


def csi_estimate(h: np.ndarray, error_variance: float, rng: np.random.Generator) -> np.ndarray:
    """H_hat = H + E, E ~ CN(0, error_variance) per entry.

    Args:
        h: complex [..., n_rx, n_tx].
        error_variance: s_e^2 >= 0; the paper's imperfect case is 0.1.
        rng: generator of the errors.
    Returns:
        complex128, the shape of h.
    Source: link.md section 8; Han et al., Sec. IV (the variance is assumed).
    """
    if not error_variance >= 0:
        raise ValueError(f"error_variance must be >= 0, got {error_variance}")
    error = rng.standard_normal((*h.shape, 2)).view(np.complex128)[..., 0]
    return h + np.sqrt(error_variance / 2) * error


def effective(
    h_hat: np.ndarray, noise_var: float, error_variance: float, total_power: float
) -> tuple[np.ndarray, float]:
    """Channel and noise variance to compute with when H is known up to an error.

        H_used = H_hat / (1 + s_e^2),   N0_eff = N0 + Ptot s_e^2 / (1 + s_e^2)

    the conditional mean of H given H_hat for entries of unit variance, and the noise plus what the
    unknown rest of H makes of the transmitted power. With N0 alone LLRs are overconfident and
    information falls with rising SNR.

    Args:
        h_hat: complex [..., n_rx, n_tx].
        noise_var: N0 > 0.
        error_variance: s_e^2 >= 0.
        total_power: Ptot, mean over the table of the power of all antennas.
    Source: link.md section 8.
    """
    if not error_variance >= 0:
        raise ValueError(f"error_variance must be >= 0, got {error_variance}")
    shrink = 1 / (1 + error_variance)
    return h_hat * shrink, noise_var + total_power * error_variance * shrink
