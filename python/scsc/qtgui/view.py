# SPDX-License-Identifier: GPL-3.0-or-later
"""What all views share: a widget that shows the newest message, ten times a second at most."""

from __future__ import annotations

from typing import Any

from PyQt5 import QtCore, QtWidgets

from ..message_block import message_block
from . import style

UPDATE_INTERVAL_MS = 100


class newest_widget(QtWidgets.QFrame):
    """A panel whose `show_item` runs in the GUI thread with the newest item of `offer`.

    `offer` may be called from any thread: it only keeps the item and emits a queued signal.
    """

    _arrived = QtCore.pyqtSignal()

    def __init__(self):
        super().__init__()
        self.setObjectName("scsc_view")  # of the style sheet
        self._newest: Any = None
        self._pause = QtCore.QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self._show_newest)
        self._arrived.connect(self._schedule, QtCore.Qt.QueuedConnection)

    def offer(self, item: Any) -> None:
        """Show an item soon, unless a newer one comes first."""
        first = self._newest is None
        self._newest = item
        if first:
            self._arrived.emit()

    def show_item(self, item: Any) -> None:
        """Draw one item; called in the GUI thread."""
        raise TypeError(f"{type(self).__name__} draws nothing")

    def _schedule(self):
        if not self._pause.isActive():
            self._show_newest()

    def _show_newest(self):
        item, self._newest = self._newest, None
        if item is not None:
            self.show_item(item)
            self._pause.start(UPDATE_INTERVAL_MS)


class view(message_block):
    """A message block with a widget; handlers only pass items on to it.

    Attributes:
        widget: QWidget to place in a window.
    """

    def __init__(self, name, widget_class, widget_args=(), **ports):
        style.application()
        super().__init__(name, **ports)
        self.widget = widget_class(*widget_args)
