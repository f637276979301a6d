# SPDX-License-Identifier: GPL-3.0-or-later
"""What `scsc tx` and `scsc rx` have in common: options, dry run, the run itself, exit codes."""

from __future__ import annotations

import argparse
import json
import threading
from contextlib import ExitStack
from typing import Any

from .. import __version__, data
from ..channels.stream_config import parse_delay
from ..radio.air_link import receive_station, transmit_station
from ..radio.counters_board import CountersBoard
from ..radio.feedback import FeedbackQueue
from ..radio.feedback_link import NONE, open_feedback
from ..radio.front_end import open_front_end
from ..radio.http_status import LOOPBACK, StatusServer
from ..radio.image_sources import FileSource, camera_source, check_counts, resizer, video_source
from ..radio.loop_timing import with_loop_limits
from ..radio.receive_station import END_WAIT_S
from ..radio.received_pictures import PictureSink, load_references
from ..radio.sample_recorder import RecordedFrontEnd
from ..radio.station import DONE, STALLED, InTurn, run_stations
from . import air_arguments as arguments
from .air_display import NotedWarnings, open_display
from .air_exit import EXIT_DONE, EXIT_INCOMPLETE, StopOnSignals, exit_code, leave
from .air_tuning import summary, tuning
from .air_view import THEMES, ProgramView
from .link_arguments import OneLineParser

_SIM_END_WAIT_S = 0.02  # in one process, behind the last burst and the delay of the channel
EPILOG = (
    "Exit codes: 0 done, 1 error, 2 usage or a front end that cannot be used, 3 forced end, "
    "4 ended without what was wanted, 130 interrupted before the run. Ctrl-C ends in order, a second "
    "one at once."
)


def program_parser(side: str, description: str) -> argparse.ArgumentParser:
    """The command line of side "tx" or "rx"."""
    parser = OneLineParser(
        prog=f"scsc {side}",
        usage=arguments.USAGE,
        description=description,
        epilog=EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"scsc {__version__}")
    run = parser.add_argument_group("run")
    run.add_argument("--dry-run", action="store_true", help="print what would be tuned and end")
    run.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="end when nothing gets on (60)"
    )
    run.add_argument("--duration", type=float, metavar="S", help="end after so many seconds")
    run.add_argument("--interval", type=float, default=1.0, metavar="S", help="between counters")
    run.add_argument("--json", action="store_true", help="print JSON lines")
    run.add_argument("--http", type=int, metavar="PORT", help="serve counters and pictures")
    run.add_argument("--http-host", default=LOOPBACK, metavar="ADDR", help=f"({LOOPBACK})")
    run.add_argument("--record", metavar="NAME", help="keep the samples as a SigMF recording")
    run.add_argument("--overwrite", action="store_true", help="record over an existing recording")
    run.add_argument("--gui", action="store_true", help="open the live view (rx, or --sim)")
    run.add_argument(
        "--theme", metavar="NAME", help=f"of the live view: {' or '.join(THEMES)} ({THEMES[0]})"
    )
    run.add_argument("--debug", action="store_true", help="show tracebacks")
    arguments.add_feedback_argument(run, side)
    run.add_argument(
        "--feedback-wait",
        type=float,
        default=5.0,
        metavar="S",
        help="hold pictures until it comes (5)",
    )
    run.add_argument(
        "--max-images", type=int, default=0, metavar="N", help="end after so many pictures (0: all)"
    )
    sent = parser.add_argument_group("pictures to send", None if side == "tx" else "with --sim")
    sent.add_argument("--image", action="append", metavar="PATH", help="picture file or folder")
    sent.add_argument("--video", metavar="PATH", help="video file")
    sent.add_argument("--camera", metavar="DEVICE", help="V4L2 camera: 0, 1 ... or its path")
    sent.add_argument("--size", metavar="WxH", help="resize pictures, such as 256x192")
    sent.add_argument("--repeat", type=int, default=1, metavar="N", help="times (0: without end)")
    sent.add_argument(
        "--picture-interval", type=float, default=0.0, metavar="S", help="between two pictures"
    )
    received = parser.add_argument_group(
        "received pictures", None if side == "rx" else "with --sim"
    )
    received.add_argument("--output", metavar="FOLDER", help="write received pictures there")
    received.add_argument(
        "--reference", action="append", metavar="PATH", help="originals to compare with"
    )
    received.add_argument(
        "--stay", action="store_true", help="wait for other transmissions behind the first"
    )
    arguments.add_front_end_arguments(parser, side)
    arguments.add_waveform_arguments(parser)
    arguments.add_channel_arguments(parser)
    return parser


