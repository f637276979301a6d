# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics that tell rendered street pictures from photographs."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

# Cycles per pixel between which the spectrum's slope is fitted.
_BAND = (0.01, 0.4)
_BINS = 24


@dataclass(frozen=True)
class PictureStatistics:
    """Means over pictures.

    Attributes: slope of log power against log spatial frequency; gradient, mean absolute
    difference of horizontal neighbours (grey levels); jpeg_bpp, bits per pixel of JPEG at quality
    50; noise, standard deviation (grey levels).
    """

    slope: float
    gradient: float
    jpeg_bpp: float
    noise: float


def picture_statistics(images) -> PictureStatistics:
    """Statistics of pictures uint8 [H,W,3], averaged over them."""
    rows = []
    for image in images:
        grey = image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        gradient = float(np.abs(np.diff(grey, axis=1)).mean())
        rows.append((spectrum_slope(grey), gradient, jpeg_rate(image), noise_level(grey)))
    return PictureStatistics(*(float(x) for x in np.mean(rows, axis=0)))


def spectrum_slope(grey: np.ndarray) -> float:
    """Slope of the radial power spectrum in logarithmic axes (float [H,W], middle square)."""
    side = min(grey.shape)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    square = grey[top : top + side, left : left + side]
    window = np.outer(np.hanning(side), np.hanning(side))
    power = np.abs(np.fft.fft2((square - square.mean()) * window)) ** 2
    frequency = np.fft.fftfreq(side)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    edges = np.geomspace(*_BAND, _BINS + 1)
    place = np.digitize(radius, edges)
    points = []
    for k in range(1, _BINS + 1):
        ring = power[place == k]
        if ring.size and ring.mean() > 0:
            points.append((0.5 * np.log(edges[k - 1] * edges[k]), np.log(ring.mean())))
    x, y = np.array(points).T
    return float(np.polyfit(x, y, 1)[0])


def noise_level(grey: np.ndarray) -> float:
    """Deviation of the noise: median of a difference mask that smooth structure does not reach.

    Source: the mask of Immerkaer, Computer Vision and Image Understanding 64 (1996), with the
    median in place of the mean, as edges would raise the mean.
    """
    edges = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    corners = grey[:-2, :-2] + grey[:-2, 2:] + grey[2:, :-2] + grey[2:, 2:]
    response = corners - 2 * edges + 4 * grey[1:-1, 1:-1]
    return float(np.median(np.abs(response)) / (6 * 0.6745))


def jpeg_rate(image: np.ndarray) -> float:
    """Bits per pixel of JPEG at quality 50, 4:2:0."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=50)
    return data.tell() * 8 / (image.shape[0] * image.shape[1])


def class_shares(labels, classes: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Share of the pixels, and share of the label maps in which a class occurs, float64 [n] each."""
    counts = np.array([np.bincount(label.ravel(), minlength=256)[:classes] for label in labels])
    return counts.sum(0) / counts.sum(), (counts > 0).mean(0)
