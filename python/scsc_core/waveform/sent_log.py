# SPDX-License-Identifier: GPL-3.0-or-later
"""When the transmitter sent which frame: what ages of reports and acknowledgements are counted from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from .csi_feedback import SoundRef

MAX_ENTRIES = 4096


@dataclass(frozen=True)
class Sent:
    """One transmission: `order` counts all of them, `time_s` is the transmitter's clock."""

    order: int
    time_s: float


class SentLog:
    """The last transmissions by the fields that the receiver can name.

    Ids wrap, so the same reference may be sent twice. Of those within `horizon_s` the first counts: a
    report is then taken for older than it is, never for fresher.

    Args:
        clock: function that gives the time in seconds.
        horizon_s: how long a transmission is remembered.
    """

    def __init__(self, clock: Callable[[], float], horizon_s: float = 1.0):
        self._clock = clock
        self._horizon_s = horizon_s
        self._sent: OrderedDict[SoundRef, Sent] = OrderedDict()
        self.newest = Sent(0, clock())  # the last transmission; order 0: none yet

    def add(self, ref: SoundRef) -> Sent:
        """Note that a frame is being sent now."""
        now = self._clock()
        if now < self.newest.time_s:
            self._sent.clear()  # the clock was set back: no age can be told any more
        self.newest = Sent(self.newest.order + 1, now)
        self._forget(now)
        self._sent.setdefault(ref, self.newest)
        return self.newest

    @property
    def last_s(self) -> float | None:
        """Time of the last transmission, None before the first."""
        return self.newest.time_s if self.newest.order else None

    def find(self, ref: SoundRef) -> Sent | None:
        """The transmission that a reference names, None when it is unknown or too long ago."""
        self._forget(self._clock())
        return self._sent.get(ref)

    def _forget(self, now: float) -> None:
        while self._sent:
            first = next(iter(self._sent.values()))
            recent = 0 <= now - first.time_s <= self._horizon_s
            if recent and len(self._sent) < MAX_ENTRIES:
                break
            self._sent.popitem(last=False)
