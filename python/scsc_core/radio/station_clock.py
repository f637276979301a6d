# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that the two ends of the link live by: that of their samples on the air.

Without a radio sample time stands still while nothing is sent. Timers must not: while a station has
nothing to wait for but time, the computer's clock goes on in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .front_end import FrontEnd


class WaitingTime:
    """Seconds that passed on the computer's clock while sample time stood still.

    Args:
        sleep, now: the computer's clock, or a stand-in.
        follows_clock: sample time follows the clock by itself (a radio): nothing is added.
        share: float in (0, 1], of the clock's time that is added: processes are slower than a radio, and
            their answers are not to be missed by timers that were made for one.
    Attributes:
        seconds: added so far.
    """

    def __init__(
        self,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
        follows_clock: bool = False,
        share: float = 1.0,
    ):
        self.seconds = 0.0
        self._sleep, self._now = sleep, now
        self._share = 0.0 if follows_clock else share

    def pass_by(self, seconds: float, sample_time: Callable[[], float]) -> None:
        """Sleep; what sample time did not advance by meanwhile is added."""
        begin, first = self._now(), sample_time()
        self._sleep(seconds)
        self.add(self._now() - begin, sample_time() - first)

    def rest(self, seconds: float) -> None:
        """Sleep without counting it: the device is what is waited for."""
        self._sleep(seconds)

    def add(self, passed_s: float, sampled_s: float) -> None:
        """Count `passed_s` of the clock during which sample time advanced by `sampled_s`."""
        self.seconds += self._share * max(0.0, passed_s - max(0.0, sampled_s))


class AirClock:
    """The time at which a burst that is handed over now leaves the antennas.

    t = max(now + lead, end of what waits there). A transmitter with this clock knows how old a
    channel report is when its frame is on the air, not when the frame is made.

    Args:
        front_end: FrontEnd.
        gap_samples: int, between two bursts.
        lead_s: float, from now to the first burst (uhd).
        waiting: WaitingTime.
    """

    def __init__(self, front_end: FrontEnd, gap_samples: int, lead_s: float, waiting: WaitingTime):
        self._front_end, self._gap, self._lead_s = front_end, gap_samples, lead_s
        self._end_s = 0.0
        self.waiting = waiting

    def __call__(self) -> float:
        return max(self._front_end.now() + self._lead_s, self._end_s) + self.waiting.seconds

    def sent(self, n_samples: int) -> None:
        """Note a burst handed over."""
        start = max(self._front_end.now() + self._lead_s, self._end_s)
        self._end_s = start + (n_samples + self._gap) / self._front_end.rate_hz

    @property
    def ahead_s(self) -> float:
        """Seconds of samples that wait at the front end, its lead not counted."""
        return max(0.0, self._end_s - self._front_end.now() - self._lead_s)

    def forget(self) -> None:
        """Nothing waits any more: the device's clock was set back, or it lost its bursts."""
        self._end_s = 0.0


class ArrivalClock:
    """The time of the last sample that arrived, counted from the first; it never goes back.

    Lost samples count. A device whose time jumps back goes on from where it was.

    Args:
        rate_hz: float > 0.
        waiting: WaitingTime.
    """

    def __init__(self, rate_hz: float, waiting: WaitingTime):
        self._rate = rate_hz
        self._seconds = 0.0
        self._end: int | None = None
        self.waiting = waiting

    def __call__(self) -> float:
        return self._seconds + self.waiting.seconds

    def arrived(self, sample_index: int, n: int) -> None:
        """Count n samples that begin at an index of the device."""
        end = sample_index + n
        new = n if self._end is None else end - self._end
        self._seconds += max(new, n) / self._rate
        self._end = end
