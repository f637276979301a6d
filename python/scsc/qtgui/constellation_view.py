# SPDX-License-Identifier: GPL-3.0-or-later
"""A live constellation."""

from __future__ import annotations

from functools import cache

import numpy as np
from PyQt5 import QtCore, QtGui, QtWidgets

from scsc_core.radio import keys

from . import style, theme
from .readout import frame_note
from .view import newest_widget, view

_CELLS = 220  # of the density picture, per axis
_LEFT, _BOTTOM, _TOP, _RIGHT = 44, 38, 46, 12


def density(points: np.ndarray, limit: float, cells: int = _CELLS) -> np.ndarray:
    """Grey levels 0..1, float32 [cells, cells], of points in [-limit, limit]^2; row 0 on top."""
    edges = np.linspace(-limit, limit, cells + 1)
    counts, _, _ = np.histogram2d(-points.imag, points.real, (edges, edges))
    padded = np.pad(counts, 1)
    kernel = (0.5, 1.0, 0.5)
    rows = sum(w * padded[i : i + cells] for i, w in enumerate(kernel))
    smooth = sum(w * rows[:, i : i + cells] for i, w in enumerate(kernel))
    peak = np.percentile(smooth[smooth > 0], 99) if smooth.any() else 1.0
    return np.clip(smooth / peak, 0, 1).astype(np.float32) ** 0.6


@cache
def _colour_table(name: str) -> np.ndarray:
    """Colours uint8 [256, 3] of the grey levels in a theme that is in use."""
    if name == "light":
        stops = [(0.0, style.PANEL), (0.45, style.ACCENT), (1.0, style.TEXT)]
    else:
        stops = [(0.0, style.PANEL), (0.25, QtGui.QColor("#1d5b88")), (0.6, style.ACCENT)]
        stops.append((1.0, QtGui.QColor("#ffffff")))
    levels = np.linspace(0, 1, 256)
    where = [stop for stop, _ in stops]
    channels = [[c.red(), c.green(), c.blue()] for _, c in stops]
    return np.stack(
        [np.interp(levels, where, [c[i] for c in channels]) for i in range(3)], axis=1
    ).astype(np.uint8)


