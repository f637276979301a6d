# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft detectors: log-likelihood ratios of the bits that selected the rows of a transmit table."""

from __future__ import annotations

import math

import numpy as np

from .. import _native
from .combining import cen_matrix
from .constellation import mixed_alphabet

DETECTORS = ("ml", "mmse", "zf", "mf")
LLR_KINDS = ("exact", "maxlog")
MAX_CENTROIDS = 4096
MAX_RECEIVE = 16
# Directions of the combiner below this part of the largest carry no signal (p = 1). One that is
# kept in vain costs nothing, one of amplitude a relative to the first shows up as a^2.
RANK_TOLERANCE = 1e-12
# A stream whose filtered gain |mu| is below this has no power: LLR 0 (link.md section 7).
DEAD_STREAM = 1e-7
# Floor of the variance behind a filter, symbols of unit energy: 90 dB.
LEAST_VARIANCE = 1e-9
# Tables may come as complex64; a table that is not linear misses by its own size.
LINEAR_TOLERANCE = 1e-5


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

    y = h z + n, n ~ CN(0, noise_var I); z = table[index]; positive LLR means bit 0.
    With the combiner (cen) r = U2 y is detected with centroids U2 h z_i in noise of covariance
    noise_var U2 U2^H, whitened; the LLRs are those without it.

    Args:
        y: complex64 [n_rx, k], received vectors, one column per channel use.
        h: complex [n_rx, n_tx] or [b, n_rx, n_tx], row = receive antenna.
        table: complex [K, n_tx] or [b, K, n_tx]; K a power of two (ml: at most 4096).
        noise_var: float > 0, or [b]; N0 per receive antenna and channel use.
        cen: apply the combiner before detection (no effect on a correct detector).
        detector: "ml" (joint, every table), or "mmse", "zf", "mf": a linear filter and scalar
            demapping, for tables that are a linear image of QAM alphabets (see `stream_alphabets`).
        llr: "exact" or "maxlog".
        block_uses: int [b], channel uses of each block in order, sum k. None: one use per block
            when b == k, else k split equally.
        bits_per_symbol: m, for the linear detectors only; None takes
            log2 K / min(n_tx, n_rx).
    Returns:
        float32 [k, log2 K]. A use with a non-finite sample, and a bit of a stream without power,
        get 0; every value is finite.
    Raises:
        ValueError: shapes or sizes disagree, noise_var <= 0, unknown detector or llr, a linear
            detector with a table that is not linear.
    Source: Han et al., Sec. II-C; link.md sections 6 and 7.
    """
    if detector not in DETECTORS:
        raise ValueError(f"detector must be one of {', '.join(DETECTORS)}, got {detector!r}")
    if llr not in LLR_KINDS:
        raise ValueError(f"llr must be one of {', '.join(LLR_KINDS)}, got {llr!r}")
    y, h, table, noise_var, uses = _checked(y, h, table, noise_var, block_uses)
    if detector == "ml" and table.shape[-2] > MAX_CENTROIDS:
        raise ValueError(
            f"detector ml takes at most {MAX_CENTROIDS} table rows, got {table.shape[-2]}; use "
            "mmse (with precoder pcen_lite) or fewer bits per symbol"
        )
    root = _whitened_combiner(table, h, noise_var) if cen else None
    if detector == "ml":
        return _joint(y, h, table, noise_var, uses, root, llr == "exact")
    return _linear(y, h, table, noise_var, uses, root, detector, bits_per_symbol, llr == "exact")


def combine(
    y: np.ndarray,
    h: np.ndarray,
    table: np.ndarray,
    noise_var: float,
    block_uses: np.ndarray | None = None,
) -> np.ndarray:
    """Output r = U2 y of the combiner: the estimate of the transmitted vectors, for views.

    Args:
        y, h, table, noise_var, block_uses: as in `soft_bits`.
    Returns:
        complex64 [n_tx, k]; columns with a non-finite sample are NaN.
    Raises:
        ValueError: shapes or sizes disagree, noise_var <= 0.
    Source: Han et al., Eq. (12), corrected; link.md section 6.
    """
    y, h, table, noise_var, uses = _checked(y, h, table, noise_var, block_uses)
    u2 = _per_block(cen_matrix(table, h, noise_var), len(uses))
    return _native.block_product(y, _single(u2), uses)


def default_block_uses(k: int, n_blocks: int) -> np.ndarray:
    """int64 [n_blocks]: k channel uses split equally.

    Raises:
        ValueError: n_blocks does not divide k.
    """
    if n_blocks < 1 or k % n_blocks:
        raise ValueError(
            f"{k} channel uses cannot be split equally over {n_blocks} blocks; give block_uses"
        )
    return np.full(n_blocks, k // n_blocks, np.int64)


def _checked(y, h, table, noise_var, block_uses):
    """y complex64 [n_rx, k], h [b or 1, ..], table [b or 1, ..], noise_var [b or 1], uses [b]."""
    y = np.ascontiguousarray(y, np.complex64)
    h, table = np.asarray(h, complex), np.asarray(table, complex)
    if y.ndim != 2:
        raise ValueError(f"y must be [n_rx, k], got shape {y.shape}")
    if h.ndim not in (2, 3) or table.ndim not in (2, 3):
        raise ValueError(
            f"h must be [n_rx, n_tx] or [b, n_rx, n_tx] and table [K, n_tx] or [b, K, n_tx], "
            f"got {h.shape} and {table.shape}"
        )
    if h.shape[-2] != y.shape[0] or h.shape[-1] != table.shape[-1]:
        raise ValueError(
            f"y [n_rx, k], h [.., n_rx, n_tx] and table [.., K, n_tx] disagree: "
            f"{y.shape}, {h.shape}, {table.shape}"
        )
    if not 1 <= y.shape[0] <= MAX_RECEIVE:
        raise ValueError(f"n_rx must be in 1..{MAX_RECEIVE}, got {y.shape[0]}")
    n_rows = table.shape[-2]
    if n_rows < 2 or n_rows & (n_rows - 1):
        raise ValueError(f"the table must have a power of two of rows, at least 2, got {n_rows}")
    if not (np.isfinite(h).all() and np.isfinite(table).all()):
        raise ValueError("h and table must be finite")
    noise_var = np.atleast_1d(np.asarray(noise_var, float))
    if noise_var.ndim != 1 or not ((noise_var > 0) & np.isfinite(noise_var)).all():
        raise ValueError(f"noise_var must be finite and > 0, a number or [b], got {noise_var}")
    h, table = h.reshape(-1, *h.shape[-2:]), table.reshape(-1, *table.shape[-2:])
    sizes = {len(h), len(table), len(noise_var)} - {1}
    uses = None if block_uses is None else np.ascontiguousarray(_integers(block_uses))
    if uses is not None and (len(h) > 1 or len(table) > 1 or len(noise_var) > 1 or len(uses) > 1):
        sizes.add(len(uses))
    if len(sizes) > 1:
        raise ValueError(
            f"number of blocks differs: h {len(h)}, table {len(table)}, noise_var "
            f"{len(noise_var)}, block_uses {'-' if uses is None else len(uses)}"
        )
    if uses is None:
        uses = default_block_uses(y.shape[1], max(sizes, default=1))
    if (uses < 0).any() or uses.sum() != y.shape[1]:
        raise ValueError(
            f"block_uses must be >= 0 and sum to the {y.shape[1]} channel uses, got sum "
            f"{uses.sum()}, smallest {uses.min(initial=0)}"
        )
    return y, h, table, noise_var, uses


def _integers(block_uses) -> np.ndarray:
    uses = np.asarray(block_uses)
    if uses.ndim != 1 or uses.size == 0 or uses.dtype.kind not in "iu":
        raise ValueError(
            f"block_uses must be a list of integers, one per block, got {uses.dtype} {uses.shape}"
        )
    return uses.astype(np.int64)


def _per_block(array: np.ndarray, n_blocks: int) -> np.ndarray:
    return np.broadcast_to(array, (n_blocks,) + array.shape[1:])


def _single(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.complex64)


def _whitened_combiner(table, h, noise_var) -> np.ndarray:
    """F U2 with F R_n F^H = I on the range of R_n = N0 U2 U2^H: complex128 [b or 1, d, n_rx].

    Any F U2 = Q / sqrt(N0) will do whose rows Q are an orthonormal basis of the row space of U2
    (two of them differ by a rotation from the left, which no metric sees).
    """
    u2 = cen_matrix(table, h, noise_var)
    return _row_basis(u2) / np.sqrt(noise_var)[:, None, None]


def _row_basis(matrix: np.ndarray) -> np.ndarray:
    """Orthonormal rows that span those of a matrix: complex128 [b, min(d, n), n] of [b, d, n].

    Gram-Schmidt that takes the largest remainder first (QR with pivoting), each direction
    removed twice so that the rows are orthogonal to rounding; rows beyond the rank are zero. A
    fraction of the time of an SVD per matrix.
    """
    # batch last: a dozen passes over long rows instead of a call per small matrix
    rest = np.ascontiguousarray(np.moveaxis(matrix, 0, -1))
    basis = np.zeros((min(rest.shape[:2]),) + rest.shape[1:], complex)
    every = np.arange(rest.shape[-1])
    for step in range(len(basis)):
        power = (rest.real**2 + rest.imag**2).sum(1)
        pivot = power.argmax(0)
        size = np.sqrt(power[pivot, every])
        if step == 0:
            floor = RANK_TOLERANCE * np.maximum(size, 1e-300)
        kept = size > floor
        row = rest[pivot, :, every].T * np.where(kept, 1 / np.where(kept, size, 1), 0)
        for done in basis[:step]:
            row -= (row * done.conj()).sum(0) * done
        basis[step] = row
        if step + 1 < len(basis):
            rest -= (rest * row.conj()).sum(1)[:, None] * row
    return np.moveaxis(basis, -1, 0)


def _joint(y, h, table, noise_var, uses, root, exact) -> np.ndarray:
    inv_n0 = 1 / noise_var
    if root is not None:
        h = root @ h
        y = _native.block_product(y, _single(_per_block(root, len(uses))), uses)
        inv_n0 = np.ones(1)
    centroids = table @ h.swapaxes(-1, -2)
    inv_n0 = np.ascontiguousarray(_per_block(inv_n0, len(uses)), np.float32)
    return _native.soft_ml(y, _single(_per_block(centroids, len(uses))), uses, inv_n0, exact)


def _linear(y, h, table, noise_var, uses, root, detector, bits_per_symbol, exact) -> np.ndarray:
    """LLRs of linear detection; blocks with the same alphabet go through the kernel together."""
    n_blocks = len(uses)
    if bits_per_symbol is None:
        bits_per_symbol = int(math.log2(table.shape[-2])) // min(h.shape[-2:])
    mode, alphabets = stream_alphabets(table, bits_per_symbol)
    if root is None:
        root = np.eye(h.shape[-2]) / np.sqrt(noise_var)[:, None, None]
    h, table, root, mode = (_per_block(x, n_blocks) for x in (h, table, root, mode))
    llr = np.empty((y.shape[1], int(math.log2(table.shape[-2]))), np.float32)
    for index in np.unique(mode):
        chosen = mode == index
        whole = bool(chosen.all())
        at = slice(None) if whole else np.repeat(chosen, uses)
        part = y if whole else np.ascontiguousarray(y[:, at])
        bits = alphabets[index]
        matrix = _least_squares(table[chosen], bits)
        filters, inv_noise = _filters(root[chosen], h[chosen] @ matrix, detector)
        start = 0
        for m, streams in _runs([m for m in bits if m]):
            stop = start + m * (streams.stop - streams.start)
            llr[at, start:stop] = _native.soft_linear(
                part,
                _single(filters[:, streams]),
                np.ascontiguousarray(inv_noise[:, streams], np.float32),
                uses[chosen],
                m,
                exact,
            )
            start = stop
    return llr


def _runs(bits: list[int]) -> list[tuple[int, slice]]:
    """(m, slice of streams) of each run of streams with the same m."""
    starts = [i for i, m in enumerate(bits) if i == 0 or bits[i - 1] != m] + [len(bits)]
    return [(bits[a], slice(a, b)) for a, b in zip(starts[:-1], starts[1:])]


def _filters(root, channel, detector) -> tuple[np.ndarray, np.ndarray]:
    """Filters complex128 [b, n_s, n_rx] on y that give unbiased estimates, and 1/variance [b, n_s].

    root [b, d, n_rx] whitens y; channel [b, n_rx, n_s] maps symbols to noise-free y.
    Source: link.md section 7.
    """
    a = root @ channel
    a_h = a.conj().swapaxes(-1, -2)
    gram = a_h @ a
    eye = np.eye(gram.shape[-1])
    if detector == "mmse":
        w = np.linalg.solve(gram + eye, a_h)
    elif detector == "zf":
        w = np.linalg.pinv(gram, hermitian=True) @ a_h
    else:
        w = a_h / np.maximum(np.diagonal(gram, axis1=-2, axis2=-1).real, 1e-12)[..., None]
    gains = w @ a
    mu = np.diagonal(gains, axis1=-2, axis2=-1)
    noise = (np.abs(gains * (1 - eye)) ** 2).sum(-1) + (np.abs(w) ** 2).sum(-1)
    dead = np.abs(mu) < DEAD_STREAM
    mu = np.where(dead, 1, mu)
    filters = np.where(dead[..., None], 0, (w / mu[..., None]) @ root)
    variance = np.maximum(noise / np.abs(mu) ** 2, LEAST_VARIANCE)
    return filters, np.where(dead, 0, 1 / variance)


def _least_squares(table, stream_bits) -> np.ndarray:
    """G complex128 [b, n_tx, streams with bits] that minimises sum |Z_i - G x_i|^2."""
    symbols = mixed_alphabet(stream_bits)[:, np.array(stream_bits) > 0]
    # Every alphabet has zero mean and E[x x^H] = I, so least squares is a correlation.
    return (symbols.conj().T @ table / len(symbols)).swapaxes(-1, -2)


def stream_alphabets(table: np.ndarray, bits_per_symbol: int):
    """The QAM alphabets whose linear image Z_i = G x_i a table is.

    Tried are n_s equal streams of m bits, and for two streams the unequal splits of their bits
    (the modes of pcen_lite and rank_adaptive).

    Args:
        table: complex [b, K, n_tx].
        bits_per_symbol: m of the equal streams.
    Returns:
        int [b], index into the list; list of tuples, bits per stream (0: a silent stream).
    Raises:
        ValueError: a table is no such image (pcen with its label map, pcen_paper), or m does not
            divide log2 K.
    """
    n_bits = int(math.log2(table.shape[-2]))
    m = bits_per_symbol
    if m not in (1, 2, 4, 6, 8) or n_bits % m:
        raise ValueError(
            f"bits_per_symbol must be 1, 2, 4, 6 or 8 and divide the {n_bits} bits of a channel "
            f"use, got {m}"
        )
    alphabets = [(m,) * (n_bits // m)]
    if n_bits == 2 * m and m > 1:
        alphabets += [(m + d, m - d) for d in range(2, min(m, 8 - m) + 1, 2)]
    mode = np.full(len(table), -1)
    size = np.sqrt((np.abs(table) ** 2).mean((-1, -2)))
    for index, bits in enumerate(alphabets):
        symbols = mixed_alphabet(bits)[:, np.array(bits) > 0]
        image = symbols @ _least_squares(table, bits).swapaxes(-1, -2)
        error = np.abs(table - image).max((-1, -2))
        mode[(mode < 0) & (error <= LINEAR_TOLERANCE * size)] = index
    if (mode < 0).any():
        raise ValueError(
            "the linear detectors (mmse, zf, mf) need tables that are linear in QAM symbols; "
            f"{(mode < 0).sum()} of {len(mode)} tables are not (pcen with its label map, "
            "pcen_paper): use detector ml, or precoder pcen_lite"
        )
    return mode, alphabets
