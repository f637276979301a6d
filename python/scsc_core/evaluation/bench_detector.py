# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark of the soft detectors and of the transmit tables: `scsc bench detector`."""

import numpy as np

from .. import _native, mimo
from .benchmark import Row, measure

NOISE_VAR = 10**-0.8


def _complex(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal((*shape, 2)).view(complex)[..., 0] * np.sqrt(0.5)


def _received(rng, centroids, n_uses) -> np.ndarray:
    """Noisy uses complex64 [n_rx, n] of one set of centroids [K, n_rx]."""
    clean = centroids[rng.integers(0, len(centroids), n_uses)].T
    noise = np.sqrt(NOISE_VAR) * _complex(rng, *clean.shape)
    return np.ascontiguousarray(clean + noise, np.complex64)


def _rate(function, n_uses: int, quick: bool) -> tuple[float, tuple[float, float]]:
    timing = measure(function, 3 if quick else 7, 0.05 if quick else 0.2)
    per_s = [n_uses / t / 1e6 for t in (timing.median_s, timing.max_s, timing.min_s)]
    return per_s[0], (per_s[1], per_s[2])


def _joint_rows(rng, bits: int, n_uses: int, per_use: bool, quick: bool) -> list[Row]:
    points = mimo.product_alphabet(bits, 2)[0]
    centroids = (points @ _complex(rng, 2, 2).T)[None].astype(np.complex64)
    y = _received(rng, centroids[0], n_uses)
    n_blocks = n_uses if per_use else 1
    centroids = np.ascontiguousarray(np.broadcast_to(centroids, (n_blocks, *centroids.shape[1:])))
    uses = np.full(n_blocks, n_uses // n_blocks, np.int64)
    inv_n0 = np.full(n_blocks, 1 / NOISE_VAR, np.float32)
    rows = []
    for kind in ("exact", "maxlog"):
        rate, spread = _rate(
            lambda kind=kind: _native.soft_ml(y, centroids, uses, inv_n0, kind == "exact"),
            n_uses,
            quick,
        )
        name = f"ML {kind}, K={len(points)}, one H per {'use' if per_use else 'block'}"
        target = 20.0 if (kind, bits, per_use) == ("exact", 2, False) else None
        condition = f"2x2, 8 dB, one core, {_native.isa()}"
        rows.append(Row(name, rate, "M uses/s", target, True, condition, spread))
    return rows


def _public_row(rng, detector: str, n_uses: int, quick: bool) -> Row:
    h = _complex(rng, 2, 2)
    table = mimo.transmit_table(h, NOISE_VAR, precoder="svd_wf", bits_per_symbol=2)
    y = _received(rng, table @ h.T, n_uses)
    rate, spread = _rate(
        lambda: mimo.soft_bits(y, h, table, NOISE_VAR, detector=detector), n_uses, quick
    )
    name = f"soft_bits {detector} exact, QPSK, one H per block, combiner"
    return Row(name, rate, "M uses/s", None, True, f"2x2, 8 dB, one core, {_native.isa()}", spread)


def _table_row(rng, n_channels: int, quick: bool) -> Row:
    h = _complex(rng, n_channels, 2, 2)
    timing = measure(
        lambda: mimo.transmit_table(h, NOISE_VAR, precoder="pcen", bits_per_symbol=2),
        3 if quick else 5,
        0.05 if quick else 0.2,
    )
    values = [1e3 * t for t in (timing.median_s, timing.min_s, timing.max_s)]
    name = f"pcen transmit tables, {n_channels} channels"
    return Row(name, values[0], "ms", None, False, "2x2 QPSK, one core", (values[1], values[2]))


def run(quick: bool = False) -> list[Row]:
    """Rows: channel uses per second of the detectors, milliseconds of table building."""
    rng = np.random.default_rng(1)
    n_uses = 1 << (14 if quick else 18)
    rows = _joint_rows(rng, 2, n_uses, False, quick)
    rows += _joint_rows(rng, 2, n_uses, True, quick)
    rows += _joint_rows(rng, 4, n_uses // 8, False, quick)
    rows += [_public_row(rng, detector, n_uses, quick) for detector in ("ml", "mmse")]
    return rows + [_table_row(rng, n, quick) for n in (1, 1000)]
