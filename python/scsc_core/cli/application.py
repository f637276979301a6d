# SPDX-License-Identifier: GPL-3.0-or-later
"""The group of all sub-commands, and the late import that keeps `scsc --help` quick."""

import difflib
import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__

# A module of this package offers either `app`, a Typer of sub-commands, or `command`, a function.
COMMANDS = {
    "demo": "Send a picture by every scheme and compare what the task sees.",
    "loopback": "Run the loopback flowgraph with options.",
    "tx": "Send pictures over the air, or over a virtual radio.",
    "rx": "Receive pictures over the air, or over a virtual radio.",
    "calibrate": "Measure levels, gains and delay of a radio.",
    "channel": "Run the simulated air between a transmitter and a receiver.",
    "companion": "Open GNU Radio Companion with the blocks.",
    "bench": "Measure speed and memory of the parts.",
    "evaluate": "Compare precoders, pre-processors, task networks, links.",
    "train": "Train networks: task, proxy, pcen, ppen, all.",
    "data": "List, check, prepare and look at data sets.",
    "models": "List, describe and verify trained models.",
    "fuzz": "Read thousands of damaged inputs.",
    "doctor": "Check the installation; tells each cure.",
}
# The launcher ./scsc runs the tests itself: they belong to a clone, not to an installation.
LAUNCHER_COMMANDS = {"test": "Run all tests (in a clone: ./scsc test)."}


class LateGroup(TyperGroup):
    """A group whose members are listed from tables and imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*COMMANDS, *LAUNCHER_COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the list of commands shows: name and summary, without the module behind it."""
        summary = (COMMANDS | LAUNCHER_COMMANDS).get(cmd_name)
        if summary is None:
            return None
        return typer.core.TyperCommand(cmd_name, help=summary, callback=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = str(args[0])
        if name in LAUNCHER_COMMANDS:
            raise ValueError(f"{name} runs in a clone of the repository: ./scsc {name}")
        if name not in COMMANDS:
            raise ValueError(unknown("command", name, self.list_commands(ctx)))
        return name, load(name), args[1:]


def unknown(kind: str, name: str, allowed: list[str]) -> str:
    """One line that names the value, close matches, and all that is allowed."""
    close = difflib.get_close_matches(name, allowed, 3, 0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"unknown {kind} {name!r}: {hint}allowed: {', '.join(allowed)}"


def load(name: str) -> Any:
    """The command line of one sub-command; ValueError when its module cannot be imported."""
    try:
        module = importlib.import_module(f".{name}", __package__)
    except ImportError as error:
        raise ValueError(f"command {name} cannot be loaded: {error}; try scsc doctor") from error
    group = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(add_completion=False, rich_markup_mode=None)
        group.command(name)(module.command)
    command = typer.main.get_command(group)
    command.name = name
    return command


def build() -> Any:
    """The command line of `scsc`."""
    app = typer.Typer(
        cls=LateGroup, add_completion=False, no_args_is_help=True, rich_markup_mode=None
    )

    @app.callback(epilog="Every command has --help; --debug shows tracebacks.")
    def scsc(
        version: Annotated[
            bool, typer.Option("--version", callback=_print_version, is_eager=True)
        ] = False,
    ) -> None:
        """Standards-compatible semantic image communication over MIMO links."""

    return typer.main.get_command(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"scsc {__version__}")
        raise typer.Exit()
