#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The air of the virtual radio: fetch samples from a transmitter, pass them through a channel, hand them on.

Exit codes: 0 ended by Ctrl-C or --duration, 1 error, 2 usage or an address that cannot be used.
"""

import argparse
import json
import signal
import sys
import threading
import time
from contextlib import ExitStack

from scsc_core import __version__
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.cli.link_arguments import OneLineParser
from scsc_core.config import load_config
from scsc_core.radio import FrontEndError, front_end_options

_ADDRESSES = front_end_options("zmq")


def parser() -> argparse.ArgumentParser:
    """The command line; every key of a StreamChannelConfig is a flag."""
    result = OneLineParser(
        prog="scsc channel",
        description=__doc__.splitlines()[0],
        epilog=__doc__.splitlines()[2],
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
    run.add_argument("--json", action="store_true", help="print counters as JSON lines")
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
    for name, field in StreamChannelConfig.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        text = f"(default {field.default})".replace("%", "%%")
        channel.add_argument(flag, dest=f"channel_{name}", metavar="V", help=text)
    return result


class ChannelProgram:
    """The channel between two addresses, checked before anything is opened.

    Attributes:
        config: StreamChannelConfig.
        link: ZmqChannel.
        relay: FeedbackRelay, or None.
    """

    def __init__(self, options: argparse.Namespace):
        self.options = options
        if not options.interval > 0:
            raise ValueError(f"interval must be > 0, got {options.interval}")
        flags = {name: getattr(options, f"channel_{name}") for name in _names()}
        self.config = load_config(StreamChannelConfig, options.config, flags)
        addresses = {"tx_address": options.tx_address, "rx_address": options.rx_address}
        front_end_options("zmq", addresses)
        if (options.feedback_listen is None) != (options.feedback_forward is None):
            raise ValueError("feedback_listen and feedback_forward must be given together")
        self.addresses, self._stop = addresses, threading.Event()
        self._error: BaseException | None = None
        self._begin, self._last = time.monotonic(), (0.0, 0)

    def run(self, stack: ExitStack) -> None:
        """Open both sides and pass samples on until the end."""
        from gnuradio.scsc.front_ends.zmq_channel import ZmqChannel

        from scsc_core.channels.stream_channel import StreamChannel

        self.channel = None if self.options.wire else StreamChannel(self.config)
        self.link = ZmqChannel(self.channel, **self.addresses)
        stack.callback(self.link.close)
        self.link.open()
        self.relay = self._open_relay(stack)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        self._begin = time.monotonic()
        report_at = self._begin + self.options.interval
        while not self._ended():
            self.link.step()
            if time.monotonic() >= report_at:
                report_at = time.monotonic() + self.options.interval
                self.report()
        self._stop.set()
        if self._error is not None:
            raise self._error

    def _ended(self) -> bool:
        limit = self.options.duration
        return self._stop.is_set() or (
            limit is not None and time.monotonic() - self._begin >= limit
        )

    def _open_relay(self, stack: ExitStack):
        options = self.options
        if options.feedback_listen is None:
            return None
        from gnuradio.scsc.front_ends.zmq_feedback import FeedbackRelay

        relay = FeedbackRelay(
            options.feedback_listen,
            options.feedback_forward,
            options.feedback_delay_ms / 1e3,
            options.feedback_loss,
            self.config.seed,
        )
        stack.callback(relay.close)

        def pump():
            try:
                while not self._stop.is_set():
                    relay.step(0.05)
            except BaseException as error:
                self._error = error
                self._stop.set()

        thread = threading.Thread(target=pump, name="scsc_feedback", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(self._stop.set)
        return relay

    def counters(self) -> dict:
        """What has happened so far."""
        now = time.monotonic() - self._begin
        before, samples = self._last
        rate = (self.link.samples - samples) / max(now - before, 1e-9)
        self._last = now, self.link.samples
        values = {
            "seconds": round(now, 3),
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

    def report(self) -> None:
        """One line of counters, and what went wrong since the last one."""
        values = self.counters()
        events = self.link.log.take()
        if self.options.json:
            print(json.dumps(values), flush=True)
            return
        for event in events:
            print(event, file=sys.stderr)
        print("  ".join(f"{name} {value}" for name, value in values.items()), flush=True)


def _names() -> list[str]:
    return list(StreamChannelConfig.model_fields)


def main() -> int:
    """Errors of the user are one line and exit code 2, others exit code 1."""
    options = parser().parse_args()
    try:
        program = ChannelProgram(options)
        if options.dry_run:
            values = {**program.config.model_dump(mode="json"), **program.addresses}
            print(json.dumps(values, indent=1))
            return 0
        with ExitStack() as stack:
            program.run(stack)
            program.report()
    except (ValueError, ImportError, OSError, FrontEndError) as error:
        if options.debug:
            raise
        return _complain(error, 2)
    except Exception as error:
        if options.debug:
            raise
        return _complain(f"{type(error).__name__}: {error}", 1)
    return 0


def _complain(error: Exception | str, code: int) -> int:
    print(f"scsc channel: error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
