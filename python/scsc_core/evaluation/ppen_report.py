# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and files of the PPEN experiment: markdown, CSV, and the manifest of what made them."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..tasks.categories import CLASSES7
from . import bootstrap
from .benchmark import Host
from .point_store import RESULTS_VERSION
from .ppen_curves import FIGURES, Comparison, Curve, whole_set
from .ppen_experiment import Result, SetResult, TunedResult
from .ppen_points import Frame, Judge, Source

SIGNIFICANT = 0.05
_ROLE_ORDER = ("plain", "best control", "control at its PSNR")


@dataclass(frozen=True)
class Row:
    """One point of a table: a source at a QP (None: all QPs alike), coded or not, for a judge.

    bpp is None for pictures that were not coded; pairs are 95 % intervals; shares are 0..1.
    """

    judge: str
    source: str
    coded: bool
    qp: int | None
    bpp: float | None
    bpp_interval: tuple[float, float] | None
    miou: float
    miou_interval: tuple[float, float] | None
    class_iou: tuple[float, ...]
    class_iou_interval: tuple[tuple[float, float] | None, ...]
    accuracy: float
    accuracy_interval: tuple[float, float] | None
    psnr_db: float
    psnr_interval_db: tuple[float, float] | None
    psnr_of_mean_db: float


def rows(result: Result) -> list[Row]:
    """Every measured point with its intervals, judge by judge, coded ones first."""
    found = []
    for judged in result.judges:
        for coded, curves in ((True, judged.curves), (False, judged.uncoded)):
            for curve in curves.values():
                found += _curve_rows(judged.judge.name, curve, coded, result.drawn)
    return found


def _curve_rows(judge: str, curve: Curve, coded: bool, drawn) -> Iterator[Row]:
    metrics = ("rate", "miou", "class_iou", "accuracy", "psnr_db", "psnr_of_mean_db")
    once = {name: curve.resampled(name, whole_set(curve))[0] for name in metrics}
    many = {name: curve.resampled(name, drawn) for name in metrics[:5]}
    for i, qp in enumerate(curve.qps):
        intervals = {
            name: bootstrap.interval(many[name][:, i]) if name != "class_iou" else None
            for name in metrics[:5]
        }
        yield Row(
            judge,
            curve.name,
            coded,
            qp,
            float(once["rate"][i]) if coded else None,
            intervals["rate"] if coded else None,
            float(once["miou"][i]),
            intervals["miou"],
            tuple(once["class_iou"][i].tolist()),
            tuple(
                bootstrap.interval(many["class_iou"][:, i, c])
                for c in range(many["class_iou"].shape[-1])
            ),
            float(once["accuracy"][i]),
            intervals["accuracy"],
            float(once["psnr_db"][i]),
            intervals["psnr_db"],
            float(once["psnr_of_mean_db"][i]),
        )


def lines(result: Result) -> list[str]:
    """The whole report as markdown, readable on a terminal."""
    settings = result.settings
    out = [
        f"# PPEN on {settings.data} {settings.split}, {len(result.frames)} frames",
        "",
        f"Codec {result.codec}; QP {', '.join(map(str, settings.qps))}; "
        f"{result.frames[0].image.shape[1]}x{result.frames[0].image.shape[0]} pixels.",
        f"{bootstrap.described(settings.resamples, result.blocks, settings.block_length)} "
        "Differences are paired. BD: PCHIP, interval of the pooled curve (evaluation.md section 6).",
    ]
    every = rows(result)
    for judged in result.judges:
        mine = [row for row in every if row.judge == judged.judge.name]
        out += ["", f"## Judged by {judged.judge.name}", ""]
        out += _point_table(mine)
        for part in judged.sets:
            out += ["", f"### QP {part.qps[0]} .. {part.qps[-1]}", "", _choice_line(part), ""]
            out += _comparison_table(part)
            out += ["", "IoU gained at equal rate over plain, points:", ""]
            out += _gain_table(part)
    for part in result.tuned:
        out += ["", f"## Task network tuned to the codec, QP {part.qps[0]} .. {part.qps[-1]}", ""]
        first = result.judges[0].judge.name
        out += [
            f"For information: {part.judge.name} instead of {first}, against plain judged by {first}."
        ]
        out += ["", *_tuned_table(part)]
    return out


