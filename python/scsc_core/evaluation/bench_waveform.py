# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark of the waveform: `scsc bench waveform`.

Frames over simulated channels with known truth: detection, headers, estimates, soft bits against a
genie, the closed loop, faults of front ends, speed. Every SNR is received SNR (`rx_ant`); every run
has the same seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

from .benchmark import Row
from .waveform_data import coded_row, data_rows
from .waveform_effects import effect_rows
from .waveform_figures import header_rows, noise_rows, wrong_header_row
from .waveform_loop import loop_rows
from .waveform_speed import latency_row, speed_rows


@dataclass(frozen=True)
class Counts:
    """How much is simulated.

    Attributes:
        headers: frames per point of detection and header.
        header_words: headers that a decoder reads at its threshold.
        noise_samples: of noise alone.
        tone_samples: of noise with DC, and with a tone, per level.
        data: frames per point of estimates and soft bits.
        coded: frames for the coded loss.
        channels: per SNR of the closed loop.
        effects: frames per effect, at most 1000.
        speed: frames of the timed streams, and repeats.
    """

    headers: int
    header_words: int
    noise_samples: int
    tone_samples: int
    data: int
    coded: int
    channels: int
    effects: int
    speed: tuple[int, int]


FULL = Counts(5000, 200_000, 100_000_000, 12_500_000, 1500, 4000, 400, 300, (100, 7))
QUICK = Counts(300, 5000, 5_000_000, 200_000, 100, 200, 60, 30, (20, 3))


def run(quick: bool = False, counts: Counts | None = None) -> list[Row]:
    """All figures beside their targets.

    Args:
        quick: fewer frames, wider intervals.
        counts: how many instead.
    Source: waveform.md sections 9 and 12.
    """
    counts = counts or (QUICK if quick else FULL)
    return [
        *header_rows(counts.headers),
        wrong_header_row(counts.header_words),
        *noise_rows(counts.noise_samples, counts.tone_samples),
        *data_rows(counts.data),
        coded_row(counts.coded),
        *loop_rows(counts.channels),
        *effect_rows(counts.effects),
        *speed_rows(*counts.speed),
        latency_row(counts.speed[0]),
    ]
