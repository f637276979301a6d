# SPDX-License-Identifier: GPL-3.0-or-later
"""Block bootstrap over pictures: intervals, paired differences, correction for several comparisons.

A resample is a row of counts, how often each picture was drawn; every statistic of this package is a
function of sums over pictures, so a resample of it is that function of counts @ values. Schemes that
share the counts are paired.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95
LEAST_BLOCKS = 5  # a resample of fewer repeats the sample too often to tell its spread
MAX_UNDEFINED = 0.1  # share of resamples without a number beyond which no interval is given

_FRAME = re.compile(r"[_/][^_/]*$")  # what follows the last "_" or "/" of a name


def blocks(names: Sequence[str], length: int) -> list[np.ndarray]:
    """Indices of consecutive pictures of one sequence, in blocks of `length` (the last is shorter).

    Neighbouring video frames are correlated; drawing whole blocks keeps that in the interval.

    Args:
        names: of the pictures in their order; the part before the last "_" or "/" names the
            sequence, and a name without either is a sequence of its own (`data.Sample`).
        length: >= 1; 1 resamples single pictures.
    Returns:
        list of int64 arrays that cover 0 .. len(names) - 1 in order.
    Raises:
        ValueError: no names, length < 1.
    """
    if length < 1:
        raise ValueError(f"block length must be at least 1, got {length}")
    if not names:
        raise ValueError("names must hold at least one picture, got none")
    found: list[list[int]] = []
    last = None
    for index, name in enumerate(names):
        stem = _FRAME.sub("", name)
        if stem != last or len(found[-1]) == length:
            found.append([])
        found[-1].append(index)
        last = stem
    return [np.array(block) for block in found]


def counts(groups: Sequence[np.ndarray], resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """How often each picture is drawn: int64 [resamples, pictures], blocks drawn with replacement.

    Fewer than `LEAST_BLOCKS` blocks give no resamples, int64 [0, pictures]: nothing that is computed
    from them has an interval or a verdict.

    Args:
        groups: of `blocks`; as many blocks are drawn as there are.
        resamples: >= 1.
        seed: the same seed draws the same blocks, which pairs what is compared.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}")
    rng = np.random.default_rng(seed)
    n = len(groups)
    if n < LEAST_BLOCKS:
        return np.zeros((0, sum(len(group) for group in groups)), np.int64)
    drawn = rng.integers(0, n, (resamples, n))
    offsets = np.arange(resamples)[:, None] * n
    times = np.bincount((drawn + offsets).ravel(), minlength=resamples * n).reshape(resamples, n)
    block_of = np.repeat(np.arange(n), [len(group) for group in groups])
    result = np.empty((resamples, len(block_of)), np.int64)
    result[:, np.concatenate(groups)] = times[:, block_of]
    return result


def described(resamples: int, groups: int, length: int) -> str:
    """A sentence on the intervals of a table: of what they are, or why there are none."""
    of = f"{groups} block{'s'[: groups != 1]} of up to {length} frame{'s'[: length != 1]}"
    if groups < LEAST_BLOCKS:
        return f"No intervals and no verdicts: {of}, at least {LEAST_BLOCKS} blocks are needed."
    return f"Intervals: 95 %, {resamples} resamples of {of}."


def sums(drawn: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums over the drawn pictures: float [resamples, ...] of values [pictures, ...]."""
    values = np.asarray(values, float)
    flat = drawn.astype(float) @ values.reshape(len(values), -1)
    return flat.reshape(len(drawn), *values.shape[1:])


def means(drawn: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Means over the drawn pictures: float [resamples, ...] of values [pictures, ...]."""
    total = sums(drawn, values)
    return total / drawn.sum(1).reshape(-1, *[1] * (total.ndim - 1))


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float] | None:
    """Percentile interval of resampled values [resamples]; None if too many of them are undefined.

    None without resamples, see `counts`. Undefined resamples (nan, inf) are left out as long as they
    are at most 10 %: beyond, what is left says nothing about the whole.
    """
    values = np.asarray(values, float)
    defined = values[np.isfinite(values)]
    if not len(values) or len(values) - len(defined) > MAX_UNDEFINED * len(values):
        return None
    tail = 50 * (1 - level)
    low, high = np.percentile(defined, (tail, 100 - tail))
    return float(low), float(high)


def p_value(differences: np.ndarray) -> float:
    """Two-sided bootstrap p-value of "no difference", from resampled paired differences.

    Twice the smaller share of resamples on either side of 0, at least 2 / resamples; undefined
    resamples count against the difference, and without resamples (`counts`) it is 1.
    """
    differences = np.asarray(differences, float)
    if not len(differences):
        return 1.0
    undefined = int(np.isnan(differences).sum())
    below = int((differences <= 0).sum()) + undefined
    above = int((differences >= 0).sum()) + undefined
    return min(1.0, 2 * max(min(below, above), 1) / len(differences))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number by Holm's step-down method, in the order given."""
    order = np.argsort(p_values)
    corrected = np.empty(len(p_values))
    worst = 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = worst
    return corrected.tolist()