def _point_table(points: Sequence[Row]) -> list[str]:
    """Source by source, coded and then not; intervals of the classes are in summary.csv."""
    header = ["source", "QP", "bpp", "mIoU %", *CLASSES7, "accuracy %", "PSNR dB"]
    names = list(dict.fromkeys(row.source for row in points))
    points = sorted(points, key=lambda row: names.index(row.source))
    body = [
        [
            row.source,
            "all" if row.qp is None else str(row.qp),
            "not coded" if row.bpp is None else f"{row.bpp:.4f}",
            with_interval(100 * row.miou, _scaled(row.miou_interval), 1),
            *(f"{100 * value:.1f}" for value in row.class_iou),
            f"{100 * row.accuracy:.2f}",
            f"{row.psnr_db:.2f}",
        ]
        for row in points
    ]
    return table(header, body)


def _choice_line(part: SetResult) -> str:
    if part.choice is None:
        return "Best control: none chosen; run with --split val first."
    choice = part.choice
    found = choice.candidates[choice.best]
    told = ", ".join(f"{qp} {source}" for qp, source in found.by_qp.items())
    where = f"{choice.frames} frames of {choice.split}"
    if len(set(found.by_qp.values())) == 1:
        told = choice.best
    return f"Best control on {where}: {told} (BD-rate {found.bd_rate:+.1f} % there)."


def _comparison_table(part: SetResult) -> list[str]:
    grouped: dict[tuple[str, str, str], dict[str, Comparison]] = {}
    for role, comparison in part.comparisons:
        grouped.setdefault((comparison.test, role, comparison.anchor), {})[comparison.figure] = (
            comparison
        )
    keys = sorted(grouped, key=lambda k: _ROLE_ORDER.index(k[1]))
    p = []
    for role in _ROLE_ORDER:  # the keys are sorted by role
        p += bootstrap.holm([grouped[key]["bd_rate_miou"].p for key in keys if key[1] == role])
    shown = [name for name in FIGURES if any(name in grouped[key] for key in keys)]
    header = ["source", "against"]
    for name in shown:
        header.append(f"{FIGURES[name].title}, {FIGURES[name].unit}")
        header += ["cubic", "p (Holm)", "verdict"] if name == "bd_rate_miou" else []
    body = []
    for key, corrected in zip(keys, p):
        test, role, anchor = key
        line = [test, role if role == anchor else f"{role}: {anchor}"]
        for name in shown:
            comparison = grouped[key].get(name)
            line.append("" if comparison is None else comparison_text(comparison))
            if name == "bd_rate_miou":
                cubic = comparison.cubic
                told = comparison.interval is not None
                line += ["" if cubic is None else f"{cubic:+.1f}"]
                line += [f"{corrected:.3f}" if told else "n/a"]
                line.append(verdict_of(_counted(comparison), corrected, lower_is_better=True))
        body.append(line)
    return table(header, body)


def _tuned_table(part: TunedResult) -> list[str]:
    grouped: dict[str, dict[str, Comparison]] = {}
    for comparison in part.comparisons:
        grouped.setdefault(comparison.test, {})[comparison.figure] = comparison
    shown = [name for name in FIGURES if any(name in found for found in grouped.values())]
    header = ["source", *(f"{FIGURES[name].title}, {FIGURES[name].unit}" for name in shown)]
    body = [
        [source, *(comparison_text(found[name]) for name in shown)]
        for source, found in grouped.items()
    ]
    return table(header, body)


def _counted(comparison: Comparison) -> tuple[float, float] | None:
    """The interval where the figure has a number at all, pooled or not."""
    return comparison.interval if comparison.problem in (None, "not monotone") else None


def comparison_text(comparison: Comparison) -> str:
    """The figure with its interval, or why there is none."""
    digits = 2 if comparison.figure == "bd_psnr" else 1
    if comparison.problem is None:
        return with_interval(comparison.value, comparison.interval, digits, "+")
    if comparison.pooled is None or comparison.problem != "not monotone":
        return f"n/a ({comparison.problem})"
    pooled = with_interval(comparison.pooled, comparison.interval, digits, "+")
    return f"not monotone; pooled {pooled}"


def verdict_of(interval: tuple[float, float] | None, p: float, lower_is_better: bool) -> str:
    """ "better" or "worse" only where the interval leaves out 0 and the corrected p is below .05.

    "n/a" without an interval.
    """
    if interval is None:
        return "n/a"
    if p >= SIGNIFICANT or interval[0] <= 0 <= interval[1]:
        return "no difference shown"
    return "better" if (interval[1] < 0) == lower_is_better else "worse"


