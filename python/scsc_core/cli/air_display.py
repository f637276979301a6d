# SPDX-License-Identifier: GPL-3.0-or-later
"""How programs over the air show what they do: JSON lines, plain lines, or a table that renews itself."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from ..radio.counters_board import CountersBoard, json_line

# What a plain line shows, section by section; all counters are in the JSON lines and the table.
_PLAIN = {
    "tx": ("bursts", "pictures_sent", "channel_state", "harq_retransmissions"),
    "rx": ("frames", "block_errors", "frames_lost", "pictures", "snr_db"),
}
_EVENT_ROWS = 5


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


class JsonDisplay:
    """One JSON object a line: types counters, picture, event, note, end."""

    def __init__(self, board: CountersBoard):
        self._board = board

    def note(self, text: str) -> None:
        self._print("note", {"text": text})

    def picture(self, values: dict[str, Any]) -> None:
        self._print("picture", values)

    def tick(self) -> None:
        for line in self._board.take_event_lines():
            self._print("event", {"text": line})
        self._print("counters", self._board.snapshot())

    def end(self, values: dict[str, Any]) -> None:
        self.tick()
        self._print("end", values)

    def _print(self, kind: str, values: dict[str, Any]) -> None:
        # In one write: pictures and counters come from different threads.
        sys.stdout.write(json_line(kind, values) + "\n")
        sys.stdout.flush()


class PlainDisplay:
    """A line of the main counters a tick, a line a picture; events on stderr."""

    def __init__(self, board: CountersBoard):
        self._board = board

    def note(self, text: str) -> None:
        # In one write: pictures and counters come from different threads.
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def picture(self, values: dict[str, Any]) -> None:
        self.note(picture_line(values))

    def tick(self) -> None:
        for line in self._board.take_event_lines():
            print(line, file=sys.stderr, flush=True)
        all_values = self._board.snapshot()
        parts = [f"{all_values['seconds']:8.1f} s"]
        for section, names in _PLAIN.items():
            values = all_values.get(section, {})
            shown = [f"{name} {values[name]}" for name in names if name in values]
            if shown:
                parts.append(f"{section}: {', '.join(shown)}")
        self.note("  ".join(parts))

    def end(self, values: dict[str, Any]) -> None:
        self.tick()
        self.note(end_line(values))


class TableDisplay:
    """A table of all counters that renews itself, received pictures above it."""

    def __init__(self, board: CountersBoard):
        from rich.live import Live

        self._board = board
        self._events: list[str] = []
        self._live = Live(self._table(), auto_refresh=False)
        self._live.start()

    def note(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False)

    def picture(self, values: dict[str, Any]) -> None:
        self.note(picture_line(values))

    def tick(self) -> None:
        self._events = (self._events + self._board.take_event_lines())[-_EVENT_ROWS:]
        self._live.update(self._table(), refresh=True)

    def end(self, values: dict[str, Any]) -> None:
        self.tick()
        self._live.stop()
        print(end_line(values), flush=True)

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
                for name, value in sorted(counters.items()):
                    table.add_row(Text(name), Text(str(value)))
                tables.append(table)
        grid.add_row(*tables)
        lines = [Text(line, style="yellow") for line in self._events]
        return Group(Text(f"{values['seconds']:.1f} s"), grid, *lines)


def open_display(board: CountersBoard, json: bool) -> Display:
    """JSON lines when wanted, a table on a terminal, plain lines elsewhere."""
    if json:
        return JsonDisplay(board)
    return TableDisplay(board) if sys.stdout.isatty() else PlainDisplay(board)


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
    counts = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in values.items()
        if name not in ("outcome", "code", "missing") and value is not None
    ]
    text = f"{values['outcome']}: {', '.join(counts)}"
    return text + (f"; {values['missing']}" if values.get("missing") else "")
