# SPDX-License-Identifier: GPL-3.0-or-later
"""A panel with a title, one picture and a caption, which the views of pictures share."""

from __future__ import annotations

import numpy as np
from PyQt5 import QtCore, QtGui, QtWidgets

from . import style
from .view import newest_widget

_CAPTION_HEIGHT = 44
_TITLE_HEIGHT = 28


class picture_panel(newest_widget):
    """Shows items (picture uint8 [H, W, 3], caption, lost): scaled, framed red when lost.

    Args:
        title: str above the picture.
    """

    def __init__(self, title):
        super().__init__()
        self._title = title
        self._image: QtGui.QImage | None = None
        self._array: np.ndarray | None = None  # QImage does not own its memory
        self._lost = False
        self._caption = "waiting for a picture"
        self.setMinimumSize(260, 260)
        policy = QtWidgets.QSizePolicy.Expanding
        self.setSizePolicy(policy, policy)

    def show_item(self, item):
        """Draw one item; called in the GUI thread."""
        array, self._caption, self._lost = item
        self._array = np.ascontiguousarray(array)
        height, width, _ = array.shape
        self._image = QtGui.QImage(
            self._array.data, width, height, 3 * width, QtGui.QImage.Format_RGB888
        )
        self.update()

    def picture_area(self) -> QtCore.QRectF:
        """Where the picture may be drawn."""
        return QtCore.QRectF(self.rect()).adjusted(10, _TITLE_HEIGHT, -10, -_CAPTION_HEIGHT)

    def paintEvent(self, event):  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        painter = QtGui.QPainter(self)
        painter.setRenderHints(QtGui.QPainter.Antialiasing | QtGui.QPainter.SmoothPixmapTransform)
        painter.setFont(style.font(10, bold=True))
        painter.setPen(style.TEXT)
        title = QtCore.QRectF(10, 0, self.width() - 20, _TITLE_HEIGHT)
        painter.drawText(title, QtCore.Qt.AlignVCenter | QtCore.Qt.AlignLeft, self._title)
        if self._image is not None:
            self._draw_image(painter, self.picture_area())
        painter.setFont(style.font(8.5))
        painter.setPen(style.BAD if self._lost else style.MUTED)
        box = QtCore.QRectF(10, self.height() - _CAPTION_HEIGHT, self.width() - 20, _CAPTION_HEIGHT)
        flags = QtCore.Qt.AlignVCenter | QtCore.Qt.AlignLeft | QtCore.Qt.TextWordWrap
        painter.drawText(box, int(flags), self._caption)

    def _draw_image(self, painter, area):
        size = QtCore.QSizeF(self._image.size())
        size.scale(area.size(), QtCore.Qt.KeepAspectRatio)
        target = QtCore.QRectF(QtCore.QPointF(0, 0), size)
        target.moveCenter(area.center())
        painter.drawImage(target, self._image)
        painter.setPen(QtGui.QPen(style.BAD if self._lost else style.GRID, 3 if self._lost else 1))
        painter.drawRect(target)
        if self._lost:
            painter.setFont(style.font(16, bold=True))
            painter.drawText(target, QtCore.Qt.AlignCenter, "LOST")
