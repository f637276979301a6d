#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write sections of docs/benchmarks.md from files of `scsc bench NAME --output FILE`; others stay.

tools/benchmark_tables.py FILE.json ...
"""

import json
import re
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `tools/benchmark_tables.py` from the output of `./scsc bench NAME --output FILE`, on the
machine that each table names. Figures are medians with the lowest and highest repeat; verdicts are
against the targets that the benchmark prints, which were set for a current AVX2 server.

`./scsc bench sustained` runs for a time instead of repeating: `scsc rx` on a looped recording at full duty, two antennas at a nominal 5 Msps, LDPC and pictures
included, every frame of every pass counted. `--seconds 60` is the default; its memory row is the slope of what is resident, noted every ten seconds, and
`--seconds 600` shows whether it is flat. It ends with the pass in which its time is over. Its lowest and highest are those of single seconds.
"""


def number(value: float) -> str:
    """Three significant digits without an exponent."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def verdict(row: dict) -> str:
    """What became of a target, with the distance where it was missed."""
    if row["met"] is None:
        return ""
    if row["met"]:
        return "met"
    if not row["target"]:
        return "missed"
    ratio = row["value"] / row["target"]
    missed = 1 - ratio if row["higher_is_better"] else ratio - 1
    return f"missed by {100 * missed:.0f} %"


def table(report: dict) -> str:
    """One section: a heading, the machine, a row per figure."""
    host = report["host"]
    lines = [
        f"\n## {report['benchmark']}\n",
        f"{host['cpu']}, kernels {host['isa']}, {host['cores']} cores, "
        f"load {host['load']} at the start.\n",
        "| measurement | value | lowest .. highest | target | verdict | condition |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["rows"]:
        unit = f" {row['unit']}" if row["unit"] else ""
        spread = " .. ".join(map(number, row["spread"])) if row["spread"] else ""
        sign = "≥" if row["higher_is_better"] else "≤"
        target = "" if row["target"] is None else f"{sign} {number(row['target'])}"
        lines.append(
            f"| {row['name']} | {number(row['value'])}{unit} | {spread} | {target} "
            f"| {verdict(row)} | {row['condition']} |"
        )
    return "\n".join(lines) + "\n"


def sections(page: str) -> dict[str, str]:
    """What stands in a page below each heading of the second level, heading included."""
    parts = re.split(r"(?m)^(?=## )", page)[1:]
    return {part.splitlines()[0].removeprefix("## "): f"\n{part.rstrip()}\n" for part in parts}


def main() -> int:
    """Replace or add the sections of the files given."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    reports = [json.loads(Path(name).read_text()) for name in sys.argv[1:]]
    kept = sections(TARGET.read_text())
    TARGET.write_text(HEAD + "".join((kept | {r["benchmark"]: table(r) for r in reports}).values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
