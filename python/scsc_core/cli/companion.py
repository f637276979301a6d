# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc companion`: GNU Radio Companion with this installation's blocks and interpreter."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    flowgraphs: Annotated[list[Path] | None, typer.Argument(help="Flowgraphs to open.")] = None,
) -> None:
    """Open GNU Radio Companion.

    Companion runs flowgraphs with its own interpreter, so it is started with the one that has torch
    and the blocks; its search path gets the block descriptions of this installation.
    """
    program = shutil.which("gnuradio-companion")
    if program is None:
        raise ValueError("gnuradio-companion is not installed; apt-get install gnuradio")
    for path in flowgraphs or []:
        if not path.is_file():
            raise ValueError(f"flowgraph {path} does not exist")
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ValueError("no display: neither DISPLAY nor WAYLAND_DISPLAY is set")
    os.environ["GRC_BLOCKS_PATH"] = block_path()
    os.execv(sys.executable, [sys.executable, program, *map(str, flowgraphs or [])])


def block_path() -> str:
    """Search path of block descriptions: what is set already, then those below this prefix."""
    folder = str(Path(sys.prefix) / "share" / "gnuradio" / "grc" / "blocks")
    paths = os.environ.get("GRC_BLOCKS_PATH", "").split(":")
    return ":".join([path for path in paths if path and path != folder] + [folder])
