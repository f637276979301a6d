# SPDX-License-Identifier: GPL-3.0-or-later
"""Sub-commands that are programs of their own because they need GNU Radio."""

import os
import sys
from pathlib import Path

import typer

# The program parses its own options, --help included.
PASS_ALL = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def program_app(program: str, summary: str) -> typer.Typer:
    """A command line that hands over to an installed program with all its arguments."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command(help=summary, context_settings=PASS_ALL)
    def run(context: typer.Context) -> None:
        path = find_program(program)
        os.execv(sys.executable, [sys.executable, str(path), *context.args])

    return app


def find_program(name: str) -> Path:
    """An installed program, or the one of the source tree that this package runs from."""
    source = Path(__file__).resolve().parents[3] / "apps"
    for folder in (Path(sys.executable).parent, Path(sys.prefix) / "bin", source):
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"program {name} is not installed beside {sys.executable}; try scsc doctor")
