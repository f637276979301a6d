# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for fitting a proxy: pairs of a crop's versions with what the real codec made of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from ..data.augment import Augmentation
from ..evaluation.perturbation import KINDS, perturbed
from .codec_cache import CodecCache, CodecResult, cache_key
from .codec_pool import CodecPool
from .pictures import Samples, to_tensor
from .seeds import generator_for

_AMPLITUDE = (2.0, 8.0)  # grey levels, root mean square of half the difference of a pair
_SMOOTHNESS = (2.0, 48.0)  # px, log-uniform

Preprocess = Callable[[np.ndarray, int], np.ndarray]


class Cases(NamedTuple):
    """A batch in pairs: items 2 i and 2 i + 1 are versions of one crop at one QP.

    Attributes: x float [B,3,H,W] in [0,1], input of the codec; decoded float [B,3,H,W]; bpp float
    [B]; q float [B].
    """

    x: torch.Tensor
    decoded: torch.Tensor
    bpp: torch.Tensor
    q: torch.Tensor


@dataclass(frozen=True)
class CasePlan:
    """Which cases there are.

    Attributes:
        crops: number of different pairs of crops.
        side: px.
        qps: slice QPs.
        seed: of crops and changes.
        purpose: "fit", "rate" or "validation": cases of different purposes are drawn apart.
    """

    crops: int
    side: int
    qps: tuple[int, ...]
    seed: int
    purpose: str


class CodedCases:
    """Pairs of crops, their versions and codec results; a case depends on its number alone.

    The two versions of a crop lie on both sides of it, see `evaluation.perturbation`. With a
    pre-processor every second pair is the crop and its pre-processed version instead. Fitting both
    versions fits their difference, which is what a gradient must tell.

    Args:
        samples: pictures.
        plan: see `CasePlan`.
        pool: real codec.
        cache: results of it.
        preprocess: function (picture, QP) -> picture, or None.
    """

    def __init__(
        self,
        samples: Samples,
        plan: CasePlan,
        pool: CodecPool,
        cache: CodecCache,
        preprocess: Preprocess | None = None,
    ):
        self.samples, self.plan, self.pool, self.cache = samples, plan, pool, cache
        self.preprocess = preprocess
        self._augmentation = Augmentation((plan.side, plan.side), vflip=True)
        self._ahead = ThreadPoolExecutor(1, "cases")
        self._next: tuple[tuple, Future] | None = None

    def pair(self, number: int, qp: int) -> tuple[np.ndarray, np.ndarray]:
        """The two versions uint8 [side,side,3] of crop `number`."""
        plan = self.plan
        rng = generator_for(plan.seed, plan.purpose, number)
        sample = self.samples[int(rng.integers(len(self.samples)))]
        image, _ = self._augmentation(sample.image, None, rng)
        if self.preprocess is not None and number % 2:
            return image, self.preprocess(image, qp)
        return _versions(image, rng)

    def batch(self, wanted: list[tuple[int, int]]) -> Cases:
        """Both versions of each wanted (crop number, QP), coded."""
        pictures = [version for number, qp in wanted for version in self.pair(number, qp)]
        qps = [qp for _, qp in wanted for _ in range(2)]
        keys = [cache_key(picture, self.pool.codec, qp) for picture, qp in zip(pictures, qps)]
        results = [self.cache.get(key) for key in keys]
        missing = [i for i, result in enumerate(results) if result is None]
        coded = self.pool.transcode([pictures[i] for i in missing], [qps[i] for i in missing])
        for i, one in zip(missing, coded):
            results[i] = CodecResult(one.image, one.bits)
            self.cache.put(keys[i], *results[i])
        pixels = self.plan.side**2
        return Cases(
            to_tensor(pictures),
            to_tensor([result.image for result in results]),
            torch.tensor([result.bits / pixels for result in results]),
            torch.tensor([float(qp) for qp in qps]),
        )

    def batch_and_next(self, wanted: list[tuple[int, int]], following: list) -> Cases:
        """`batch(wanted)`, while `batch(following)` begins in the background for the next call."""
        key = tuple(wanted)
        if self._next is not None and self._next[0] == key:
            found = self._next[1].result()
        else:
            found = self._ahead.submit(self.batch, wanted).result()
        self._next = (tuple(following), self._ahead.submit(self.batch, following))
        return found

    def close(self) -> None:
        """End the background thread and the cache's shard."""
        self._ahead.shutdown(cancel_futures=True)
        self.cache.close()


def _versions(image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    kind = KINDS[int(rng.integers(len(KINDS)))]
    amplitude, sigma = rng.uniform(*_AMPLITUDE), np.exp(rng.uniform(*np.log(_SMOOTHNESS)))
    return perturbed(image, kind, amplitude, sigma, rng)
