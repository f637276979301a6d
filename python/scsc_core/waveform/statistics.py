# SPDX-License-Identifier: GPL-3.0-or-later
"""What the transport of pictures costs and loses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from .numerology import Numerology


@dataclass
class AirCost:
    """Channel uses on the air.

    k_payload counts the data carriers of first transmissions, fill included. k_total counts every used
    carrier of every OFDM symbol time: training, headers, pilots, retransmissions, sounding frames.

    Attributes:
        numerology: Numerology.
        k_payload: channel uses.
        samples: per antenna, gaps not counted.
        frames: by type, and "retransmission".
    """

    numerology: Numerology
    k_payload: int = 0
    samples: int = 0
    frames: Counter[str] = field(default_factory=Counter)

    def add(self, header, first: bool = True) -> None:
        """Count one frame; `first` when its block was not sent before."""
        self.samples += self.numerology.frame_samples(header.nsym)
        self.frames[header.type if first else "retransmission"] += 1
        if header.type == "data" and first:
            self.k_payload += self.numerology.n_data * header.nsym

    @property
    def k_total(self) -> int:
        """Channel uses of all that was sent."""
        return round(self.samples / self.numerology.symbol_samples * self.numerology.n_used)


class LossRuns:
    """Lengths of runs of lost frames: fading loses frames in a row, noise one by one.

    Attributes:
        lost, sent: frames.
        runs: Counter of run lengths.
    """

    def __init__(self):
        self.lost = 0
        self.sent = 0
        self.runs: Counter[int] = Counter()

    def add(self, arrived: np.ndarray) -> None:
        """Count the frames of one picture, bool [n_frames] in order."""
        self.sent += len(arrived)
        self.lost += int(np.count_nonzero(~arrived))
        edges = np.diff(np.concatenate([[False], ~arrived, [False]]).astype(np.int8))
        lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
        self.runs.update(lengths.tolist())

    @property
    def mean_run(self) -> float:
        """Mean length of a run of lost frames, 0 without any."""
        n_runs = sum(self.runs.values())
        return self.lost / n_runs if n_runs else 0.0
