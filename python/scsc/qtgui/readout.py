# SPDX-License-Identifier: GPL-3.0-or-later
"""How views show numbers: those that are known, in a line or in a table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PyQt5 import QtCore, QtGui, QtWidgets

from scsc_core.radio import keys

from . import style
from .view import newest_widget


@dataclass(frozen=True)
class Row:
    """One number of a table: its label, key and format, and whether more than zero is bad news."""

    label: str
    key: str
    form: str = "{:d}"
    bad: bool = False


def known(value: Any) -> bool:
    """Whether there is a value: neither missing nor nan."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def line(values: dict[str, Any], *parts: tuple[str, str]) -> str:
    """The values that are known in one line, by (key, format)."""
    return "   ".join(form.format(values[key]) for key, form in parts if known(values.get(key)))


def frame_note(meta: dict[str, Any]) -> str:
    """How a frame was sent, and its SNR."""
    return line(
        meta, (keys.MODULATION, "{}"), (keys.PRECODER, "{}"), (keys.SNR_DB, "SNR {:.1f} dB")
    )


class table_panel(newest_widget):
    """Shows items: dict of values by key, those of `rows` below each other; unknown ones as "-".

    Args:
        title: str.
        rows: Row objects.
        spacing: int, pixels between two rows.
        known_only: bool, leave a row out until its value is known.
    """

    def __init__(self, title: str, rows: Iterable[Row], spacing: int = 1, known_only: bool = False):
        super().__init__()
        self.below = QtWidgets.QVBoxLayout(self)  # for what a subclass adds
        self.below.setContentsMargins(10, 6, 10, 8)
        heading = QtWidgets.QLabel(title)
        heading.setFont(style.font(10, bold=True))
        self.below.addWidget(heading)
        grid = QtWidgets.QGridLayout()
        grid.setVerticalSpacing(spacing)
        self._values: dict[str, tuple[Row, QtWidgets.QLabel, QtWidgets.QLabel]] = {}
        for number, row in enumerate(rows):
            label, value = QtWidgets.QLabel(row.label), QtWidgets.QLabel("-")
            label.setFont(style.font(8.5))
            label.setForegroundRole(QtGui.QPalette.PlaceholderText)
            value.setFont(style.font(8.5, bold=True))
            value.setAlignment(QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter)
            grid.addWidget(label, number, 0)
            grid.addWidget(value, number, 1)
            self._values[row.key] = row, label, value
            label.setVisible(not known_only)
            value.setVisible(not known_only)
        self.below.addLayout(grid)

    def show_item(self, item):
        """Draw one item; called in the GUI thread."""
        for key, (row, label, text) in self._values.items():
            value = item.get(key)
            text.setText(row.form.format(value) if known(value) else "-")
            alarm = row.bad and known(value) and value > 0
            text.setStyleSheet(f"color: {style.BAD.name()}" if alarm else "")
            if known(value) and text.isHidden():
                label.show()
                text.show()

    def text_of(self, key: str) -> str:
        """What is shown for one key."""
        return self._values[key][-1].text()
