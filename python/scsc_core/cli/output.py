# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands write results: tables, and files as a whole or not at all."""

import json as json_format
import math
import sys
from pathlib import Path
from typing import Any


def console() -> Any:
    """A rich console on stdout; wide enough for whole tables when stdout is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def require_folder(path: Path | None) -> None:
    """Refuse, before the work is done, an output file in a folder that does not exist."""
    if path is not None and not path.parent.is_dir():
        raise ValueError(f"folder {path.parent} of {path} does not exist")


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that readers see the old file or the new one, never half of it.

    Raises:
        ValueError: the folder does not exist.
    """
    require_folder(path)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def show(content: dict[str, Any], lines: list[str], json: bool, output: Path | None) -> None:
    """Print lines, or the content as JSON, and write the JSON to a file if one is given."""
    text = json_format.dumps(_finite(content), indent=1)
    if output is not None:
        write_whole(output, text + "\n")
    if json:
        print(text)
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
