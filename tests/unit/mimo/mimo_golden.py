# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden data and seeded channels shared by the tests of this folder."""

import csv
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[2] / "golden" / "pcen"


@cache
def vectors():
    with np.load(FOLDER / "vectors.npz") as file:
        return dict(file)


@cache
def network():
    from scsc_core.mimo.pcen import PcenNetwork

    with np.load(FOLDER / "net.npz") as file:
        return PcenNetwork(dict(file))


@cache
def reference_means():
    """{(scheme, snr_db): (mean, standard error, 10 % quantile)}."""
    with (FOLDER / "mean_mi.csv").open(encoding="utf-8") as file:
        return {
            (row["scheme"], float(row["snr_db"])): tuple(
                float(row[key]) for key in ("mean_bicm_mi", "standard_error", "quantile_10")
            )
            for row in csv.DictReader(file)
        }


def rayleigh(count, seed=7, n_rx=2, n_tx=2):
    rng = np.random.default_rng(seed)
    shape = (count, n_rx, n_tx)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)


def ml_llr(y, centroids, covariance, bits):
    """Joint ML LLRs written out: y [k, d], centroids [K, d], noise covariance [d, d]."""
    values, vectors_ = np.linalg.eigh(covariance)
    kept = values > 1e-12 * values[-1]
    whiten = (vectors_[:, kept] / np.sqrt(values[kept])).conj().T
    q = -(np.abs((y @ whiten.T)[:, None] - centroids @ whiten.T) ** 2).sum(-1)
    zero = np.where(bits.T[None] == 0, q[:, None], -np.inf)
    one = np.where(bits.T[None] == 1, q[:, None], -np.inf)
    return np.logaddexp.reduce(zero, -1) - np.logaddexp.reduce(one, -1)
