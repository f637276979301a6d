# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise of the symbol-level channel, and the one definition of SNR."""

import numpy as np

SNR_DEFINITIONS = ("pz_n0", "rx_ant")


def noise_variance(snr_db: float, snr_def: str = "pz_n0", n_tx: int = 2) -> float:
    """N0 per receive antenna and complex channel use, for Pz = 1.

    "pz_n0": SNR = Pz / N0. "rx_ant": SNR = n_tx Pz / N0, the mean received SNR per antenna,
    3.01 dB more for two transmit antennas.

    Source: link.md section 1.
    """
    if not np.isfinite(snr_db):
        raise ValueError(f"snr_db must be a finite number, got {snr_db}")
    if snr_def not in SNR_DEFINITIONS:
        raise ValueError(f"snr_def must be one of {', '.join(SNR_DEFINITIONS)}, got {snr_def!r}")
    power = n_tx if snr_def == "rx_ant" else 1
    return float(power * 10 ** (-snr_db / 10))


def transmit(
    z: np.ndarray,
    h: np.ndarray,
    block_uses: np.ndarray,
    noise_var: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """y_t = H_b z_t + n_t, n ~ CN(0, noise_var I), block b lasting block_uses[b] uses.

    Args:
        z: complex64 [n_tx, k].
        h: complex [b, n_rx, n_tx].
        block_uses: int [b], sums to k.
        noise_var: N0 >= 0.
        rng: generator of the noise.
    Returns:
        complex64 [n_rx, k].
    """
    z = np.asarray(z, np.complex64)
    block_uses = np.asarray(block_uses)
    n_blocks, n_rx, n_tx = np.shape(h)
    if z.ndim != 2 or len(z) != n_tx:
        raise ValueError(f"z must be [{n_tx}, k] for this h, got shape {z.shape}")
    if block_uses.shape != (n_blocks,) or (block_uses < 0).any():
        raise ValueError(f"block_uses must hold {n_blocks} lengths >= 0, got {block_uses.tolist()}")
    if block_uses.sum() != z.shape[1]:
        raise ValueError(f"block_uses must sum to k = {z.shape[1]}, got {block_uses.sum()}")
    if not noise_var >= 0:
        raise ValueError(f"noise_var must be >= 0, got {noise_var}")
    k = z.shape[1]
    y = rng.standard_normal((n_rx, 2 * k), np.float32)
    y *= np.float32(np.sqrt(noise_var / 2))
    y = y.view(np.complex64)
    h = np.asarray(h, np.complex64)
    if n_blocks * 64 > k:  # short blocks: one matrix per use instead of a loop over blocks
        y += np.einsum("krt,tk->rk", np.repeat(h, block_uses, 0), z)
        return y
    start = 0
    for matrix, uses in zip(h, block_uses):
        y[:, start : start + uses] += matrix @ z[:, start : start + uses]
        start += uses
    return y
