# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a comparison: what was sent, what each scheme delivered, and its constellations."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

_SENT, _LOST = "#444444", "#b3261e"
_BEFORE, _AFTER = "#9aa5b1", "#1f6feb"


@dataclass(frozen=True)
class Reception:
    """One received picture of one scheme, uint8 [H, W, 3]."""

    image: np.ndarray
    delivered: bool
    psnr_db: float


@dataclass(frozen=True)
class SchemeColumn:
    """One column of the panel.

    Attributes:
        title: name shown above.
        share: delivered share, 0..1, with `interval` (low, high).
        receptions: one for each row of pictures, the same channel for every scheme.
        before, after: complex [n], received samples of one antenna and of the same channel use after
            the combiner.
    """

    title: str
    share: float
    interval: tuple[float, float]
    receptions: list[Reception]
    before: np.ndarray
    after: np.ndarray


def draw(
    path: Path,
    sent: np.ndarray,
    columns: list[SchemeColumn],
    row_titles: list[str],
    title: str,
) -> Path:
    """Write the panel as PNG: a row of pictures per channel, then a row of constellations."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n_rows, n_columns = len(row_titles) + 1, len(columns) + 1
    height, width = sent.shape[:2]
    cell = 2.55
    figure = Figure(
        figsize=(n_columns * cell, (len(row_titles) * height / width + 1.1) * cell + 1.0),
        layout="constrained",
        facecolor="white",
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(
        n_rows, n_columns, squeeze=False, height_ratios=[height / width] * len(row_titles) + [1]
    )
    figure.suptitle(title, fontsize=11)
    _show(axes[0][0], sent, "sent", _SENT)
    for row in range(1, len(row_titles)):
        axes[row][0].axis("off")
    for row, text in enumerate(row_titles):
        axes[row][1].set_ylabel(text, fontsize=9)
    _bars(axes[-1][0], columns)
    for index, column in enumerate(columns, start=1):
        for row, reception in enumerate(column.receptions):
            caption = f"{reception.psnr_db:.1f} dB PSNR" if reception.delivered else "lost"
            if row == 0:
                caption = f"{column.title}\n{caption}"
            _show(axes[row][index], reception.image, caption, _SENT, not reception.delivered)
        _constellation(axes[-1][index], column, with_legend=index == 1)
    figure.savefig(path, dpi=110, format="png")
    return path


def _show(axis, image, caption, colour, lost=False):
    axis.imshow(image)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_title(caption, fontsize=9, color=_LOST if lost else colour)
    for spine in axis.spines.values():
        spine.set_color(_LOST if lost else "#cccccc")


def _bars(axis, columns):
    """Delivered share of each scheme with its interval."""
    names = [column.title.replace("\n", " ") for column in columns]
    shares = np.array([100 * column.share for column in columns])
    spread = np.array([[100 * column.interval[i] for column in columns] for i in (0, 1)])
    errors = np.clip(np.abs(spread - shares), 0, None)
    rows = np.arange(len(columns))[::-1]
    axis.barh(rows, shares, color=_AFTER, height=0.6, xerr=errors, ecolor=_SENT, capsize=2)
    axis.set_yticks(rows, names, fontsize=7)
    axis.set_xlim(0, 100)
    axis.set_xlabel("delivered pictures, %", fontsize=8)
    axis.tick_params(axis="x", labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)


def _constellation(axis, column, with_legend):
    limit = 1.1 * np.percentile(np.abs(column.after), 99.5) + 1e-9
    scale = limit / (1.1 * np.percentile(np.abs(column.before), 99.5) + 1e-9)
    before = (
        column.before * scale
    )  # one picture scale for both: the combiner only turns and weights
    axis.plot(before.real, before.imag, ".", ms=1.2, color=_BEFORE, label="before CEN (scaled)")
    axis.plot(column.after.real, column.after.imag, ".", ms=1.2, color=_AFTER, label="after CEN")
    axis.set_xlim(-limit, limit)
    axis.set_ylim(-limit, limit)
    axis.set_aspect("equal")
    axis.set_xlabel("in-phase, antenna / stream 1", fontsize=7)
    axis.tick_params(labelsize=6)
    if with_legend:
        axis.legend(fontsize=6, loc="upper right", markerscale=5)


def wilson_interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a share, 95 % by default (Wilson's score interval); (0, 1) without trials."""
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
