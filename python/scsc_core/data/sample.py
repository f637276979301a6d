# SPDX-License-Identifier: GPL-3.0-or-later
"""What every data set gives: pictures with labels, names and a licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

IGNORE = 255  # label of pixels that are neither trained on nor scored


class DataError(ValueError):
    """A data set that cannot be used; one line that names the file, the value and the rule."""


@dataclass(frozen=True)
class Sample:
    """One picture of a data set.

    Attributes:
        image: uint8 [H, W, 3], RGB.
        label: uint8 [H, W], classes 0 .. n - 1 or `IGNORE`; None where the set has no labels.
        name: unique inside the split; its part before the last "_" or "/" names the sequence.
        licence: of this picture.
        extra: further annotation, for example boxes.
    """

    image: np.ndarray
    label: np.ndarray | None
    name: str
    licence: str
    extra: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """The pictures of one split, read when they are asked for.

    Attributes:
        name: of the data set, a key of `data.DATASETS`.
        split: "train", "val" or "test".
        classes: number of classes of the labels; 0 without labels.
        licence: of the set as a whole.
        names: of the samples, in order.
        read: function of an index; gives the `Sample`.
        files: pairs (picture, label or None) for checks up front; empty for generated sets.
        annotation: function of an index; gives the label (or the boxes) without its picture, after
            the checks of the set; None where there is none to read.
    """

    name: str
    split: str
    classes: int
    licence: str
    names: tuple[str, ...]
    read: Callable[[int], Sample]
    files: tuple[tuple[Path, Path | None], ...] = ()
    annotation: Callable[[int], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self.names):
            raise IndexError(f"sample {index} of {len(self.names)}")
        return self.read(index)


def check_labels(sample: Sample, classes: int, source: str | Path) -> Sample:
    """The sample itself, after its label was found usable.

    Raises:
        DataError: the label's size differs from the picture's, or a value is no class.
    """
    label = sample.label
    if label is None:
        return sample
    if label.ndim != 2 or label.dtype != np.uint8:
        raise DataError(
            f"{source}: a label must be a palette or grey picture of 8 bits whose value is the "
            f"class, got {label.dtype} with {label.ndim} axes"
        )
    if label.shape != sample.image.shape[:2]:
        raise DataError(
            f"{source}: label is {label.shape[1]}x{label.shape[0]}, its picture "
            f"{sample.image.shape[1]}x{sample.image.shape[0]}"
        )
    used = np.flatnonzero(np.bincount(label.ravel(), minlength=256))
    wrong = used[(used >= classes) & (used != IGNORE)]
    if wrong.size:
        raise DataError(
            f"{source}: class {wrong[0]} is not allowed: 0 .. {classes - 1} or {IGNORE} (ignore)"
        )
    return sample
