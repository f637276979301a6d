# SPDX-License-Identifier: GPL-3.0-or-later
"""One front end for the blocks of both directions: opened by the first, closed by the last."""

from __future__ import annotations

import threading
from typing import Any

from scsc_core.radio.front_end import FrontEnd, create_front_end


class FrontEndHandle:
    """A front end that several blocks share.

    Args:
        kind: "zmq", "uhd", "file" or "sim".
        rate_hz, frequency_hz: float > 0.
        direction: "tx", "rx" or "both".
        options: dict of the other options of that kind, or None.
    Attributes:
        front_end: scsc_core.radio.FrontEnd.
    Raises:
        ValueError: an unknown kind or option, or an impossible value.
        FrontEndError: the kind needs a package that is missing.
    """

    def __init__(self, kind, rate_hz, frequency_hz, direction, options: dict[str, Any] | None):
        common = {"rate_hz": rate_hz, "frequency_hz": frequency_hz, "direction": direction}
        self._made_of = kind, {**common, **(options or {})}
        self.front_end: FrontEnd = create_front_end(*self._made_of)
        self.events: dict[str, int] = {}
        self._users = 0
        self._closed = False
        self._lock = threading.Lock()

    @classmethod
    def of(cls, kind: str | FrontEndHandle, *arguments: Any) -> FrontEndHandle:
        """A new handle; or, in place of a kind, the one that another block uses too."""
        return kind if isinstance(kind, cls) else cls(kind, *arguments)

    def open(self) -> None:
        """Open it, unless it is; one that was closed is made anew."""
        with self._lock:
            if self._users == 0:
                if self._closed:
                    self.front_end, self._closed = create_front_end(*self._made_of), False
                self.front_end.open()
            self._users += 1

    def close(self) -> None:
        """Close it when nobody uses it any more."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._closed = True
                self.front_end.close()

    def count_events(self) -> list:
        """Events since the last call; their totals are added to `events`."""
        with self._lock:
            new = self.front_end.events() if self._users else []
            for event in new:
                self.events[event.kind] = self.events.get(event.kind, 0) + event.count
        return new
