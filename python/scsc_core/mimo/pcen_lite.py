# SPDX-License-Identifier: GPL-3.0-or-later
"""pcen_lite: Gray QAM of adaptive order on each singular direction; per-stream demapping."""

from __future__ import annotations

from functools import cache

import numpy as np

from .constellation import mixed_alphabet
from .grids import GRID_MAX_DB, GRID_MIN_DB, grid_index, grids
from .information import mi_qam_interpolated
from .power import two_streams

# bits per channel use -> (bits on stream 1, bits on stream 2) of every mode
MODES = {
    4: ((2, 2), (4, 0)),
    8: ((4, 4), (6, 2), (8, 0)),
    12: ((6, 6), (8, 4)),
}


@cache
def _alphabets(use_bits: int) -> np.ndarray:
    return np.stack([mixed_alphabet(mode) for mode in MODES[use_bits]])


def _parameters(gains: np.ndarray, use_bits: int):
    i, j = grid_index(gains)
    if use_bits == 12:
        stored = grids("lite12")
        mode, p = stored["mode"], stored["p"]
    else:
        stored = grids()
        mode, p = stored[f"lite{use_bits}_mode"], stored[f"lite{use_bits}_p"]
    return mode[i, j].astype(np.intp), p[i, j].astype(float)


def lite_table(s):
    """Table [b, K, 2] and info (mode, p) of the per-stream variant.

    z = V1 (sqrt(p Ptot) QAM(first m1 bits), sqrt((1-p) Ptot) QAM(other bits)), (m1, m2) and p
    from the stored 1-dB grid. No rotation: scalar demapping per stream is exact.

    Source: link.md section 5.2.
    """
    use_bits = 2 * s.bits
    mode, p = _parameters(s.gains, use_bits)
    # a mode without bits on stream 2 leaves no power there
    p = np.where(np.array([m2 for _, m2 in MODES[use_bits]])[mode] == 0, 1.0, p)
    power = two_streams(p)
    matrix = s.v * np.sqrt(np.maximum(power, 0) * s.total_power)[:, None, :]
    table = _alphabets(use_bits)[mode] @ matrix.swapaxes(-1, -2)
    return table, {"p": power, "mode": mode}


def best_mode(g1, g2, use_bits: int, power_steps: int = 401):
    """Mode and p that maximise the sum of the streams' Gauss-Hermite BICM informations.

    Args:
        g1, g2: canonical gains (linear), equal shapes [...].
        use_bits: bits per channel use, a key of `MODES`.
        power_steps: candidates of p on [0, 1].
    Returns:
        mode int [...], p float64 [...], information float64 [...].
    """
    p = np.linspace(0, 1, power_steps)
    best = []
    for m1, m2 in MODES[use_bits]:
        fractions = p if m2 else np.ones(1)
        info = mi_qam_interpolated(m1, fractions * np.asarray(g1)[..., None])
        info = info + mi_qam_interpolated(m2, (1 - fractions) * np.asarray(g2)[..., None])
        at = np.argmax(np.round(info, 7), -1)
        best.append((np.take_along_axis(info, at[..., None], -1)[..., 0], fractions[at]))
    information = np.stack([info for info, _ in best])
    mode = np.argmax(np.round(information, 6), 0)
    pick = (mode[None],)
    chosen_p = np.take_along_axis(np.stack([at for _, at in best]), pick[0], 0)[0]
    return mode, chosen_p, np.take_along_axis(information, pick[0], 0)[0]


def compute_grid(use_bits: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """(mode int8 [55, 55], p float32 [55, 55]): `best_mode` on the 1-dB grid [g1, g2]."""
    gains = 10 ** (np.arange(GRID_MIN_DB, GRID_MAX_DB + 1) / 10)
    g1, g2 = np.meshgrid(gains, gains, indexing="ij")
    mode, p, _ = best_mode(g1, g2, use_bits)
    return mode.astype(np.int8), p.astype(np.float32)
