# SPDX-License-Identifier: GPL-3.0-or-later
"""How programs over the air show what they do: JSON lines, plain lines, or a table that renews itself."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from ..radio.counters_board import CountersBoard, json_line
from ..radio.events import Event

# What a plain line shows and a table shows first; all counters are in the JSON lines and the table.
_PLAIN = {
    "tx": ("bursts", "pictures_sent", "channel_state", "harq_retransmissions"),
    "rx": ("frames", "block_errors", "frames_lost", "pictures", "snr_db"),
}
_END = {
    "pictures_sent": "{} sent",
    "pictures_received": "{} received",
    "delivered": "{} whole",
    "unwritten": "{} not written",
    "mean_psnr_db": "mean PSNR {:.2f} dB",
}
_COMES_AND_GOES = ("peer_gone", "peer_back")
_CLIPS_UNTOLD = 1e-3  # share of the samples up to which clipping is counted and costs nothing
_LOGGERS = ("scsc_core", "gnuradio.scsc")
_REPEAT_S = 10.0  # the same line again not before


class Display(Protocol):
    """Where a program shows its counters, pictures, events and end."""

    def note(self, text: str) -> None:
        """One line for a person."""

    def picture(self, values: dict[str, Any]) -> None:
        """One received picture."""

    def tick(self) -> None:
        """Show the counters as they are now."""

    def end(self, values: dict[str, Any]) -> None:
        """Show how it ended; nothing follows."""

    def close(self) -> None:
        """Leave the terminal as it was; may be called twice."""


class JsonDisplay:
    """One JSON object a line: types counters, picture, event, note, end."""

    def __init__(self, board: CountersBoard):
        self._board = board

    def note(self, text: str) -> None:
        self._print("note", {"text": text})

    def picture(self, values: dict[str, Any]) -> None:
        self._print("picture", values)

    def tick(self) -> None:
        for event in self._board.take_events():
            values = {"kind": event.kind, "count": event.count, "text": str(event)}
            self._print("event", values)
        self._print("counters", self._board.snapshot())

    def end(self, values: dict[str, Any]) -> None:
        self.tick()
        self._print("end", values)

    def close(self) -> None:
        pass

    def _print(self, kind: str, values: dict[str, Any]) -> None:
        # In one write: pictures and counters come from different threads.
        sys.stdout.write(json_line(kind, values) + "\n")
        sys.stdout.flush()


class EventReader:
    """Events that deserve a line: a kind once, with its cure; peers each time; few clips never.

    Args:
        board: CountersBoard, which has the totals of all of them.
    """

    def __init__(self, board: CountersBoard):
        self._board, self._told = board, set()

    def take(self) -> list[Event]:
        """Those since the last call, each with the count since the beginning."""
        events, seen = self._board.take_events(), self._board.snapshot()
        lines = []
        for event in events:
            total = replace(event, count=seen["events"][event.kind])
            rare = event.kind == "clip" and total.count <= _CLIPS_UNTOLD * _samples_sent(seen)
            if event.kind in _COMES_AND_GOES:
                lines.append(event)
            elif event.kind not in self._told and not rare:
                self._told.add(event.kind)
                lines.append(total)
        return lines


def _samples_sent(snapshot: dict[str, Any]) -> int:
    """Of both antennas."""
    return 2 * snapshot.get("tx", {}).get("samples", 0)


class ChangedLine:
    """Tells whether a line of counters is worth printing: it changed, or the last one is 10 s old."""

    def __init__(self) -> None:
        self._shown, self._shown_s = "", 0.0

    def worth_showing(self, text: str, seconds: float) -> bool:
        """Whether to print `text` at a time in seconds; if so, it is the last one shown."""
        if not text or (text == self._shown and seconds - self._shown_s < _REPEAT_S):
            return False
        self._shown, self._shown_s = text, seconds
        return True


class PlainDisplay:
    """A line of the main counters a tick, a line a picture; events on stderr."""

    def __init__(self, board: CountersBoard):
        self._board, self._events = board, EventReader(board)
        self._line = ChangedLine()

    def note(self, text: str) -> None:
        # In one write: pictures and counters come from different threads.
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def picture(self, values: dict[str, Any]) -> None:
        self.note(picture_line(values))

    def tick(self) -> None:
        for event in self._events.take():
            print(event, file=sys.stderr, flush=True)
        all_values = self._board.snapshot()
        parts = []
        for section, names in {**_PLAIN, "events": tuple(all_values["events"])}.items():
            values = all_values.get(section, {})
            shown = [f"{name} {values[name]}" for name in names if name in values]
            if shown:
                parts.append(f"{section}: {', '.join(shown)}")
        text, seconds = "  ".join(parts), all_values["seconds"]
        if self._line.worth_showing(text, seconds):
            self.note(f"{seconds:8.1f} s  {text}")

    def end(self, values: dict[str, Any]) -> None:
        self.tick()
        self.note(end_line(values))

    def close(self) -> None:
        pass


class TableDisplay:
    """A table of all counters that renews itself, received pictures and events above it."""

    def __init__(self, board: CountersBoard):
        from rich.live import Live

        self._board, self._events = board, EventReader(board)
        self._live = Live(self._table(), auto_refresh=False)
        self._live.start()

    def note(self, text: str) -> None:
        self._print(text)

    def picture(self, values: dict[str, Any]) -> None:
        self._print(picture_line(values), None if values["delivered"] else "yellow")

    def tick(self) -> None:
        for event in self._events.take():
            self._print(str(event), "yellow")
        self._live.update(self._table(), refresh=True)

    def end(self, values: dict[str, Any]) -> None:
        self.tick()
        self.close()
        print(end_line(values), flush=True)

    def close(self) -> None:
        self._live.stop()

    def _print(self, text: str, style: str | None = None) -> None:
        self._live.console.print(text, style=style, markup=False, highlight=False)

    def _table(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        values = self._board.snapshot()
        grid = Table.grid(padding=(0, 4))
        tables = []
        for section, counters in values.items():
            if isinstance(counters, dict) and counters and section != "pictures":
                table = Table(section, "", box=None, pad_edge=False)
                table.columns[1].justify = "right"
                for name in _in_order(section, counters):
                    table.add_row(Text(name), Text(str(counters[name])))
                tables.append(table)
        grid.add_row(*tables)
        return Group(Text(f"{values['seconds']:.1f} s"), grid)


def _in_order(section: str, counters: dict[str, Any]) -> list[str]:
    """The main counters, which a low terminal shows too, then the others by name."""
    main = [name for name in _PLAIN.get(section, ()) if name in counters]
    return main + sorted(counters.keys() - set(main))


def open_display(board: CountersBoard, json: bool) -> Display:
    """JSON lines when wanted, a table on a terminal, plain lines elsewhere."""
    if json:
        return JsonDisplay(board)
    return TableDisplay(board) if sys.stdout.isatty() else PlainDisplay(board)


class NotedWarnings(logging.Handler):
    """Shows warnings of the library as notes of a display while it is entered; repeated ones rarely.

    Args:
        note: function of a text.
        now: clock in seconds.
    """

    def __init__(self, note: Callable[[str], None], now: Callable[[], float] = time.monotonic):
        super().__init__(logging.WARNING)
        self._note, self._now = note, now
        self._last = ("", 0.0)

    def emit(self, record: logging.LogRecord) -> None:
        """Show one."""
        text, now = record.getMessage(), self._now()
        before, shown_s = self._last
        if text != before or now - shown_s >= _REPEAT_S:
            self._last = text, now
            self._note(text)

    def __enter__(self) -> NotedWarnings:
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self)
        return self

    def __exit__(self, *_: Any) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self)


def picture_line(values: dict[str, Any]) -> str:
    """A received picture in one line."""
    state = "delivered" if values["delivered"] else f"damaged ({values['problem']})"
    parts = [f"picture {values['number']} id {values['image_id']} {state}"]
    if values["name"]:
        parts[0] += f" {values['name']}"
    if values["psnr_db"] is not None:
        parts.append(f"PSNR {values['psnr_db']:.2f} dB")
    parts.append(f"SNR {values['snr_db']:.1f} dB")
    lost = f", {values['frames_lost']} lost" if values["frames_lost"] else ""
    parts.append(f"{values['frames']} frames{lost}")
    return "  ".join(parts)


def end_line(values: dict[str, Any]) -> str:
    """The end in one line."""
    shown = [
        text.format(values[name]) for name, text in _END.items() if values.get(name) is not None
    ]
    text = f"{values['outcome']}: pictures {', '.join(shown)}"
    return text + (f"; {values['missing']}" if values.get("missing") else "")
