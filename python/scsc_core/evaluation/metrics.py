# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture quality: PSNR and MS-SSIM of 8-bit RGB pictures. Equal pairs are scored once."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

_BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the five scales, Wang et al. 2003
_WINDOW = 11  # taps of the Gaussian window, sigma 1.5
_CACHED = 256

_scores: OrderedDict[tuple, float | None] = OrderedDict()


def psnr_db(reference: np.ndarray, image: np.ndarray) -> float:
    """10 log10(255^2 / MSE) over all samples of two pictures uint8 [H, W, 3]; inf when they are equal."""
    _check(reference, image)
    return _once("psnr", reference, image, _psnr_db)


def ms_ssim(reference: np.ndarray, image: np.ndarray) -> float | None:
    """Multi-scale structural similarity, at most 1, of two pictures uint8 [H, W, 3].

    Five scales need sides of 161 pixels; smaller pictures get as many scales as their shorter side
    has (weights scaled to sum 1), None below 11 pixels. Computed by torchmetrics.

    Source: Wang, Simoncelli, Bovik, "Multiscale structural similarity", 2003.
    """
    _check(reference, image)
    return _once("ms_ssim", reference, image, _ms_ssim)


def ms_ssim_scales(height: int, width: int) -> int:
    """Scales that `ms_ssim` uses for a picture of this size, 0..5."""
    side, scales = min(height, width), 0
    # torchmetrics wants side > (window - 1) 2^(scales - 1)
    while scales < len(_BETAS) and side > (_WINDOW - 1) * 2**scales:
        scales += 1
    return scales


def _psnr_db(reference: np.ndarray, image: np.ndarray) -> float:
    difference = reference.astype(np.int32) - image
    error = np.mean(np.square(difference), dtype=np.float64)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def _ms_ssim(reference: np.ndarray, image: np.ndarray) -> float | None:
    scales = ms_ssim_scales(*reference.shape[:2])
    if scales == 0:
        return None
    import torch
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    betas = tuple(beta / sum(_BETAS[:scales]) for beta in _BETAS[:scales])
    with torch.inference_mode():
        pair = [
            torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]
            for picture in (image, reference)
        ]
        score = multiscale_structural_similarity_index_measure(
            *pair, data_range=255.0, betas=betas, normalize="relu"
        )
    return float(score)


def _once(name: str, reference: np.ndarray, image: np.ndarray, function: Callable) -> float | None:
    key = (name, _digest(reference), _digest(image))
    if key not in _scores:
        _scores[key] = function(reference, image)
        while len(_scores) > _CACHED:
            _scores.popitem(last=False)
    return _scores[key]


def _digest(image: np.ndarray) -> tuple:
    return image.shape, hashlib.blake2b(np.ascontiguousarray(image), digest_size=16).digest()


def _check(reference: np.ndarray, image: np.ndarray) -> None:
    for name, picture in (("reference", reference), ("image", image)):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(
                f"{name} must be uint8 [H, W, 3], got {picture.dtype} {list(picture.shape)}"
            )
    if reference.shape != image.shape:
        raise ValueError(
            f"pictures must have one size, got {list(reference.shape)} and {list(image.shape)}"
        )
