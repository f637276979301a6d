# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread that does a block's slow work in order, away from the message handlers."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .supervisor import Supervisor

OVERFLOW = ("keep", "drop_oldest")


class Worker:
    """Calls `function(item)` for every item put, in the order of `put`, in a thread of its own.

    Args:
        name: of the thread.
        function: what to do with one item; an exception ends the run through the Supervisor.
        supervisor: who hears of errors, and whose `stopping` ends the work.
        depth: items that may wait, at least 1; read with overflow "drop_oldest" only.
        overflow: "keep" never drops (the source is limited by credit), "drop_oldest" drops and
            counts the item that waited longest (live sources).
        on_idle: called from the thread whenever the last waiting item is done.
        on_drop: called with an item that was dropped, from the thread that put the next one.
    Attributes:
        dropped: items dropped so far.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[Any], None],
        supervisor: Supervisor,
        depth: int = 8,
        overflow: str = "keep",
        on_idle: Callable[[], None] | None = None,
        on_drop: Callable[[Any], None] | None = None,
    ):
        if depth < 1:
            raise ValueError(f"queue must be at least 1, got {depth}")
        if overflow not in OVERFLOW:
            raise ValueError(f"overflow must be one of {', '.join(OVERFLOW)}, got {overflow!r}")
        self._name = name
        self._function = function
        self._supervisor = supervisor
        self._depth = depth
        self._overflow = overflow
        self._on_idle = on_idle
        self._on_drop = on_drop
        self._items: deque[Any] = deque()
        self._wake = threading.Condition()
        self._busy = False
        self._stop = False
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def start(self) -> None:
        """Start the thread; what was put before is kept."""
        self._stop = False
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Let the item in hand finish, leave the rest, and join the thread."""
        with self._wake:
            self._stop = True
            self._wake.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def put(self, item: Any) -> None:
        """Append one item; never blocks."""
        oldest: list[Any] = []
        with self._wake:
            if self._overflow == "drop_oldest" and len(self._items) >= self._depth:
                oldest.append(self._items.popleft())
                self.dropped += 1
            self._items.append(item)
            self._wake.notify()
        if oldest and self._on_drop is not None:
            self._on_drop(oldest[0])

    @property
    def idle(self) -> bool:
        """True when nothing waits and nothing is in hand."""
        with self._wake:
            return not self._items and not self._busy

    def _run(self) -> None:
        while (item := self._take()) is not None:
            try:
                self._function(item[0])
                with self._wake:
                    self._busy = False
                if self._on_idle is not None and self.idle:
                    self._on_idle()
            except BaseException as error:
                self._supervisor.fail(error)
                return

    def _take(self) -> tuple[Any] | None:
        with self._wake:
            while not self._items and not self._stop:
                self._wake.wait()
            if self._stop or self._supervisor.stopping:
                return None
            self._busy = True
            return (self._items.popleft(),)
