# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc data list`, `check` and `prepare`: the user's data sets, before anything is trained."""

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

_CLASSES = {"coco_boxes": 80, "imagenet_like": 1000}  # all others: 7


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `scsc data`."""
    app.command("list")(list_sets)
    app.command()(check)
    app.command()(prepare)


def list_sets(
    data_root: Annotated[
        Path | None, typer.Option(help="Folder of the data sets; default SCSC_DATA.")
    ] = None,
) -> None:
    """Which data sets can be read, and where each is found."""
    from rich.table import Table

    from .. import data
    from .output import console

    base = data.root() if data_root is None else data_root
    table = Table(title=f"data sets in {base or 'no folder (set SCSC_DATA)'}", title_justify="left")
    for column in ("name", "train", "val", "test", "licence or fault"):
        table.add_column(column)
    for name in sorted(data.DATASETS):
        counts, note = dict.fromkeys(data.SPLITS, "-"), ""
        for split in data.splits_of(name):
            try:
                folder = data.folder_of(name, data_root)
                found = data.open(name, folder, split, _CLASSES.get(name, 7))
            except data.DataError as error:
                note = str(error)
                break
            counts[split] = str(len(found))
            note = found.licence
        table.add_row(name, *counts.values(), note)
    console().print(table)


def check(
    name: Annotated[str, typer.Argument(help="Name of a data set; see scsc data list.")],
    folder: Annotated[Path | None, typer.Option(help="Of the data set, if it lies apart.")] = None,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "all",
    classes: Annotated[int | None, typer.Option(help="Number of classes of the labels.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Decode every picture and label.")] = False,
) -> None:
    """Look for faults: missing files, wrong sizes, wrong classes; code 2 at the first."""
    from .. import data

    if name not in data.DATASETS:
        data.open(name)
    wanted = data.splits_of(name) if split == "all" else (split,)
    for part in wanted:
        found = data.open(name, folder, part, classes or _CLASSES.get(name, 7))
        with _progress(f"{name} {part}") as report:
            seen = data.check(found, full, report)
        typer.echo(_line(found, seen))


def prepare(
    source: Annotated[Path, typer.Argument(help="Copy of CVRG-Pano as it was unpacked.")],
    output: Annotated[Path, typer.Argument(help="New folder, or the source itself.")],
    images: Annotated[
        list[str] | None, typer.Option(help="Folder of pictures inside the source; repeatable.")
    ] = None,
    labels: Annotated[
        list[str] | None, typer.Option(help="Folder of labels, in the order of --images.")
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help="classes.json; default: the one in the source.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the drawn splits.")] = 0,
    copy: Annotated[bool, typer.Option("--copy", help="Copy files instead of linking.")] = False,
) -> None:
    """Bring CVRG-Pano into the layout that is read, and draw its splits 4 : 1 : 1."""
    from ..data.prepare import prepare as prepare_set

    images, labels = images or [], labels or []
    if len(images) != len(labels):
        raise ValueError(
            f"--images and --labels must be given equally often, got {len(images)} and "
            f"{len(labels)}"
        )
    with _progress("prepare") as report:
        done = prepare_set(source, output, list(zip(images, labels)), classes, seed, copy, report)
    counts = ", ".join(f"{split} {len(names)}" for split, names in done.splits.items())
    typer.echo(f"{done.folder}: {done.pictures} pictures, {counts}")


def _line(found, seen) -> str:
    words = [f"ok  {found.name} {found.split}: {seen.pictures} samples"]
    if seen.largest != (0, 0):
        low, high = (f"{width}x{height}" for width, height in (seen.smallest, seen.largest))
        words.append(low if low == high else f"{low} to {high}")
    if seen.decoded:
        words.append(f"{seen.decoded} decoded")
    if seen.shares is not None:
        words.append("class shares " + " ".join(f"{share:.3f}" for share in seen.shares))
    return ", ".join([*words, f"licence: {found.licence}"])


@contextmanager
def _progress(title: str):
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
