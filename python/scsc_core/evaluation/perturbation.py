# SPDX-License-Identifier: GPL-3.0-or-later
"""Small smooth random changes of a picture, for checks of a gradient."""

from __future__ import annotations

import numpy as np

from .controls import gaussian

KINDS = ("field", "detail", "gain")
_DETAIL_SIGMA = 1.0  # px: what is finer counts as detail


def smooth_field(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise float64 [H,W,3] low-passed to `sigma` px, mean square 1; cyclic.

    Args:
        shape: (H, W).
        sigma: px, standard deviation of the Gaussian kernel.
        rng: source of the noise.
    """
    noise = rng.standard_normal((*shape, 3))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1]))
    response = np.exp(-2 * (np.pi * sigma * frequency) ** 2)[..., None]
    field = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) * response, axes=(0, 1)).real
    return field / np.sqrt(np.mean(field**2))


def perturbed(
    image: np.ndarray, kind: str, amplitude: float, sigma: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures uint8 [H,W,3] on both sides of a picture, x + d and x - d rounded.

    With f a `smooth_field` and t = x - blurred x, the detail:
    "field": d = a f;
    "detail": d = c f t, local contrast goes up here and down there, what a pre-processor does;
    "gain": d = min(c, 1) t, sharper everywhere against softer everywhere;
    a the amplitude, c such that the mean square of d is a^2.

    Args:
        image: uint8 [H,W,3], x.
        kind: one of `KINDS`.
        amplitude: root mean square of d in grey levels.
        sigma: px, smoothness of f.
        rng: source of f.
    Raises:
        ValueError: unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    change = 1.0 if kind == "gain" else smooth_field(image.shape[:2], sigma, rng)
    if kind != "field":
        change = change * (image - gaussian(image, _DETAIL_SIGMA).astype(float))
    # a flat picture has no detail to change: it stays as it is
    factor = amplitude / max(np.sqrt(np.mean(change**2)), 1e-9)
    if kind == "gain":
        factor = min(factor, 1.0)  # beyond, the softer side would show the detail inverted
    sides = (image + sign * factor * change for sign in (1, -1))
    above, below = (np.clip(np.rint(side), 0, 255).astype(np.uint8) for side in sides)
    return above, below
