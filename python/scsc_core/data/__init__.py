# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: sample files and folders for the link, labelled data sets for training and tests."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from .files import PICTURE_SUFFIXES, list_pictures, sample_image
from .sample import IGNORE, DataError, Dataset, Sample

__all__ = [
    "DATASETS",
    "IGNORE",
    "PICTURE_SUFFIXES",
    "DataError",
    "Dataset",
    "Sample",
    "list_pictures",
    "open",
    "root",
    "sample_image",
]

# name -> "module:function" of this package, called as function(root, split, classes, **options)
DATASETS = {
    "camvid": "camvid:open_camvid",
    "streets": "streets:open_streets",
}
SPLITS = ("train", "val", "test")
_GENERATED = ("streets",)  # need no root


def root() -> Path | None:
    """Folder that holds the user's data sets: SCSC_DATA, or shared/data beside a checkout."""
    named = os.environ.get("SCSC_DATA")
    if named:
        return Path(named)
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    return beside if beside.is_dir() else None


def open(
    name: str,
    folder: str | Path | None = None,
    split: str = "train",
    classes: int = 7,
    **options,
) -> Dataset:
    """One split of a data set.

    Args:
        name: a key of `DATASETS`.
        folder: of this data set; None means <root()>/<name>.
        split: "train", "val" or "test".
        classes: number of classes of the labels.
        options: of the data set's own `open_...` function.
    Raises:
        DataError: unknown name or split, no such folder, or a fault that the set's reader names.
    """
    if name not in DATASETS:
        raise DataError(f"data set must be one of {', '.join(sorted(DATASETS))}, got {name!r}")
    if split not in SPLITS:
        raise DataError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if folder is None and name not in _GENERATED:
        base = root()
        if base is None:
            raise DataError(f"data set {name} needs its folder: give --data-root or set SCSC_DATA")
        folder = base / name
    if folder is not None and not Path(folder).is_dir():
        raise DataError(f"data set {name}: folder {folder} does not exist")
    module, _, function = DATASETS[name].partition(":")
    opener = getattr(importlib.import_module(f".{module}", __package__), function)
    return opener(None if folder is None else Path(folder), split, classes, **options)