class constellation_panel(newest_widget):
    """Shows items (points complex [n], note) as a density, in the colours of the theme.

    Args:
        title: str above the plot.
        side: int, least width and height in pixels.
    """

    def __init__(self, title, side=260):
        super().__init__()
        self._title = title
        self._note = "waiting for symbols"
        self._limit = 2.0
        self._image: QtGui.QImage | None = None
        self._array: np.ndarray | None = None  # QImage does not own its memory
        self.setMinimumSize(side, side)
        policy = QtWidgets.QSizePolicy.Expanding
        self.setSizePolicy(policy, policy)

    def show_item(self, item):
        """Draw one item; called in the GUI thread."""
        points, self._note = item
        wanted = max(1.25 * float(np.percentile(np.abs(points), 98)), 1e-6)
        if not 0.7 * self._limit < wanted < self._limit:
            self._limit = wanted
        levels = (255 * density(points, self._limit)).astype(np.uint8)
        self._array = np.ascontiguousarray(_colour_table(theme.current_theme())[levels])
        self._image = QtGui.QImage(
            self._array.data, _CELLS, _CELLS, 3 * _CELLS, QtGui.QImage.Format_RGB888
        )
        self.update()

    def paintEvent(self, event):  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        painter = QtGui.QPainter(self)
        painter.setRenderHints(QtGui.QPainter.Antialiasing | QtGui.QPainter.SmoothPixmapTransform)
        side = min(self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        area = QtCore.QRectF(_LEFT, _TOP, side, side)
        area.moveCenter(
            QtCore.QPointF(
                (self.width() + _LEFT - _RIGHT) / 2, (self.height() + _TOP - _BOTTOM) / 2
            )
        )
        if self._image is not None:
            painter.drawImage(area, self._image)
        self._draw_axes(painter, area)
        self._draw_text(painter, area)

    def _draw_axes(self, painter, area):
        painter.setFont(style.font(7.5))
        step = next(s for s in _STEPS if self._limit / s <= 3.2)
        for value in np.arange(-3, 4) * step:
            if abs(value) > self._limit:
                continue
            x = area.center().x() + value / self._limit * area.width() / 2
            y = area.center().y() - value / self._limit * area.height() / 2
            colour = QtGui.QColor(style.MUTED if value == 0 else style.GRID)
            colour.setAlpha(110)
            painter.setPen(QtGui.QPen(colour, 1))
            painter.drawLine(QtCore.QPointF(x, area.top()), QtCore.QPointF(x, area.bottom()))
            painter.drawLine(QtCore.QPointF(area.left(), y), QtCore.QPointF(area.right(), y))
            painter.setPen(style.MUTED)
            label = f"{value:g}"
            below = QtCore.QRectF(x - 25, area.bottom() + 2, 50, 14)
            beside = QtCore.QRectF(area.left() - 42, y - 7, 38, 14)
            painter.drawText(below, QtCore.Qt.AlignCenter, label)
            painter.drawText(beside, QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter, label)
        painter.setPen(QtGui.QPen(style.GRID, 1))
        painter.drawRect(area)

    def _draw_text(self, painter, area):
        painter.setPen(style.TEXT)
        painter.setFont(style.font(10, bold=True))
        painter.drawText(
            QtCore.QRectF(10, 4, self.width() - 20, 22), QtCore.Qt.AlignVCenter, self._title
        )
        painter.setPen(style.MUTED)
        painter.setFont(style.font(8))
        painter.drawText(
            QtCore.QRectF(10, 24, self.width() - 20, 18), QtCore.Qt.AlignVCenter, self._note
        )
        bottom = QtCore.QRectF(area.left(), area.bottom() + 16, area.width(), 16)
        painter.drawText(bottom, QtCore.Qt.AlignCenter, "in-phase, unit rms")
        painter.save()
        painter.translate(area.left() - 36, area.center().y())
        painter.rotate(-90)
        painter.drawText(QtCore.QRectF(-80, -8, 160, 16), QtCore.Qt.AlignCenter, "quadrature")
        painter.restore()


_STEPS = [s * 10.0**e for e in range(-6, 7) for s in (1, 2, 5)]


class constellation_view(view):
    """Shows the points of one antenna or stream during the first fading block of the newest frame.

    In front of the combiner (port received) the points of both streams lie on top of each other as
    the channel mixed them; behind it (port combined) the rows of the transmit table reappear.
    Brightness is the number of points.

    Message ports:
        received (in): c32 [n_rx, k].
        combined (in): c32 [n_tx, k], from the detector.
        symbols (in): c32 [n_tx, k], as sent.
        status (out): dict of frames, dropped.

    Args:
        title: str above the plot.
        antenna: int >= 0, row to show.
        max_points: int >= 1, points of a frame that are drawn.
    Attributes:
        widget: QWidget.
    Raises:
        ValueError: a number out of range.
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="constellation", antenna=0, max_points=4000):
        if antenna < 0:
            raise ValueError(f"antenna must be >= 0, got {antenna}")
        if max_points < 1:
            raise ValueError(f"max_points must be >= 1, got {max_points}")
        ports = (keys.RECEIVED, keys.COMBINED, keys.SYMBOLS)
        super().__init__(
            "constellation_view", constellation_panel, (title,), pdus=ports, main=ports
        )
        self._antenna = antenna
        self._max_points = max_points

    def on_received(self, y, meta):
        """Show received vectors."""
        self._show(y, meta)

    def on_combined(self, r, meta):
        """Show combined vectors."""
        self._show(r, meta)

    def on_symbols(self, z, meta):
        """Show transmit vectors."""
        self._show(z, meta)

    def _show(self, vectors, meta):
        if self._antenna >= len(vectors):
            self.warn(f"antenna {self._antenna} of {len(vectors)} cannot be shown")
            return
        uses = meta.get(keys.BLOCK_USES)
        first = vectors.shape[1] if uses is None else int(uses[0])
        points = vectors[self._antenna, : min(first, self._max_points)]
        note = f"antenna {self._antenna + 1}   {frame_note(meta)}"
        self.widget.offer((points.copy(), note.rstrip()))
