# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutual information of a transmit table, of a QAM alphabet, and of LLRs."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np

from .constellation import label_bits, pam_levels

# exp(a) with |a| below this bound neither overflows nor loses the term of the sent point.
_SAFE_EXPONENT = 300.0
_CHUNK_ELEMENTS = 1 << 21
_LARGEST_FACTORED = 256  # rows of a table whose bit masks are kept in memory


@lru_cache(maxsize=16)
def antithetic_noise(samples: int, dimensions: int, seed: int = 0) -> np.ndarray:
    """Draws of CN(0, I) in antithetic pairs with sample power exactly one per dimension.

    Few raw draws would bias the mutual information by up to half a bit.

    Args:
        samples: even number of draws.
        dimensions: complex dimensions.
        seed: of `numpy.random.default_rng`.
    Returns:
        complex128 [samples, dimensions], read-only.
    """
    if samples < 2 or samples % 2:
        raise ValueError(f"samples must be even and at least 2, got {samples}")
    rng = np.random.default_rng(seed)
    half = (samples // 2, dimensions)
    noise = (rng.standard_normal(half) + 1j * rng.standard_normal(half)) / np.sqrt(2)
    noise /= np.sqrt((np.abs(noise) ** 2).mean(0))
    noise = np.concatenate([noise, -noise])
    noise.setflags(write=False)
    return noise


def mutual_information(h, table, noise_var, samples: int = 512, seed: int = 0):
    """Mutual information of a transmit table under joint detection, in bits per channel use.

    y = h z + n, z uniform over the K rows of the table, n ~ CN(0, noise_var I):
    CM = I(z; y), BICM = sum over the bits k of I(b_k; y), row index = bits, MSB first.

    Args:
        h: complex [..., n_rx, n_tx], row = receive antenna.
        table: complex [..., K, n_tx], K a power of two; leading axes broadcast with h's.
        noise_var: float or [...], > 0, N0 per receive antenna.
        samples: antithetic, power-normalised noise draws (even). Few draws read high, by
            about .025 bit with 64 and .003 with 512 (two QPSK streams at 2 bits per use).
        seed: of the noise.
    Returns:
        (cm, bicm): floats, or float64 arrays over the leading axes.
    Raises:
        ValueError: shapes disagree, K is no power of two, noise_var <= 0.
    Source: link.md sections 5.1 and 11.
    """
    h = np.asarray(h)
    points, lead, n_bits = _scaled_points(h, table, noise_var)
    noise = antithetic_noise(samples, h.shape[-2], seed)
    cm, bicm = _table_information(points, noise, n_bits)
    if not lead:
        return float(cm[0]), float(bicm[0])
    return cm.reshape(lead), bicm.reshape(lead)


def mismatched_information(
    h, h_used, table, noise_var, noise_var_used, samples: int = 512, seed: int = 0
):
    """Information of LLRs computed with an estimated channel (GMI at scale 1), per channel use.

    y = h z + n is sent; the detector believes y = h_used z + n' with noise_var_used. Equals the
    BICM information of `mutual_information` when both agree, and may be negative.

    Args:
        h, h_used: complex [..., n_rx, n_tx], true and believed channel.
        table: complex [..., K, n_tx], the table that is really sent.
        noise_var, noise_var_used: float or [...], > 0, true and believed N0.
        samples, seed: as in `mutual_information`.
    Returns:
        float, or float64 [...].
    Source: link.md section 8.
    """
    h_used, noise_var_used = np.asarray(h_used), np.asarray(noise_var_used, float)
    believed, lead, n_bits = _scaled_points(h_used, table, noise_var_used)
    sent, sent_lead, _ = _scaled_points(np.asarray(h), table, noise_var_used)
    ratio = np.asarray(noise_var, float) / noise_var_used
    if lead != sent_lead or not (ratio > 0).all():
        raise ValueError(f"h and h_used disagree, or noise_var <= 0: {sent_lead}, {lead}")
    ratio = np.sqrt(np.broadcast_to(ratio, lead).reshape(-1))
    noise = antithetic_noise(samples, h_used.shape[-2], seed)
    gmi = _table_information(believed, noise, n_bits, sent, ratio)[1]
    return gmi.reshape(lead) if lead else float(gmi[0])


def _scaled_points(h, table, noise_var):
    # H Z_i / sqrt(N0) as [channels, K, n_rx], the leading axes, and log2 K; validated
    table, noise_var = np.asarray(table), np.asarray(noise_var, float)
    if h.ndim < 2 or table.ndim < 2 or h.shape[-1] != table.shape[-1]:
        raise ValueError(
            f"h [..., n_rx, n_tx] and table [..., K, n_tx] disagree: {h.shape}, {table.shape}"
        )
    if not (noise_var > 0).all():
        raise ValueError(f"noise_var must be > 0, got {noise_var}")
    n_points = table.shape[-2]
    n_bits = n_points.bit_length() - 1
    if n_points < 2 or n_points != 1 << n_bits:
        raise ValueError(f"the table must have a power of two of rows, got {n_points}")
    lead = np.broadcast_shapes(h.shape[:-2], table.shape[:-2], noise_var.shape)
    points = table @ h.swapaxes(-1, -2) / np.sqrt(noise_var)[..., None, None]
    points = np.broadcast_to(points, lead + points.shape[-2:])
    return points.reshape((-1,) + points.shape[-2:]), lead, n_bits


def _reals(points):
    return np.concatenate([points.real, points.imag], -1)


def _table_information(believed, noise, n_bits, sent=None, noise_scale=None):
    # CM and BICM information of points [channels, K, n_rx] with unit noise; `sent` points and
    # noise scales [channels] other than the believed ones make BICM the mismatched one
    cm, bicm = np.empty(len(believed)), np.empty(len(believed))
    real_noise = _reals(noise)
    n_points = believed.shape[1]
    step = max(1, _CHUNK_ELEMENTS // (n_points * (len(noise) * (n_bits + 1) + n_points)))
    for start in range(0, len(believed), step):
        part = slice(start, start + step)
        points = _reals(believed[part])
        origin = points if sent is None else _reals(sent[part])
        energy = (points * points).sum(2)
        distance = energy[:, None] + (origin * origin).sum(2)[:, :, None]
        distance = np.maximum(distance - 2 * origin @ points.swapaxes(1, 2), 0)
        tilt = 2 * real_noise @ points.swapaxes(1, 2)
        if sent is not None:
            tilt *= noise_scale[part, None, None]
            distance -= distance.min(2, keepdims=True)
        small = np.abs(tilt).max() < _SAFE_EXPONENT and n_points <= _LARGEST_FACTORED
        log_sums = (_log_sums_factored if small else _log_sums_direct)(distance, tilt, n_bits)
        cm[part] = n_bits - log_sums[:, 0]
        bicm[part] = n_bits - n_bits * log_sums[:, 0] + log_sums[:, 1:].sum(1)
    return cm, bicm


@lru_cache(maxsize=16)
def _same_bit(n_bits: int) -> np.ndarray:
    bits = label_bits(1 << n_bits, n_bits).T
    masks = (bits[:, :, None] == bits[:, None, :]).astype(float)
    return np.concatenate([np.ones((1,) + masks.shape[1:]), masks])


def _log_sums_factored(distance, tilt, n_bits):
    # sum_j exp(-|S_i - S_j + w|^2 + |w|^2) = exp(-a_i) sum_j exp(a_j) exp(-|S_i - S_j|^2),
    # a_j = 2 Re(S_j^H w): a matrix product takes the place of K^2 exponentials per draw.
    masks = _same_bit(n_bits)
    kernel = np.exp(-distance)
    weights = np.exp(tilt)
    columns = (kernel[:, None] * masks).reshape(len(kernel), -1, kernel.shape[-1])
    sums = weights @ columns.swapaxes(1, 2)
    logs = np.log2(sums).mean(1).reshape(len(kernel), n_bits + 1, -1).mean(2)
    return logs - tilt.mean((1, 2))[:, None] / math.log(2)


def _log_sums_direct(distance, tilt, n_bits):
    out = np.empty((len(distance), n_bits + 1))
    bits = label_bits(distance.shape[1], n_bits)
    for c in range(len(distance)):
        sums = np.zeros(n_bits + 1)
        for i in range(distance.shape[1]):
            terms = np.exp(tilt[c] - tilt[c, :, i : i + 1] - distance[c, i])
            sums[0] += np.log2(terms.sum(1)).mean()
            for k in range(n_bits):
                same = terms[:, bits[:, k] == bits[i, k]]
                sums[k + 1] += np.log2(same.sum(1)).mean()
        out[c] = sums / distance.shape[1]
    return out


def mi_qam(n_bits: int, snr, nodes: int = 64) -> np.ndarray:
    """BICM mutual information of Gray QAM on the complex AWGN channel, by Gauss-Hermite.

    Args:
        n_bits: bits per symbol: 0, 1 (BPSK) or even.
        snr: Es/N0, linear, array of any shape.
        nodes: Gauss-Hermite nodes of the one real dimension.
    Returns:
        float64, shape of snr, bits per symbol.
    """
    snr = np.asarray(snr, float)
    if n_bits == 0:
        return np.zeros(snr.shape)
    if n_bits == 1:
        return 0.5 * mi_qam(2, 2 * snr, nodes)
    x, weight = np.polynomial.hermite.hermgauss(nodes)
    weight = weight / np.sqrt(np.pi)
    half = n_bits // 2
    levels, bits = pam_levels(half), label_bits(1 << half, half)
    scaled = np.sqrt(snr.ravel())[:, None] * levels
    info = np.full(scaled.shape[0], float(half))
    for i in range(len(levels)):
        gap = scaled[:, i, None] - scaled
        terms = np.exp(-gap[:, :, None] * (gap[:, :, None] + 2 * x))
        total = np.log2(terms.sum(1))
        for k in range(half):
            same = terms[:, bits[:, k] == bits[i, k]].sum(1)
            info -= (total - np.log2(same)) @ weight / len(levels)
    return (2 * info).reshape(snr.shape)


@cache
def _mi_grid(n_bits: int) -> tuple[np.ndarray, np.ndarray]:
    grid_db = np.arange(-50.0, 70.0, 0.05)
    return grid_db, mi_qam(n_bits, 10 ** (grid_db / 10))


def mi_qam_interpolated(n_bits: int, snr) -> np.ndarray:
    """`mi_qam` from a cached 0.05-dB grid; error below 1e-4 bit, hundreds of times faster."""
    if n_bits == 0:
        return np.zeros(np.shape(snr))
    grid_db, values = _mi_grid(n_bits)
    return np.interp(10 * np.log10(np.maximum(snr, 1e-30)), grid_db, values, left=0.0)


def gmi_from_llr(llr, bits) -> float:
    """Information of LLRs as a decoder sees them, in bits per channel use.

    sum over bit positions of 1 - E log2(1 + exp(-(1 - 2 b) L)); negative LLRs scales wrong
    by a large factor give a small or negative value.

    Args:
        llr: float [n, m_u], positive means bit 0.
        bits: {0, 1} [n, m_u], the bits sent.
    """
    llr, bits = np.asarray(llr, float), np.asarray(bits, float)
    if llr.shape != bits.shape or llr.ndim != 2:
        raise ValueError(f"llr and bits must both be [n, m_u], got {llr.shape}, {bits.shape}")
    loss = np.logaddexp(0, -(1 - 2 * bits) * llr) / math.log(2)
    return float((1 - loss).mean(0).sum())