class AirProgram:
    """One run of an end, or with --sim of both; checked before anything is opened.

    Args:
        options: of `program_parser`.
        side: "tx" or "rx".
    Raises:
        ValueError: anything that the user can mend.
    """

    def __init__(self, options: argparse.Namespace, side: str):
        arguments.check_positive(options, ("timeout", "duration", "interval"))
        check_counts(options.repeat, options.max_images)
        if not 0 <= options.feedback_wait < 3600:
            raise ValueError(f"feedback_wait must be in 0..3600, got {options.feedback_wait}")
        self.options, self.side = options, side
        self.kind = arguments.front_end_kind(options)
        self.radio = arguments.front_end_config(options, side)
        self.config, self.warnings = arguments.waveform_config(options), []
        self.channel = arguments.channel_config(options, self.radio, self.config)
        self.feedback = arguments.feedback_address(options)
        self.sends = side == "tx" or self.kind == "sim"
        self.receives = side == "rx" or self.kind == "sim"
        answered = self.kind == "sim" or self.feedback != NONE
        if self.sends and answered and self.radio.follows_clock:
            self.config, self.warnings = with_loop_limits(self.config, self.radio)
        self.board = CountersBoard()
        self.stop = threading.Event()
        self._refuse_options_of_the_other_end()
        self._view = None
        if options.gui:
            title, numerology = f"scsc {side}", self.config.numerology
            theme = THEMES[0] if options.theme is None else options.theme
            self._view = ProgramView(title, numerology, self.radio.rate_hz, self.board, theme)

    def _refuse_options_of_the_other_end(self) -> None:
        options = self.options
        sent = {"image": options.image, "video": options.video, "camera": options.camera}
        received = {"output": options.output, "reference": options.reference, "stay": options.stay}
        for names, wanted, text in (
            (sent, self.sends, "pictures are sent by scsc tx, or here with --sim"),
            (received | {"gui": options.gui}, self.receives, "pictures come back with --sim only"),
        ):
            given = [name for name, value in names.items() if value]
            if given and not wanted:
                raise ValueError(f"--{given[0]} has no meaning here: {text}")
        if sum(value is not None for value in sent.values()) > 1:
            raise ValueError("give one of --image, --video and --camera")
        if options.theme is not None and not options.gui:
            raise ValueError(f"--theme is of the live view: add --gui, got {options.theme}")
        if options.stay and self.kind == "sim":
            raise ValueError("--stay has no meaning with --sim: there is one transmission")

    def describe(self) -> dict[str, Any]:
        """The resolved configuration and what would be tuned."""
        return {
            "front_end": self.kind,
            "tuning": tuning(self.kind, self.radio, self.config),
            "options": arguments.as_plain(self.radio),
            "feedback": self.feedback,
            "waveform": arguments.as_plain(self.config),
            "channel": arguments.as_plain(self.channel),
            "warnings": self.warnings,
        }

    def run(self) -> int:
        """Open everything, run to the end, say how it ended; the exit code."""
        with ExitStack() as stack:
            signals = stack.enter_context(StopOnSignals(self.stop))
            self.display = open_display(self.board, self.options.json)
            stack.callback(self.display.close)
            stack.enter_context(NotedWarnings(self.display.note))
            code = self._end(self._open_and_run(signals))
        if self.transmit is not None and self.transmit.feed.busy:
            leave(code)  # a compression that nobody can interrupt
        return code

    def _open_and_run(self, signals: StopOnSignals) -> str:
        with ExitStack() as stack:
            front_end = self._open_front_end(stack)
            told = (self.kind, self.radio, self.config, self.channel, self.feedback)
            self.display.note(summary(*told))
            for warning in self.warnings:
                self.display.note(f"warning: {warning}")
            stations = self._stations(front_end, stack)
            if self.options.http is not None:
                server = StatusServer(self.board, self.options.http, self.options.http_host)
                stack.callback(server.close)
                self.display.note(f"counters and pictures at {server.url}")
            signals.run_begins()
            return self._run(stations)

    def _open_front_end(self, stack: ExitStack) -> Any:
        parts = arguments.front_end_parts(self.channel)
        front_end = open_front_end(self.kind, self.radio, **parts)
        if self.options.record:
            try:
                name, overwrite = self.options.record, self.options.overwrite
                front_end = RecordedFrontEnd(front_end, name, self.side, overwrite)
            except BaseException:
                front_end.close()
                raise
        stack.callback(front_end.close)
        self.front_end = front_end
        return front_end

    def _stations(self, front_end: Any, stack: ExitStack) -> list[Any]:
        options, in_turn = self.options, self.kind == "sim" and not self.radio.realtime
        queue = FeedbackQueue() if self.kind == "sim" else None
        feedback = queue or open_feedback(self.side, self.feedback)
        if feedback is not None:
            stack.callback(feedback.close)
        self.transmit = self.receive = self.sink = None
        stations = []
        if self.sends:
            source = self._source()
            self.length = source.length
            self.transmit = transmit_station(
                self.config, front_end, source, feedback, self.board, options.picture_interval,
                simulated=in_turn, feedback_wait_s=options.feedback_wait,
            )  # fmt: skip
            stack.callback(self.transmit.feed.close)
            stations.append(self.transmit)
        if self.receives:
            self.sink = PictureSink(
                options.output,
                self._original,
                load_references(options.reference or []),
                self.board,
                self.display.picture,
            )
            self.receive = receive_station(
                self.config, front_end, self._take, feedback, self.board,
                options.max_images if self.side == "rx" else 0, options.stay, in_turn,
                sender_done=lambda: self.transmit is not None and self.transmit.done,
                end_wait_s=self._end_wait_s(in_turn),
                **({} if self._view is None else {"on_frame": self._view.on_frame}),
            )  # fmt: skip
            stations.append(self.receive)
        return [InTurn(*stations)] if in_turn else stations

    def _end_wait_s(self, in_turn: bool) -> float:
        """In one process only what is still in the channel follows the end."""
        if not in_turn:
            return END_WAIT_S
        return _SIM_END_WAIT_S + parse_delay(self.channel.delay_samples)[1] / self.radio.rate_hz

    def _take(self, picture: Any) -> None:
        self.sink.take(picture)
        if self._view is not None:
            self._view.on_picture(picture)

    def _source(self) -> Any:
        options, resize = self.options, resizer(self.options.size)
        if options.camera is not None:
            return camera_source(options.camera, options.max_images, resize)
        if options.video is not None:
            return video_source(options.video, options.repeat, options.max_images, resize)
        paths = options.image or [data.sample_image()]
        return FileSource(paths, options.repeat, options.max_images, resize)

    def _original(self, image_id: int) -> tuple[Any, str] | None:
        sent = None if self.transmit is None else self.transmit.sent.get(image_id)
        return None if sent is None else (sent.picture.image, sent.picture.name)

    def _run(self, stations: list[Any]) -> str:
        options = self.options
        limits = (options.interval, options.timeout, options.duration)
        if self._view is None:
            return run_stations(stations, self.stop, self.display.tick, *limits)
        outcome: list[Any] = []

        def work() -> None:
            try:
                outcome.append(run_stations(stations, self.stop, self.display.tick, *limits))
            except BaseException as error:
                outcome.append(error)
            self.stop.set()

        thread = threading.Thread(target=work, name="scsc_run", daemon=True)
        thread.start()
        self._view.run(self.stop)  # Qt wants the main thread
        self.stop.set()
        thread.join()
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    def _end(self, outcome: str) -> int:
        self.board.add_events(self.front_end.events())  # of the closing
        missing = self._missing(outcome)
        values: dict[str, Any] = {"outcome": outcome}
        if self.transmit is not None:
            values["pictures_sent"] = self.transmit.transmitter.counters.get("pictures_sent", 0)
        if self.sink is not None:
            values["pictures_received"] = self.receive.pictures
            values["delivered"] = self.sink.counters["delivered"]
            values["unwritten"] = self.sink.counters["unwritten"] or None
            scores = [score for score in self.sink.psnr_db if score != float("inf")]
            values["mean_psnr_db"] = round(sum(scores) / len(scores), 2) if scores else None
        values["missing"] = missing
        values["code"] = EXIT_INCOMPLETE if missing else EXIT_DONE
        self.display.end(values)
        return values["code"]

    def _missing(self, outcome: str) -> str | None:
        """What was wanted and did not happen, None when all did."""
        if getattr(self.front_end, "problem", None):
            return "the recording ended early"
        if self.sink is not None and (unwritten := self.sink.counters["unwritten"]):
            return f"{unwritten} received pictures could not be written"
        if outcome == STALLED:
            return f"nothing got on for {self.options.timeout:g} s: is the other end there?"
        if self.transmit is not None:
            if self.transmit.counters["pictures_too_large"]:
                return "a picture had more frames than a picture may have; raise qp or code_rate"
            endless = self.length is None and outcome != DONE
            if not (endless or self.transmit.done):
                return "not all pictures were sent"
            sent = self.transmit.transmitter.counters.get("pictures_sent", 0)
            if outcome == DONE and not sent:
                return "there was no picture to send"
            if self.receive is not None and not endless and self.receive.pictures < sent:
                return f"{sent - self.receive.pictures} pictures did not arrive"
        elif self.receive.pictures < max(1, self.options.max_images):
            return f"{max(1, self.options.max_images)} pictures were wanted"
        return None


def run_program(side: str, description: str, words: list[str] | None = None) -> int:
    """`scsc tx` and `scsc rx`; the exit code."""
    options = program_parser(side, description).parse_args(words)

    def run() -> int:
        program = AirProgram(options, side)
        if options.dry_run:
            print(json.dumps(program.describe(), indent=1))
            return EXIT_DONE
        return program.run()

    return exit_code(f"scsc {side}", run, options.debug)
