# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc evaluate task`: what a task network reaches on undamaged pictures."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .words import words


def register(app: typer.Typer) -> None:
    """Add the command of this module to `scsc evaluate`."""
    app.command()(task)


def task(
    networks: Annotated[
        str, typer.Option(help="Task networks by name or file, with commas.")
    ] = "erf-pspnet-camvid-7,espnetv2-2.0",
    data: Annotated[str, typer.Option(help="Data set with labels of 7 categories.")] = "camvid",
    data_root: Annotated[Path | None, typer.Option(help="Its folder.")] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    frames: Annotated[int | None, typer.Option(min=1, help="At most so many frames.")] = None,
    block: Annotated[int, typer.Option(min=1, help="Frames of a bootstrap block.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """Mean IoU, pixel accuracy and IoU by class of task networks, with 95 % intervals."""
    from .output import require_folder, show
    from .progress import counted

    require_folder(output)
    names = words(networks)
    if not names:
        raise ValueError("networks must name at least one task network, got none")
    from ..evaluation import task_scores

    with counted("frames") as report:
        results = task_scores.run(names, data, split, frames, data_root, block, report)
    content = {"results": [asdict(result) for result in results]}
    show(content, task_scores.lines(results), json, output)
