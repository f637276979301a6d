# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ends of the link have counted, their events and last pictures, for whoever shows them."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .events import Event, EventLog


@dataclass(frozen=True, eq=False)
class ShownPicture:
    """A picture on the board.

    Attributes:
        image: uint8 [H, W, 3].
        about: plain values that describe it (name, image_id, psnr_db ...).
        number: counts the pictures of its role from 1.
    """

    image: np.ndarray
    about: dict[str, Any] = field(default_factory=dict)
    number: int = 1


class CountersBoard:
    """Counters per end, totals of events, and the last picture per role. Thread-safe and bounded.

    Args:
        now: clock in seconds.
        unix_time: for the time stamps of snapshots.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        unix_time: Callable[[], float] = time.time,
    ):
        self._now, self._unix_time = now, unix_time
        self._begin = now()
        self._lock = threading.Lock()
        self._sections: dict[str, dict[str, Any]] = {}
        self._events = EventLog()
        self._pictures: dict[str, ShownPicture] = {}

    def update(self, section: str, **values: Any) -> None:
        """Set values of a section ("tx", "rx" ...); numbers, text, booleans or None."""
        with self._lock:
            self._sections.setdefault(section, {}).update(values)

    def add_events(self, events: list[Event]) -> None:
        """Count events of a front end."""
        for event in events:
            self._events.add(event.kind, event.time_s, event.count, event.detail)

    def take_events(self) -> list[Event]:
        """Events since the last call, one entry per kind."""
        return self._events.take()

    def show(self, role: str, image: np.ndarray, **about: Any) -> None:
        """Put up the last picture of a role ("sent", "received")."""
        with self._lock:
            number = self._pictures[role].number + 1 if role in self._pictures else 1
            self._pictures[role] = ShownPicture(image, about, number)

    def picture(self, role: str) -> ShownPicture | None:
        """The last picture of a role, None when there was none."""
        with self._lock:
            return self._pictures.get(role)

    def snapshot(self) -> dict[str, Any]:
        """All counters: {"time", "seconds", <section>: {...}, "events": {...}, "pictures": {...}}."""
        with self._lock:
            return {
                "time": round(self._unix_time(), 3),
                "seconds": round(self._now() - self._begin, 3),
                **{name: dict(values) for name, values in self._sections.items()},
                "events": dict(self._events.counts),
                "pictures": {
                    role: {"number": shown.number, **shown.about}
                    for role, shown in self._pictures.items()
                },
            }


def json_line(kind: str, values: dict[str, Any]) -> str:
    """One JSON line whose first key `type` says what it is; undefined numbers become null."""
    return json.dumps(_plain({"type": kind, **values}), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
