# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of a data set, found before anything is trained on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .pictures import read_header, read_image, read_label
from .sample import DataError, Dataset

# Labels that `check` decodes hold at most this many pixels: about 3 s of one core. All labels of
# CamVid are 63 million, of Cityscapes 6 thousand million.
PIXEL_LIMIT = 1 << 28


@dataclass(frozen=True)
class Checked:
    """What a check has seen.

    Attributes:
        pictures: number of samples.
        smallest, largest: (width, height), by area, as stored; (0, 0) for generated sets.
        decoded: how many samples had their label (or boxes) decoded, with `full` their picture too.
        shares: float64 [classes], share of each class in the pixels that have one; None where no
            label was decoded.
    """

    pictures: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    decoded: int
    shares: np.ndarray | None


def check(
    dataset: Dataset, full: bool = False, progress: Callable[[int, int], None] | None = None
) -> Checked:
    """Look for the faults that would end a training in the middle.

    Of every picture and label the header is read (kind, size, equal sizes) and the end of the file
    (a file that does not end as its format asks is decoded). Labels are decoded for wrong classes:
    all of them up to `PIXEL_LIMIT` pixels, beyond that as many as fit, evenly spaced. Whatever is
    left out is still checked when it is read.

    Args:
        dataset: of any kind; of a generated one a single sample is made.
        full: bool, decode every picture and every label.
        progress: called as progress(done, total) after every sample of the slow part.
    Raises:
        DataError: at the first fault.
    """
    if not len(dataset):
        raise DataError(f"data set {dataset.name}: split {dataset.split} is empty")
    sizes = [_checked_size(*pair) for pair in dataset.files]
    if not sizes:
        sizes = [(0, 0)]
        dataset[0]
    chosen = _chosen(dataset, sizes, full)
    counts = np.zeros(256, np.int64)
    for done, index in enumerate(chosen, 1):
        if full:
            annotation = dataset[index].label
        else:
            annotation = dataset.annotation(index)
        if annotation is not None and annotation.dtype == np.uint8:
            counts += np.bincount(annotation.ravel(), minlength=256)
        if progress is not None:
            progress(done, len(chosen))
    used = counts[: dataset.classes]
    return Checked(
        len(dataset),
        min(sizes, key=np.prod),
        max(sizes, key=np.prod),
        len(chosen),
        used / used.sum() if used.sum() else None,
    )


def _chosen(dataset: Dataset, sizes: list[tuple[int, int]], full: bool) -> list[int]:
    if full:
        return list(range(len(dataset)))
    if dataset.annotation is None:
        return []
    pixels = max(1, int(np.prod(max(sizes, key=np.prod))))
    count = min(len(dataset), max(1, PIXEL_LIMIT // pixels))
    return sorted({int(index) for index in np.linspace(0, len(dataset) - 1, count).round()})


def _checked_size(picture: Path, label: Path | None) -> tuple[int, int]:
    size = read_header(picture)
    if not _ends_as_it_should(picture):
        read_image(picture)
    if label is None:
        return size
    label_size = read_header(label, is_label=True)
    if not _ends_as_it_should(label):
        read_label(label)
    if label_size != size:  # the header's size is that before a rotation by EXIF
        size = read_image(picture).shape[1::-1]
    if label_size != size:
        raise DataError(
            f"{label}: label is {label_size[0]}x{label_size[1]}, its picture {size[0]}x{size[1]}"
        )
    return size


def _ends_as_it_should(path: Path) -> bool:
    """Whether a PNG, JPEG or WebP file is whole by its last bytes; False where they cannot tell."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            length = file.seek(0, os.SEEK_END)
            file.seek(max(0, length - 12))
            tail = file.read()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if head.startswith(b"\x89PNG"):
        return tail.endswith(b"IEND\xaeB`\x82")
    if head.startswith(b"\xff\xd8"):
        return tail.endswith(b"\xff\xd9")
    if head.startswith(b"RIFF"):
        return int.from_bytes(head[4:8], "little") + 8 <= length
    return False
