# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end `sim`: what is sent is received in the same process, through a channel."""

from __future__ import annotations

import numpy as np

from .events import Event, EventLog
from .front_end import FrontEndError, RxChunk, SampleChannel, check_burst, no_samples
from .levels import FULL_SCALE, TX_RMS, scale_burst
from .options import SimOptions
from .timeline import MAX_AHEAD_S, BurstTimeline, Pacer, WallClock

MAX_CHUNK = 1 << 20  # samples of one read, and of one pass through the channel
LEAD_S = 0.002  # realtime: a burst cannot start earlier than that


class SimFrontEnd:
    """A loop over a simulated channel with a continuous time line.

    Time is counted in samples: gaps between bursts pass through the channel as zeros. With
    `realtime` time follows the clock; a reader that falls behind by more than the buffer loses
    samples, as with a radio. Without, time stands still while nobody reads, so equal calls give
    equal samples.

    Args:
        options: SimOptions.
        channel: SampleChannel in link units (unit total power in), or None: what is sent arrives.
        clock: stand-in for the clock, for tests.
    Source: waveform.md section 13.
    """

    kind = "sim"

    def __init__(
        self,
        options: SimOptions | None = None,
        channel: SampleChannel | None = None,
        clock: WallClock | None = None,
    ):
        self.options = options or SimOptions()
        self.rate_hz, self.frequency_hz = self.options.rate_hz, self.options.frequency_hz
        self.capabilities = frozenset({"tx", "rx", "timed", "full_duplex"})
        self._channel, self._clock = channel, clock
        self._log = EventLog()
        self._timeline: BurstTimeline | None = None
        self._pacer: Pacer | None = None

    def open(self) -> None:
        """Start the time line at 0."""
        self._timeline = BurstTimeline(self.options.gap_samples, self.options.buffer_samples)
        self._pacer = Pacer(self.rate_hz, self._clock) if self.options.realtime else None

    def tx_burst(self, x: np.ndarray, at: float | None = None) -> None:
        """As FrontEnd.tx_burst."""
        timeline = self._open_timeline()
        x = check_burst(x, self.options.buffer_samples)
        scaled = scale_burst(x, self.options.backoff_db)
        earliest = self._pacer.index() + int(LEAD_S * self.rate_hz) if self._pacer else 0
        start = start_index(at, self.now(), self.rate_hz)
        placed = timeline.place(scaled.samples, start, self.options.timeout_s, earliest)
        if placed is None:
            raise FrontEndError(
                self.kind,
                f"the transmit buffer of {self.options.buffer_samples} samples stayed full",
                "read as often as you send, or raise buffer_samples",
            )
        time_s = placed[0] / self.rate_hz
        self._log.add("clip", time_s, scaled.clip_count)
        self._log.add("late", time_s, int(placed[1]))

    def flush(self, timeout_s: float) -> bool:
        """As FrontEnd.flush: all bursts were read, or with `realtime` have passed."""
        timeline = self._open_timeline()
        return timeline.passed(timeline.end, timeout_s)

    def read(self, n: int, timeout_s: float) -> RxChunk:
        """Up to n samples behind the channel; silence passes when no burst came in `timeout_s`."""
        timeline = self._open_timeline()
        check_count(n)
        skipped = False
        if self._pacer is not None:
            exist = self._pacer.wait(timeline.position + n, timeout_s)
            behind = exist - timeline.position
            if behind > self.options.buffer_samples + n:
                skipped = True
                self._skip(behind - n)
            n = min(n, max(0, exist - timeline.position))
        elif timeline.wait(timeout_s):
            n = min(n, timeline.pending)
        index = timeline.position
        samples = through(self._channel, timeline.take(n)) if n else no_samples()
        return RxChunk(samples, index, index / self.rate_hz, skipped)

    def _skip(self, n: int) -> None:
        """Let n samples pass unread, past the channel: who is late already must not become later."""
        self._log.add("overflow", self._timeline.position / self.rate_hz, 1, f"{n} samples lost")
        while n > 0:
            self._timeline.take(min(n, MAX_CHUNK))
            n -= MAX_CHUNK

    def events(self) -> list[Event]:
        """As FrontEnd.events."""
        return self._log.take()

    def now(self) -> float:
        """Seconds of sample time, or of the clock with `realtime`."""
        if self._pacer is not None:
            return self._pacer.index() / self.rate_hz
        return self._open_timeline().position / self.rate_hz

    def set_gain(self, tx_db: float, rx_db: float) -> None:
        """There is no gain to set."""

    def close(self) -> None:
        """Let go of a waiting sender."""
        if self._timeline is not None:
            self._timeline.close()
            self._timeline = None

    def _open_timeline(self) -> BurstTimeline:
        if self._timeline is None:
            raise FrontEndError(self.kind, "is not open", "call open() first")
        return self._timeline


def through(channel: SampleChannel | None, samples: np.ndarray) -> np.ndarray:
    """Samples behind the channel, both sides at full scale 1; None: a wire.

    The channel counts on unit total power. A receiver that gets all of it has an rms of 0.30 at
    each antenna.
    """
    if channel is None:
        return samples
    received = channel.apply(samples * np.float32(1 / FULL_SCALE))
    return np.asarray(received * np.float32(TX_RMS), np.complex64)


def start_index(at: float | None, now: float, rate_hz: float) -> int | None:
    """Sample index of a burst's time; ValueError when it is not a time within the next hour."""
    if at is None:
        return None
    if not 0 <= at <= now + MAX_AHEAD_S:
        raise ValueError(
            f"at must be in 0..now + {MAX_AHEAD_S:g} s = {now + MAX_AHEAD_S:g}, got {at}"
        )
    return round(at * rate_hz)


def check_count(n: int) -> None:
    """ValueError unless n samples can be read at once."""
    if not 0 < n <= MAX_CHUNK:
        raise ValueError(f"n must be in 1..{MAX_CHUNK}, got {n}")
