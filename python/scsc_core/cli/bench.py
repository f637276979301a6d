# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc bench`: one benchmark's figures beside their targets."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

from .application import unknown

BENCHMARKS = (
    "fec",
    "polar",
    "bpg",
    "detector",
    "precoding",
    "link",
    "nets",
    "channels",
    "waveform",
    "sustained",
)
TIMED = ("sustained",)  # those that run for a time


def command(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(BENCHMARKS)}.")],
    quick: Annotated[bool, typer.Option("--quick", help="Fewer repeats, rougher figures.")] = False,
    seconds: Annotated[
        float | None, typer.Option(help=f"Length of the run, of {', '.join(TIMED)} (60).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """Measure speed and memory on this machine.

    Figures are medians with the lowest and highest repeat. They are worth comparing only when the
    machine is idle: the load at the start is printed with them. A missed target is no error.
    """
    if name not in BENCHMARKS:
        raise ValueError(unknown("benchmark", name, list(BENCHMARKS)))
    if seconds is not None and name not in TIMED:
        raise ValueError(f"--seconds is for {', '.join(TIMED)}, not for {name}")
    from .output import console, require_folder, write_whole

    require_folder(output)
    from ..evaluation import benchmark

    module = importlib.import_module(f"...evaluation.bench_{name}", __name__)
    host = benchmark.Host.current()
    rows = _timed(module, quick, seconds) if name in TIMED else module.run(quick=quick)
    text = benchmark.to_json(name, host, rows)
    if output is not None:
        write_whole(output, text + "\n")
    if json:
        typer.echo(text)
        return
    console().print(benchmark.to_table(name, rows))
    console().print(f"host: {host}", soft_wrap=True)


def _timed(module: Any, quick: bool, seconds: float | None) -> list[Any]:
    """Rows of a benchmark that runs for a time, which a bar shows."""
    from .progress import counted

    with counted("seconds") as report:
        return module.run(quick=quick, seconds=seconds, progress=report)
