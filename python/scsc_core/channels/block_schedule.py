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
_DRAWN_AT_ONCE = 8  # blocks
# What a schedule draws from; a change of anything else leaves its blocks as they are.
_DRAWN = (
    *("model", "profile", "delay_spread_ns", "rician_k_db", "delays_ns", "powers_db"),
    *("channel_file", "correlation_tx", "correlation_rx", "block", "delay_samples", "delay_frac"),
)


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
    Attributes:
        lead: taps before delay 0.
        memory: longest delay + taps - 1.
        needs_bursts: whether blocks or delays depend on where bursts begin.
        truth: deque of the newest TrueChannel.
    Raises:
        ValueError: the channel file cannot be used.
    """

    def __init__(self, config: StreamChannelConfig):
        self._rate_hz = config.sample_rate_hz
        self._n_blocks = 0
        self._block_start = self._block_end = 0
        self._anchor = 0, 0.0  # a sample and the periods of the Doppler shift that lie before it
        self.truth: deque[TrueChannel] = deque(maxlen=_REMEMBERED)
        self._set_up(config)

    def _set_up(self, config: StreamChannelConfig) -> None:
        seeds = config.process_seeds()
        self._paths = path_model(config, seeds.fading)  # first: nothing else can fail
        self._config, self._paths_hz = config, config.doppler_hz
        self._delay_rng = np.random.default_rng(seeds.delay)
        delays = self._paths.delays_s * config.sample_rate_hz + config.delay_frac
        whole = np.round(delays)
        self.lead = 0 if np.allclose(delays, whole, rtol=0, atol=1e-6) else HALF_WIDTH
        self._weights = grid_weights(delays if self.lead else whole, self.lead)
        self._delay_range = parse_delay(config.delay_samples)
        self.memory = self._delay_range[1] + len(self._weights) - 1
        self._per_burst = config.block == "per_frame"
        self.needs_bursts = self._per_burst or self._delay_range[0] < self._delay_range[1]
        self._evolving = config.block == "doppler"
        self._every = _block_samples(config)
        self._delay = self._delay_range[0]
        self._drawn: deque[np.ndarray] = deque()
        self._taps = self._end_taps = None
        self._begins = True  # a block, with the next sample

    def reconfigure(self, config: StreamChannelConfig, at: int) -> None:
        """Another configuration from sample `at` on, the next one to come.

        Another Doppler shift changes the pace of the run of the fading from its next knot on. Any
        other change of what is drawn begins a block at once, with the draws of a new schedule; a
        run in time goes on from where it is.

        Raises:
            ValueError: the channel file cannot be used; nothing has changed.
        """
        same = all(getattr(config, name) == getattr(self._config, name) for name in _DRAWN)
        turn = self._block_end if same and self._evolving else at
        anchor = turn, self._periods(turn)
        if not same:
            self._set_up(config)
        self._config, self._anchor, self._every = config, anchor, _block_samples(config)

    def advance(
        self, first: int, n: int, bursts: list[int], latency: int = 0
    ) -> tuple[list[Stretch], list[int]]:
        """Stretches that begin in the next n samples, and the arrivals of the bursts there.

        Args:
            first: index of the first of these samples, counted from the first sample ever.
            n: number of samples, > 0.
            bursts: indices where bursts begin, counted like `first`.
            latency: samples of what follows the taps.
        Returns:
            stretches in order; indices behind the taps at which the bursts' first paths arrive.
        """
        low, high = self._delay_range
        begins = set(bursts)
        if self._begins:
            self._begins, self._block_end = False, first
            begins.add(first)
        blocks = begins
        if not self._per_burst:
            blocks = set(range(self._block_end, first + n, self._every))
        stretches, arrivals = [], []
        for at in sorted(begins | blocks):
            if at in begins and low < high:
                self._delay = int(self._delay_rng.integers(low, high, endpoint=True))
            if at in begins:
                arrivals.append(at + self._delay + self.lead)
            if at in blocks:
                self._begin_block(at, latency)
            if at in blocks or low < high:
                stretches.append(self._stretch(at))
        return stretches, arrivals

    def _begin_block(self, at: int, latency: int) -> None:
        self._block_start, self._block_end = at, at + (self._every or 0)
        if self._evolving:
            self._taps = self._at(at) if self._end_taps is None else self._end_taps
            self._end_taps = self._at(self._block_end)
        else:
            self._taps = self._draw()
        arrival = at + self._delay + self.lead + latency
        self.truth.append(
            TrueChannel(self._n_blocks, at, arrival, self._delay, self._taps, self.lead)
        )
        self._n_blocks += 1

    def _draw(self) -> np.ndarray:
        """Taps of the next independent block; several are made at a time, which is faster."""
        if not self._drawn:
            taps = np.tensordot(self._weights, self._paths.draw(_DRAWN_AT_ONCE), (1, 1))
            self._drawn = deque(taps.swapaxes(0, 1))
        return self._drawn.popleft()

    def _periods(self, sample: int) -> float:
        """Periods of the Doppler shift from the beginning to a sample: the clock of the run."""
        anchor, periods = self._anchor
        return periods + (sample - anchor) * self._config.doppler_hz / self._rate_hz

    def _at(self, sample: int) -> np.ndarray:
        gains = self._paths.at(np.array([self._periods(sample) / self._paths_hz]))[0]
        return np.tensordot(self._weights, gains, 1)

    def _stretch(self, at: int) -> Stretch:
        if not self._evolving:
            return Stretch(at, self._delay, self._taps)
        # a burst may begin between two knots: the rest of the ramp, with another delay
        length = self._block_end - at
        part = (at - self._block_start) / (self._block_end - self._block_start)
        taps = self._taps + part * (self._end_taps - self._taps)
        return Stretch(at, self._delay, taps, self._end_taps, length)


def _block_samples(config: StreamChannelConfig) -> int | None:
    """Samples of a block; None where bursts begin the blocks."""
    if config.block == "doppler":
        return knot_samples(config.doppler_hz, config.sample_rate_hz)
    return block_samples(config.block)
