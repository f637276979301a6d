# SPDX-License-Identifier: GPL-3.0-or-later
"""A live picture with what is known about it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PyQt5 import QtCore, QtGui, QtWidgets

from scsc_core.radio import keys

from . import style
from .view import newest_widget, view

_CAPTION_HEIGHT = 44
_TITLE_HEIGHT = 28


class _image_widget(newest_widget):
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
        array, self._caption, self._lost = item
        self._array = np.ascontiguousarray(array)
        height, width, _ = array.shape
        self._image = QtGui.QImage(
            self._array.data, width, height, 3 * width, QtGui.QImage.Format_RGB888
        )
        self.update()

    def paintEvent(self, event):  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        painter = QtGui.QPainter(self)
        painter.setRenderHints(QtGui.QPainter.Antialiasing | QtGui.QPainter.SmoothPixmapTransform)
        area = QtCore.QRectF(self.rect()).adjusted(10, _TITLE_HEIGHT, -10, -_CAPTION_HEIGHT)
        painter.setFont(style.font(10, bold=True))
        painter.setPen(style.TEXT)
        title = QtCore.QRectF(10, 0, self.width() - 20, _TITLE_HEIGHT)
        painter.drawText(title, QtCore.Qt.AlignVCenter | QtCore.Qt.AlignLeft, self._title)
        if self._image is not None:
            self._draw_image(painter, area)
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


class image_view(view):
    """Shows the newest picture, sent or received, with its numbers below.

    Message ports:
        image (in): u8 [height, width, 3], a picture that is sent.
        result (in): u8 [height, width, 3], a received one; a lost one gets a red frame.
        metrics (in): dict from link_metrics, for PSNR and MS-SSIM; optional.
        status (out): dict of frames, dropped.

    Args:
        title: str above the picture.
    Attributes:
        widget: QWidget.
    Raises:
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="received"):
        super().__init__(
            "image_view",
            _image_widget,
            (title,),
            pdus=(keys.RESULT, keys.IMAGE),
            dicts=(keys.METRICS,),
            main=(keys.RESULT, keys.IMAGE),
        )
        self._picture: tuple[np.ndarray, dict[str, Any]] | None = None

    def on_image(self, image, meta):
        """Show a sent picture."""
        height, width, _ = image.shape
        text = f"{meta.get(keys.NAME, 'picture')}   {width} x {height}   frame {_frame(meta)}"
        self.widget.offer((image, text, False))

    def on_result(self, image, meta):
        """Show a received picture."""
        self._picture = image, meta
        self.widget.offer((image, caption(meta), not meta.get(keys.DELIVERED, True)))

    def on_metrics(self, metrics):
        """Add PSNR and MS-SSIM to the picture they belong to."""
        if self._picture is None:
            return
        image, meta = self._picture
        if meta.get(keys.FRAME) == metrics.get(keys.FRAME):
            lost = not meta.get(keys.DELIVERED, True)
            self.widget.offer((image, caption({**meta, **metrics}), lost))


def caption(meta: dict[str, Any]) -> str:
    """Two lines of numbers below a received picture."""
    parts = ["delivered" if meta.get(keys.DELIVERED, True) else "not delivered"]
    for key, form in (
        (keys.PSNR_DB, "PSNR {:.1f} dB"),
        (keys.MS_SSIM, "MS-SSIM {:.3f}"),
        (keys.SNR_DB, "SNR {:.1f} dB"),
        (keys.CBR_K, "R_k {:.4f}"),
        (keys.N_BYTES, "{} bytes"),
        (keys.FRAME, "frame {}"),
    ):
        value = meta.get(key)
        if value is not None and not (isinstance(value, float) and math.isnan(value)):
            parts.append(form.format(value))
    return "   ".join(parts)


def _frame(meta: dict[str, Any]) -> Any:
    return meta.get(keys.FRAME, "-")
