# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: sample files and folders for the link, labelled data sets for training and tests."""

from __future__ import annotations

import importlib
import inspect
import os
from pathlib import Path

from .checks import Checked, check
from .files import PICTURE_SUFFIXES, list_pictures, sample_image
from .sample import IGNORE, DataError, Dataset, Sample

__all__ = [
    "DATASETS",
    "IGNORE",
    "PICTURE_SUFFIXES",
    "Checked",
    "DataError",
    "Dataset",
    "Sample",
    "check",
    "folder_of",
    "list_pictures",
    "open",
    "root",
    "sample_image",
    "splits_of",
]

# name -> "module:function" of this package, called as function(root, split, classes, **options)
DATASETS = {
    "camvid": "camvid:open_camvid",
    "cityscapes": "cityscapes:open_cityscapes",
    "coco_boxes": "coco_boxes:open_coco_boxes",
    "cvrg_pano": "cvrg_pano:open_cvrg_pano",
    "folder": "folder:open_folder",
    "imagenet_like": "imagenet_like:open_imagenet_like",
    "streets": "streets:open_streets",
}
SPLITS = ("train", "val", "test")
_GENERATED = ("streets",)  # need no folder, and use one that is there
_WITHOUT_TEST = ("cityscapes", "coco_boxes")
_FOLDERS = {"coco_boxes": "coco_mini"}  # where it differs from the name


def root() -> Path | None:
    """Folder that holds the user's data sets: SCSC_DATA, or shared/data beside a checkout."""
    named = os.environ.get("SCSC_DATA")
    if named:
        return Path(named)
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    return beside if beside.is_dir() else None


def folder_of(name: str, base: str | Path | None = None) -> Path | None:
    """Folder of a data set inside `base`; None for generated sets that have none there.

    Args:
        name: a key of `DATASETS`.
        base: folder of all data sets; None means `root()`.
    Raises:
        DataError: a set that needs its folder, no base is given and there is no `root()`.
    """
    base = root() if base is None else Path(base)
    if name in _GENERATED:
        kept = None if base is None else base / name
        return kept if kept is not None and kept.is_dir() else None
    if base is None:
        raise DataError(f"data set {name} needs its folder: give --data-root or set SCSC_DATA")
    return base / _FOLDERS.get(name, name)


def splits_of(name: str) -> tuple[str, ...]:
    """Splits that a data set has labels for."""
    return SPLITS[:2] if name in _WITHOUT_TEST else SPLITS


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
        folder: of this data set; None means <root()>/<name>, coco_mini for coco_boxes. Generated
            sets use that folder where it exists and do without it elsewhere.
        split: "train", "val" or "test".
        classes: number of classes of the labels.
        options: of the data set's own `open_...` function.
    Raises:
        DataError: unknown name, split or option, no such folder, or a fault that the set's reader names.
    """
    if name not in DATASETS:
        raise DataError(f"data set must be one of {', '.join(sorted(DATASETS))}, got {name!r}")
    if split not in SPLITS:
        raise DataError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    folder = folder_of(name) if folder is None else folder
    if folder is not None and not Path(folder).is_dir():
        raise DataError(f"data set {name}: folder {folder} does not exist")
    module, _, function = DATASETS[name].partition(":")
    opener = getattr(importlib.import_module(f".{module}", __package__), function)
    allowed = list(inspect.signature(opener).parameters)[3:]
    for option in options:
        if option not in allowed:
            known = ", ".join(allowed) or "none"
            raise DataError(f"data set {name} has no option {option!r}; there are: {known}")
    return opener(None if folder is None else Path(folder), split, classes, **options)
