# SPDX-License-Identifier: GPL-3.0-or-later
"""How programs over the air end: errors, Ctrl-C and SIGTERM from loading to the end."""

import importlib
import json
import os
import signal
import threading

import pytest

from scsc_core.cli import air_program, air_start
from scsc_core.cli.air_exit import StopOnSignals, exit_code
from scsc_core.radio import FrontEndError
from scsc_core.radio.sim import SimFrontEnd
from scsc_core.radio.station import ForcedEnd

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture(autouse=True)
def sigint_is_heard():
    """A shell that starts the tests in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Left(BaseException):
    """The process would have ended here."""


@pytest.fixture
def leaving(monkeypatch):
    """os._exit raises Left with the code instead."""

    def leave(code):
        raise Left(code)

    monkeypatch.setattr(os, "_exit", leave)


def raised(error):
    raise error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("x must be 1,\ngot 2"), 2, "scsc tx: error: x must be 1, got 2"),
        (FrontEndError("uhd", "no device", "find one"), 2, "error: uhd: no device; find one"),
        (ZeroDivisionError("by zero"), 1, "scsc tx: error: ZeroDivisionError: by zero"),
        (KeyboardInterrupt(), 130, "scsc tx: interrupted"),
    ],
)
def test_error_is_one_line_and_a_code(capsys, error, code, line):
    assert exit_code("scsc tx", lambda: raised(error)) == code
    shown = capsys.readouterr().err
    assert line in shown and shown.count("\n") == 1


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError):
        exit_code("scsc tx", lambda: raised(ValueError()), debug=True)


def test_station_that_does_not_stop_ends_the_process(leaving, capsys):
    with pytest.raises(Left, match="3"):
        exit_code("scsc tx", lambda: raised(ForcedEnd("a station did not stop")))
    assert "did not stop" in capsys.readouterr().err


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_before_the_run_is_an_interruption(number):
    before = [signal.getsignal(n) for n in SIGNALS]

    code = exit_code("scsc tx", lambda: signal.raise_signal(number))

    assert code == 130 and [signal.getsignal(n) for n in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_during_the_run_stops_it_and_a_second_one_ends_at_once(leaving, number):
    stop = threading.Event()

    with StopOnSignals(stop) as signals:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        untouched = stop.is_set()
        signals.run_begins()
        signal.raise_signal(number)
        stopped = stop.is_set()
        with pytest.raises(Left, match="3"):
            signal.raise_signal(number)

    assert (untouched, stopped) == (False, True)


def test_signal_while_it_loads_ends_at_once_and_the_answer_is_put_back(leaving, monkeypatch):
    loaded = importlib.import_module("scsc_core.cli.air_exit")

    def load(name, package):
        if monkeypatched["interrupts"]:
            signal.raise_signal(signal.SIGINT)
        return loaded

    monkeypatched = {"interrupts": False}
    monkeypatch.setattr(importlib, "import_module", load)
    before = signal.getsignal(signal.SIGINT)
    assert air_start.start("air_exit", "exit_code", "scsc tx", lambda: 7) == 7
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatched["interrupts"] = True

    try:
        with pytest.raises(Left, match="130"):
            air_start.start("air_exit", "exit_code", "scsc tx", lambda: 7)
    finally:
        signal.signal(signal.SIGINT, before)


def test_interrupted_set_up_closes_what_was_open(monkeypatch, capsys):
    closed = []
    monkeypatch.setattr(SimFrontEnd, "close", lambda self: closed.append(True))
    monkeypatch.setattr(
        air_program, "receive_station", lambda *_, **__: signal.raise_signal(signal.SIGINT)
    )

    code = air_program.run_program("tx", "Send.", ["--sim", "--precoder", "none", "--json"])

    shown = capsys.readouterr()
    assert code == 130 and closed and shown.err == "scsc tx: interrupted\n"
    assert [json.loads(line)["type"] for line in shown.out.splitlines()] == ["note"]


def test_program_does_not_wait_for_a_compression_that_takes_long(leaving, monkeypatch, capsys):
    monkeypatch.setattr(air_program.PictureSink, "take", lambda self, received: None)
    transmit_station = air_program.transmit_station

    def with_busy_feed(*arguments, **options):
        station = transmit_station(*arguments, **options)
        station.feed.busy = True
        return station

    monkeypatch.setattr(air_program, "transmit_station", with_busy_feed)
    words = ["--sim", "--precoder", "none", "--codec", "jpeg", "--size", "32x32", "--json"]

    with pytest.raises(Left, match="0"):
        air_program.run_program("tx", "Send.", words)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["type"] == "end"


def test_reader_that_leaves_ends_the_program_and_its_stations(monkeypatch):
    class Gone:
        lines = 0

        def write(self, text):
            self.lines += 1
            if self.lines > 2:  # what runs, and the first counters
                raise BrokenPipeError

        def flush(self):
            """Nothing waits."""

        def isatty(self):
            return False

        def fileno(self):
            return os.open(os.devnull, os.O_WRONLY)

    monkeypatch.setattr("sys.stdout", Gone())
    words = ["--sim", "--precoder", "none", "--repeat", "0", "--json", "--interval", "0.01"]

    assert air_program.run_program("tx", "Send.", words) == 1
    assert not [t for t in threading.enumerate() if t.name.startswith("scsc_station")]
