# SPDX-License-Identifier: GPL-3.0-or-later
"""The seven categories of street scenes, their colours, and label maps drawn over pictures."""

from __future__ import annotations

import numpy as np

CLASSES7 = ("flat", "construction", "object", "nature", "sky", "person", "vehicle")
# Cityscapes' colours of road, building, pole (darker), vegetation, sky, person, car
PALETTE7 = np.array(
    [
        (128, 64, 128),
        (150, 110, 80),
        (240, 200, 40),
        (90, 150, 40),
        (90, 160, 220),
        (220, 20, 60),
        (20, 40, 170),
    ],
    np.uint8,
)
IGNORE_COLOUR = (0, 0, 0)


def colours(labels: np.ndarray) -> np.ndarray:
    """Label map uint8 [H, W] as a picture uint8 [H, W, 3]; ignored pixels are black."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(PALETTE7)] = PALETTE7
    return table[labels]


def overlay(image: np.ndarray, labels: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """The picture with its label map over it; ignored pixels keep the picture.

    Args:
        image: uint8 [H, W, 3].
        labels: uint8 [H, W].
        alpha: 0 (picture alone) .. 1 (labels alone).
    Raises:
        ValueError: shapes disagree or alpha is outside 0..1.
    """
    if labels.shape != image.shape[:2]:
        raise ValueError(
            f"labels must have the picture's shape {image.shape[:2]}, got {labels.shape}"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be in 0..1, got {alpha}")
    mixed = (1 - alpha) * image + alpha * colours(labels)
    known = (labels < len(PALETTE7))[:, :, None]
    return np.where(known, np.rint(mixed).astype(np.uint8), image)
