# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the PPEN experiment: curves, gain per class, task gain against PSNR loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..tasks.categories import CLASSES7
from . import bootstrap
from .best_control import MIXED
from .ppen_curves import Comparison, Curve, whole_set
from .ppen_experiment import JudgeResult, Result
from .ppen_points import PLAIN

# Okabe and Ito's colours, told apart with any colour vision; the plain codec is black.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = "osD^vPX*"
_PLAIN_COLOUR, _CONTROL_COLOUR = "#000000", "#888888"
_CONTROL_STYLES = ("--", ":", "-.")


def draw(result: Result, judged: JudgeResult, stem: Path) -> list[Path]:
    """Write the figure as SVG and PNG.

    Three panels: mIoU against bits per pixel with 95 % bands and the score of the uncoded frames as a
    line; PSNR against bits per pixel; IoU gained per class at equal rate over the plain codec.

    Args:
        result: of the run.
        judged: the part of one task network.
        stem: path without suffix.
    Returns:
        The two files.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 5.4), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.25, 1, 1.25))
    styles = _styles(result, judged)
    for name, curve in judged.curves.items():
        _band(left, curve, "miou", 100, result.drawn, styles[name])
        _band(middle, curve, "psnr_db", 1, result.drawn, styles[name])
    ceiling = judged.uncoded[PLAIN]
    score = 100 * float(ceiling.miou(whole_set(ceiling))[0, 0])
    left.axhline(score, color=_PLAIN_COLOUR, lw=0.8, ls=(0, (1, 3)))
    left.annotate(
        "frames not coded",
        (0.02, score),
        xycoords=("axes fraction", "data"),
        va="bottom",
        fontsize=8,
    )
    _axis(left, "mIoU of 7 categories, %")
    _axis(middle, "PSNR against the frame, dB")
    left.legend(fontsize=8, frameon=False, loc="lower right")
    _gains(right, judged, styles)
    settings = result.settings
    figure.suptitle(
        f"{settings.data} {settings.split}, {len(result.frames)} frames; BPG, QP "
        f"{settings.qps[0]} .. {settings.qps[-1]}; judged by {judged.judge.name}{_intervals(result)}",
        fontsize=10,
    )
    return _saved(figure, stem)


def draw_tradeoff(result: Result, judged: JudgeResult, stem: Path) -> list[Path]:
    """Write what each source saves at equal mIoU against what it does to PSNR, both over plain BPG.

    BD-rate over BD-PSNR with 95 % intervals, all QPs: the lower left saves by giving the picture up,
    the lower right by better means.

    Args:
        result, judged, stem: as `draw`.
    Returns:
        The two files; none where fewer than two sources have both figures.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found: dict[str, dict[str, Comparison]] = {}
    for role, comparison in judged.sets[0].comparisons:
        if role == "plain" and comparison.pooled is not None and comparison.interval is not None:
            found.setdefault(comparison.test, {})[comparison.figure] = comparison
    points = {
        name: (by_figure["bd_psnr"], by_figure["bd_rate_miou"])
        for name, by_figure in found.items()
        if {"bd_psnr", "bd_rate_miou"} <= set(by_figure)
    }
    if len(points) < 2:
        return []
    figure = Figure(figsize=(7.2, 5), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axis, styles = figure.subplots(), _styles(result, judged)
    for name, pair in points.items():
        style = {"marker": "o", **styles[name], "ls": "none"}
        x, y = (c.pooled for c in pair)
        errors = [
            np.clip([[c.pooled - c.interval[0]], [c.interval[1] - c.pooled]], 0, None) for c in pair
        ]
        axis.errorbar(x, y, errors[1], errors[0], ms=6, elinewidth=0.9, capsize=2, **style)
    axis.plot(0, 0, "o", color=_PLAIN_COLOUR, label="plain BPG")
    axis.axhline(0, color=_PLAIN_COLOUR, lw=0.6)
    axis.axvline(0, color=_PLAIN_COLOUR, lw=0.6)
    axis.set_xlabel("BD-PSNR, dB (left: PSNR lost at equal rate)")
    axis.set_ylabel("BD-rate at equal mIoU, % (below 0: bits saved)")
    axis.grid(alpha=0.25, lw=0.5)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False)
    settings = result.settings
    axis.set_title(
        f"{settings.data} {settings.split}, {len(result.frames)} frames, QP {settings.qps[0]} .. "
        f"{settings.qps[-1]}, judged by {judged.judge.name}",
        fontsize=9,
    )
    return _saved(figure, stem)


