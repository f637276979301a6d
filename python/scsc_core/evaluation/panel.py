# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a comparison: what was sent, what each scheme delivered, and its constellations."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

_SENT, _LOST = "#444444", "#b3261e"
_BEFORE, _AFTER = "#6b7785", "#1f6feb"


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
        before, after: complex [n], samples of receive antenna 1, and of stream 1 behind the combiner.
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

    n_pictures, n_columns = len(row_titles), len(columns) + 1
    height, width = sent.shape[:2]
    cell = 2.5
    ratios = [height / width + 0.16] * n_pictures + [1.0, 1.0]
    figure = Figure(
        figsize=(n_columns * cell, sum(ratios) * cell + 0.5),
        layout="constrained",
        facecolor="white",
    )
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.0, hspace=0.0)
    grid = figure.add_gridspec(n_pictures + 2, n_columns, height_ratios=ratios)
    figure.suptitle(title, fontsize=11)
    _show(figure.add_subplot(grid[0, 0]), sent, "sent", _SENT)
    _bars(figure.add_subplot(grid[n_pictures:, 0]), columns)
    for index, column in enumerate(columns, start=1):
        for row, reception in enumerate(column.receptions):
            caption = f"{reception.psnr_db:.1f} dB PSNR" if reception.delivered else "lost"
            if row == 0:
                caption = f"{column.title}\n{caption}"
            axis = figure.add_subplot(grid[row, index])
            _show(axis, reception.image, caption, _SENT, not reception.delivered)
            if index == 1:
                axis.set_ylabel(row_titles[row], fontsize=9)
        for row, (samples, name, colour) in enumerate(
            (
                (column.before, "received, antenna 1", _BEFORE),
                (column.after, "behind CEN, stream 1", _AFTER),
            )
        ):
            axis = figure.add_subplot(grid[n_pictures + row, index])
            _constellation(axis, samples, colour)
            if index == 1:
                axis.set_ylabel(name, fontsize=9)
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
    axis.set_yticks(rows, [name.replace(" ", "\n", 1) for name in names], fontsize=8)
    axis.set_xlim(0, 100)
    axis.set_xlabel("delivered pictures, %", fontsize=8)
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
