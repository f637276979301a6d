# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours and fonts of all views, and of the windows they sit in."""

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
    """The running QApplication, in the colours of the views.

    Raises:
        RuntimeError: there is none; views need one before they are made.
    """
    app = QtWidgets.QApplication.instance()
    if app is None:
        raise RuntimeError("make a QApplication before a view (Companion: generate a QT GUI)")
    if app.property("scsc_sheet") is None:
        app.setProperty("scsc_sheet", app.styleSheet())  # what others want
        app.setStyle("Fusion")
        apply(app)
    return app


def apply(app: QtWidgets.QApplication) -> None:
    """Give all windows and views the colours as they are now, those that exist too."""
    app.setStyleSheet("")  # with one, widgets that were not shown yet would keep a first palette
    app.setPalette(_palette())
    app.setStyleSheet(app.property("scsc_sheet") + _sheet())


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
        (role.PlaceholderText, MUTED),
        (role.Highlight, ACCENT),
        (role.HighlightedText, BACKGROUND),
    ):
        palette.setColor(name, colour)
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(role.Disabled, name, MUTED)
    return palette


def _sheet() -> str:
    panel, grid, text, accent = (colour.name() for colour in (PANEL, GRID, TEXT, ACCENT))
    groove = "height: 4px; border-radius: 2px"
    handle = "width: 12px; margin: -5px 0; border-radius: 6px"
    return f"""
#scsc_view {{ background: {panel}; border: 1px solid {grid}; border-radius: 4px; }}
QToolTip {{ color: {text}; background: {panel}; border: 1px solid {grid}; }}
QSlider::groove:horizontal {{ background: {grid}; {groove}; }}
QSlider::sub-page:horizontal {{ background: {accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {text}; {handle}; }}
"""
