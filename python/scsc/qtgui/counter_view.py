# SPDX-License-Identifier: GPL-3.0-or-later
"""Live counters of both ends of the link over the air."""

from __future__ import annotations

import math
from typing import Any

from PyQt5 import QtCore, QtWidgets

from scsc_core.radio import keys

from . import style
from .view import newest_widget, view

# label, counter, format, whether more than zero is bad news
_ROWS = (
    ("pictures delivered", "pictures_delivered", "{:d}", False),
    ("pictures damaged", "pictures_damaged", "{:d}", True),
    ("pictures lost", "pictures_lost", "{:d}", True),
    ("data frames heard", "frames_data", "{:d}", False),
    ("frames lost", "frames_lost", "{:d}", True),
    ("blocks decoded", "blocks_ok", "{:d}", False),
    ("block errors", "block_errors", "{:d}", True),
    ("block error rate", "block_error_rate", "{:.2%}", True),
    ("headers refused", "headers_refused", "{:d}", True),
    ("frames cut by a gap", "truncated", "{:d}", True),
    ("sounding frames", "frames_sounding", "{:d}", False),
    ("channel reports sent", "csi_sent", "{:d}", False),
    ("reports not known", "csi_unknown", "{:d}", True),
    ("tables that differ", "table_mismatch", "{:d}", True),
    ("channel knowledge", "csi_state", "{}", False),
    ("age of the report", "csi_age_ms", "{:.1f} ms", False),
    ("frames sent again", "harq_retransmissions", "{:d}", False),
    ("samples lost (overflow)", "overflow", "{:d}", True),
)
# Counters of the receiver, which leaves out those that are still zero.
_RECEIVER = ("pictures_delivered", "pictures_damaged", "pictures_lost", "frames_lost")
_RECEIVER += ("blocks_ok", "block_errors", "truncated", "csi_unknown", "table_mismatch")
_PREFIX = "ofdm_"  # of the receiver's counters where one object has them all


class counter_panel(newest_widget):
    """Shows items: dict of counters by name; what is not in it shows as "-".

    Args:
        title: str.
    """

    def __init__(self, title="counters"):
        super().__init__()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        heading = QtWidgets.QLabel(title)
        heading.setFont(style.font(10, bold=True))
        layout.addWidget(heading)
        grid = QtWidgets.QGridLayout()
        grid.setVerticalSpacing(1)
        self._labels = {}
        for row, (label, name, _, _) in enumerate(_ROWS):
            text, value = QtWidgets.QLabel(label), QtWidgets.QLabel("-")
            text.setFont(style.font(8))
            text.setStyleSheet(f"color: {style.MUTED.name()}")
            value.setFont(style.font(8.5, bold=True))
            value.setAlignment(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)
            grid.addWidget(text, row, 0)
            grid.addWidget(value, row, 1)
            self._labels[name] = value
        layout.addLayout(grid)
        layout.addStretch()
        self.setMinimumWidth(230)

    def show_item(self, item):
        """Draw one item; called in the GUI thread."""
        for _, name, form, bad in _ROWS:
            value = item.get(name)
            known = value is not None and not (isinstance(value, float) and math.isnan(value))
            self._labels[name].setText(form.format(value) if known else "-")
            colour = style.BAD if bad and known and value > 0 else style.TEXT
            self._labels[name].setStyleSheet(f"color: {colour.name()}")

    def text_of(self, name: str) -> str:
        """What is shown for one counter."""
        return self._labels[name].text()


class Totals:
    """Newest counters of several blocks, and what follows from them."""

    def __init__(self):
        self._values: dict[str, Any] = {}

    def update(self, counters: dict[str, Any]) -> dict[str, Any]:
        """Take the counters of one block; all that is known then."""
        self._values.update({key.removeprefix(_PREFIX): v for key, v in counters.items()})
        known = dict(self._values)
        if "frames_data" in known:
            known = dict.fromkeys(_RECEIVER, 0) | known
        errors, right = known.get("block_errors", 0), known.get("blocks_ok", 0)
        if errors + right:
            known["block_error_rate"] = errors / (errors + right)
        known["headers_refused"] = sum(known.get(name, 0) for name in _REFUSED)
        return known


_REFUSED = ("header_crc", "header_fields", "nsym")


class counter_view(view):
    """Shows what was delivered, lost and repeated, and how old the channel knowledge is.

    Message ports:
        status (in): dicts of burst_receiver, waveform_receiver, waveform_transmitter and front ends.
        status (out): dict of frames, dropped.

    Args:
        title: str above the numbers.
    Attributes:
        widget: QWidget.
    Raises:
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="counters"):
        super().__init__("counter_view", counter_panel, (title,), dicts=(keys.STATUS,))
        self._totals = Totals()

    def on_status(self, status):
        """Newest counters of one block."""
        self.widget.offer(self._totals.update(status))
