# SPDX-License-Identifier: GPL-3.0-or-later
"""Any tree of picture files, without labels: photographs, panoramas, frames of a camera."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from .files import PICTURE_SUFFIXES
from .pictures import read_image
from .sample import DataError, Dataset, Sample

SUFFIXES = tuple(suffix for suffix in PICTURE_SUFFIXES if suffix != ".bpg")
_SPLITS = ("train", "val", "test")


def open_folder(
    root: Path,
    split: str,
    classes: int = 0,
    downscale: int = 1,
    holdout: float = 0.0,
    licence: str = "not stated",
) -> Dataset:
    """Pictures of a tree in order of their paths.

    Where the folder has a subfolder train, val or test, these are the splits. Otherwise every split
    is the whole tree, unless `holdout` sets a share of it apart: then that share is both "val" and
    "test", and "train" is the rest. The draw depends on the paths alone, so that a picture that is
    added later moves no other.

    Args:
        root: folder.
        split: "train", "val" or "test".
        classes: of no effect, as there are no labels.
        downscale: int >= 1, both sides are divided by it (mean of the covered pixels). 2 or more
            makes a codec source of JPEG files: coding twice flatters the codec.
        holdout: share in [0, 1) of the pictures kept from training.
        licence: of the pictures, for the records of what is trained on them.
    Raises:
        DataError: no picture, or an option out of its range.
    Source: training.md sections 2 and 2.1.
    """
    check_downscale("folder", downscale)
    if isinstance(holdout, bool) or not isinstance(holdout, (int, float)) or not 0 <= holdout < 1:
        raise DataError(f"folder: holdout must be in [0, 1), got {holdout!r}")
    root = Path(root)
    has_splits = any((root / name).is_dir() for name in _SPLITS)
    if has_splits and holdout:
        raise DataError(f"folder: {root} has split folders of its own, so holdout must be 0")
    base = root / split if has_splits else root
    paths = pictures_below(base)
    if holdout:
        paths = [path for path in paths if _held(path, base, holdout) == (split != "train")]
        if not paths:
            raise DataError(f"folder: holdout {holdout:g} leaves no picture of {root} for {split}")
    names = _names(paths, base)

    def read(index: int) -> Sample:
        return Sample(downscaled(read_image(paths[index]), downscale), None, names[index], licence)

    files = tuple((path, None) for path in paths)
    return Dataset("folder", split, 0, licence, names, read, files)


def pictures_below(folder: Path) -> list[Path]:
    """Picture files of a tree that Pillow reads, in order of their paths.

    Hidden files and folders are left out, links to folders are not followed.

    Raises:
        DataError: the folder does not exist or holds no picture.
    """
    if not folder.is_dir():
        raise DataError(f"folder {folder} does not exist")
    found = []
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(path, name)
            for name in files
            if not name.startswith(".") and name.lower().endswith(SUFFIXES)
        ]
    if not found:
        raise DataError(f"folder {folder} holds no picture ({' '.join(SUFFIXES)})")
    return sorted(found)


def check_downscale(name: str, downscale: int) -> None:
    """DataError unless `downscale` of the data set `name` is an integer >= 1."""
    if isinstance(downscale, bool) or not isinstance(downscale, int) or downscale < 1:
        raise DataError(f"{name}: downscale must be an integer >= 1, got {downscale!r}")


def downscaled(image: np.ndarray, factor: int) -> np.ndarray:
    """uint8 [H, W, 3] as [H // factor, W // factor, 3], every pixel the mean of factor^2 pixels.

    A picture smaller than `factor` keeps one pixel of that side.
    """
    from PIL import Image

    if factor == 1:
        return image
    height, width = (max(1, side // factor) for side in image.shape[:2])
    box = (0, 0, min(width * factor, image.shape[1]), min(height * factor, image.shape[0]))
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.BOX, box=box)
    return np.array(picture)


def _held(path: Path, base: Path, share: float) -> bool:
    digest = hashlib.sha256(path.relative_to(base).as_posix().encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _names(paths: list[Path], base: Path) -> tuple[str, ...]:
    """Relative paths, without endings where these are not needed to tell files apart."""
    whole = [path.relative_to(base) for path in paths]
    short = [path.with_suffix("").as_posix() for path in whole]
    return tuple(short if len(set(short)) == len(short) else [path.as_posix() for path in whole])
