# SPDX-License-Identifier: GPL-3.0-or-later
"""What every image codec offers: one interface, one error, and the search for a byte budget."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np


class DecodeError(ValueError):
    """Data that is no picture of the codec, or a damaged one."""


class BudgetError(ValueError):
    """A byte budget that not even the coarsest quality meets."""


class ImageCodec(ABC):
    """An image codec with its own quality scale, called `qp` for every codec.

    Attributes:
        name: str, the name that `codecs.get` knows.
        quality_range: (lo, hi), both inclusive, in units of the codec.
        default_qp: value used when `encode` gets none.
        higher_is_better: bool, True when a larger `qp` means a better picture.
        integer_qp: bool, False when fractions are allowed.
    """

    name: str
    quality_range: tuple[float, float]
    default_qp: float
    higher_is_better: bool
    integer_qp = True

    @abstractmethod
    def encode(self, image: np.ndarray, qp: float | None = None) -> bytes:
        """Bytes of a picture, uint8 [H,W,3] (gray [H,W] or [H,W,1] is repeated three times)."""

    @abstractmethod
    def decode(self, data: bytes) -> np.ndarray:
        """Picture uint8 [H,W,3] of complete data; DecodeError for anything else."""

    @abstractmethod
    def decode_damaged(
        self, data: bytes, valid_bytes: int | None = None, size: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """What can be saved of damaged data: never raises, same result for the same data.

        Args:
            data: bytes as received.
            valid_bytes: int, leading bytes known to be right; None when nothing is known.
            size: (height, width) of the result when the data do not tell a plausible one.
        Returns:
            (image uint8 [H,W,3], mask bool [H,W]); the mask marks the trustworthy pixels.
        """

    def check_qp(self, qp: float | None) -> float:
        """The quality to use: the default for None, ValueError outside `quality_range`."""
        if qp is None:
            return self.default_qp
        low, high = self.quality_range
        number = isinstance(qp, (int, float, np.integer, np.floating)) and not isinstance(qp, bool)
        if not number or not math.isfinite(qp) or not low <= qp <= high:
            raise ValueError(f"qp of {self.name} must be in {low} .. {high}, got {qp!r}")
        if self.integer_qp:
            if qp != int(qp):
                raise ValueError(f"qp of {self.name} must be an integer, got {qp!r}")
            return int(qp)
        return float(qp)

    def encode_to_budget(
        self,
        image: np.ndarray,
        max_bytes: int,
        prepare: Callable[[np.ndarray, float], np.ndarray] | None = None,
    ) -> tuple[bytes, float]:
        """The best quality whose bytes fit: bisection over the scale, then the neighbours.

        Args:
            image: uint8 [H,W,3].
            max_bytes: int >= 1, largest allowed size.
            prepare: function (image, qp) -> image, called anew for every quality that is tried,
                because what it does depends on it (PPEN); None codes the picture as it is.
        Returns:
            (bytes, qp).
        Raises:
            BudgetError: not even the coarsest quality fits.
        """
        if max_bytes < 1:
            raise BudgetError(f"max_bytes must be at least 1, got {max_bytes}")
        scale = self._budget_scale()
        coded: dict[int, bytes] = {}

        def fits(index: int) -> bool:
            if index not in coded:
                picture = image if prepare is None else prepare(image, scale[index])
                coded[index] = self.encode(picture, scale[index])
            return len(coded[index]) <= max_bytes

        # The scale runs from the best quality to the coarsest; sizes mostly fall along it.
        best, worst = 0, len(scale) - 1
        while best < worst:
            middle = (best + worst) // 2
            if fits(middle):
                worst = middle
            else:
                best = middle + 1
        candidates = range(max(0, best - 2), min(len(scale), best + 3))
        fitting = [index for index in candidates if fits(index)]
        if not fitting:
            smallest = min(map(len, coded.values()))
            raise BudgetError(
                f"{self.name} needs {smallest} bytes for this picture at its coarsest quality; "
                f"max_bytes is {max_bytes}"
            )
        return coded[fitting[0]], scale[fitting[0]]

    def _budget_scale(self) -> list[float]:
        low, high = self.quality_range
        scale = list(range(int(low), int(high) + 1))
        return scale[::-1] if self.higher_is_better else scale
