# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a comparison: what was sent, what each scheme delivered and the task makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

_TEXT, _LOST, _FRAME = "#444444", "#b3261e", "#cccccc"
_BEFORE, _AFTER = "#6b7785", "#1f6feb"
_DPI = 110
# Inches: width of a column and of the picture in it, and what stands above, between and beside.
CELL, _WIDTH = 2.5, 2.38
_TITLE, _HEADING, CAPTION, _PLOT, _LEFT, _RIGHT, _BOTTOM = 0.72, 0.66, 0.27, 2.2, 0.12, 0.1, 0.2
_NAMES = 1.15  # beside the bars
_PLOTS = 2  # rows of constellations


@dataclass(frozen=True)
class Reception:
    """One received picture of one scheme: uint8 [H, W, 3], and with the task's prediction laid over it."""

    image: np.ndarray
    overlay: np.ndarray
    delivered: bool
    psnr_db: float
    miou: float
    pixel_accuracy: float


@dataclass(frozen=True)
class SchemeColumn:
    """One column of the panel.

    Attributes:
        title, note, quality: lines above the column.
        share: delivered share, 0..1, with `interval` (low, high).
        receptions: one for each pair of rows of pictures, the same channel for every scheme.
        before, after: complex [n], samples of receive antenna 1, and of stream 1 behind the combiner.
    """

    title: str
    note: str
    quality: str
    share: float
    interval: tuple[float, float]
    receptions: list[Reception]
    before: np.ndarray
    after: np.ndarray


@dataclass(frozen=True)
class SentColumn:
    """The first column: titled pictures uint8 [H, W, 3] and below them the legend, together at most two
    for each channel that is shown; the legend is pairs of a class name and its colour (r, g, b)."""

    pictures: list[tuple[str, np.ndarray]]
    legend: list[tuple[str, tuple[int, int, int]]]