def _intervals(result: Result) -> str:
    if not len(result.drawn):
        return ""
    return f"; 95 % intervals, blocks of {result.settings.block_length} frames"


def _saved(figure, stem: Path) -> list[Path]:
    files = [stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png")]
    for file in files:
        figure.savefig(file, dpi=120)
    return files


def _styles(result: Result, judged: JudgeResult) -> dict[str, dict]:
    kinds = {source.name: source.kind for source in result.sources}
    styles, models, fixed = {}, 0, 0
    for name in judged.curves:
        if kinds[name] == "plain":
            style = {"color": _PLAIN_COLOUR, "marker": "o", "ls": "-", "label": "plain BPG"}
        elif kinds[name] == "control":
            ls = _CONTROL_STYLES[fixed % len(_CONTROL_STYLES)]
            marker = _MARKERS[-1 - fixed % len(_MARKERS)]
            style = {"color": _CONTROL_COLOUR, "marker": marker, "ls": ls, "label": name}
            fixed += 1
        else:
            colour = _COLOURS[models % len(_COLOURS)]
            marker = _MARKERS[(models + 1) % len(_MARKERS)]
            style = {"color": colour, "marker": marker, "ls": "-", "label": name}
            models += 1
        styles[name] = style
    # a choice made QP by QP has gains, but no curve of its own
    mixed = {"color": _CONTROL_COLOUR, "label": "best control at each QP"}
    return {MIXED: mixed, **styles}


def _band(axis, curve: Curve, metric: str, scale: float, drawn, style: dict) -> None:
    once = whole_set(curve)
    rate, value = curve.rate(once)[0], scale * curve.resampled(metric, once)[0]
    spread = scale * curve.resampled(metric, drawn)
    bounds = [bootstrap.interval(column) for column in spread.T]
    order = np.argsort(rate)
    axis.plot(rate[order], value[order], ms=4.5, lw=1.3, **style)
    # bands of the controls would only cover those of the models
    if style["color"] != _CONTROL_COLOUR and None not in bounds:
        low, high = np.array(bounds).T
        axis.fill_between(
            rate[order], low[order], high[order], color=style["color"], alpha=0.13, lw=0
        )


def _axis(axis, label: str) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("bits per pixel")
    axis.set_ylabel(label)
    axis.grid(alpha=0.25, lw=0.5)
    axis.spines[["top", "right"]].set_visible(False)


def _gains(axis, judged: JudgeResult, styles: dict[str, dict]) -> None:
    """Bars per class; controls only as far as they are the best one, so that bars stay readable."""
    part = judged.sets[0]
    best = part.choice.best if part.choice else None
    shown = {
        name: gains
        for name, gains in part.gains.items()
        if styles[name]["color"] != _CONTROL_COLOUR or name == best
    }
    width = 0.8 / max(len(shown), 1)
    for index, (name, gains) in enumerate(shown.items()):
        at = np.arange(len(CLASSES7)) + (index - (len(shown) - 1) / 2) * width
        values = np.array([value for value, _ in gains])
        bounds = np.array([spread or (value, value) for value, spread in gains])
        errors = np.clip(np.abs(bounds.T - values), 0, None)
        axis.bar(
            at,
            values,
            width,
            color=styles[name]["color"],
            yerr=errors,
            ecolor="#444444",
            capsize=1.5,
            error_kw={"lw": 0.8},
            label=styles[name]["label"],
        )
    axis.axhline(0, color="black", lw=0.8)
    axis.set_xticks(range(len(CLASSES7)), CLASSES7, rotation=35, ha="right", fontsize=9)
    axis.set_ylabel("IoU gained at equal rate over plain BPG, points")
    axis.grid(axis="y", alpha=0.25, lw=0.5)
    axis.spines[["top", "right"]].set_visible(False)
    if shown:
        axis.legend(fontsize=8, frameon=False)
    else:
        axis.text(0.5, 0.5, "no pre-processor compared", transform=axis.transAxes, ha="center")
