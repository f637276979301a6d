#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the figures and the panel of a demo run into the README: tools/update_readme.py RUN_FOLDER.

The README's numbers are never typed by hand; this script writes them from the run's files.
"""

import json
import sys
from pathlib import Path

import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- results: demo -->", "<!-- results: end -->"


def table(saved: dict, results: dict) -> str:
    """The Markdown table of a run, and what the run allows to say."""
    config, count = saved["config"], saved["count"]
    clean = results["clean_picture"]
    lines = [
        f"`./scsc demo --count {count}`: {saved['image']}, {config['codec'].upper()}, "
        f"code rate {config['code_rate']}, {config['modulation'].upper()}, "
        f"{config['n_tx']}x{config['n_rx']} {config['channel']} fading {config['fading']}, "
        f"SNR {config['snr_db']:g} dB (`{config['snr_def']}`), seed {config['seed']}; the same {count} "
        f"channels and at most {results['budget_channel_uses']} channel uses a picture for every "
        f"scheme. PPEN is `{saved['ppen']}`, the task network `{saved['task_model']}`, judged by "
        f"{results['task_judged_by']}; on the clean picture its mIoU is {clean['miou']:.3f}.",
        "",
        "| scheme | QP | delivered (95 %) | mIoU, lost ones included | mIoU, nothing lost "
        "| pixels right, nothing lost | PSNR, nothing lost | R_k |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in results["schemes"]:
        low, high = (100 * bound for bound in row["interval"])
        task, undamaged = row["task"], row["undamaged"]
        lines.append(
            f"| {row['title']} ({row['note']}) | {row['qp']:g} "
            f"| {100 * row['share']:.1f} % ({low:.0f}..{high:.0f}) "
            f"| {task['miou']:.3f} | {undamaged['miou']:.3f} "
            f"| {100 * undamaged['pixel_accuracy']:.1f} % "
            f"| {row['psnr_undamaged_db']:.2f} dB | {row['cbr_k']:.5f} |"
        )
    lines += ["", *(f"- {sentence}" for sentence in results["findings"])]
    return "\n".join(lines)


def main() -> int:
    """Update README.md and docs/images/panel.png from one run folder."""
    if len(sys.argv) != 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    run = Path(sys.argv[1])
    saved = yaml.safe_load((run / "config.yaml").read_text())
    results = json.loads((run / "metrics.json").read_text())
    readme = ROOT / "README.md"
    head, rest = readme.read_text().split(BEGIN)
    _, tail = rest.split(END)
    text = table(saved, results)
    readme.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")
    # 256 colours show the panel as well and take a third of the bytes.
    with Image.open(run / "panel.png") as panel:
        small = panel.convert("RGB").quantize(256)
    small.save(ROOT / "docs" / "images" / "panel.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
