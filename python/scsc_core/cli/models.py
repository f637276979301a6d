# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc models`: what the trained models are, and whether their files are intact."""

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, describe and verify the trained models.",
)
Name = Annotated[str, typer.Argument(help="Name of a model; see scsc models list.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(json: Json = False) -> None:
    """All models in the index: name, network, licence."""
    from rich.table import Table

    from .. import zoo
    from .output import console

    index = zoo.index()
    if json:
        typer.echo(json_format.dumps(_plain(index), indent=1))
        return
    table = Table(
        title=f"trained models in {', '.join(map(str, zoo.folders()))}", title_justify="left"
    )
    for column in ("name", "network", "file", "licence"):
        table.add_column(column)
    for name, entry in sorted(index.items()):
        table.add_row(name, *(str(entry.get(key, "")) for key in ("network", "file", "licence")))
    console().print(table)


@app.command()
def info(name: Name, json: Json = False) -> None:
    """Everything that the index says about one model."""
    import yaml

    from .. import zoo

    entry = _plain(zoo.entry(name))
    text = json_format.dumps(entry, indent=1) if json else yaml.safe_dump(entry, sort_keys=False)
    typer.echo(text.rstrip())


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Models; none means all.")] = None,
) -> None:
    """Compare the files' SHA-256 with the index; code 2 at the first that differs."""
    from .. import zoo

    for name in names or sorted(zoo.index()):
        path = zoo.path(name)
        typer.echo(f"ok  {name}  {path}")


@app.command()
def card(name: Name) -> None:
    """The card of one model: what it is for, its data, its limits."""
    from .. import zoo

    entry = zoo.entry(name)
    path = zoo.folder(name) / entry.get("card", f"cards/{name}.md")
    if not path.is_file():
        raise ValueError(f"model {name} has no card at {path}")
    typer.echo(path.read_text(encoding="utf-8").rstrip())


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="Name of a model, or a .safetensors file.")],
    file: Annotated[Path, typer.Argument(help="ONNX file to write.")],
    width: Annotated[int, typer.Option(help="Width of the pictures.")] = 480,
    height: Annotated[int, typer.Option(help="Height of the pictures.")] = 360,
) -> None:
    """Write a network as an ONNX file for pictures of one size."""
    from .. import zoo
    from ..nets.export import EXPORTED, export_onnx
    from .output import require_folder

    require_folder(file)
    described = zoo.describe(name)
    network = getattr(zoo.load(name), "network", None)
    if type(network) not in EXPORTED:
        raise ValueError(f"model {name} has no ONNX form: network {described['network']}")
    entry = json_format.dumps(_plain(described))
    export_onnx(network, file, height, width, {"model": entry, "licence": described["licence"]})
    inputs, output = EXPORTED[type(network)]
    typer.echo(f"{file}: {', '.join(inputs)} -> {output}, pictures of {width} x {height}")


def _plain(value: Any) -> Any:
    """The index as JSON can hold it: dates and the like become text."""
    return json_format.loads(json_format.dumps(value, default=str))
