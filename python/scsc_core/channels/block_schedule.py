# SPDX-License-Identifier: GPL-3.0-or-later
"""Which taps and which delay every stretch of a stream passes, and what was true."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from .doppler import knot_samples
from .path_models import path_model
from .sample_grid import HALF_WIDTH, grid_weights
from .stream_config import StreamChannelConfig, block_samples, parse_delay
from .tap_filter import Stretch

_REMEMBERED = 1024  # true channels kept


@dataclass(frozen=True)
class TrueChannel:
    """The channel of one block, before the faults of the front ends.

    Attributes:
        index: 0, 1, .. in the order of the blocks.
        input_sample: first input sample of the block, counted from the first sample ever.
        output_sample: where that sample's first path arrives in the output (a fraction of a sample
            later with delay_frac; a sampling clock offset shifts it by its drift).
        delay_samples: delay of this block in whole samples.
        taps: complex128 [L, n_rx, n_tx] at sample spacing; in block doppler, at the block's start.
        lead: taps before delay 0.
    """

    index: int
    input_sample: int
    output_sample: int
    delay_samples: int
    taps: np.ndarray
    lead: int

    def carriers(self, carriers: np.ndarray, n_fft: int = 64) -> np.ndarray:
        """H at subcarriers, complex128 [n_carriers, n_rx, n_tx], relative to `output_sample`.

        H_k = sum_l h[l] exp(-j 2 pi k (l - lead) / n_fft): an FFT window that starts where the
        first path's symbol (without cyclic prefix) starts sees H_k.

        Args:
            carriers: int [n_carriers], negative below the centre, e.g. `Numerology.used`.
            n_fft: FFT size.
        """
        delay = np.arange(len(self.taps)) - self.lead
        phases = np.outer(np.asarray(carriers), delay) * (-2j * np.pi / n_fft)
        return np.tensordot(np.exp(phases), self.taps, 1)


class BlockSchedule:
    """Draws the blocks of a stream channel as its samples go by.

    Args:
        config: StreamChannelConfig.
        fading, delay: SeedSequences of the two processes.
        latency_samples: of what follows the taps.
    Attributes:
        lead: taps before delay 0.
        latency_samples: lead plus that of what follows.
        memory: longest delay + taps - 1.
        needs_bursts: whether blocks or delays depend on where bursts begin.
        truth: deque of the newest TrueChannel.
    Raises:
        ValueError: the channel file cannot be used.
    """

    def __init__(
        self,
        config: StreamChannelConfig,
        fading: np.random.SeedSequence,
        delay: np.random.SeedSequence,
        latency_samples: int = 0,
    ):
        self._paths = path_model(config, fading)
        self._delay_rng = np.random.default_rng(delay)
        self._rate_hz = config.sample_rate_hz
        delays = self._paths.delays_s * config.sample_rate_hz + config.delay_frac
        whole = np.round(delays)
        self.lead = 0 if np.allclose(delays, whole, rtol=0, atol=1e-6) else HALF_WIDTH
        self._weights = grid_weights(delays if self.lead else whole, self.lead)
        self.latency_samples = self.lead + latency_samples
        self._delay_range = parse_delay(config.delay_samples)
        self.memory = self._delay_range[1] + len(self._weights) - 1
        self._per_burst = config.block == "per_frame"
        self.needs_bursts = self._per_burst or self._delay_range[0] < self._delay_range[1]
        self._evolving = config.block == "doppler"
        self._every = (
            knot_samples(config.doppler_hz, config.sample_rate_hz)
            if self._evolving
            else block_samples(config.block)
        )
        self._delay = self._delay_range[0]
        self._block_start = 0
        self._taps = self._end_taps = None
        self._n_blocks = 0
        self.truth: deque[TrueChannel] = deque(maxlen=_REMEMBERED)

    def advance(self, first: int, n: int, bursts: list[int]) -> tuple[list[Stretch], list[int]]:
        """Stretches that begin in the next n samples, and the arrivals of the bursts there.

        Args:
            first: index of the first of these samples, counted from the first sample ever.
            n: number of samples.
            bursts: indices where bursts begin, counted like `first`.
        Returns:
            stretches in order; indices behind the taps at which the bursts' first paths arrive.
        """
        low, high = self._delay_range
        begins = set(bursts) | ({0} if first == 0 else set())
        blocks = (
            begins
            if self._per_burst
            else set(range(first + -first % self._every, first + n, self._every))
        )
        stretches, arrivals = [], []
        for at in sorted(begins | blocks):
            if at in begins and low < high:
                self._delay = int(self._delay_rng.integers(low, high, endpoint=True))
            if at in begins:
                arrivals.append(at + self._delay + self.lead)
            if at in blocks:
                self._begin_block(at)
            if at in blocks or low < high:
                stretches.append(self._stretch(at))
        return stretches, arrivals

    def _begin_block(self, at: int) -> None:
        self._block_start = at
        if self._evolving:
            self._taps = self._at(at) if self._end_taps is None else self._end_taps
            self._end_taps = self._at(at + self._every)
        else:
            self._taps = np.tensordot(self._weights, self._paths.draw(1)[0], 1)
        arrival = at + self._delay + self.latency_samples
        self.truth.append(
            TrueChannel(self._n_blocks, at, arrival, self._delay, self._taps, self.lead)
        )
        self._n_blocks += 1

    def _at(self, sample: int) -> np.ndarray:
        gains = self._paths.at(np.array([sample / self._rate_hz]))[0]
        return np.tensordot(self._weights, gains, 1)

    def _stretch(self, at: int) -> Stretch:
        if not self._evolving:
            return Stretch(at, self._delay, self._taps)
        # a burst may begin between two knots: the rest of the ramp, with another delay
        length = self._block_start + self._every - at
        part = (at - self._block_start) / self._every
        taps = self._taps + part * (self._end_taps - self._taps)
        return Stretch(at, self._delay, taps, self._end_taps, length)
