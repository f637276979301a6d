# SPDX-License-Identifier: GPL-3.0-or-later
"""Cityscapes: street frames 2048x1024 of 50 cities with 19 classes (the user's own copy)."""

from __future__ import annotations

from pathlib import Path

from .class_tables import ClassTable
from .pictures import read_image, read_label
from .sample import DataError, Dataset, Sample, check_labels

LICENCE = "Cityscapes terms of use (non-commercial research)"
# road sidewalk building wall fence pole light sign vegetation terrain sky person rider car truck
# bus train motorcycle bicycle: label id of class 0, 1, ... and the category of each
IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
TO_SEVEN = (0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 6, 6, 6, 6, 6, 6)
_VALUES = 34  # label ids 0 .. 33; those that are not evaluated are ignored
_IMAGE, _LABEL = "_leftImg8bit.png", "_gtFine_labelIds.png"


def open_cityscapes(root: Path, split: str, classes: int = 7) -> Dataset:
    """Frames of one split, cities and frames in order of name.

    Args:
        root: folder with leftImg8bit/<split>/<city>/ and gtFine/<split>/<city>/.
        split: "train" or "val"; the labels of "test" are not public.
        classes: 7 or 19.
    Raises:
        DataError: folders or a label are missing, split is "test", classes is neither 7 nor 19.
    Source: training.md section 2; networks.md section 11.1 (19 classes to 7 categories).
    """
    if classes not in (7, 19):
        raise DataError(f"cityscapes: classes must be 7 or 19, got {classes}")
    if split == "test":
        raise DataError("cityscapes: the labels of split 'test' are not public; use 'val'")
    files = _pairs(Path(root), split)
    names = tuple(image.name.removesuffix(_IMAGE) for image, _ in files)
    numbers = TO_SEVEN if classes == 7 else range(19)
    table = ClassTable.of(_VALUES, dict(zip(IDS, numbers, strict=True)))

    def label(index: int):
        return table(read_label(files[index][1]), files[index][1])

    def read(index: int) -> Sample:
        sample = Sample(read_image(files[index][0]), label(index), names[index], LICENCE)
        return check_labels(sample, classes, files[index][1])

    return Dataset("cityscapes", split, classes, LICENCE, names, read, files, label)


def _pairs(root: Path, split: str) -> tuple[tuple[Path, Path], ...]:
    images, labels = root / "leftImg8bit" / split, root / "gtFine" / split
    for folder in (images, labels):
        if not folder.is_dir():
            raise DataError(
                f"cityscapes: folder {folder} does not exist; expected leftImg8bit/{split}/<city>/ "
                f"and gtFine/{split}/<city>/ in {root}"
            )
    pairs = []
    for image in sorted(images.glob(f"*/*{_IMAGE}")):
        label = labels / image.parent.name / (image.name.removesuffix(_IMAGE) + _LABEL)
        if not label.is_file():
            raise DataError(f"cityscapes: label {label} of {image.name} does not exist")
        pairs.append((image, label))
    if not pairs:
        raise DataError(f"cityscapes: {images} holds no <city>/*{_IMAGE}")
    return tuple(pairs)
