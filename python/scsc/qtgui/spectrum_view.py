# SPDX-License-Identifier: GPL-3.0-or-later
"""The live spectrum of both antennas."""

from __future__ import annotations

import time

import numpy as np

from ..stream_block import common_items, stream_block
from ..supervisor import supervised
from . import style, theme
from .plot_panel import Axis, Curve, draw_axes, draw_curves, draw_legend, plot_panel, rounded_axis
from .view import UPDATE_INTERVAL_MS

BINS = 256
_HELD = 32_768  # samples that a spectrum is made of: 33 ms at 1 Msps hold a sounding frame
_FLOOR_DB = -120.0
_SHOWN_DB = 70.0  # below the strongest line


def spectrum_db(samples: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Mean power in each bin in dB of full scale 1, float [antennas, bins], centre at bins / 2.

    The bins of an antenna add up to its mean power.

    Of the pieces those count that are within 6 dB of the strongest: a burst's, not the silence's.

    Args:
        samples: complex [antennas, n], n >= bins.
        bins: int, length of a piece; with a Hann window.
    """
    n_pieces = samples.shape[1] // bins
    pieces = samples[:, : n_pieces * bins].reshape(len(samples), n_pieces, bins)
    power = (np.abs(pieces) ** 2).mean((0, 2))
    loud = pieces[:, power >= 0.25 * power.max()]
    window = np.hanning(bins)
    lines = np.fft.fftshift(np.fft.fft(loud * window, axis=2), axes=2)
    mean = (np.abs(lines) ** 2).mean(1) / (bins * (window**2).sum())
    return 10 * np.log10(np.maximum(mean, 10 ** (_FLOOR_DB / 10)))


class spectrum_panel(plot_panel):
    """Shows items (float [antennas, bins] in dB, sample rate in Hz).

    Args:
        title: str.
    """

    def __init__(self, title="spectrum"):
        super().__init__(title, "waiting for samples")
        self._item = None

    def show_item(self, item):
        """Draw one item; called in the GUI thread."""
        self._item = item
        power = 10 * np.log10((10 ** (item[0] / 10)).sum(1))
        levels = ", ".join(f"{level:.1f}" for level in power)
        self._note = f"power {levels} dBFS   {item[1] / 1e6:g} Msps"
        self.update()

    def draw(self, painter, area):
        """The lines of all antennas."""
        levels, rate_hz = self._item if self._item else (np.full((2, BINS), np.nan), 1e6)
        unit, name = (1e6, "MHz") if rate_hz >= 2e6 else (1e3, "kHz")
        half = rate_hz / 2 / unit
        x = Axis(-half, half, f"offset from the carrier, {name}")
        top = rounded_axis(levels, 10, 10).high
        y = Axis(top - _SHOWN_DB, top)
        where = np.linspace(-half, half, levels.shape[1], endpoint=False)
        curves = [
            Curve(f"antenna {number + 1}", where, line, colour, 1.3, fill=number == 0)
            for number, (line, colour) in enumerate(zip(levels, theme.line_colours()))
        ]
        draw_axes(painter, area, x, y)
        draw_curves(painter, area, x, y, curves)
        draw_legend(painter, area, curves)


class spectrum_view(stream_block):
    """Shows the spectrum of both antennas while bursts are on the air.

    Message ports:
        status (out): dict of frames (spectra shown), dropped.

    Args:
        title: str above the plot.
        sample_rate_hz: float > 0.
    Attributes:
        widget: QWidget.
    Raises:
        ValueError: sample_rate_hz <= 0.
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="spectrum", sample_rate_hz=1e6):
        if not sample_rate_hz > 0:
            raise ValueError(f"sample_rate_hz must be > 0, got {sample_rate_hz}")
        style.application()
        super().__init__("spectrum_view", inputs=True)
        self.widget = spectrum_panel(title)
        self._rate = float(sample_rate_hz)
        self._held = np.zeros((2, _HELD), np.complex64)
        self._fill = 0
        self._next_s = 0.0

    @supervised
    def general_work(self, input_items, output_items):
        """Keep samples, and show their spectrum now and then."""
        n = common_items(input_items)
        count = min(n, _HELD - self._fill)
        for row, stream in zip(self._held, input_items):
            row[self._fill : self._fill + count] = stream[:count]
        self._fill += count
        if self._fill == _HELD and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + 1e-3 * UPDATE_INTERVAL_MS
            self._fill = 0
            if self._held.any():
                self.counters["frames"] += 1
                self.widget.offer((spectrum_db(self._held), self._rate))
                self.publish_status()
        self.consume_each(n)
        return 0
