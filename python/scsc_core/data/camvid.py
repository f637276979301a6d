# SPDX-License-Identifier: GPL-3.0-or-later
"""CamVid: street frames 480x360 with 11 classes or 7 categories (the user's own copy).

Two layouts are read: lists `<split>.txt` of "image labels11 labels7" beside the folders they name,
and the folders `<split>/`, `<split>annot/` of common copies (11 classes, 11 = ignore).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .class_tables import ClassTable
from .lists import read_lines
from .pictures import read_image, read_label
from .sample import DataError, Dataset, Sample, check_labels

LICENCE = "CC-BY-NC-4.0"
SPLITS = ("train", "val", "test")
# sky building pole road pavement tree sign fence car pedestrian bicyclist, 11 = ignore
TO_SEVEN = (4, 1, 2, 0, 0, 3, 2, 1, 6, 5, 5)


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
    table = ClassTable.of(12, dict(enumerate(TO_SEVEN if classes == 7 else range(11))))
    # the 7-category file of a list equals the map of its 11-class file: one source for both
    names = tuple(image.stem for image, _ in files)

    def label(index: int) -> np.ndarray:
        return table(read_label(files[index][1]), files[index][1])

    def read(index: int) -> Sample:
        sample = Sample(read_image(files[index][0]), label(index), names[index], LICENCE)
        return check_labels(sample, classes, files[index][1])

    return Dataset("camvid", split, classes, LICENCE, names, read, tuple(files), label)


def _listed(root: Path, split: str) -> list[tuple[Path, Path]]:
    files = []
    for number, fields in read_lines(root / f"{split}.txt"):
        if len(fields) != 3:
            raise DataError(
                f"{root / f'{split}.txt'} line {number}: must be 'image labels11 labels7', "
                f"got {' '.join(fields)!r}"
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
