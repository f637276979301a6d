# SPDX-License-Identifier: GPL-3.0-or-later
"""Continuous sample time for front ends without a radio: bursts with zeros between them, and pacing."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np

MAX_AHEAD_S = 3600.0  # a burst further ahead than that is a mistake in units


class BurstTimeline:
    """Bursts in the order of their sample times; between them there are zeros.

    Thread-safe: one thread places, another takes. The bursts that wait are bounded; zeros cost
    nothing.

    Args:
        gap_samples: int, zeros in front of a burst that goes into the next slot.
        buffer_samples: int, limit of the burst samples that wait.
    Attributes:
        position: index of the sample that is taken next.
        end: index behind the last burst.
    """

    def __init__(self, gap_samples: int, buffer_samples: int):
        self._gap, self._limit = gap_samples, buffer_samples
        self._bursts: deque[tuple[int, np.ndarray]] = deque()
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()
        self.position = self.end = 0

    @property
    def pending(self) -> int:
        """Samples from the next one to the end of the last burst, the zeros between included."""
        with self._changed:
            return max(0, self.end - self.position)

    def place(
        self, x: np.ndarray, start: int | None, timeout_s: float | None, earliest: int = 0
    ) -> tuple[int, bool] | None:
        """Put a burst complex64 [2, n] behind all others.

        Args:
            start: sample index wanted, or None for the next slot.
            timeout_s: how long to wait for room; None: for ever.
            earliest: index from which on a burst can still be sent.
        Returns:
            (index of its first sample, whether it came too late for `start`), or None when there
            was no room in time or the timeline was closed.
        """
        n = x.shape[1]
        with self._changed:
            fits = self._changed.wait_for(
                lambda: self._closed or self._waiting + n <= self._limit, timeout_s
            )
            if not fits or self._closed:
                return None
            late = start is not None and start < max(self.end, self.position, earliest)
            if start is None or late:
                start = max(self.end + self._gap, self.position, earliest)
            self._bursts.append((start, x))
            self._waiting += n
            self.end = start + n
            self._changed.notify_all()
            return start, late

    def passed(self, index: int, timeout_s: float | None) -> bool:
        """Wait until the samples in front of `index` were taken; False when they were not in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self.position >= index, timeout_s)
            return self.position >= index

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for a burst; False when none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self.end > self.position, timeout_s)
            return self.end > self.position

    def take(self, n: int) -> np.ndarray:
        """The next n samples, complex64 [2, n]; zeros where nothing is sent."""
        out = np.zeros((2, n), np.complex64)
        with self._changed:
            begin, end = self.position, self.position + n
            while self._bursts and self._bursts[0][0] < end:
                start, x = self._bursts[0]
                stop = start + x.shape[1]
                low, high = max(start, begin), min(stop, end)
                out[:, low - begin : high - begin] = x[:, low - start : high - start]
                if stop > end:
                    break
                self._bursts.popleft()
                self._waiting -= x.shape[1]
            self.position = end
            self._changed.notify_all()
        return out

    def close(self) -> None:
        """Let go of everybody who waits; later bursts are not taken."""
        with self._changed:
            self._closed = True
            self._bursts.clear()
            self._waiting = 0
            self.end = min(self.end, self.position)
            self._changed.notify_all()


class WallClock:
    """Time of the computer; tests put another in its place."""

    def now(self) -> float:
        """Seconds since some moment, never going back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Pacer:
    """Sample time that follows the clock: sample i exists from i / rate_hz on, counted from the first wait.

    Nobody misses what passed while a program was still loading.

    Args:
        rate_hz: float > 0.
        clock: WallClock or a stand-in with now() and sleep().
    """

    def __init__(self, rate_hz: float, clock: WallClock | None = None):
        self._rate, self._clock = rate_hz, clock or WallClock()
        self._start: float | None = None

    def index(self) -> int:
        """Samples that exist by now."""
        return 0 if self._start is None else int((self._clock.now() - self._start) * self._rate)

    def wait(self, index: int, timeout_s: float) -> int:
        """Wait until `index` samples exist or the time is over; how many exist."""
        if self._start is None:
            self._start = self._clock.now()
        missing = index / self._rate - (self._clock.now() - self._start)
        if missing > 0:
            # One sample more: rounding must not make a second wait of a picosecond necessary.
            self._clock.sleep(min(missing + 1 / self._rate, max(timeout_s, 0.0)))
        return self.index()
