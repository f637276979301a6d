# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of stations: how they end, and that they always do."""

import threading

import pytest

from scsc_core.radio import station
from scsc_core.radio.station import ForcedEnd, InTurn, run_stations


class Counting:
    """Done after so many steps."""

    def __init__(self, steps, progress_s=0.0, error=None, before=lambda: None):
        self.left, self.progress_s, self.finished = steps, progress_s, 0
        self._error, self._before = error, before

    @property
    def done(self):
        return self.left == 0

    def step(self):
        threading.Event().wait(1e-4)  # lets the other threads run
        self._before()
        if self._error is not None:
            raise self._error
        self.left -= 1

    def finish(self):
        self.finished += 1


def run(*stations, stop=None, **options):
    return run_stations(stations, stop or threading.Event(), tick_s=0.005, **options)


def test_run_ends_when_all_are_done():
    stations = Counting(3), Counting(5)

    assert run(*stations) == "done"
    assert [s.finished for s in stations] == [1, 1]


def test_stop_ends_a_run_and_finishes_its_stations():
    stop = threading.Event()
    endless = Counting(-1, before=lambda: stop.set())

    assert run(endless, stop=stop) == "stopped"
    assert endless.finished == 1


def test_first_error_ends_the_run_and_is_raised():
    waiting = Counting(-1)

    with pytest.raises(ZeroDivisionError):
        run(Counting(-1, error=ZeroDivisionError()), waiting, timeout_s=10.0, duration_s=0.1)


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [({"timeout_s": 5.0}, "stalled"), ({"timeout_s": 50.0, "duration_s": 9.0}, "time over")],
)
def test_limits_end_a_run_that_does_not_get_on(limits, outcome):
    seconds = iter(range(10**6))

    assert run(Counting(-1), now=lambda: float(next(seconds)), **limits) == outcome


def test_progress_holds_off_the_timeout():
    clock = iter(range(10**6))
    getting_on = Counting(-1)

    def now():
        getting_on.progress_s = float(next(clock))
        return getting_on.progress_s

    assert run(getting_on, now=now, timeout_s=4.0, duration_s=30.0) == "time over"


def test_station_that_does_not_stop_is_left_behind(monkeypatch):
    monkeypatch.setattr(station, "JOIN_TIMEOUT_S", 0.05)
    release, stop = threading.Event(), threading.Event()
    stop.set()

    try:
        with pytest.raises(ForcedEnd):
            run(Counting(-1, before=release.wait), stop=stop)
    finally:
        release.set()


def test_ticks_come_from_the_calling_thread():
    here, threads = threading.current_thread(), set()

    def tick():
        threads.add(threading.current_thread())

    run(Counting(200), on_tick=tick)

    assert threads == {here}


def test_stations_in_turn_take_equal_steps_until_the_last_is_done():
    first, last = Counting(2), Counting(4)
    both = InTurn(first, last)

    while not both.done:
        both.step()
    both.finish()

    assert (first.left, last.left) == (0, 0)
    assert (first.finished, last.finished) == (1, 1)
