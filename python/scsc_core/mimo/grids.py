# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored parameters on the 1-dB grid of the canonical gains (g1, g2).

data/gain_grids.npz: `par` (p, psi, phi) and `kappa` of the oracle, `par_cm` (optimum for coded
modulation), `bi` (BICM information of the oracle), `mwf` (mercury p), `lite4_*`, `lite8_*`
(mode, p). data/lite12.npz: `mode`, `p` of the 12-bit class. All first axes are g1, then g2.
Source: ours; gradient search on BICM information with low-discrepancy noise (grids), exact
one-dimensional Gauss-Hermite information (`lite12`, see pcen_lite.compute_grid).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

GRID_MIN_DB, GRID_MAX_DB = -24, 30
DATA = Path(__file__).parent / "data"


@cache
def grids(name: str = "gain_grids") -> dict[str, np.ndarray]:
    """Arrays of one stored grid file, read once; see the module's docstring."""
    with np.load(DATA / f"{name}.npz") as file:
        return dict(file)


def grid_index(gains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cell indices (i, j) of gains [..., 2]: the nearest whole dB, clipped to -24 .. 30 dB."""
    return nearest_cell(10 * np.log10(np.maximum(gains, 1e-9)))


def nearest_cell(gains_db: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`grid_index` of gains in dB."""
    cell = np.rint(np.minimum(np.maximum(gains_db, GRID_MIN_DB), GRID_MAX_DB)).astype(np.intp)
    cell -= GRID_MIN_DB
    return cell[..., 0], cell[..., 1]
