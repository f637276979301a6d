# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong at a front end: counted, never printed as a letter, each with its cure."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, replace

# kind -> (meaning, cure)
EVENT_KINDS = {
    "overflow": (
        "received samples were lost because they were not fetched in time",
        "lower the sample rate, raise the buffer, or give the receiver more of the processor",
    ),
    "underflow": (
        "the radio ran out of samples inside a burst",
        "lower the sample rate; use a faster link or processor",
    ),
    "late": (
        "a burst came after its time and was moved",
        "raise the lead time, or send less often",
    ),
    "clip": (
        "transmit samples were clipped at full scale",
        "raise backoff_db; below one in a thousand it costs nothing",
    ),
    "peer_gone": (
        "the process at the other end has gone; it may come back",
        "start it again, and look at its last line",
    ),
    "peer_back": ("the process at the other end is there", ""),
    "malformed": (
        "what the other end sent is no block of two-antenna samples and was dropped",
        "the stream must be complex64 items of vector length 2",
    ),
    "not_finite": (
        "samples that are not finite or absurdly large were replaced by zeros",
        "look for the error in the sending program",
    ),
    "truncated": (
        "the recording ends inside a sample, as after a crash; the rest was cut",
        "",
    ),
    "sequence": (
        "the radio lost packets on the way to this computer, or got them out of order",
        "check cable, switch and socket buffers",
    ),
    "unrecorded": (
        "the recording has ended early, the link goes on",
        "free some space, or record elsewhere",
    ),
    "timing": ("the clock of the radio jumped", "check its time source"),
}


@dataclass(frozen=True)
class Event:
    """Occurrences of one kind since the last look.

    Attributes:
        kind: key of EVENT_KINDS.
        time_s: device time of the first of them.
        count: how many (samples for clip and not_finite).
        detail: more about the last one, or empty.
    """

    kind: str
    time_s: float
    count: int = 1
    detail: str = ""

    def __str__(self) -> str:
        meaning, cure = EVENT_KINDS[self.kind]
        parts = [f"{self.kind} x {self.count}: {meaning}", self.detail, cure]
        return "; ".join(part for part in parts if part)


class EventLog:
    """Collects events from any thread; one entry per kind waits, so it never grows.

    Attributes:
        counts: Counter, totals per kind since the beginning.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._waiting: dict[str, Event] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, time_s: float, count: int = 1, detail: str = "") -> None:
        """Count `count` occurrences of a kind; KeyError for a kind that does not exist."""
        if count <= 0:
            return
        event = Event(kind, time_s, count, detail)
        EVENT_KINDS[kind]
        with self._lock:
            self.counts[kind] += count
            before = self._waiting.get(kind)
            if before is not None:
                event = replace(event, time_s=before.time_s, count=before.count + count)
            self._waiting[kind] = event

    def take(self) -> list[Event]:
        """Events since the last call, in the order of their first occurrence."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return list(waiting.values())
