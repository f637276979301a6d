# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture metrics on 8-bit RGB, remembered by content."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import numpy as np

# Weights of the five scales of Wang, Simoncelli, Bovik (2003).
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_WINDOW = 11
CACHE_SIZE = 4096

_cache: OrderedDict[tuple, float | None] = OrderedDict()
_lock = Lock()


def _pair(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != np.uint8 or b.dtype != np.uint8:
        raise ValueError(f"pictures must be uint8, got {a.dtype} and {b.dtype}")
    if a.ndim != 3 or a.shape[2] != 3 or a.shape != b.shape or a.size == 0:
        raise ValueError(f"pictures must both be [H, W, 3], got {a.shape} and {b.shape}")
    return a, b


def _digest(picture: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(picture), digest_size=16).digest()


def _remembered(
    metric: Callable[[np.ndarray, np.ndarray], float | None], a: np.ndarray, b: np.ndarray
) -> float | None:
    """metric(a, b), computed once per content; all metrics here are symmetric in a and b."""
    key = (metric.__name__, a.shape, *sorted((_digest(a), _digest(b))))
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    value = metric(a, b)
    with _lock:
        _cache[key] = value
        while len(_cache) > CACHE_SIZE:
            _cache.popitem(last=False)
    return value


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(255^2 / MSE) over all samples; inf when equal.

    Args:
        a, b: uint8 [H, W, 3].
    Raises:
        ValueError: another type, or shapes differ.
    """
    return _remembered(_psnr_db, *_pair(a, b))


def _psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    difference = a.astype(np.int16) - b
    squared = np.square(difference.astype(np.int32)).sum(dtype=np.int64)
    return 10 * math.log10(255**2 * a.size / int(squared)) if squared else math.inf


def ms_ssim_scales(height: int, width: int) -> int:
    """Number of scales, 0..5, that a picture allows: 5 from 176 px on the shorter side.

    The window of 11 must fit into the coarsest scale, side > 10 * 2^(scales - 1), and torchmetrics
    asks for floor(side / (scales - 1)^2) > 10 besides: 11, 21, 44, 99, 176 px for 1 .. 5 scales.
    """
    side, scales, margin = min(height, width), 0, MS_SSIM_WINDOW - 1
    while (
        scales < len(MS_SSIM_WEIGHTS)
        and side > margin << scales
        and side // max(1, scales) ** 2 > margin
    ):
        scales += 1
    return scales


def ms_ssim(a: np.ndarray, b: np.ndarray) -> float | None:
    """Multi-scale structural similarity, 1 for equal pictures; None when no scale fits.

    Five scales when the shorter side has at least 176 px. Below, the coarsest scales are left out
    and the weights of the others are scaled to sum 1 (`ms_ssim_scales` tells how many remain):
    such values compare with each other, not with five-scale ones.

    Args:
        a, b: uint8 [H, W, 3].
    Raises:
        ValueError: another type, or shapes differ.
    Source: Wang, Simoncelli, Bovik, 2003 (weights), by torchmetrics; fewer scales ours.
    """
    return _remembered(_ms_ssim, *_pair(a, b))


def _ms_ssim(a: np.ndarray, b: np.ndarray) -> float | None:
    scales = ms_ssim_scales(*a.shape[:2])
    if scales == 0:
        return None
    import torch
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure as measure,
    )

    weights = np.array(MS_SSIM_WEIGHTS[:scales])
    if scales < len(MS_SSIM_WEIGHTS):
        weights /= weights.sum()
    tensors = [torch.from_numpy(x.transpose(2, 0, 1)[None].astype(np.float32)) for x in (a, b)]
    with torch.inference_mode():
        value = measure(
            *tensors,
            data_range=255.0,
            kernel_size=MS_SSIM_WINDOW,
            betas=tuple(weights.tolist()),
            normalize="relu",
        )
    return float(value)
