# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of label files and the classes they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .sample import IGNORE, DataError


@dataclass(frozen=True)
class ClassTable:
    """Which values a label file may hold, and the class of each.

    Attributes:
        classes: uint8 [256], class of every value, `IGNORE` where it has none.
        allowed: bool [256], values that may occur.
        rule: text of an error message, for example "0 .. 33".
    """

    classes: np.ndarray
    allowed: np.ndarray
    rule: str

    @classmethod
    def of(cls, values: int, classes: Mapping[int, int]) -> ClassTable:
        """Table of the values 0 .. values - 1; those without a class, and `IGNORE`, are ignored.

        Args:
            values: int in 1 .. 256.
            classes: class of a value.
        """
        table = np.full(256, IGNORE, np.uint8)
        for value, number in classes.items():
            table[value] = number
        allowed = np.arange(256) < values
        allowed[IGNORE] = True
        return cls(table, allowed, f"0 .. {values - 1} or {IGNORE} (ignore)")

    def __call__(self, label: np.ndarray, source: str | Path) -> np.ndarray:
        """Label uint8 [H, W] of the file `source` as classes uint8 [H, W].

        Raises:
            DataError: a value that is not allowed.
        """
        used = np.flatnonzero(np.bincount(label.ravel(), minlength=256))
        wrong = used[~self.allowed[used]]
        if wrong.size:
            raise DataError(f"{source}: class {wrong[0]} is not allowed: {self.rule}")
        return self.classes[label]
