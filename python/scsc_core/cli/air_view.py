# SPDX-License-Identifier: GPL-3.0-or-later
"""The Qt live view of a program over the air: frames, pictures and counters, drawn by the main thread."""

from __future__ import annotations

import importlib
import os
import threading
from typing import Any

import numpy as np

from ..radio.counters_board import CountersBoard

THEMES = ("dark", "light")  # of gnuradio.scsc.qtgui.theme, the first by default
_MODULE = "gnuradio.scsc.qtgui.live_view"
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")  # Qt aborts where none is set
_FRAME_S = 0.03  # between two turns of the window


class ProgramView:
    """Joins a running link with the live view.

    Args:
        title: str of the window.
        numerology: as of the frames.
        rate_hz: sample rate, for the spectrum.
        board: CountersBoard.
        theme: one of `THEMES`.
    Raises:
        ValueError: an unknown theme; the live view cannot be loaded, as without PyQt5; there is no display.
    """

    def __init__(
        self,
        title: str,
        numerology: str,
        rate_hz: float,
        board: CountersBoard,
        theme: str = THEMES[0],
    ):
        if theme not in THEMES:
            raise ValueError(f"theme must be one of {', '.join(THEMES)}, got {theme!r}")
        try:
            module = importlib.import_module(_MODULE)
        except ImportError as error:
            raise ValueError(
                f"the live view cannot be loaded: {error}; leave out --gui, or use --http PORT"
            ) from None
        if not any(os.environ.get(name) for name in _DISPLAYS):
            raise ValueError(
                "no display: neither DISPLAY nor WAYLAND_DISPLAY is set; leave out --gui, or use "
                "--http PORT"
            )
        self._open = lambda: module.open_live_view(title, theme, numerology)
        self._rate_hz, self._board, self._sent = rate_hz, board, 0
        self._live: Any = None

    def on_frame(self, frame: Any, tables: np.ndarray | None, samples: np.ndarray) -> None:
        """Show a ReceivedFrame, the tables it was detected with, and samples around its end."""
        if self._live is not None:
            self._live.update(
                frame=frame, tables=tables, samples=samples, sample_rate_hz=self._rate_hz
            )

    def on_picture(self, picture: Any) -> None:
        """Show a ReceivedPicture."""
        if self._live is not None:
            self._live.update(picture=picture)

    def run(self, stop: threading.Event) -> None:
        """Draw until `stop` is set or the window is closed; main thread only."""
        self._live = live = self._open()
        while not stop.wait(_FRAME_S) and not live.closed:
            live.update(counters=self._counters(), sent=self._new_sent())
        live.close()

    def _counters(self) -> dict[str, Any]:
        values = self._board.snapshot()
        return {**values.get("tx", {}), **values.get("rx", {}), **values["events"]}

    def _new_sent(self) -> np.ndarray | None:
        """The picture sent last, once."""
        shown = self._board.picture("sent")
        if shown is None or shown.number == self._sent:
            return None
        self._sent = shown.number
        return shown.image
