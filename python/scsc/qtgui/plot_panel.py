# SPDX-License-Identifier: GPL-3.0-or-later
"""What the views of curves share: a panel with a title, a note, axes, lines and a legend."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PyQt5 import QtCore, QtGui, QtWidgets

from . import style
from .view import newest_widget

_STEPS = [s * 10.0**e for e in range(-9, 10) for s in (1, 2, 5)]


@dataclass(frozen=True, eq=False)
class Curve:
    """Points (x, y) of one line; gaps where y is not finite."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: QtGui.QColor
    width: float = 1.6
    fill: bool = False


@dataclass(frozen=True)
class Axis:
    """Range of an axis and its name."""

    low: float
    high: float
    name: str = ""

    def share(self, value):
        """Where values lie between the ends, 0..1."""
        return (np.asarray(value, float) - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[float]:
        """Round values inside, at most so many and two more."""
        span = self.high - self.low
        step = next((s for s in _STEPS if span / s <= most), span)
        first = math.ceil(self.low / step - 1e-9)
        return [step * n for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


def rounded_axis(values: np.ndarray, step: float, least: float) -> Axis:
    """An axis around finite values, its ends multiples of `step`, at least `least` long."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if values.size else (0.0, least)
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    return Axis(step * math.floor(low / step), step * math.ceil(high / step))


class plot_panel(newest_widget):
    """A panel that a subclass draws curves in, with a title and a note below it.

    Args:
        title: str.
        waiting: str, the note before anything came.
    """

    def __init__(self, title, waiting):
        super().__init__()
        self._title, self._note = title, waiting
        self.setMinimumSize(240, 170)
        policy = QtWidgets.QSizePolicy.Expanding
        self.setSizePolicy(policy, policy)

    def paintEvent(self, event):  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        painter.setPen(style.TEXT)
        painter.setFont(style.font(10, bold=True))
        row = QtCore.QRectF(10, 4, self.width() - 20, 22)
        painter.drawText(row, QtCore.Qt.AlignVCenter, self._title)
        painter.setPen(style.MUTED)
        painter.setFont(style.font(8))
        painter.drawText(row.translated(0, 19), QtCore.Qt.AlignVCenter, self._note)
        self.draw(painter, QtCore.QRectF(self.rect()).adjusted(46, 50, -14, -34))

    def draw(self, painter: QtGui.QPainter, area: QtCore.QRectF) -> None:
        """Draw into the area that is left for curves."""
        raise TypeError(f"{type(self).__name__} draws nothing")


def draw_axes(painter: QtGui.QPainter, area: QtCore.QRectF, x: Axis, y: Axis) -> None:
    """Grid and ticks, and the name of the x axis; what y is says the note of the panel."""
    painter.setFont(style.font(7.5))
    right = QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter
    for value in y.ticks(min(8, max(2, int(area.height() / 24)))):
        at = area.bottom() - float(y.share(value)) * area.height()
        painter.setPen(QtGui.QPen(style.GRID, 1))
        painter.drawLine(QtCore.QPointF(area.left(), at), QtCore.QPointF(area.right(), at))
        painter.setPen(style.MUTED)
        painter.drawText(QtCore.QRectF(area.left() - 44, at - 7, 39, 14), right, f"{value:g}")
    if x.name:
        for value in x.ticks(max(2, int(area.width() / 60))):
            at = area.left() + float(x.share(value)) * area.width()
            painter.setPen(QtGui.QPen(style.GRID, 1))
            painter.drawLine(QtCore.QPointF(at, area.top()), QtCore.QPointF(at, area.bottom()))
            painter.setPen(style.MUTED)
            box = QtCore.QRectF(at - 30, area.bottom() + 2, 60, 13)
            painter.drawText(box, QtCore.Qt.AlignCenter, f"{value:g}")
        box = QtCore.QRectF(area.left(), area.bottom() + 15, area.width(), 14)
        painter.drawText(box, QtCore.Qt.AlignCenter, x.name)


def draw_curves(
    painter: QtGui.QPainter, area: QtCore.QRectF, x: Axis, y: Axis, curves: list[Curve]
) -> None:
    """Lines, clipped to the area."""
    painter.save()
    painter.setClipRect(area)
    for curve in curves:
        across = area.left() + x.share(curve.x) * area.width()
        up = area.bottom() - y.share(curve.y) * area.height()
        for part in _finite_parts(up):
            line = QtGui.QPolygonF([QtCore.QPointF(a, b) for a, b in zip(across[part], up[part])])
            if curve.fill:
                below = QtGui.QPolygonF(line)
                below.append(QtCore.QPointF(across[part][-1], area.bottom()))
                below.append(QtCore.QPointF(across[part][0], area.bottom()))
                shade = QtGui.QColor(curve.colour)
                shade.setAlpha(45)
                painter.setPen(QtCore.Qt.NoPen)
                painter.setBrush(shade)
                painter.drawPolygon(below)
                painter.setBrush(QtCore.Qt.NoBrush)
            painter.setPen(QtGui.QPen(curve.colour, curve.width))
            painter.drawPolyline(line)
    painter.restore()


def draw_legend(painter: QtGui.QPainter, area: QtCore.QRectF, curves: list[Curve]) -> None:
    """Names of the curves from the right, beside the title."""
    painter.setFont(style.font(7.5))
    right = area.right()
    for curve in reversed(curves):
        if not curve.name:
            continue
        width = painter.fontMetrics().horizontalAdvance(curve.name)
        painter.setPen(style.TEXT)
        box = QtCore.QRectF(right - width, 9, width, 13)
        painter.drawText(box, QtCore.Qt.AlignVCenter, curve.name)
        painter.setPen(QtGui.QPen(curve.colour, max(2.0, curve.width)))
        middle = box.center().y()
        left = QtCore.QPointF(box.left() - 18, middle)
        painter.drawLine(left, QtCore.QPointF(box.left() - 5, middle))
        right = box.left() - 28


def _finite_parts(values: np.ndarray) -> list[slice]:
    good = np.concatenate([[False], np.isfinite(values), [False]])
    edges = np.flatnonzero(good[1:] != good[:-1])
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2])]
