# SPDX-License-Identifier: GPL-3.0-or-later
"""BPG QP of a quality on another codec's scale: what a network that knows BPG's QP is told.

Two qualities are equivalent when they give the same mean bits per pixel. The nodes below were
measured on the 24 Kodak photographs (tools/equivalent_qp.py) and are joined by straight lines; a
model may bring the nodes of its own training set in its metadata (config key `equivalent_qp`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Nodes = Sequence[tuple[float, float]]

# codec -> (quality on the codec's scale, BPG slice QP), by rising quality number
EQUIVALENT_QP: dict[str, Nodes] = {
    "jpeg": (
        (1, 43.1),
        (5, 40.3),
        (10, 36.5),
        (15, 34.1),
        (20, 32.4),
        (30, 30.0),
        (40, 28.3),
        (50, 26.8),
        (60, 25.4),
        (70, 23.5),
        (80, 20.8),
        (90, 16.2),
    ),
    "jpeg2000": (
        (8, 13.0),
        (12, 17.9),
        (16, 21.2),
        (24, 25.5),
        (32, 28.2),
        (48, 31.6),
        (64, 33.8),
        (96, 36.7),
        (128, 38.5),
        (200, 41.3),
        (300, 43.7),
        (500, 46.5),
        (1000, 50.4),
    ),
}


def bpg_qp(codec: str, qp: float, nodes: Nodes | None = None) -> float:
    """BPG slice QP that gives the mean bits per pixel of quality `qp` of a codec.

    Args:
        codec: "bpg" (nothing to do), "jpeg" or "jpeg2000".
        qp: quality on the codec's own scale; outside the nodes the nearest one counts.
        nodes: pairs (quality, BPG QP); None takes `EQUIVALENT_QP`.
    Raises:
        ValueError: unknown codec, nodes that are no list of at least two pairs of numbers.
    Source: networks.md section 2.3.
    """
    if codec == "bpg":
        return float(qp)
    if nodes is None:
        if codec not in EQUIVALENT_QP:
            raise ValueError(f"codec must be one of bpg, {', '.join(EQUIVALENT_QP)}, got {codec!r}")
        nodes = EQUIVALENT_QP[codec]
    try:
        table = np.array(sorted(map(tuple, nodes)), dtype=float)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] != 2 or len(table) < 2 or not np.isfinite(table).all():
        raise ValueError(f"nodes of {codec} must be two or more pairs (quality, QP), got {nodes!r}")
    return float(np.interp(qp, table[:, 0], table[:, 1]))
