# SPDX-License-Identifier: GPL-3.0-or-later
"""CamVid: street frames 480x360 with 11 classes or 7 categories (the user's own copy).

Two layouts are read: lists `<split>.txt` of "image labels11 labels7" beside the folders they name,
and the folders `<split>/`, `<split>annot/` of common copies (11 classes, 11 = ignore).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .pictures import read_image, read_label
from .sample import IGNORE, DataError, Dataset, Sample, check_labels

LICENCE = "CC-BY-NC-4.0"
SPLITS = ("train", "val", "test")
# sky building pole road pavement tree sign fence car pedestrian bicyclist, 11 = ignore
TO_SEVEN = np.full(256, IGNORE, np.uint8)
TO_SEVEN[:11] = (4, 1, 2, 0, 0, 3, 2, 1, 6, 5, 5)
_TO_ELEVEN = np.full(256, IGNORE, np.uint8)
_TO_ELEVEN[:11] = range(11)


def open_camvid(root: Path, split: str, classes: int = 7) -> Dataset:
    """Frames of one split.

    Args:
        root: folder with the lists or the split's folders.
        split: "train", "val" or "test".
        classes: 7 or 11.
    Raises:
        DataError: root has neither layout, a listed file is missing, classes is neither 7 nor 11.
    """
    if classes not in (7, 11):
        raise DataError(f"camvid: classes must be 7 or 11, got {classes}")
    root = Path(root)
    listed = (root / f"{split}.txt").is_file() and (root / "images").is_dir()
    files = _listed(root, split) if listed else _paired(root, split)
    table = TO_SEVEN if classes == 7 else _TO_ELEVEN
    # the 7-category file of a list equals the map of its 11-class file: one source for both
    names = tuple(image.stem for image, _ in files)

    def read(index: int) -> Sample:
        image, label = files[index]
        classes11 = read_label(label)
        used = np.flatnonzero(np.bincount(classes11.ravel(), minlength=256))
        wrong = used[(used > 11) & (used != IGNORE)]
        if wrong.size:
            raise DataError(f"{label}: class {wrong[0]} is not allowed: 0 .. 11 or {IGNORE}")
        sample = Sample(read_image(image), table[classes11], names[index], LICENCE)
        return check_labels(sample, classes, label)

    return Dataset("camvid", split, classes, LICENCE, names, read, tuple(files))


def _listed(root: Path, split: str) -> list[tuple[Path, Path]]:
    lines = (root / f"{split}.txt").read_text(encoding="utf-8").split("\n")
    files = []
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3:
            raise DataError(
                f"{root / f'{split}.txt'} line {number}: must be 'image labels11 labels7', "
                f"got {line!r}"
            )
        files.append((root / fields[0], root / fields[1]))
    return _existing(files, root / f"{split}.txt")


def _paired(root: Path, split: str) -> list[tuple[Path, Path]]:
    images, labels = root / split, root / f"{split}annot"
    if not images.is_dir() or not labels.is_dir():
        raise DataError(
            f"{root} holds no CamVid split {split!r}: expected {split}.txt with images/, or the "
            f"folders {split}/ and {split}annot/"
        )
    files = [(image, labels / image.name) for image in sorted(images.glob("*.png"))]
    return _existing(files, images)


def _existing(files: list[tuple[Path, Path]], source: Path) -> list[tuple[Path, Path]]:
    if not files:
        raise DataError(f"{source} names no picture")
    for pair in files:
        for path in pair:
            if not path.is_file():
                raise DataError(f"{source}: {path} does not exist")
    return files
