# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured on one transmitted picture, and the clock that times its stages."""

import time
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class LinkResult:
    """Everything measured on one transmitted picture.

    R_k = k / (3 h w), R_L = n_s R_k. The `_net` rates leave out header, CRCs and fill.
    """

    image: np.ndarray
    delivered: bool
    problem: str | None
    qp: float
    bits: int  # of the compressed picture
    bpp: float
    cbr_k: float
    cbr_l: float
    cbr_k_net: float
    cbr_l_net: float
    channel_uses: int
    n_blocks: int
    block_errors: int
    coded_bit_error_rate: float  # before decoding
    iterations: float
    psnr_db: float
    ms_ssim: float | None
    over_budget: bool
    seconds: dict[str, float] = field(default_factory=dict)


class StageClock:
    """Wall time by stage; a stage that is stopped twice adds up."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def stop(self, stage: str) -> None:
        """Count the time since the last stop as `stage`."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def move(self, stage: str, to: str, seconds: float) -> None:
        """Count a part of a stage as another one."""
        if seconds:
            self.seconds[to] = self.seconds.get(to, 0.0) + seconds
            self.seconds[stage] -= seconds
