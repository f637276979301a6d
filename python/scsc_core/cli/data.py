# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc data`: what the data sets hold, and whether they are fit for use."""

from pathlib import Path
from typing import Annotated

import typer

from . import data_sets

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, check, prepare and look at data sets.",
)
data_sets.register(app)


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="Name of a data set; see scsc data list.")],
    folder: Annotated[Path | None, typer.Option(help="Of the data set, if it lies apart.")] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "train",
    classes: Annotated[int, typer.Option(min=0, help="Number of classes of the labels.")] = 7,
    count: Annotated[int, typer.Option(min=1, max=64, help="Samples, spread over the split.")] = 6,
    output: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("preview.png"),
) -> None:
    """Write a sheet of samples: each picture beside itself with its labels laid over it."""
    from PIL import Image

    from .. import data
    from ..data.contact_sheet import contact_sheet
    from .output import require_folder

    require_folder(output)
    found = data.open(name, folder, split, classes)
    chosen = [
        found[k * len(found) // min(count, len(found))] for k in range(min(count, len(found)))
    ]
    Image.fromarray(contact_sheet(chosen, classes)).save(output, "PNG")
    typer.echo(f"{output}: {len(chosen)} of {len(found)} samples of {name} {split}")


@app.command("check-streets")
def check_streets(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer scenes and steps.")] = False,
) -> None:
    """Acceptance tests of the procedural street scenes; code 3 when one is missed.

    Takes about half an hour on two cores. Tests that need CamVid or ESPNetv2's weights are skipped
    where those are absent.
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from ..data import streets_acceptance

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("streets")
        checks = streets_acceptance.evaluate(quick, lambda text: bar.update(task, description=text))
    for line in streets_acceptance.lines(checks):
        typer.echo(line)
    if any(check.passed is False for check in checks):
        raise typer.Exit(3)
