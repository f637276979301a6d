# SPDX-License-Identifier: GPL-3.0-or-later
"""Text lists and descriptions that lie beside the pictures of a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .sample import DataError


def read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and words of every line that is not empty.

    Raises:
        DataError: missing, unreadable, no UTF-8 text, or without any word.
    """
    lines = [(number, line.split()) for number, line in enumerate(_text(path).split("\n"), 1)]
    filled = [(number, words) for number, words in lines if words]
    if not filled:
        raise DataError(f"list {path} is empty")
    return filled


def read_json(path: Path) -> Any:
    """Content of a JSON file.

    Raises:
        DataError: missing, unreadable, or no JSON.
    """
    try:
        return json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path} is no valid JSON: {error}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no UTF-8 text") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
