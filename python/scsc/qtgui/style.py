# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours and fonts of all views, and the dark palette of the windows they sit in."""

from __future__ import annotations

from PyQt5 import QtGui, QtWidgets

BACKGROUND = QtGui.QColor("#14181f")
PANEL = QtGui.QColor("#1c222b")
GRID = QtGui.QColor("#323b48")
TEXT = QtGui.QColor("#d7dde6")
MUTED = QtGui.QColor("#8a95a5")
ACCENT = QtGui.QColor("#4cc2ff")
GOOD = QtGui.QColor("#5fd38d")
BAD = QtGui.QColor("#ff6b5e")


def font(points: float, bold: bool = False) -> QtGui.QFont:
    """The view font in a size."""
    result = QtGui.QFont("DejaVu Sans")
    result.setPointSizeF(points)
    result.setBold(bold)
    return result


def application() -> QtWidgets.QApplication:
    """The running QApplication with the dark palette.

    Raises:
        RuntimeError: there is none; views need one before they are made.
    """
    app = QtWidgets.QApplication.instance()
    if app is None:
        raise RuntimeError("make a QApplication before a view (Companion: generate a QT GUI)")
    if app.property("scsc_dark") is None:
        app.setProperty("scsc_dark", True)
        app.setStyle("Fusion")
        app.setPalette(_palette())
        app.setStyleSheet(app.styleSheet() + _SHEET)
    return app


def _palette() -> QtGui.QPalette:
    palette = QtGui.QPalette()
    role = QtGui.QPalette
    for name, colour in (
        (role.Window, BACKGROUND),
        (role.Base, PANEL),
        (role.AlternateBase, BACKGROUND),
        (role.Button, PANEL),
        (role.ToolTipBase, PANEL),
        (role.WindowText, TEXT),
        (role.Text, TEXT),
        (role.ButtonText, TEXT),
        (role.ToolTipText, TEXT),
        (role.Highlight, ACCENT),
        (role.HighlightedText, BACKGROUND),
    ):
        palette.setColor(name, colour)
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(role.Disabled, name, MUTED)
    return palette


_SHEET = """
QToolTip { color: #d7dde6; background: #1c222b; border: 1px solid #323b48; }
QSlider::groove:horizontal { height: 4px; background: #323b48; border-radius: 2px; }
QSlider::sub-page:horizontal { background: #4cc2ff; border-radius: 2px; }
QSlider::handle:horizontal { background: #d7dde6; width: 12px; margin: -5px 0; border-radius: 6px; }
"""
