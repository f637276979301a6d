# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, CSV and figure of SCSC over the link against the digital link."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..tasks import scores
from . import bootstrap
from .ppen_report import manifest_of, table, verdict_of, with_interval, write_csv
from .scsc_link import Outcome, Result

METRICS = {
    "miou": ("mIoU, %", 100, 1),
    "accuracy": ("pixel accuracy, %", 100, 2),
    "psnr_db": ("PSNR, dB", 1, 2),
    "delivered": ("delivered, %", 100, 1),
}


def resampled(outcome: Outcome, metric: str, drawn: np.ndarray) -> np.ndarray:
    """A metric [R, S] of resamples [R, F]: confusion matrices summed, PSNR and delivery averaged."""
    if metric == "psnr_db":
        return bootstrap.means(drawn, outcome.psnr_db)
    if metric == "delivered":
        return bootstrap.means(drawn, outcome.share)
    total = bootstrap.sums(drawn, outcome.confusion)
    return scores.mean_iou(total) if metric == "miou" else scores.pixel_accuracy(total)


@dataclass(frozen=True)
class Row:
    """One scheme at one SNR; shares are 0..1, pairs are 95 % intervals.

    `delivered_miou` and `delivered_psnr_db` are those of the delivered pictures alone: the same at
    every SNR, as a delivered picture does not depend on the channel.
    """

    scheme: str
    source: str
    precoder: str
    snr_db: float
    cbr_k: float
    cbr_l: float
    qp: float
    over_budget: int
    miou: float
    miou_interval: tuple[float, float] | None
    accuracy: float
    accuracy_interval: tuple[float, float] | None
    psnr_db: float
    psnr_db_interval: tuple[float, float] | None
    delivered: float
    delivered_interval: tuple[float, float] | None
    delivered_miou: float
    delivered_psnr_db: float


@dataclass(frozen=True)
class Gain:
    """mIoU that the first scheme gains over the second at one SNR, in points, paired."""

    scheme: str
    over: str
    snr_db: float
    miou_points: float
    interval: tuple[float, float] | None
    p: float


def rows(result: Result) -> list[Row]:
    """Every scheme at every SNR with intervals."""
    once = np.ones((1, len(result.frames)))
    found = []
    for outcome in result.outcomes:
        values = {name: resampled(outcome, name, once)[0] for name in METRICS}
        spread = {name: resampled(outcome, name, result.drawn) for name in METRICS}
        arrived = float(scores.mean_iou(outcome.delivered_confusion.sum(0)))
        for i, snr_db in enumerate(result.settings.snrs_db):
            pairs = {
                key: entry
                for name in METRICS
                for key, entry in (
                    (name, float(values[name][i])),
                    (f"{name}_interval", bootstrap.interval(spread[name][:, i])),
                )
            }
            found.append(
                Row(
                    scheme=outcome.scheme.title,
                    source=outcome.scheme.source.name,
                    precoder=outcome.scheme.precoder,
                    snr_db=snr_db,
                    cbr_k=float(outcome.cbr_k.mean()),
                    cbr_l=float(2 * outcome.cbr_k.mean()),
                    qp=float(outcome.qps.mean()),
                    over_budget=int(outcome.over_budget.sum()),
                    delivered_miou=arrived,
                    delivered_psnr_db=float(outcome.delivered_psnr_db.mean()),
                    **pairs,
                )
            )
    return found


def gains(result: Result) -> list[Gain]:
    """What SCSC gains over every other scheme, and PPEN and PCEN alone over what they replace."""
    by_title = {outcome.scheme.title: outcome for outcome in result.outcomes}
    pairs = [("SCSC", title) for title in by_title if title != "SCSC"]
    pairs += [("SCSC w/o PCEN", "digital, SVD-WF"), ("SCSC w/o PPEN", "digital, SVD-WF")]
    once = np.ones((1, len(result.frames)))
    found = []
    for title, over in pairs:
        difference = [
            100
            * (
                resampled(by_title[title], "miou", counts)
                - resampled(by_title[over], "miou", counts)
            )
            for counts in (once, result.drawn)
        ]
        for i, snr_db in enumerate(result.settings.snrs_db):
            column = difference[1][:, i]
            found.append(
                Gain(
                    title,
                    over,
                    snr_db,
                    float(difference[0][0, i]),
                    bootstrap.interval(column),
                    bootstrap.p_value(column),
                )
            )
    return found


def lines(result: Result) -> list[str]:
    """The whole report as markdown, readable on a terminal."""
    settings = result.settings
    every = rows(result)
    out = [
        f"# SCSC over the link, {settings.data} {settings.split}, {len(result.frames)} frames",
        "",
        f"PPEN {settings.ppen}; 2x2 Rayleigh, one H per picture, {settings.draws} draws each, "
        f"perfect CSI; SNR = Pz / N0; QPSK, code rate {settings.code_rate}; every picture within "
        f"R_k = {settings.cbr_target:.4f} (best quality that fits); judged by {result.judge.name}.",
        f"{bootstrap.described(settings.resamples, result.blocks, settings.block_length)} Draws are "
        "averaged inside a frame; lost pictures count with the mean colour in their place.",
        "",
        *_overview(every),
    ]
    for name, (title, scale, digits) in METRICS.items():
        out += ["", f"## {title}", "", *_by_snr(every, settings.snrs_db, name, scale, digits)]
    out += ["", "## mIoU gained, points (paired)", "", *_gain_table(result)]
    return out