def _gain_table(part: SetResult) -> list[str]:
    body = [
        [name, *(with_interval(value, spread, 1, "+") for value, spread in gains)]
        for name, gains in part.gains.items()
    ]
    return table(["source", *CLASSES7], body)


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a markdown table with columns of equal width."""
    cells = [list(header), *map(list, body)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    padded = [" | ".join(cell.ljust(w) for cell, w in zip(row, widths)) for row in cells]
    rule = "|".join("-" * (width + 2) for width in widths)
    return [f"| {padded[0]} |", f"|{rule}|", *(f"| {row} |" for row in padded[1:])]


def with_interval(
    value: float, interval: tuple[float, float] | None, digits: int, sign: str = ""
) -> str:
    """A figure and its interval as text, for example "+1.2 [+0.4, +2.0]"."""
    form = f"{sign}.{digits}f"
    if interval is None:
        return f"{value:{form}} [n/a]"
    return f"{value:{form}} [{interval[0]:{form}}, {interval[1]:{form}}]"


def _scaled(interval):
    return None if interval is None else tuple(100 * bound for bound in interval)


def write(result: Result, folder: Path, wall_s: float) -> list[Path]:
    """Write the tables, the manifest and the figures into a folder."""
    from .ppen_figure import draw, draw_tradeoff

    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("table.md", "summary.csv", "comparisons.csv")]
    files[0].write_text("\n".join(lines(result)) + "\n", encoding="utf-8")
    write_csv(files[1], [asdict(row) for row in rows(result)])
    write_csv(files[2], comparison_records(result))
    files.append(folder / "manifest.json")
    files[-1].write_text(json.dumps(_manifest(result, wall_s), indent=1) + "\n", encoding="utf-8")
    for judged in result.judges:
        files += draw(result, judged, folder / f"figure-{judged.judge.name}")
        files += draw_tradeoff(result, judged, folder / f"tradeoff-{judged.judge.name}")
    return files


def _manifest(result: Result, wall_s: float) -> dict:
    judges = [judged.judge for judged in result.judges]
    judges += [part.judge for part in result.tuned[:1]]
    common = manifest_of("ppen", result.settings, result.frames, result.sources, judges, wall_s)
    return {**common, "codec": result.codec}


def comparison_records(result: Result) -> list[dict]:
    """Every comparison as a flat record; role "tuned" is `Result.tuned`."""
    found = [
        (judged.judge.name, part.qps, role, comparison)
        for judged in result.judges
        for part in judged.sets
        for role, comparison in part.comparisons
    ]
    found += [
        (part.judge.name, part.qps, "tuned", comparison)
        for part in result.tuned
        for comparison in part.comparisons
    ]
    return [
        {"judge": judge, "qps": f"{qps[0]}-{qps[-1]}", "role": role, **_flat(asdict(comparison))}
        for judge, qps, role, comparison in found
    ]


def _flat(record: dict) -> dict:
    """Intervals as two columns, per-class values as one column a class."""
    flat = {}
    for name, value in record.items():
        if name.startswith("class_iou"):
            ending = "_interval" if name.endswith("interval") else ""
            named = zip(CLASSES7, value)
            flat |= _flat({f"iou_{label}{ending}": entry for label, entry in named})
        elif "interval" in name:
            low, high = value or (None, None)
            stem = name.replace("interval", "").replace("__", "_").strip("_")
            flat |= {f"{stem}_low".strip("_"): low, f"{stem}_high".strip("_"): high}
        else:
            flat[name] = value
    return flat


def write_csv(path: Path, records: Sequence[dict]) -> None:
    """Records of equal keys as CSV; pairs named ..._interval or interval become two columns."""
    flat = [_flat(record) for record in records]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(flat[0]) if flat else [])
        writer.writeheader()
        writer.writerows(flat)


def manifest_of(
    experiment: str,
    settings: Any,
    frames: Sequence[Frame],
    sources: Sequence[Source],
    judges: Sequence[Judge],
    wall_s: float,
) -> dict:
    """Settings, version, hashes of models and frames, host: what the figures were made with."""
    digest = hashlib.sha256("".join(frame.digest for frame in frames).encode())
    return {
        "experiment": experiment,
        "settings": {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(settings).items()
        },
        "results_version": RESULTS_VERSION,
        "sources": {source.name: [source.kind, source.identity] for source in sources},
        "judges": {judge.name: judge.identity for judge in judges},
        "frames": {"count": len(frames), "sha256": digest.hexdigest()},
        "git": _git_commit(),
        "host": asdict(Host.current()),
        "wall_s": round(wall_s, 1),
    }


def _git_commit() -> str | None:
    """Commit of the source tree, None outside one."""
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).resolve().parent), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def to_json(result: Result) -> dict:
    """Points and comparisons for `--json`; numbers that are not finite become null."""
    content = {
        "points": [_flat(asdict(row)) for row in rows(result)],
        "comparisons": comparison_records(result),
    }
    for records in content.values():
        for record in records:
            for name, value in record.items():
                if isinstance(value, float) and not math.isfinite(value):
                    record[name] = None
    settings = result.settings
    return {"set": f"{settings.data} {settings.split}, {len(result.frames)} frames", **content}
