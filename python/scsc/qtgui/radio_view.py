# SPDX-License-Identifier: GPL-3.0-or-later
"""SNR, error vector and carrier offset of the last frames."""

from __future__ import annotations

from collections import deque

import numpy as np
from PyQt5 import QtCore

from scsc_core.radio import keys

from ..frame_meta import require
from . import style, theme
from .plot_panel import Axis, Curve, draw_axes, draw_curves, plot_panel, rounded_axis
from .view import view

DEFAULT_LENGTH = 200
# name, unit, step of the axis, least range
_ROWS = (("SNR", "dB", 5, 10), ("EVM", "dB", 5, 10), ("CFO", "Hz", 50, 100))


class History:
    """SNR, EVM and CFO of the last frames.

    Args:
        length: int, frames.
    """

    def __init__(self, length: int = DEFAULT_LENGTH):
        self.length = length
        self._values: dict[str, deque[float]] = {name: deque(maxlen=length) for name, *_ in _ROWS}

    def add(self, **values: float) -> None:
        """New values by name; rows that are not named stay as they are."""
        for name, value in values.items():
            self._values[name].append(float(value))

    def arrays(self) -> list[np.ndarray]:
        """float [frames] of each row."""
        return [np.array(series) for series in self._values.values()]


class radio_panel(plot_panel):
    """Shows items: the arrays of a History.

    Args:
        title: str.
        length: int, frames that fit.
    """

    def __init__(self, title="radio", length=DEFAULT_LENGTH):
        super().__init__(title, "waiting for frames")
        self._length = length
        self._series = [np.zeros(0)] * len(_ROWS)
        self.setMinimumHeight(230)

    def show_item(self, item):
        """Draw one item; called in the GUI thread."""
        self._series = item
        self._note = f"last {self._length} frames"
        self.update()

    def draw(self, painter, area):
        """One strip for each row that has values; all of them while none has."""
        rows = [*zip(_ROWS, self._series, theme.line_colours())]
        rows = [row for row in rows if row[1].size] or rows
        area = area.adjusted(0, -2, 0, 22)
        height = area.height() / len(rows)
        x = Axis(0.0, float(self._length - 1))
        for number, ((name, unit, step, least), values, colour) in enumerate(rows):
            top = area.top() + number * height
            strip = QtCore.QRectF(area.left(), top + 12, area.width(), height - 22)
            y = rounded_axis(values, step, least)
            where = np.arange(self._length - len(values), self._length)
            draw_axes(painter, strip, x, y)
            draw_curves(painter, strip, x, y, [Curve(name, where, values, colour, fill=True)])
            known = values[np.isfinite(values)]
            painter.setFont(style.font(8, bold=True))
            painter.setPen(colour)
            heading = QtCore.QRectF(strip.left(), top - 3, strip.width(), 14)
            newest = f"{known[-1]:.1f} {unit}" if known.size else "-"
            painter.drawText(heading, QtCore.Qt.AlignLeft, name)
            painter.drawText(heading, QtCore.Qt.AlignRight, newest)


class radio_view(view):
    """Shows SNR, error vector magnitude and carrier offset over the last frames.

    Message ports:
        heard (in): c32 from burst_receiver, for snr_db and cfo_hz.
        combined (in): c32 from waveform_receiver, for evm_db (the worse antenna's); optional.
        status (out): dict of frames, dropped.

    Args:
        title: str above the plot.
        length: int >= 2, frames in the history.
    Attributes:
        widget: QWidget.
    Raises:
        ValueError: length < 2.
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="radio", length=DEFAULT_LENGTH):
        if length < 2:
            raise ValueError(f"length must be >= 2, got {length}")
        super().__init__(
            "radio_view", radio_panel, (title, length), pdus=(keys.HEARD, keys.COMBINED)
        )
        self._history = History(length)

    def on_heard(self, h, meta):
        """One more frame."""
        add_frame(self._history, meta)
        self.widget.offer(self._history.arrays())

    def on_combined(self, r, meta):
        """The error vector of one more frame with data."""
        self._history.add(EVM=worst_evm_db(meta))
        self.widget.offer(self._history.arrays())


def add_frame(history: History, meta: dict) -> None:
    """Add SNR and CFO of a frame; BadFrame when they are missing."""
    require(meta, (keys.SNR_DB, keys.CFO_HZ))
    history.add(SNR=meta[keys.SNR_DB], CFO=meta[keys.CFO_HZ])


def worst_evm_db(meta: dict) -> float:
    """EVM of the worse antenna; BadFrame when there is none."""
    require(meta, (keys.EVM_DB,))
    values = np.atleast_1d(meta[keys.EVM_DB])
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")
