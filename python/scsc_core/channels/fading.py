# SPDX-License-Identifier: GPL-3.0-or-later
"""Flat block fading: y = H_b z + n with H_b constant over the channel uses of block b."""

from __future__ import annotations

import math

import numpy as np

from .. import _native
from .arrays import correlation_root

MODELS = ("awgn", "rayleigh", "rician")
FADING_MODES = ("per_image", "per_codeword", "per_uses")
SNR_DEFINITIONS = ("pz_n0", "rx_ant")


class FadingChannel:
    """Matrices of one fading process, E|H_qp|^2 = 1 over the ensemble.

    rayleigh: H = R_rx^(1/2) W R_tx^(1/2), W i.i.d. CN(0, 1), R_ij = rho^|i - j|.
    rician: H = sqrt(K/(K+1)) L + sqrt(1/(K+1)) (a Rayleigh matrix), L all ones (line of sight
    between broadside arrays: rank one; the singular values have the law that random directions
    would give, unless there is correlation). awgn: the identity (rectangular: ones on
    the diagonal).

    Args:
        model: "awgn", "rayleigh" or "rician".
        n_tx, n_rx: antennas, >= 1.
        rician_k_db: K in dB, finite; used by rician only.
        correlation_tx, correlation_rx: rho in [0, 1) between neighbours; not used by awgn.
        seed: int, or a SeedSequence. An int gives the first child of SeedSequence(seed), which is
            the fading process of a run (fading, noise, phase, CSI error); a SeedSequence is taken
            as it is.
    Raises:
        ValueError: an argument is out of range or unknown.
    Note:
        The matrices depend on the seed and on how many came before, not on the sizes of the draws.
    Source: link.md sections 1 and 3.
    """

    def __init__(
        self,
        model: str = "rayleigh",
        n_tx: int = 2,
        n_rx: int = 2,
        rician_k_db: float = 9.0,
        correlation_tx: float = 0.0,
        correlation_rx: float = 0.0,
        seed: int | np.random.SeedSequence | None = None,
    ):
        if model not in MODELS:
            raise ValueError(f"channel model must be one of {', '.join(MODELS)}, got {model!r}")
        for name, value in (("n_tx", n_tx), ("n_rx", n_rx)):
            if int(value) != value or value < 1:
                raise ValueError(f"{name} must be an integer >= 1, got {value}")
        if not math.isfinite(rician_k_db):
            raise ValueError(f"rician_k_db must be finite, got {rician_k_db}")
        for name, value in (("correlation_tx", correlation_tx), ("correlation_rx", correlation_rx)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be in [0, 1), got {value}")
        self.model, self.n_tx, self.n_rx = model, int(n_tx), int(n_rx)
        k = 10 ** (rician_k_db / 10) if model == "rician" else 0.0
        self._direct, self._scattered = math.sqrt(k / (k + 1)), math.sqrt(1 / (k + 1))
        self._root_tx = correlation_root(self.n_tx, correlation_tx)
        self._root_rx = correlation_root(self.n_rx, correlation_rx)
        if not isinstance(seed, np.random.SeedSequence):
            seed = np.random.SeedSequence(seed).spawn(1)[0]
        self._rng = np.random.default_rng(seed)

    def draw(self, n_blocks: int) -> np.ndarray:
        """The next n_blocks >= 0 matrices, complex128 [n_blocks, n_rx, n_tx]."""
        if int(n_blocks) != n_blocks or n_blocks < 0:
            raise ValueError(f"n_blocks must be an integer >= 0, got {n_blocks}")
        shape = (int(n_blocks), self.n_rx, self.n_tx)
        if self.model == "awgn":
            return np.broadcast_to(np.eye(self.n_rx, self.n_tx, dtype=complex), shape).copy()
        parts = self._rng.standard_normal(shape + (2,))
        white = parts.view(complex)[..., 0] * math.sqrt(0.5)
        return self._direct + self._scattered * (self._root_rx @ white @ self._root_tx)


def block_lengths(
    k: int, fading: str, codeword_uses: np.ndarray | None = None, uses: int | None = None
) -> np.ndarray:
    """Channel uses of each fading block, int64 [b] with sum k.

    Args:
        k: channel uses of the transmission, >= 0.
        fading: per_image (one block), per_codeword (one block per code block), per_uses (blocks of
            `uses`, the last one shorter).
        codeword_uses: int [C], uses of each code block; needed by per_codeword. When k is larger
            than their sum, the last block takes the rest.
        uses: channel uses of one block; needed by per_uses.
    Raises:
        ValueError: unknown mode, or the argument that the mode needs is missing or out of range.
    Source: link.md section 3.
    """
    if fading not in FADING_MODES:
        raise ValueError(f"fading must be one of {', '.join(FADING_MODES)}, got {fading!r}")
    if k < 0:
        raise ValueError(f"k must be >= 0, got {k}")
    if fading == "per_image":
        return np.array([k], np.int64)
    if fading == "per_uses":
        if uses is None or uses < 1:
            raise ValueError(f"fading per_uses needs uses >= 1, got {uses}")
        starts = np.arange(0, max(k, 1), uses, dtype=np.int64)
        return np.diff(starts, append=k)
    lengths = np.asarray([] if codeword_uses is None else codeword_uses, np.int64).copy()
    if lengths.ndim != 1 or lengths.size == 0 or (lengths < 0).any() or lengths.sum() > k:
        raise ValueError(
            f"fading per_codeword needs codeword_uses >= 0 with a sum of at most {k}, "
            f"got {codeword_uses}"
        )
    lengths[-1] += k - lengths.sum()
    return lengths


def noise_variance(snr_db: float, snr_def: str = "pz_n0", n_tx: int = 2) -> float:
    """N0 per receive antenna and channel use, for P_z = 1 per transmit antenna.

    Args:
        snr_db: SNR in dB.
        snr_def: pz_n0 (SNR = Pz/N0) or rx_ant (SNR = n_tx Pz/N0, mean per receive antenna).
        n_tx: transmit antennas; matters for rx_ant only.
    Raises:
        ValueError: unknown definition, snr_db not finite, n_tx < 1.
    Source: link.md section 1.
    """
    if snr_def not in SNR_DEFINITIONS:
        raise ValueError(f"snr_def must be one of {', '.join(SNR_DEFINITIONS)}, got {snr_def!r}")
    if not math.isfinite(snr_db) or n_tx < 1:
        raise ValueError(f"snr_db must be finite and n_tx >= 1, got {snr_db} and {n_tx}")
    return (n_tx if snr_def == "rx_ant" else 1) * 10 ** (-snr_db / 10)


def complex_noise(shape, variance: float, rng: np.random.Generator) -> np.ndarray:
    """CN(0, variance) noise, complex64 of a shape; drawn in float32, half the time of float64."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32)
    parts *= np.float32(math.sqrt(variance / 2))
    return parts.view(np.complex64)[..., 0]


def transmit(
    z: np.ndarray,
    h: np.ndarray,
    block_uses: np.ndarray,
    noise_var: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Received vectors y = H_b z + n, complex64 [n_rx, k].

    Args:
        z: complex [n_tx, k], transmitted vectors.
        h: complex [b, n_rx, n_tx] or [n_rx, n_tx].
        block_uses: int [b], channel uses of each block, sum k.
        noise_var: N0 >= 0 per receive antenna; 0 adds no noise.
        rng: generator of the noise process; k vectors are drawn in their order, so the numbers
            do not depend on how the uses are split into calls.
    Raises:
        ValueError: shapes or sizes disagree, noise_var negative or not finite.
    """
    z = np.ascontiguousarray(z, np.complex64)
    h = np.asarray(h, complex)
    h = h[None] if h.ndim == 2 else h
    if z.ndim != 2 or h.ndim != 3 or h.shape[-1] != z.shape[0]:
        raise ValueError(
            f"z [n_tx, k] and h [b, n_rx, n_tx] disagree: shapes {z.shape} and {h.shape}"
        )
    uses = np.ascontiguousarray(block_uses, np.int64)
    if uses.shape != (len(h),) or (uses < 0).any() or uses.sum() != z.shape[1]:
        raise ValueError(
            f"block_uses must be {len(h)} counts with sum {z.shape[1]}, got shape {uses.shape} "
            f"with sum {uses.sum()}"
        )
    if not (math.isfinite(noise_var) and noise_var >= 0):
        raise ValueError(f"noise_var must be finite and >= 0, got {noise_var}")
    y = _native.block_product(z, np.ascontiguousarray(h, np.complex64), uses)
    if noise_var > 0:
        y += complex_noise((z.shape[1], h.shape[1]), noise_var, rng).T
    return y
