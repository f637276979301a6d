# SPDX-License-Identifier: GPL-3.0-or-later
"""The segmented picture with its classes and scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PyQt5 import QtCore, QtGui

from scsc_core.radio import keys

from ..message_block import BadFrame, require
from . import style
from .picture_panel import picture_panel
from .view import view

_LEGEND_ROW = 18
_LEGEND_WIDTH = 196
_SWATCH = 11


class _segmentation_widget(picture_panel):
    """Picture on the left, one legend row for each class on the right: colour, name, share, IoU."""

    def __init__(self, title):
        super().__init__(title)
        self.legend: list[tuple[QtGui.QColor, str, float, float]] = []
        self.setMinimumSize(420, 240)

    def show_item(self, item):
        picture, self.legend = item
        super().show_item(picture)

    def picture_area(self):
        return super().picture_area().adjusted(0, 0, -_LEGEND_WIDTH, 0)

    def paintEvent(self, event):  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        if not self.legend:
            return
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        area = super().picture_area()
        left = area.right() - _LEGEND_WIDTH + 12
        height = _LEGEND_ROW * (len(self.legend) + 1)
        top = max(area.top(), area.center().y() - height / 2)
        columns = [left + 18, left + 18 + 86, area.right() - 40]
        painter.setFont(style.font(7.5))
        painter.setPen(style.MUTED)
        for x, width, text in ((columns[1] - 4, 46, "share"), (columns[2] - 4, 44, "IoU")):
            heading = QtCore.QRectF(x, top, width, _LEGEND_ROW)
            painter.drawText(heading, QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter, text)
        for row, entry in enumerate(self.legend, 1):
            self._draw_row(painter, left, columns, top + row * _LEGEND_ROW, entry)

    def _draw_row(self, painter, left, columns, top, entry):
        colour, name, share, iou = entry
        middle = top + (_LEGEND_ROW - _SWATCH) / 2
        painter.fillRect(QtCore.QRectF(left, middle, _SWATCH, _SWATCH), colour)
        painter.setFont(style.font(8.5))
        painter.setPen(style.TEXT if share > 0 else style.MUTED)
        flags = QtCore.Qt.AlignVCenter | QtCore.Qt.AlignLeft
        painter.drawText(QtCore.QRectF(columns[0], top, 84, _LEGEND_ROW), flags, name)
        flags = QtCore.Qt.AlignVCenter | QtCore.Qt.AlignRight
        painter.drawText(QtCore.QRectF(columns[1], top, 42, _LEGEND_ROW), flags, f"{share:.1%}")
        text = "-" if math.isnan(iou) else f"{iou:.2f}"
        painter.drawText(QtCore.QRectF(columns[2], top, 40, _LEGEND_ROW), flags, text)


class segmentation_view(view):
    """Shows the newest segmented picture with a legend of its classes, their shares and IoU.

    Message ports:
        overlay (in): u8 [height, width, 3] from a segmenter; a lost picture gets a red frame.
        status (out): dict of frames, dropped.

    Args:
        title: str above the picture.
    Attributes:
        widget: QWidget.
    Raises:
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="segmentation"):
        super().__init__("segmentation_view", _segmentation_widget, (title,), pdus=(keys.OVERLAY,))

    def on_overlay(self, image, meta):
        """Show a segmented picture."""
        require(meta, (keys.CLASS_NAMES, keys.CLASS_SHARES, keys.PALETTE))
        picture = image, caption(meta), not meta.get(keys.DELIVERED, True)
        self.widget.offer((picture, legend(meta)))


def legend(meta: dict[str, Any]) -> list[tuple[QtGui.QColor, str, float, float]]:
    """Rows (colour, name, share of the pixels, IoU or nan) of the classes of an overlay.

    Raises:
        BadFrame: names, colours, shares and IoU are not equally many.
    """
    names = str(meta[keys.CLASS_NAMES]).split(",")
    palette, shares = np.atleast_1d(meta[keys.PALETTE]), np.atleast_1d(meta[keys.CLASS_SHARES])
    colours = np.resize(palette, (len(palette) // 3, 3))
    iou = np.atleast_1d(meta.get(keys.CLASS_IOU, np.full(len(names), np.nan)))
    if not len(names) == len(colours) == len(shares) == len(iou):
        raise BadFrame(f"{len(names)} class names with {len(colours)} colours")
    return [
        (QtGui.QColor(*map(int, colour)), name, float(share), float(value))
        for colour, name, share, value in zip(colours, names, shares, iou)
    ]


def caption(meta: dict[str, Any]) -> str:
    """A line of numbers below a segmented picture."""
    parts = [str(meta.get(keys.TASK, ""))]
    for key, form in (
        (keys.MIOU, "mIoU {:.3f}"),
        (keys.MEAN_MIOU, "mean {:.3f}"),
        (keys.PIXEL_ACCURACY, "accuracy {:.1%}"),
        (keys.time_key("segment"), "{:.0f} ms"),
        (keys.FRAME, "frame {}"),
    ):
        value = meta.get(key)
        if value is not None and not (isinstance(value, float) and math.isnan(value)):
            parts.append(form.format(value))
    return "   ".join(filter(None, parts))
