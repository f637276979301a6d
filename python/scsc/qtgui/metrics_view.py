# SPDX-License-Identifier: GPL-3.0-or-later
"""Live counters, the history of PSNR and the time by stage."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from PyQt5 import QtCore, QtGui, QtWidgets

from scsc_core.radio import keys

from . import style
from .readout import Row, table_panel
from .view import view

_ROWS = (
    Row("pictures", keys.COMPARED, "{:d}"),
    Row("delivered", keys.DELIVERED_SHARE, "{:.1%}"),
    Row("mean PSNR", keys.MEAN_PSNR_DB, "{:.1f} dB"),
    Row("MS-SSIM", keys.MS_SSIM, "{:.3f}"),
    Row("R_k = k / n", keys.CBR_K, "{:.4f}"),
    Row("R_L = L / n", keys.CBR_L, "{:.4f}"),
    Row("bit errors before decoding", keys.CODED_BIT_ERROR_RATE, "{:.2%}"),
    Row("code block errors", keys.BLOCK_ERRORS, "{:d}"),
    Row("SNR", keys.SNR_DB, "{:.1f} dB"),
    Row("quality (QP)", keys.QP, "{:g}"),
    Row("PPEN", keys.PPEN, "{}"),
    Row("precoder", keys.PRECODER, "{}"),
    Row("detector", keys.DETECTOR, "{}"),
)
_STAGES = ("ppen", "compress", "encode", "precode", "channel", "detect", "decode", "reconstruct")


class _history(QtWidgets.QWidget):
    """PSNR over the last pictures; a lost one is a red mark on the floor."""

    def __init__(self, length):
        super().__init__()
        self.values: deque[tuple[float, bool]] = deque(maxlen=length)
        self.setMinimumHeight(110)

    def paintEvent(self, event):  # noqa: N802 (Qt's name)
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        area = QtCore.QRectF(self.rect()).adjusted(34, 18, -6, -18)
        painter.setFont(style.font(7.5))
        painter.setPen(style.MUTED)
        painter.drawText(QtCore.QRectF(0, 0, self.width(), 16), 0, "PSNR, dB")
        bottom = QtCore.QRectF(area.left(), area.bottom() + 3, area.width(), 14)
        painter.drawText(bottom, QtCore.Qt.AlignRight, f"last {self.values.maxlen} pictures")
        good = [value for value, delivered in self.values if delivered]
        low = 5 * math.floor((min(good, default=20) - 2) / 5)
        high = max(5 * math.ceil((max(good, default=40) + 2) / 5), low + 10)
        for value in (low, (low + high) / 2, high):
            y = area.bottom() - (value - low) / (high - low) * area.height()
            painter.setPen(QtGui.QPen(style.GRID, 1))
            painter.drawLine(QtCore.QPointF(area.left(), y), QtCore.QPointF(area.right(), y))
            painter.setPen(style.MUTED)
            label = QtCore.QRectF(0, y - 7, 28, 14)
            painter.drawText(label, QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter, f"{value:g}")
        step = area.width() / self.values.maxlen
        for index, (value, delivered) in enumerate(self.values):
            x = area.left() + (index + 0.5) * step
            share = (value - low) / (high - low) if delivered else 0.06
            y = area.bottom() - min(max(share, 0.0), 1.0) * area.height()
            painter.setPen(QtGui.QPen(style.GOOD if delivered else style.BAD, max(2, 0.6 * step)))
            painter.drawLine(QtCore.QPointF(x, area.bottom()), QtCore.QPointF(x, y))


class _stage_bars(QtWidgets.QWidget):
    """What each stage of the link spent on the last picture."""

    def __init__(self):
        super().__init__()
        self.times = dict.fromkeys(_STAGES, 0.0)
        self.setMinimumHeight(18 * len(_STAGES) + 20)

    def paintEvent(self, event):  # noqa: N802 (Qt's name)
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        painter.setFont(style.font(7.5))
        painter.setPen(style.MUTED)
        painter.drawText(QtCore.QRectF(0, 0, self.width(), 16), 0, "time by stage, ms")
        row = (self.height() - 20) / len(_STAGES)
        left, right = 76, 48
        longest = max(*self.times.values(), 1e-9)
        for index, (name, time_ms) in enumerate(self.times.items()):
            top = 18 + index * row
            painter.setPen(style.MUTED)
            label = QtCore.QRectF(0, top, left - 8, row)
            painter.drawText(label, QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter, name)
            width = max(1.0, (self.width() - left - right) * time_ms / longest)
            bar = QtCore.QRectF(left, top + 0.2 * row, width, 0.6 * row)
            painter.fillRect(bar, style.ACCENT)
            painter.setPen(style.TEXT)
            value = QtCore.QRectF(bar.right() + 6, top, right, row)
            painter.drawText(value, QtCore.Qt.AlignVCenter, f"{time_ms:.1f}")


class _metrics_widget(table_panel):
    def __init__(self, title, length):
        super().__init__(title, _ROWS, spacing=3)
        self._history = _history(length)
        self._stages = _stage_bars()
        self.below.addSpacing(8)
        self.below.addWidget(self._history, 3)
        self.below.addWidget(self._stages, 2)
        self.setMinimumSize(260, 480)

    def show_item(self, item):
        values, history = item
        super().show_item(values)
        self._stages.times = {name: values.get(keys.time_key(name), 0.0) for name in _STAGES}
        self._stages.update()
        self._history.values.clear()
        self._history.values.extend(history)
        self._history.update()


class metrics_view(view):
    """Shows the counters of link_metrics, the PSNR of the last pictures and the time by stage.

    Message ports:
        metrics (in): dict per picture from link_metrics.
        status (in): dict from link_metrics, at most five a second.
        status (out): dict of frames, dropped.

    Args:
        title: str above the numbers.
        length: int >= 2, pictures in the history.
    Attributes:
        widget: QWidget.
    Raises:
        ValueError: length < 2.
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="link", length=60):
        if length < 2:
            raise ValueError(f"length must be >= 2, got {length}")
        super().__init__(
            "metrics_view",
            _metrics_widget,
            (title, length),
            dicts=(keys.METRICS, keys.STATUS),
            main=(keys.METRICS,),
        )
        self._values: dict[str, Any] = {}
        self._history: deque[tuple[float, bool]] = deque(maxlen=length)

    def on_metrics(self, metrics):
        """One more picture."""
        self.counters["frames"] += 1
        psnr = metrics.get(keys.PSNR_DB, float("nan"))
        delivered = bool(metrics.get(keys.DELIVERED))
        self._history.append((min(psnr, 60.0) if math.isfinite(psnr) else 0.0, delivered))
        self._values.update({k: v for k, v in metrics.items() if k not in (keys.BLOCK_ERRORS,)})
        self._show()

    def on_status(self, status):
        """Totals."""
        self._values.update(status)
        self._show()

    def _show(self):
        self.widget.offer((dict(self._values), list(self._history)))
