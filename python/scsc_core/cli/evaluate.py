# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc evaluate`: experiments whose results are tables."""

import json as json_format
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    from .output import require_folder

    require_folder(output)
    from ..evaluation import precoder_acceptance, precoder_table

    with _progress("precoders") as report:
        table = precoder_table.run(channels, quick, seed, progress=report)
    results = precoder_acceptance.checks(table)
    lines = [*precoder_table.lines(table), "", *precoder_acceptance.lines(results)]
    _show({**asdict(table), "checks": [asdict(c) for c in results]}, lines, json, output)


@app.command()
def coded(
    channels: Annotated[int, typer.Option(min=40, help="Rayleigh channels.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of channels, payloads and noise.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """SNR at 10 % block error rate of one NR LDPC codeword per channel, per precoder."""
    from .output import require_folder

    require_folder(output)
    from ..evaluation import coded_outage, precoder_acceptance

    with _progress("coded") as report:
        rows = coded_outage.run(channels, seed, progress=report)
    results = precoder_acceptance.coded_checks(rows)
    lines = [*coded_outage.lines(rows), "", *precoder_acceptance.lines(results)]
    content = {
        "channels": channels,
        "seed": seed,
        "rows": [asdict(row) for row in rows],
        "checks": [asdict(c) for c in results],
    }
    _show(content, lines, json, output)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[str], None]]:
    """A spinner on the terminal; yields the function that shows the line of a finished row."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(name)
        yield lambda line: bar.update(task, description=line)


def _show(content: dict[str, Any], lines: list[str], json: bool, output: Path | None) -> None:
    """Print lines, or the content as JSON, and write the JSON to a file if one is given."""
    from .output import console, write_whole

    text = json_format.dumps(_finite(content), indent=1)
    if output is not None:
        write_whole(output, text + "\n")
    if json:
        typer.echo(text)
        return
    for line in lines:
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
