# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc train`: the training stages of trained_models/."""

from pathlib import Path
from typing import Annotated

import typer

from .application import unknown

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Train a network."
)


@app.callback()
def train() -> None:
    """Train a network."""


@app.command()
def pcen(
    model: Annotated[
        str, typer.Option(help="pcen, pcen-unfolded or pcen-paper: which to train.")
    ] = "pcen",
    output: Annotated[
        Path, typer.Option(help="Folder for weights, index, card and loss curve.")
    ] = Path("runs/train-pcen"),
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same weights.")] = 0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps; without it, those of the bundled weights.")
    ] = None,
) -> None:
    """Train the precoder enhancement on random channels; about a minute on one core.

    Use the result with SCSC_MODELS=<output>.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ..training import pcen_stage
    from .output import console

    if model not in pcen_stage.RECIPES:
        raise ValueError(unknown("model", model, list(pcen_stage.RECIPES)))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(model, total=None, loss=float("nan"))

        def progress(step: int, total: int, loss: float) -> None:
            bar.update(task, completed=step, total=total, loss=loss)

        result = pcen_stage.train(model, output, seed=seed, steps=steps, progress=progress)
    screen = console()
    screen.print(f"{model}: {result.steps} steps in {result.seconds:.0f} s, seed {result.seed}")
    for name, value in result.metrics.items():
        screen.print(f"  {name}: {value}", markup=False)
    screen.print(f"weights in {result.weights}; use them with SCSC_MODELS={output}", soft_wrap=True)
