# SPDX-License-Identifier: GPL-3.0-or-later
"""Dark or light colours of all views and windows."""

from __future__ import annotations

from PyQt5 import QtGui

from . import style

# The colours of `style` are its dark theme.
_DARK = {
    name: getattr(style, name).name()
    for name in ("BACKGROUND", "PANEL", "GRID", "TEXT", "MUTED", "ACCENT", "GOOD", "BAD")
}
_LIGHT = {
    "BACKGROUND": "#eef1f5",
    "PANEL": "#ffffff",
    "GRID": "#d3dae3",
    "TEXT": "#1d2733",
    "MUTED": "#5d6978",
    "ACCENT": "#0072bd",
    "GOOD": "#1b9652",
    "BAD": "#d43d3d",
}
THEMES = {"dark": _DARK, "light": _LIGHT}
# Further lines of a plot, beside ACCENT and GOOD.
_LINES = {"dark": ("#ffb454", "#d08bff"), "light": ("#d97706", "#8b3fd1")}


def use_theme(name: str) -> None:
    """Give all views, and the windows around them, the colours of a theme.

    Raises:
        ValueError: an unknown theme.
        RuntimeError: no QApplication yet.
    """
    if name not in THEMES:
        raise ValueError(f"theme must be one of {', '.join(THEMES)}, got {name!r}")
    app = style.application()
    for role, colour in THEMES[name].items():
        getattr(style, role).setNamedColor(colour)  # in place: every view holds these very objects
    style.apply(app)


def current_theme() -> str:
    """Name of the theme in use."""
    return next(name for name, colours in THEMES.items() if colours["PANEL"] == style.PANEL.name())


def line_colours() -> list[QtGui.QColor]:
    """Four colours that can be told apart."""
    more = [QtGui.QColor(name) for name in _LINES[current_theme()]]
    return [style.ACCENT, more[0], style.GOOD, more[1]]
