# SPDX-License-Identifier: GPL-3.0-or-later
"""The live channel: gains of the carriers and their singular values."""

from __future__ import annotations

import numpy as np

from scsc_core.radio import keys
from scsc_core.waveform.numerology import numerology as _numerology

from ..frame_meta import BadFrame
from . import style, theme
from .plot_panel import Axis, Curve, draw_axes, draw_curves, draw_legend, plot_panel, rounded_axis
from .view import view


class channel_panel(plot_panel):
    """Shows items (H complex [n_used, n_rx, n_tx], used carriers int [n_used]).

    Args:
        title: str.
    """

    def __init__(self, title="channel"):
        super().__init__(title, "waiting for frames")
        self._gains: np.ndarray | None = None
        self._singular: np.ndarray | None = None
        self._carriers = np.arange(-26, 27)

    def show_item(self, item):
        """Draw one item; called in the GUI thread."""
        h, self._carriers = item
        self._gains = _db(np.abs(h)).reshape(len(h), -1)
        self._singular = _db(np.linalg.svd(h, compute_uv=False))
        condition = float(np.median(self._singular[:, 0] - self._singular[:, -1]))
        rows, columns = h.shape[1:]
        self._note = (
            f"gain in dB   {rows} x {columns} antennas   median condition {condition:.1f} dB"
        )
        self.update()

    def draw(self, painter, area):
        """Thin lines for |h|, thick ones for the singular values."""
        x = Axis(float(self._carriers[0]), float(self._carriers[-1]), "subcarrier")
        if self._gains is None:
            draw_axes(painter, area, x, Axis(-30.0, 10.0))
            return
        # A deep fade of one entry must not squeeze the rest.
        values = np.maximum(np.concatenate([self._gains, self._singular], 1), -40)
        y = rounded_axis(values, 5, 20)
        colours, where = theme.line_colours(), self._carriers
        thin = [
            Curve("|h|" if number == 0 else "", where, line, _faint(style.MUTED), 1.0)
            for number, line in enumerate(self._gains.T)
        ]
        thick = [
            Curve(f"singular value {number + 1}", where, line, colours[number], 2.2)
            for number, line in enumerate(self._singular.T)
        ]
        draw_axes(painter, area, x, y)
        draw_curves(painter, area, x, y, thin + thick)
        draw_legend(painter, area, thin + thick)


class channel_view(view):
    """Shows the channel of the newest frame: |h| of every carrier and its singular values.

    The distance of the two singular values is what a precoder works with: equal ones need none.

    Message ports:
        heard (in): c32 [n_used, n_rx, n_tx] from burst_receiver.
        status (out): dict of frames, dropped.

    Args:
        title: str above the plot.
        numerology: "64", "128" or "256" points, for the numbers of the carriers.
    Attributes:
        widget: QWidget.
    Raises:
        ValueError: an unknown numerology.
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="channel", numerology="64"):
        self._used = _numerology(numerology).used
        super().__init__("channel_view", channel_panel, (title,), pdus=(keys.HEARD,))

    def on_heard(self, h, meta):
        """Show the channel of one frame."""
        offer_channel(self.widget, h, self._used)


def offer_channel(panel: channel_panel, h: np.ndarray, used: np.ndarray) -> None:
    """Give H to a panel; BadFrame when it has another number of carriers or is not finite."""
    if len(h) != len(used):
        raise BadFrame(f"H of {len(h)} carriers cannot be shown over {len(used)}")
    if not np.isfinite(h).all():
        raise BadFrame("H is not finite")
    panel.offer((h, used))


def _faint(colour):
    faint = type(colour)(colour)
    faint.setAlpha(150)
    return faint


def _db(values):
    return 20 * np.log10(np.maximum(values, 1e-6))
