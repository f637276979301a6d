# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft detection at the receiver: LLRs of the bits that selected the rows of a transmit table.

    y = H z + n, n ~ CN(0, N0 I), z = table[index];  r = U2 y behind the combiner (CEN)

ML: all K rows jointly, whitened by what the combiner does to the noise. Linear (mmse, zf, mf): a
scalar demapper per stream behind a filter, for tables that are a linear image of the QAM alphabet.
"""

from __future__ import annotations

import numpy as np

from .. import _native
from .combining import cen_matrix
from .constellation import pam_levels, product_alphabet, qam

DETECTORS = ("ml", "mmse", "zf", "mf")
LLR_KINDS = ("exact", "maxlog")

_MAX_JOINT_ROWS = 4096
_NO_POWER = 1e-7  # |mu_k| below which a stream carries nothing
_LINEAR_RESIDUAL = 1e-4  # relative error above which a table is no linear image of the alphabet


def soft_bits(
    y: np.ndarray,
    h: np.ndarray,
    table: np.ndarray,
    noise_var: float,
    cen: bool = True,
    detector: str = "ml",
    llr: str = "exact",
    block_uses: np.ndarray | None = None,
    bits_per_symbol: int | None = None,
) -> np.ndarray:
    """Log-likelihood ratios of the bits that selected a row of the transmit table.

    LLR_k = LSE_{i: b_k(i)=0} q_i - LSE_{i: b_k(i)=1} q_i, q_i = -|F (U2 y - U2 H Z_i)|^2, where F
    whitens the noise N0 U2 U2^H behind the combiner; positive means bit 0.

    Args:
        y: complex [n_rx, k], received vectors.
        h: complex [n_rx, n_tx] or [b, n_rx, n_tx], row = receive antenna.
        table: complex [K, n_tx] or [b, K, n_tx], K a power of two, at most 4096 for ml.
        noise_var: N0 > 0 per receive antenna and channel use.
        cen: detect behind the combiner; changes nothing for ml, whose noise is whitened.
        detector: "ml", "mmse", "zf" or "mf".
        llr: "exact" or "maxlog".
        block_uses: int [b], uses of each block; None: k split equally over the b blocks.
        bits_per_symbol: m, for linear detectors; None: two streams share the bits of a use equally.
    Returns:
        float32 [k, log2 K]. A stream without power, and a sample that is not finite, give 0.
    Raises:
        ValueError: shapes disagree, noise_var <= 0, an unknown name, or a linear detector for a table
            that is no linear image of the QAM alphabet.
    Source: link.md section 7; Han et al., Sec. II-C.
    """
    y, h, table, block_uses = _check(y, h, table, noise_var, block_uses)
    for name, value, allowed in (("detector", detector, DETECTORS), ("llr", llr, LLR_KINDS)):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    exact = llr == "exact"
    if detector == "ml":
        return _joint(y, h, table, noise_var, cen, block_uses, exact)
    return _linear(y, h, table, noise_var, cen, detector, block_uses, exact, bits_per_symbol)


def combine(
    y: np.ndarray,
    h: np.ndarray,
    table: np.ndarray,
    noise_var: float,
    block_uses: np.ndarray | None = None,
) -> np.ndarray:
    """Output of the combiner r = U2 y, complex64 [n_tx, k]; arguments as for `soft_bits`."""
    y, h, table, block_uses = _check(y, h, table, noise_var, block_uses)
    return _apply(cen_matrix(table, h, noise_var), y, block_uses)


def _check(y, h, table, noise_var, block_uses):
    y = np.asarray(y, np.complex64)
    h, table = np.asarray(h), np.asarray(table)
    h = h[None] if h.ndim == 2 else h
    table = table[None] if table.ndim == 2 else table
    if h.ndim != 3 or table.ndim != 3:
        raise ValueError(
            "h must be [n_rx, n_tx] or [b, n_rx, n_tx] and table [K, n_tx] or [b, K, n_tx], "
            f"got shapes {h.shape} and {table.shape}"
        )
    n_blocks = max(len(h), len(table))
    if {len(h), len(table)} - {1, n_blocks}:
        raise ValueError(f"h and table must have the same blocks, got {len(h)} and {len(table)}")
    if h.shape[2] != table.shape[2]:
        raise ValueError(f"h and table must agree in n_tx, got {h.shape[2]} and {table.shape[2]}")
    if y.ndim != 2 or len(y) != h.shape[1]:
        raise ValueError(f"y must be [{h.shape[1]}, k] for this h, got shape {y.shape}")
    n_rows = table.shape[1]
    if n_rows < 2 or n_rows & (n_rows - 1):
        raise ValueError(f"table must have a power of two of rows, at least 2, got {n_rows}")
    if not (noise_var > 0 and np.isfinite(noise_var)):
        raise ValueError(f"noise_var must be > 0 and finite, got {noise_var}")
    block_uses = _block_uses(block_uses, n_blocks, y.shape[1])
    h = np.broadcast_to(h, (n_blocks, *h.shape[1:]))
    return y, h, np.broadcast_to(table, (n_blocks, *table.shape[1:])), block_uses


def _block_uses(block_uses, n_blocks: int, k: int) -> np.ndarray:
    if block_uses is None:
        if k % n_blocks:
            raise ValueError(f"block_uses is needed when {n_blocks} blocks do not divide k = {k}")
        return np.full(n_blocks, k // n_blocks, np.int64)
    block_uses = np.ascontiguousarray(block_uses, np.int64)
    if block_uses.shape != (n_blocks,) or (block_uses < 0).any() or block_uses.sum() != k:
        raise ValueError(f"block_uses must hold {n_blocks} lengths >= 0 that sum to k = {k}")
    return block_uses


def _joint(y, h, table, noise_var, cen, block_uses, exact):
    if table.shape[1] > _MAX_JOINT_ROWS:
        raise ValueError(
            f"detector ml takes at most {_MAX_JOINT_ROWS} table rows, got {table.shape[1]}; "
            "use mmse or fewer bits per symbol"
        )
    centroids = table @ np.swapaxes(h, -1, -2)
    n_blocks = len(h)
    if not cen:
        inv_n0 = np.full(n_blocks, 1 / noise_var, np.float32)
        return _native.soft_ml(np.ascontiguousarray(y), _c64(centroids), block_uses, inv_n0, exact)
    u2 = cen_matrix(table, h, noise_var)
    whitened = _whitener(noise_var * u2 @ _adjoint(u2)) @ u2
    r = _apply(whitened, y, block_uses)
    centroids = centroids @ np.swapaxes(whitened, -1, -2)
    return _native.soft_ml(r, _c64(centroids), block_uses, np.ones(n_blocks, np.float32), exact)


def _linear(y, h, table, noise_var, cen, detector, block_uses, exact, bits_per_symbol):
    m_u = int(table.shape[1]).bit_length() - 1
    m = bits_per_symbol or m_u // min(h.shape[1:])
    if m < 1 or m_u % m:
        raise ValueError(f"bits_per_symbol must divide the {m_u} bits of a use, got {m}")
    a = h @ _linear_image(table, m, m_u // m)
    noise = np.broadcast_to(noise_var * np.eye(h.shape[1]), (len(h), h.shape[1], h.shape[1]))
    if cen:
        u2 = cen_matrix(table, h, noise_var)
        a, noise = u2 @ a, noise_var * u2 @ _adjoint(u2)
        y = _apply(u2, y, block_uses)
    w, inv_v = _filter(a, noise, detector)
    estimates = _apply(w, y, block_uses)
    llr = np.empty((y.shape[1], m_u), np.float32)
    for stream in range(m_u // m):
        llr[:, stream * m : (stream + 1) * m] = _demap(
            estimates[stream], inv_v[:, stream], m, block_uses, exact
        )
    return llr


def _linear_image(table: np.ndarray, m: int, n_streams: int) -> np.ndarray:
    """G [b, n_tx, n_s] with Z_i = G x_i, or ValueError when the table is no such image."""
    x, _ = product_alphabet(m, n_streams)
    g = np.swapaxes(np.linalg.pinv(x) @ table, -1, -2)
    rest = np.abs(table - x @ np.swapaxes(g, -1, -2)).max(initial=0)
    if rest > _LINEAR_RESIDUAL * np.abs(table).max(initial=1e-300):
        raise ValueError(
            "linear detectors need a linear precoder (none, svd_wf, svd_equal, svd_codebook, mercury);"
            " this table is not linear in its symbols, use detector ml"
        )
    return g


def _filter(a: np.ndarray, noise: np.ndarray, detector: str) -> tuple[np.ndarray, np.ndarray]:
    """Unbiased filter [b, n_s, n] and inverse variance [b, n_s] of what is left on each stream.

    J = A^H R^-1 A; W = (J + I)^-1 A^H R^-1 (mmse), pinv(J) A^H R^-1 (zf), diag(J)^-1 A^H R^-1 (mf);
    T = W A, mu = diag T, v_k = sum_{l != k} |T_kl|^2 + (W R W^H)_kk. A stream without power gets 0.
    """
    matched = _adjoint(a) @ np.linalg.pinv(noise, hermitian=True)
    j = matched @ a
    n_streams = j.shape[-1]
    if detector == "mmse":
        w = np.linalg.inv(j + np.eye(n_streams)) @ matched
    elif detector == "zf":
        w = np.linalg.pinv(j, rcond=1e-12, hermitian=True) @ matched
    else:
        diagonal = np.diagonal(j, axis1=-2, axis2=-1).real
        w = matched / np.maximum(diagonal, 1e-12)[..., None]
    t = w @ a
    mu = np.diagonal(t, axis1=-2, axis2=-1)
    interference = (np.abs(t) ** 2).sum(-1) - np.abs(mu) ** 2
    v = interference + np.einsum("bij,bjk,bik->bi", w, noise, w.conj()).real
    silent = np.abs(mu) < _NO_POWER
    mu = np.where(silent, 1, mu)
    # The floor keeps float32 finite: beyond 90 dB behind the filter every LLR is certain anyway.
    inv_v = np.where(silent, 0, np.abs(mu) ** 2 / np.maximum(v, 1e-9 * np.abs(mu) ** 2))
    return np.where(silent[..., None], 0, w / mu[..., None]), inv_v


def _demap(estimate, inv_v, m: int, block_uses, exact: bool) -> np.ndarray:
    """LLRs float32 [k, m] of one QAM stream; square QAM is two real PAMs, so sqrt(M) points each."""
    inv_v = np.ascontiguousarray(inv_v, np.float32)
    if m == 1:
        points = np.broadcast_to(qam(1)[0][:, None], (len(inv_v), 2, 1))
        return _native.soft_ml(estimate[None], _c64(points), block_uses, inv_v, exact)
    levels = pam_levels(m // 2)
    points = _c64(np.broadcast_to(levels[:, None], (len(inv_v), len(levels), 1)))
    llr = np.empty((len(estimate), m), np.float32)
    for first, part in enumerate((estimate.real, estimate.imag)):
        llr[:, first::2] = _native.soft_ml(_c64(part[None]), points, block_uses, inv_v, exact)
    return llr


def _whitener(covariance: np.ndarray, eps: float = 1e-12) -> np.ndarray:
    """F [b, n, n] with F R F^H = I on the range of R; rows of the null space are 0."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > eps * values[..., -1:]
    scale = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1)), 0)
    return scale[..., None] * _adjoint(vectors)


def _apply(matrices: np.ndarray, y: np.ndarray, block_uses: np.ndarray) -> np.ndarray:
    """matrices[b] @ y over the uses of each block: complex64 [rows, k]."""
    matrices = np.asarray(matrices, np.complex64)
    if len(matrices) == 1:
        return np.ascontiguousarray(matrices[0] @ y)
    if len(matrices) * 64 > y.shape[1]:
        return _c64(np.einsum("krt,tk->rk", np.repeat(matrices, block_uses, 0), y))
    out = np.empty((matrices.shape[1], y.shape[1]), np.complex64)
    start = 0
    for matrix, uses in zip(matrices, block_uses):
        np.matmul(matrix, y[:, start : start + uses], out=out[:, start : start + uses])
        start += uses
    return out


def _adjoint(matrices: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(matrices, -1, -2))


def _c64(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.complex64)
