# SPDX-License-Identifier: GPL-3.0-or-later
"""The window with everything about the link over the air."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt5 import QtCore, QtWidgets

from .channel_view import channel_panel
from .constellation_view import constellation_panel
from .counter_view import counter_panel
from .picture_panel import picture_panel
from .radio_view import radio_panel
from .segmentation_view import segmentation_panel
from .spectrum_view import spectrum_panel

_MAX_POINTS = 4000
_ANTENNAS = 2


class live_panel(QtWidgets.QWidget):
    """Pictures, constellations, channel, spectrum, history and counters side by side.

    Pictures sent and segmented appear with the first of their kind.

    Args:
        title: str of the window.
    """

    _reveal_later = QtCore.pyqtSignal(object)

    def __init__(self, title):
        super().__init__()
        self.setWindowTitle(title)
        self.received = picture_panel("received picture")
        self.sent, self.overlay = picture_panel("sent picture"), segmentation_panel("segmentation")
        self.before = _points("before CEN, receive antenna")
        self.after = _points("after CEN, transmit antenna")
        self.channel, self.spectrum = channel_panel(), spectrum_panel()
        self.radio, self.counters = radio_panel(), counter_panel()
        for hidden in (self.sent, self.overlay, self.spectrum):
            hidden.hide()
        self._shows = {self.sent: False, self.overlay: False, self.spectrum: False}
        layout = QtWidgets.QGridLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        pictures = _row(self.sent, self.received, self.overlay)
        layout.addLayout(pictures, 0, 0)
        layout.addWidget(self.counters, 0, 1)
        layout.addLayout(_row(*self.before, *self.after), 1, 0)
        layout.addWidget(self.radio, 1, 1, 2, 1)
        layout.addLayout(_row(self.channel, self.spectrum), 2, 0)
        for number, stretch in enumerate((9, 8, 5)):
            layout.setRowStretch(number, stretch)
        layout.setColumnStretch(0, 1)
        self.counters.setFixedWidth(270)
        self.radio.setFixedWidth(270)
        self.resize(1360, 920)
        self._reveal_later.connect(self._reveal, QtCore.Qt.QueuedConnection)

    def offer(self, panel: QtWidgets.QWidget, item: Any) -> None:
        """Give an item to one of the panels from any thread; a hidden one appears."""
        if not self._shows.get(panel, True):
            self._shows[panel] = True
            self._reveal_later.emit(panel)
        panel.offer(item)

    def _reveal(self, panel):
        panel.show()


def show_points(panel: live_panel, plots: list, vectors: np.ndarray, note: str) -> None:
    """Give the rows of vectors [antennas, k] to the plots, evenly thinned out."""
    step = max(1, vectors.shape[1] // _MAX_POINTS)
    for plot, row in zip(plots, vectors):
        points = row[::step]
        points = points[np.isfinite(points)]
        if points.size:
            panel.offer(plot, (points.copy(), note))


def _points(title) -> list[constellation_panel]:
    """A plot for each antenna."""
    return [constellation_panel(f"{title} {n + 1}", side=200) for n in range(_ANTENNAS)]


def _row(*widgets) -> QtWidgets.QHBoxLayout:
    row = QtWidgets.QHBoxLayout()
    row.setSpacing(6)
    for widget in widgets:
        row.addWidget(widget, 1)
    return row
