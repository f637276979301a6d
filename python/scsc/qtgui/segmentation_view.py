# SPDX-License-Identifier: GPL-3.0-or-later
"""The segmented picture with its classes and scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PyQt5 import QtCore, QtGui

from scsc_core.radio import keys

from ..frame_meta import BadFrame, require
from . import style
from .picture_panel import picture_panel
from .readout import known, line
from .view import view

_ROW_HEIGHT = 18
_COLUMN_WIDTH = 196
_SWATCH = 11


class segmentation_panel(picture_panel):
    """Shows items (item of picture_panel, legend): one row for each class with colour, name, share of the pixels and IoU.

    The legend stands right of the picture in one column, or below it in two, whichever leaves more
    room for the picture.

    Args:
        title: str above the picture.
    """

    def __init__(self, title):
        super().__init__(title)
        self.legend: list[tuple[QtGui.QColor, str, float, float]] = []

    def show_item(self, item):
        """Draw one item; called in the GUI thread."""
        picture, self.legend = item
        super().show_item(picture)

    def picture_area(self):
        """Where the picture may be drawn."""
        return self._places()[0]

    def _places(self) -> tuple[QtCore.QRectF, list[QtCore.QRectF]]:
        """Where the picture and the columns of the legend are."""
        area = super().picture_area()
        if not self.legend:
            return area, []
        right, above = self._right_of_legend(area), self._above_legend(area)
        return max(right, above, key=lambda places: self._scale(places[0]))

    def _scale(self, area):
        size = self._image.size() if self._image is not None else QtCore.QSize(4, 3)
        return min(area.width() / size.width(), area.height() / size.height())

    def _right_of_legend(self, area):
        height = _ROW_HEIGHT * (len(self.legend) + 1)
        column = QtCore.QRectF(0, 0, _COLUMN_WIDTH - 12, height)
        column.moveRight(area.right())
        column.moveTop(max(area.top(), area.center().y() - height / 2))
        return area.adjusted(0, 0, -_COLUMN_WIDTH, 0), [column]

    def _above_legend(self, area):
        height = _ROW_HEIGHT * (math.ceil(len(self.legend) / 2) + 1)
        width = min(_COLUMN_WIDTH, area.width() / 2)
        column = QtCore.QRectF(0, area.bottom() - height, width - 12, height)
        columns = [column.translated(area.center().x() + shift, 0) for shift in (-width, 12)]
        return area.adjusted(0, 0, 0, -height - 6), columns

    def paintEvent(self, event):  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        if not self.legend:
            return
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        columns = self._places()[1]
        length = -(-len(self.legend) // len(columns))
        for number, column in enumerate(columns):
            heading = None, "", "share", "IoU"
            entries = [heading, *self.legend[number * length : (number + 1) * length]]
            for row, entry in enumerate(entries):
                top = column.top() + row * _ROW_HEIGHT
                place = QtCore.QRectF(column.left(), top, column.width(), _ROW_HEIGHT)
                _draw_row(painter, place, *entry)


def _draw_row(painter, place, colour, name, share, iou):
    heading = colour is None
    if not heading:
        middle = place.center().y() - _SWATCH / 2
        painter.fillRect(QtCore.QRectF(place.left(), middle, _SWATCH, _SWATCH), colour)
        iou = f"{iou:.2f}" if known(iou) else "-"
    painter.setFont(style.font(7.5 if heading else 8.5))
    painter.setPen(style.MUTED if heading or share == 0 else style.TEXT)
    right = QtCore.Qt.AlignVCenter | QtCore.Qt.AlignRight
    painter.drawText(place.adjusted(18, 0, 0, 0), QtCore.Qt.AlignVCenter, name)
    painter.drawText(place.adjusted(0, 0, -36, 0), right, share if heading else f"{share:.1%}")
    painter.drawText(place, right, iou)


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
        super().__init__("segmentation_view", segmentation_panel, (title,), pdus=(keys.OVERLAY,))

    def on_overlay(self, image, meta):
        """Show a segmented picture."""
        self.widget.offer(overlay_item(image, meta))


def overlay_item(image: np.ndarray, meta: dict[str, Any]) -> tuple[tuple, list[tuple]]:
    """What a segmentation_panel shows of a PDU on port overlay; BadFrame when its keys do not fit."""
    require(meta, (keys.CLASS_NAMES, keys.CLASS_SHARES, keys.PALETTE))
    return (image, caption(meta), not meta.get(keys.DELIVERED, True)), legend(meta)


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
    return line(
        meta,
        (keys.TASK, "{}"),
        (keys.MIOU, "mIoU {:.3f}"),
        (keys.MEAN_MIOU, "mean {:.3f}"),
        (keys.PIXEL_ACCURACY, "accuracy {:.1%}"),
        (keys.time_key("segment"), "{:.0f} ms"),
        (keys.FRAME, "frame {}"),
    )