def _overview(every: list[Row]) -> list[str]:
    first = {row.scheme: row for row in every}
    header = ["scheme", "R_k", "R_L", "QP", "over budget", "mIoU delivered %", "PSNR delivered dB"]
    body = [
        [
            row.scheme,
            f"{row.cbr_k:.4f}",
            f"{row.cbr_l:.4f}",
            f"{row.qp:.1f}",
            str(row.over_budget),
            f"{100 * row.delivered_miou:.1f}",
            f"{row.delivered_psnr_db:.2f}",
        ]
        for row in first.values()
    ]
    return table(header, body)


def _by_snr(every: list[Row], snrs_db, name: str, scale: float, digits: int) -> list[str]:
    cells: dict[str, list[str]] = {}
    for row in every:
        interval = getattr(row, f"{name}_interval")
        scaled = None if interval is None else tuple(scale * bound for bound in interval)
        text = with_interval(scale * getattr(row, name), scaled, digits)
        cells.setdefault(row.scheme, []).append(text)
    header = ["scheme", *(f"{snr_db:g} dB" for snr_db in snrs_db)]
    return table(header, [[scheme, *texts] for scheme, texts in cells.items()])


def _gain_table(result: Result) -> list[str]:
    cells: dict[tuple[str, str], list[str]] = {}
    found = gains(result)
    for snr_db in result.settings.snrs_db:
        column = [gain for gain in found if gain.snr_db == snr_db]
        for gain, p in zip(column, bootstrap.holm([gain.p for gain in column])):
            told = verdict_of(gain.interval, p, lower_is_better=False)
            text = with_interval(gain.miou_points, gain.interval, 1, "+")
            text += f" {told}" if told in ("better", "worse") else ""
            cells.setdefault((gain.scheme, gain.over), []).append(text)
    header = ["scheme", "over", *(f"{snr_db:g} dB" for snr_db in result.settings.snrs_db)]
    return table(header, [[*pair, *texts] for pair, texts in cells.items()])


def write(result: Result, folder: Path, wall_s: float) -> list[Path]:
    """Write the tables, the manifest and the figure into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("table.md", "summary.csv", "gains.csv", "manifest.json")]
    files[0].write_text("\n".join(lines(result)) + "\n", encoding="utf-8")
    write_csv(files[1], [asdict(row) for row in rows(result)])
    write_csv(files[2], [asdict(gain) for gain in gains(result)])
    content = manifest_of(
        "scsc-link", result.settings, result.frames, result.sources, [result.judge], wall_s
    )
    files[3].write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return files + draw(result, folder / "figure")


def to_json(result: Result) -> dict:
    """Rows and gains for `--json`."""
    return {
        "rows": [asdict(row) for row in rows(result)],
        "gains": [asdict(gain) for gain in gains(result)],
    }


# Okabe and Ito's colours by precoder; line style by what stands before the codec.
_COLOURS = {"svd_wf": "#D55E00", "none": "#000000", "rank_adaptive": "#56B4E9", "pcen": "#0072B2"}
_MARKERS = {"svd_wf": "s", "none": "o", "rank_adaptive": "D", "pcen": "^"}
_STYLES = {"plain": "--", "control": ":", "model": "-"}


def draw(result: Result, stem: Path) -> list[Path]:
    """Write the figure as SVG and PNG: mIoU against SNR, delivered share below it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    snrs_db = result.settings.snrs_db
    once = np.ones((1, len(result.frames)))
    for outcome in result.outcomes:
        scheme = outcome.scheme
        style = {
            "color": _COLOURS[scheme.precoder],
            "marker": _MARKERS[scheme.precoder],
            "ls": _STYLES[scheme.source.kind],
            "lw": 1.3,
            "ms": 5,
        }
        upper.plot(snrs_db, 100 * resampled(outcome, "miou", once)[0], label=scheme.title, **style)
        lower.plot(snrs_db, 100 * resampled(outcome, "delivered", once)[0], **style)
        if scheme.title in ("SCSC", "digital, SVD-WF"):
            spread = 100 * resampled(outcome, "miou", result.drawn)
            bounds = [bootstrap.interval(column) for column in spread.T]
            if None not in bounds:
                low, high = np.array(bounds).T
                upper.fill_between(snrs_db, low, high, color=style["color"], alpha=0.12, lw=0)
    upper.set_ylabel("mIoU of 7 categories, %")
    lower.set_ylabel("delivered, %")
    lower.set_xlabel("SNR = Pz / N0, dB")
    upper.legend(fontsize=8, frameon=False, ncols=2)
    for axis in (upper, lower):
        axis.grid(alpha=0.25, lw=0.5)
        axis.spines[["top", "right"]].set_visible(False)
    settings = result.settings
    figure.suptitle(
        f"{settings.data} {settings.split}, {len(result.frames)} frames; 2x2 Rayleigh, one H per "
        f"picture; R_k <= {settings.cbr_target:.4f}, code rate {settings.code_rate}, QPSK\n"
        f"solid: PPEN {result.sources[-1].name}; dashed: the codec alone; dotted: a control; "
        f"{'bands: 95 %' if len(result.drawn) else 'no intervals'}",
        fontsize=10,
    )
    files = [stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png")]
    for file in files:
        figure.savefig(file, dpi=120)
    return files
