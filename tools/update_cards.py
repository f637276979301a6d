#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put figures of evaluations, or what the recipes say, into index, weight files and cards.

Use: tools/update_cards.py trained_models RESULT.json... ; RESULT is what --output of `evaluate task`
or --json of `evaluate ppen` wrote. Models that the folder does not have are left out.

     tools/update_cards.py trained_models configs/train/all.yaml ; after a change of what the hash of a
configuration covers: each model gets the hash of its recipe, and a PPEN the line **Valid for**.
Only for models that were made with these recipes: nothing here can tell.
"""

import json
import re
import sys
from pathlib import Path

import yaml

from scsc_core.tasks.categories import CLASSES7
from scsc_core.training.ppen_settings import PpenSettings
from scsc_core.training.publish import amend, note_test
from scsc_core.training.record import validity, validity_line
from scsc_core.training.stages import read_chain

# the validation frames of CamVid and of procedural streets, 480 x 360, cut to multiples of 16 rows
_FRAMES = [(480, 352)]
_HASH = re.compile(r"config_hash\s[0-9a-f]{16}")
_VALID = re.compile(r"\*\*Valid for\*\*:.*\n\n")
_ROLES = {"plain": "plain BPG", "best control": "the best control"}


def task_figures(result: dict) -> tuple[str, dict, str]:
    """Name, figures for the index and card table of one network of `evaluate task`."""
    rows = [("mIoU", result["miou"]), ("pixel accuracy", result["accuracy"])]
    rows += list(zip(CLASSES7, result["iou"], strict=True))
    lines = ["| score | % | 95 % interval |", "|---|---|---|"]
    lines += [f"| {n} | {100 * v:.2f} | {100 * a:.2f} .. {100 * b:.2f} |" for n, (v, a, b) in rows]
    where = f"{result['data']} {result['split']}, {result['frames']} frames"
    figures = {"set": where, "miou": [round(v, 4) for v in result["miou"]]}
    figures["pixel_accuracy"] = [round(v, 4) for v in result["accuracy"]]
    return result["network"], figures, f"({where}; bootstrap by blocks):\n\n" + "\n".join(lines)


def ppen_figures(content: dict, name: str) -> tuple[dict, str]:
    """Figures for the index and card table of one PPEN of `evaluate ppen`."""
    lines = ["| against | judged by | QP | quantity | value | 95 % interval |"]
    lines += ["|---|---|---|---|---|---|"]
    figures: dict = {"set": content["set"]}
    for row in content["comparisons"]:
        if row["test"] != name or row["role"] not in _ROLES:
            continue
        value, low, high = (row.get(key) for key in ("value", "low", "high"))
        if value is None:
            value = row.get("pooled")
        if value is None:
            continue
        bounds = "" if low is None else f"{low:.1f} .. {high:.1f}"
        anchor = f"{_ROLES[row['role']]} ({row['anchor']})"
        lines.append(
            f"| {anchor} | {row['judge']} | {row['qps']} | {row['figure']} | {value:.1f} | {bounds} |"
        )
        key = f"{row['figure']} {row['role']} {row['judge']} {row['qps']}"
        figures[key] = [None if v is None else round(v, 3) for v in (value, low, high)]
    return figures, f"({content['set']}; real BPG; bootstrap by blocks):\n\n" + "\n".join(lines)


def renew(folder: Path, settings) -> bool:
    """Hash and validity of one model as its recipe gives them; whether anything changed."""

    def entry(described: dict) -> None:
        described["trained_with"]["config_hash"] = settings.digest()
        if isinstance(settings, PpenSettings):
            described["valid_for"] = validity(settings, _FRAMES)

    def card(text: str) -> str:
        text = _HASH.sub(f"config_hash {settings.digest()}", text)
        if isinstance(settings, PpenSettings):
            line = validity_line({"valid_for": validity(settings, _FRAMES)})
            text = _VALID.sub("", text).replace("**Validation**", f"{line}\n\n**Validation**", 1)
        return text

    return amend(folder, settings.model, entry, card)


def main(folder: str, *files: str) -> None:
    """Update the folder from result files or chains of recipes."""
    index = yaml.safe_load((Path(folder) / "index.yaml").read_text(encoding="utf-8"))
    names = {entry["name"] for entry in index}
    for file in files:
        if file.endswith(".yaml"):
            for _, settings in read_chain(Path(file), {}):
                if settings.model in names and renew(Path(folder), settings):
                    print(f"{settings.model}: {settings.digest()}")
            continue
        content = json.loads(Path(file).read_text(encoding="utf-8"))
        if "results" in content:
            noted = [task_figures(result) for result in content["results"]]
        else:
            subjects = dict.fromkeys(row["test"] for row in content["comparisons"])
            noted = [(name, *ppen_figures(content, name)) for name in subjects]
        for name, figures, table in noted:
            if name in names:
                note_test(Path(folder), name, figures, table)
                print(f"{name}: {file}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
