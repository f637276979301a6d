# SPDX-License-Identifier: GPL-3.0-or-later
"""What every decoder of this package returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Decoded:
    """Outcome of decoding one frame, or a batch of F frames with a leading axis everywhere.

    Attributes:
        bits: uint8 [A] or [F, A], hard decisions of the payload, also when `ok` is false.
        ok: bool or bool [F], the frame's check holds and every code block is ok.
        iterations: float or float32 [F], mean iterations per code block (0 for a decoder without).
        block_ok: bool [C] or [F, C], outcome of each code block.
    """

    bits: np.ndarray
    ok: bool | np.ndarray
    iterations: float | np.ndarray
    block_ok: np.ndarray
