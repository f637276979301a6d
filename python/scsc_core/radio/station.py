# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the ends of the link until they are done, one fails, somebody stops them, or time is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

JOIN_TIMEOUT_S = 10.0
POLL_S = 0.05

# How a run ended.
DONE, STOPPED, STALLED, TIME_OVER = "done", "stopped", "stalled", "time over"


class ForcedEnd(RuntimeError):
    """A station did not stop in time; the program must leave without it."""


class Station(Protocol):
    """One end of the link, or both: work in short steps, none of which waits for long.

    Attributes:
        done: it has nothing left to do.
        progress_s: clock time at which it last got on.
    """

    done: bool
    progress_s: float

    def step(self) -> None:
        """Do what there is to do now; waits for at most about 0.1 s."""

    def finish(self) -> None:
        """Called once, in the same thread, behind the last step."""


class InTurn:
    """Stations that work in turn in one thread: nothing depends on how threads happen to run.

    Done when the last of them is; the others are done by then or wait for it.
    """

    def __init__(self, *stations: Station):
        self._stations = stations

    @property
    def done(self) -> bool:
        """Whether the last station is done."""
        return self._stations[-1].done

    @property
    def progress_s(self) -> float:
        """When any of them last got on."""
        return max(station.progress_s for station in self._stations)

    def step(self) -> None:
        """A step of each."""
        for station in self._stations:
            if not station.done:
                station.step()

    def finish(self) -> None:
        """Finish each."""
        for station in self._stations:
            station.finish()


def run_stations(
    stations: Sequence[Station],
    stop: threading.Event,
    on_tick: Callable[[], None] = lambda: None,
    tick_s: float = 1.0,
    timeout_s: float | None = None,
    duration_s: float | None = None,
    now: Callable[[], float] = time.monotonic,
) -> str:
    """Run stations, each in a thread of its own, and call `on_tick` from this one.

    Args:
        stop: set it, from any thread or signal handler, to end the run.
        tick_s: seconds between two calls of `on_tick`.
        timeout_s: end when no station got on for so long; None: wait for ever.
        duration_s: end after so long; None: no limit.
        now: clock in seconds, that of the stations.
    Returns:
        "done", "stopped", "stalled" (timeout_s) or "time over" (duration_s).
    Raises:
        ForcedEnd: a station did not stop within 10 s.
        Exception: what a station raised; the first one wins.
    """
    errors: list[BaseException] = []
    ended = threading.Event()
    threads = [
        threading.Thread(
            target=_work, args=(station, ended, errors), name=f"scsc_station_{k}", daemon=True
        )
        for k, station in enumerate(stations)
    ]
    begin = now()
    next_tick = begin + tick_s
    for thread in threads:
        thread.start()
    outcome = None
    try:
        while outcome is None:
            stop.wait(min(POLL_S, tick_s))
            outcome = _outcome(stations, threads, stop, begin, timeout_s, duration_s, now)
            if now() >= next_tick:
                next_tick = now() + tick_s
                on_tick()
    finally:  # also when nobody reads the counters any more
        ended.set()
        deadline = time.monotonic() + JOIN_TIMEOUT_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    if errors:
        raise errors[0]
    if any(thread.is_alive() for thread in threads):
        raise ForcedEnd(f"a station did not stop within {JOIN_TIMEOUT_S:g} s")
    return outcome


def _work(station: Station, ended: threading.Event, errors: list[BaseException]) -> None:
    try:
        while not ended.is_set() and not station.done:
            station.step()
        station.finish()
    except BaseException as error:
        errors.append(error)


def _outcome(stations, threads, stop, begin, timeout_s, duration_s, now) -> str | None:
    """How the run has ended by now, None when it goes on."""
    if not any(thread.is_alive() for thread in threads):
        return DONE
    if stop.is_set():
        return STOPPED
    if duration_s is not None and now() - begin >= duration_s:
        return TIME_OVER
    last = max([begin] + [station.progress_s for station in stations])
    if timeout_s is not None and now() - last >= timeout_s:
        return STALLED
    return None
