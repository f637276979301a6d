# SPDX-License-Identifier: GPL-3.0-or-later
"""Random draws of the street scenes: the same numbers on every machine and numpy version."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np


class Draws:
    """A stream of random numbers named by its key.

    Only the raw output of PCG64 is used: numpy promises that one to stay, the methods of its
    Generator may change between versions.

    Args:
        key: str and int, the name of the stream; equal keys give equal numbers.
    Source: training.md section 9 (one stream per purpose).
    """

    def __init__(self, *key: str | int):
        name = "/".join(str(part) for part in ("streets", *key))
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
        self._bits = np.random.PCG64(seed)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        return low + (high - low) * ((int(self._bits.random_raw()) >> 11) * 2.0**-53)

    def integer(self, low: int, high: int) -> int:
        """A whole number in [low, high)."""
        return low + int(self.uniform() * (high - low))

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.uniform() < probability

    def bell(self, mean: float, spread: float) -> float:
        """A bell-shaped number within 3 standard deviations: three uniform numbers added."""
        return mean + 2.0 * spread * (self.uniform() + self.uniform() + self.uniform() - 1.5)

    def choice(self, options: Sequence, weights: Sequence[float] | None = None):
        """One of the options, by weight where weights are given."""
        if weights is None:
            return options[self.integer(0, len(options))]
        level = self.uniform() * sum(weights)
        for option, weight in zip(options, weights):
            level -= weight
            if level < 0:
                return option
        return options[-1]

    def array(self, *shape: int) -> np.ndarray:
        """float32 of that shape, uniform in [0, 1)."""
        raw = self._bits.random_raw(int(np.prod(shape)))
        return ((raw >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).reshape(shape)

    def normal(self, *shape: int) -> np.ndarray:
        """float32 of that shape, normal with deviation 1, from a table of 65,536 quantiles."""
        count = int(np.prod(shape))
        raw = self._bits.random_raw((count + 3) // 4).astype("<u8").view("<u2")[:count]
        return _quantiles()[raw].reshape(shape)


@lru_cache(maxsize=1)
def _quantiles() -> np.ndarray:
    # Rounded, so that the last bit of a platform's logarithm does not reach a picture.
    inverse = NormalDist().inv_cdf
    half = [round(inverse((k + 0.5) / 65536), 5) for k in range(32768)]
    return np.array([*half, *(-value for value in reversed(half))], dtype=np.float32)
