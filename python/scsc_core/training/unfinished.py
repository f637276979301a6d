# SPDX-License-Identifier: GPL-3.0-or-later
"""What an interrupted chain of stages had still to make, kept beside its models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from . import checkpoint
from .settings import read_layer

FILE = "unfinished.yaml"


class UnfinishedChain:
    """Models that a chain has not made yet, in <folder>/unfinished.yaml; gone with the last of them.

    A model that lies there but was trained against one that has been replaced since is known by this
    file alone, since the hash of its configuration stays the same.

    Args:
        folder: of the models.
    """

    def __init__(self, folder: Path):
        self._path = Path(folder) / FILE
        # model -> {"config_hash", "run": folder or None}
        self._models: dict[str, dict[str, Any]] = {}
        if self._path.is_file():
            known = read_layer(self._path).items()  # a person may have touched it
            self._models = {name: found for name, found in known if isinstance(found, dict)}

    def __contains__(self, settings: Any) -> bool:
        """Whether a model was still to be made, by the same configuration."""
        found = self._models.get(settings.model)
        return found is not None and found.get("config_hash") == settings.digest()

    def add(self, settings: Any, anew: bool) -> None:
        """A model to make; `anew`: not from where its run was interrupted."""
        if anew or settings not in self:
            self._models[settings.model] = {"config_hash": settings.digest(), "run": None}

    def begin(self, settings: Any, run: Path) -> None:
        """The run folder of a model's stage."""
        found = {"config_hash": settings.digest(), "run": str(run.resolve())}
        self._models[settings.model] = found
        self.save()

    def run(self, settings: Any) -> Path | None:
        """The run folder to go on in; None: no checkpoint is there."""
        run = self._models[settings.model].get("run") if settings in self else None
        if run is None:
            return None
        try:
            checkpoint.latest(Path(run))
        except checkpoint.CheckpointError:
            return None
        return Path(run)

    def remove(self, settings: Any) -> None:
        """A model that is made."""
        self._models.pop(settings.model, None)
        self.save()

    def save(self) -> None:
        """Write the file, or remove it when nothing is left; the first process's task."""
        if int(os.environ.get("LOCAL_RANK", 0)):
            return
        if not self._models:
            self._path.unlink(missing_ok=True)
            return
        partial = self._path.with_suffix(".part")
        partial.write_text(yaml.safe_dump(self._models), encoding="utf-8")
        partial.replace(self._path)
