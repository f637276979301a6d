# SPDX-License-Identifier: GPL-3.0-or-later
"""Run folders: one directory that holds everything a run was made with and everything it gave.

runs/<time>-<name>/   config.yaml  metrics.json  log.jsonl  pictures, panel.png
"""

import contextlib
import json
import math
import os
import re
import time
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel

from . import __version__


class RunFolder:
    """Writes the files of one run; a file is replaced as a whole or not at all.

    Attributes:
        path: Path of the folder.
    """

    def __init__(self, path: Path):
        self.path = path

    def save_config(self, config: BaseModel, **more: Any) -> Path:
        """config.yaml: every value of the model, seeds included, and the program's version."""
        content = {"version": __version__, **_plain(more), "config": _plain(config)}
        text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None)
        return self._write("config.yaml", text)

    def save_metrics(self, metrics: Any) -> Path:
        """metrics.json; infinite and undefined values become null."""
        return self._write("metrics.json", json.dumps(_plain(metrics), indent=1) + "\n")

    def log(self, record: Any) -> None:
        """One more line of log.jsonl."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(_plain(record)) + "\n")

    def save_image(self, name: str, image: np.ndarray) -> Path:
        """A picture uint8 [H, W, 3] as PNG."""
        from PIL import Image

        path = self.path / f"{name}.png"
        temporary = path.with_suffix(".part")
        Image.fromarray(image).save(temporary, format="png")
        return temporary.replace(path)

    def discard_if_empty(self) -> None:
        """Remove the folder of a run that ended before it had anything to keep."""
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _write(self, name: str, text: str) -> Path:
        temporary = self.path / f"{name}.part"
        temporary.write_text(text, encoding="utf-8")
        return temporary.replace(self.path / name)


def make_folder(folder: Path) -> Path:
    """The folder of results, made where it is missing, before anything that takes long.

    Raises:
        ValueError: something else has its name, or it cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"output must be a folder that can be written, got {folder}: {error.strerror}"
        ) from None
    if not os.access(folder, os.W_OK):
        raise ValueError(f"output must be a folder that can be written, got {folder}")
    return folder


def create_run(name: str, root: str | Path = "runs") -> RunFolder:
    """A new folder <root>/<local time>-<name>; a number is added when that one exists.

    Raises ValueError when the name is no plain file name or the folder cannot be made.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError(f"run name must consist of letters, digits and ._-, got {name!r}")
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    for attempt in range(1000):
        path = Path(root) / (stem if attempt == 0 else f"{stem}-{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not path.is_dir():
                raise ValueError(f"run folder {path} cannot be made: a file is there") from None
        except OSError as error:
            raise ValueError(f"run folder {path} cannot be made: {error.strerror}") from None
        else:
            return RunFolder(path)
    raise ValueError(f"run folder {Path(root) / stem} cannot be made: 1000 of that name exist")


def _plain(value: Any) -> Any:
    """Only dict, list, str, int, bool, None and finite floats, as JSON and YAML want."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value