def draw(
    path: Path,
    sent: SentColumn,
    columns: list[SchemeColumn],
    row_titles: list[str],
    title: str,
) -> Path:
    """Write the panel as PNG.

    For each channel a row of received pictures and a row with the predictions over them, then two
    rows of constellations. The first column holds what was sent, the legend, and the delivered shares.

    Args:
        path: of the PNG.
        sent: first column.
        columns: one per scheme.
        row_titles: name of each channel that is shown, as many as a column has receptions.
        title: one or two lines.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = sent.pictures[0][1].shape[:2]
    sheet = _Sheet(Figure(facecolor="white"), len(columns), 2 * len(row_titles), height / width)
    FigureCanvasAgg(sheet.figure)
    sheet.figure.suptitle(title, fontsize=13, color=_TEXT, y=1 - 0.1 / sheet.height, va="top")
    for row, (caption, image) in enumerate(sent.pictures):
        _show(sheet.picture(row, 0), image, caption)
    _legend(sheet.picture(len(sent.pictures), 0), sent.legend)
    _bars(sheet.bars(), columns)
    for index, column in enumerate(columns, start=1):
        sheet.heading(index, column)
        for channel, reception in enumerate(column.receptions):
            _receive(sheet, 2 * channel, index, reception)
        for row, samples, colour in ((0, column.before, _BEFORE), (1, column.after, _AFTER)):
            _constellation(sheet.plot(row, index), samples, colour)
    for channel, name in enumerate(row_titles):
        sheet.side_text(2 * channel, 2 * channel + 1, name)
    for row, name in enumerate(("received, antenna 1", "behind CEN, stream 1")):
        sheet.side_text_of_plot(row, name)
    sheet.figure.savefig(path, dpi=_DPI, format="png")
    return path


class _Sheet:
    """Where everything stands: a grid in inches, so that pictures keep their shape and size."""

    def __init__(self, figure, n_columns: int, n_rows: int, aspect: float):
        self.figure = figure
        self._picture_height = _WIDTH * aspect
        self._step = CELL * aspect + CAPTION
        self._pictures_end = _TITLE + _HEADING + n_rows * self._step
        self.width = _LEFT + (n_columns + 1) * CELL + 0.25 + _RIGHT
        self.height = self._pictures_end + _PLOTS * _PLOT + _BOTTOM
        figure.set_size_inches(self.width, self.height)

    def _x(self, column: int) -> float:
        return _LEFT + column * CELL + (0.25 if column else 0)  # the row names stand in the gap

    def _axes(self, x: float, y: float, width: float, height: float):
        """Axes whose upper left corner is (x, y) inches from the upper left of the sheet."""
        bottom = self.height - y - height
        box = (x / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def _top(self, row: int) -> float:
        return _TITLE + _HEADING + row * self._step + CAPTION

    def picture(self, row: int, column: int):
        return self._axes(self._x(column), self._top(row), _WIDTH, self._picture_height)

    def plot(self, row: int, column: int):
        side = _PLOT - 0.45
        x = self._x(column) + (CELL - side) / 2
        return self._axes(x, self._pictures_end + 0.2 + row * _PLOT, side, side)

    def bars(self):
        height = _PLOTS * _PLOT - 0.65
        return self._axes(_LEFT + _NAMES, self._pictures_end + 0.2, _WIDTH - _NAMES, height)

    def text(self, x: float, y: float, text: str, **style):
        self.figure.text(x / self.width, 1 - y / self.height, text, **style)

    def heading(self, column: int, content: SchemeColumn):
        x = self._x(column) + _WIDTH / 2
        style = {"ha": "center", "va": "top", "color": _TEXT}
        self.text(x, _TITLE, content.title, fontsize=12, fontweight="bold", **style)
        self.text(x, _TITLE + 0.23, content.note, fontsize=9.5, **style)
        self.text(x, _TITLE + 0.44, content.quality, fontsize=9.5, **style)

    def side_text(self, first_row: int, last_row: int, text: str):
        y = (self._top(first_row) + self._top(last_row) + self._picture_height) / 2
        self._rotated(y, text)

    def side_text_of_plot(self, row: int, text: str):
        self._rotated(self._pictures_end + 0.2 + row * _PLOT + (_PLOT - 0.45) / 2, text)

    def _rotated(self, y: float, text: str):
        x = self._x(1) - 0.15
        self.text(x, y, text, rotation=90, ha="center", va="center", fontsize=10, color=_TEXT)


def _receive(sheet: _Sheet, row: int, column: int, reception: Reception) -> None:
    state = f"{reception.psnr_db:.1f} dB PSNR" if reception.delivered else "lost"
    lost = not reception.delivered
    _show(sheet.picture(row, column), reception.image, state, lost)
    scores = f"mIoU {reception.miou:.3f}, pixels {100 * reception.pixel_accuracy:.1f} %"
    _show(sheet.picture(row + 1, column), reception.overlay, scores, lost)


def _show(axis, image, caption, lost=False):
    axis.imshow(image, aspect="auto", interpolation="antialiased")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_title(caption, fontsize=10, pad=3, color=_LOST if lost else _TEXT)
    for spine in axis.spines.values():
        spine.set_color(_LOST if lost else _FRAME)


def _legend(axis, legend):
    """Class names beside their colours."""
    axis.set_axis_off()
    axis.set_xlim(0, 1)
    axis.set_ylim(len(legend), 0)
    for row, (name, colour) in enumerate(legend):
        box = np.asarray(colour) / 255
        axis.add_patch(_rectangle((0.05, row + 0.15), 0.14, 0.7, box))
        axis.text(0.25, row + 0.5, name, va="center", fontsize=10, color=_TEXT)


def _rectangle(corner, width, height, colour):
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, facecolor=colour, edgecolor=_FRAME)


def _bars(axis, columns):
    """Delivered share of each scheme with its interval."""
    shares = np.array([100 * column.share for column in columns])
    spread = np.array([[100 * column.interval[i] for column in columns] for i in (0, 1)])
    errors = np.clip(np.abs(spread - shares), 0, None)
    rows = np.arange(len(columns))[::-1]
    axis.barh(rows, shares, color=_AFTER, height=0.6, xerr=errors, ecolor=_TEXT, capsize=2)
    axis.set_yticks(rows, [column.title.replace(", ", ",\n") for column in columns], fontsize=8.5)
    axis.set_xlim(0, 100)
    axis.set_xlabel("delivered pictures, %", fontsize=8.5)
    axis.tick_params(axis="x", labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)


def _constellation(axis, samples, colour):
    limit = 1.1 * float(np.percentile(np.abs(samples), 99.5)) + 1e-9
    axis.plot(samples.real, samples.imag, ".", ms=1.5, color=colour, alpha=0.7)
    axis.set_xlim(-limit, limit)
    axis.set_ylim(-limit, limit)
    axis.set_aspect("equal")
    axis.tick_params(labelsize=6)
    axis.spines[["top", "right"]].set_visible(False)


def wilson_interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a share, 95 % by default (Wilson's score interval); (0, 1) without trials."""
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must be in 0..{trials}, got {successes}")
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = (
        z
        * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
        / (1 + z * z / trials)
    )
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))
