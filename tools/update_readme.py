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


def table(config: dict, schemes: list[dict], count: int) -> str:
    """The Markdown table of a run."""
    lines = [
        f"`./scsc demo --count {count}`: {config['codec'].upper()} at its default quality, "
        f"code rate {config['code_rate']}, {config['modulation'].upper()}, "
        f"{config['n_tx']}x{config['n_rx']} {config['channel']} fading {config['fading']}, "
        f"SNR {config['snr_db']:g} dB (`{config['snr_def']}`), seed {config['seed']}; "
        f"the same {count} channels for every scheme.",
        "",
        "| scheme | delivered (95 %) | PSNR, lost ones included | MS-SSIM | R_k | delivered bit/use |",
        "|---|---|---|---|---|---|",
    ]
    for row in schemes:
        low, high = (100 * bound for bound in row["interval"])
        lines.append(
            f"| {row['title']} ({row['note']}) | {100 * row['share']:.1f} % ({low:.0f}..{high:.0f}) "
            f"| {row['psnr_db']:.2f} dB | {row['ms_ssim']:.4f} | {row['cbr_k']:.5f} "
            f"| {row['goodput_bits_per_use']:.2f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Update README.md and docs/images/panel.png from one run folder."""
    if len(sys.argv) != 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    run = Path(sys.argv[1])
    saved = yaml.safe_load((run / "config.yaml").read_text())
    schemes = json.loads((run / "metrics.json").read_text())
    readme = ROOT / "README.md"
    head, rest = readme.read_text().split(BEGIN)
    _, tail = rest.split(END)
    text = table(saved["config"], schemes, saved["count"])
    readme.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")
    # 256 colours show the panel as well and take a third of the bytes.
    with Image.open(run / "panel.png") as panel:
        small = panel.convert("RGB").quantize(256)
    small.save(ROOT / "docs" / "images" / "panel.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
