# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc evaluate`: experiments whose results are tables."""

import json as json_format
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Run an experiment."
)


@app.callback()
def evaluate() -> None:
    """Run an experiment and print its table."""


@app.command()
def precoders(
    channels: Annotated[int, typer.Option(min=40, help="Rayleigh channels.")] = 2000,
    quick: Annotated[bool, typer.Option("--quick", help="200 channels.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the channels.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """All precoders on the same 2x2 channels: information, SNR for a rate, outage, CSI error."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from .output import console, require_folder, write_whole

    require_folder(output)
    from ..evaluation import precoder_table

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("precoders")
        table = precoder_table.run(
            channels, quick, seed, progress=lambda line: bar.update(task, description=line)
        )
    text = json_format.dumps(_finite(asdict(table)), indent=1)
    if output is not None:
        write_whole(output, text + "\n")
    if json:
        typer.echo(text)
        return
    for line in precoder_table.lines(table):
        console().print(line, markup=False, soft_wrap=True)


def _finite(value: Any) -> Any:
    """The same with None for what JSON has no number for (a rate that no SNR reaches)."""
    if isinstance(value, dict):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
