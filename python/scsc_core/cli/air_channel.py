# SPDX-License-Identifier: GPL-3.0-or-later
"""What `scsc channel` does: the air between a transmitter and a receiver in other processes."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any

from .. import __version__
from ..radio.counters_board import CountersBoard, json_line
from ..radio.front_end import FrontEndError
from ..radio.options import front_end_options
from . import air_arguments as arguments
from .air_display import ChangedLine, EventReader
from .air_exit import EXIT_DONE, StopOnSignals, exit_code
from .air_tuning import channel_summary
from .config_flags import given_flags
from .link_arguments import OneLineParser

_ADDRESSES = front_end_options("zmq")
_FRONT_ENDS = "gnuradio.scsc.front_ends"  # imported when they are opened
_PUMP_S = 0.05


def parser(doc: str) -> argparse.ArgumentParser:
    """The command line; every key of a StreamChannelConfig is a flag."""
    result = OneLineParser(
        prog="scsc channel",
        usage="%(prog)s [options]",
        description=doc.splitlines()[0],
        epilog=" ".join(doc.split("\n\n")[1].split()),
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=f"scsc {__version__}")
    run = result.add_argument_group("run")
    for name, default, text in (
        ("tx-address", _ADDRESSES.tx_address, "where the transmitter is bound"),
        ("rx-address", _ADDRESSES.rx_address, "bound for the receiver"),
    ):
        run.add_argument(f"--{name}", default=default, metavar="A", help=f"{text} ({default})")
    run.add_argument("--wire", action="store_true", help="no channel at all: samples pass as sent")
    run.add_argument("--duration", type=float, metavar="S", help="end after so many seconds")
    run.add_argument("--interval", type=float, default=1.0, metavar="S", help="between counters")
    run.add_argument("--json", action="store_true", help="print JSON lines")
    run.add_argument("--dry-run", action="store_true", help="print the configuration and end")
    run.add_argument("--debug", action="store_true", help="show tracebacks")
    relay = result.add_argument_group("feedback", "pass feedback on, with delay and losses")
    relay.add_argument(
        "--feedback-listen", metavar="A", help="where the receiver sends feedback to"
    )
    relay.add_argument("--feedback-forward", metavar="A", help="where the transmitter is bound")
    relay.add_argument("--feedback-delay-ms", type=float, default=0.0, metavar="MS")
    relay.add_argument("--feedback-loss", type=float, default=0.0, metavar="P", help="in 0..1")
    channel = result.add_argument_group("channel")
    channel.add_argument(
        "--config", action="append", default=[], metavar="YAML", help="layered files, later win"
    )
    arguments.add_air_flags(channel)
    return result


class ChannelProgram:
    """The channel between two addresses, checked before anything is opened.

    Args:
        options: of `parser`.
    Attributes:
        config: StreamChannelConfig.
        addresses: tx_address and rx_address.
    Raises:
        ValueError: anything that the user can mend.
    """

    def __init__(self, options: argparse.Namespace):
        arguments.check_positive(options, ("interval", "duration"))
        self.options = options
        self.config = arguments.air_config(options.config, given_flags(options, "air"))
        self.addresses = {"tx_address": options.tx_address, "rx_address": options.rx_address}
        front_end_options("zmq", self.addresses)
        if (options.feedback_listen is None) != (options.feedback_forward is None):
            raise ValueError("feedback_listen and feedback_forward must be given together")
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._begin_s, self._before = time.monotonic(), (0.0, 0)
        self._board = CountersBoard()
        self._events, self._line = EventReader(self._board), ChangedLine()

    def describe(self) -> dict[str, Any]:
        """The resolved configuration."""
        return {**self.config.model_dump(mode="json"), **self.addresses}

    def run(self) -> int:
        """Open both sides and pass samples on until the end; the exit code."""
        with ExitStack() as stack:
            signals = stack.enter_context(StopOnSignals(self._stop))
            name = "no channel" if self.options.wire else channel_summary(self.config)
            self._note(
                f"{name}; samples from {self.addresses['tx_address']}, "
                f"for {self.addresses['rx_address']}"
            )
            self._open(stack)
            signals.run_begins()
            self._pass_on()
            self._stop.set()
            self._report()
        if self._error is not None:
            raise self._error
        return EXIT_DONE

    def _open(self, stack: ExitStack) -> None:
        from ..channels.stream_channel import StreamChannel

        self.channel = None if self.options.wire else StreamChannel(self.config)
        module = _front_end_module("zmq_channel")
        self.link = module.ZmqChannel(self.channel, **self.addresses)
        stack.callback(self.link.close)
        self.link.open()
        self.relay = self._open_relay(stack)

    def _open_relay(self, stack: ExitStack) -> Any:
        options = self.options
        if options.feedback_listen is None:
            return None
        relay = _front_end_module("zmq_feedback").FeedbackRelay(
            options.feedback_listen,
            options.feedback_forward,
            options.feedback_delay_ms / 1e3,
            options.feedback_loss,
            self.config.seed,
        )
        stack.callback(relay.close)

        def pump() -> None:
            try:
                while not self._stop.is_set():
                    relay.step(_PUMP_S)
            except BaseException as error:
                self._error = error
                self._stop.set()

        thread = threading.Thread(target=pump, name="scsc_feedback", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(self._stop.set)
        return relay

    def _pass_on(self) -> None:
        self._begin_s = time.monotonic()
        end_s = self._begin_s + (self.options.duration or float("inf"))
        report_s = self._begin_s + self.options.interval
        while not self._stop.is_set() and time.monotonic() < end_s:
            self.link.step()
            if time.monotonic() >= report_s:
                report_s = time.monotonic() + self.options.interval
                self._report()

    def counters(self) -> dict[str, Any]:
        """What has happened so far."""
        now_s = time.monotonic() - self._begin_s
        before_s, samples = self._before
        rate = (self.link.samples - samples) / max(now_s - before_s, 1e-9)
        self._before = now_s, self.link.samples
        values = {
            "seconds": round(now_s, 3),
            "samples": self.link.samples,
            "samples_per_second": round(rate),
            "transmitter": self.link.source.connected,
            "receiver": self.link.sink.connected,
            **self.link.log.counts,
        }
        if self.channel is not None:
            values["clip_count"] = self.channel.clip_count
        if self.relay is not None:
            values["feedback_received"] = self.relay.receiver.counters["received"]
            values["feedback_malformed"] = self.relay.receiver.counters["malformed"]
            values["feedback_lost"] = self.relay.counters["lost"]
            values["feedback_sent"] = self.relay.sender.counters["sent"]
        return values

    def _report(self) -> None:
        """Counters, and what went wrong since the last ones."""
        values = self.counters()
        self._board.add_events(self.link.log.take())
        if self.options.json:
            _print(json_line("counters", values))
            return
        for event in self._events.take():
            print(event, file=sys.stderr, flush=True)
        text = _counters_text(values)
        if self._line.worth_showing(text, values["seconds"]):
            _print(f"{values['seconds']:8.1f} s  {text}")

    def _note(self, text: str) -> None:
        _print(json_line("note", {"text": text}) if self.options.json else text)


def _counters_text(values: dict[str, Any]) -> str:
    rest = {name: value for name, value in values.items() if name != "seconds"}
    samples, rate = rest.pop("samples") / 1e6, rest.pop("samples_per_second") / 1e6
    parts = [f"{samples:.2f} M samples, {rate:.2f} Msps"]
    for end in ("transmitter", "receiver"):
        parts.append(f"{end} {'connected' if rest.pop(end) else 'missing'}")
    parts += [f"{name} {value}" for name, value in rest.items() if value]
    return "  ".join(parts)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _front_end_module(name: str) -> Any:
    try:
        return importlib.import_module(f"{_FRONT_ENDS}.{name}")
    except ImportError as error:
        cure = "apt-get install gnuradio python3-zmq, or scsc tx --sim without a channel process"
        raise FrontEndError("zmq", f"cannot be loaded: {error}", cure) from error


def run_channel(doc: str, words: list[str] | None = None) -> int:
    """`scsc channel`; the exit code."""
    options = parser(doc).parse_args(words)

    def run() -> int:
        program = ChannelProgram(options)
        if options.dry_run:
            print(json.dumps(program.describe(), indent=1))
            return EXIT_DONE
        return program.run()

    return exit_code("scsc channel", run, options.debug)
