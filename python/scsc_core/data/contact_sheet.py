# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheets of samples: pictures beside their labels, with a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..tasks.categories import CLASSES7, PALETTE7
from .sample import IGNORE, Sample

_WIDTH = 360  # of one picture on the sheet, pixels
_LEGEND = 22  # height of the legend's line, pixels


def contact_sheet(samples: Sequence[Sample], classes: int, alpha: float = 0.55) -> np.ndarray:
    """Every picture and, where it has labels, the same picture under its label colours.

    Args:
        samples: at least one.
        classes: number of classes; colours and the legend follow it.
        alpha: share of the label colours, 0 .. 1; ignored pixels stay as they are.
    Returns:
        uint8 [H,W,3], two samples to a row.
    """
    from PIL import Image

    colours = palette(classes)
    tiles = []
    for sample in samples:
        height = max(round(sample.image.shape[0] * _WIDTH / sample.image.shape[1]), 1)
        pictures = [sample.image]
        if sample.label is not None:
            pictures.append(_overlay(sample.image, sample.label, colours, alpha))
        sized = [np.asarray(Image.fromarray(p).resize((_WIDTH, height))) for p in pictures]
        tiles.append(np.concatenate(sized, axis=1))
    height = max(tile.shape[0] for tile in tiles)
    width = max(tile.shape[1] for tile in tiles)
    rows = -(-len(tiles) // 2)
    sheet = np.zeros((rows * height, 2 * width, 3), np.uint8)
    for k, tile in enumerate(tiles):
        top, left = k // 2 * height, k % 2 * width
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    if any(sample.label is not None for sample in samples):
        sheet = np.concatenate([sheet, _legend(colours, classes, sheet.shape[1])])
    return sheet


def palette(classes: int) -> np.ndarray:
    """Colours uint8 [classes,3]: those of the 7 categories, else hues spread around the circle."""
    if classes == 7:
        return PALETTE7
    import colorsys

    hues = [colorsys.hsv_to_rgb(k * 0.618 % 1, 0.55 + 0.45 * (k % 2), 0.9) for k in range(classes)]
    return np.array([[round(255 * c) for c in hue] for hue in hues], np.uint8).reshape(-1, 3)


def _overlay(image, label, colours, alpha: float) -> np.ndarray:
    known = label != IGNORE
    mixed = image.astype(np.float32)
    mixed[known] += alpha * (colours[label[known]].astype(np.float32) - mixed[known])
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _legend(colours, classes: int, width: int) -> np.ndarray:
    from PIL import Image, ImageDraw

    names = CLASSES7 if classes == 7 else [str(k) for k in range(classes)]
    per_line = max(width // 120, 1)
    lines = -(-classes // per_line)
    image = Image.new("RGB", (width, lines * _LEGEND), (20, 20, 20))
    pen = ImageDraw.Draw(image)
    for k, name in enumerate(names):
        x, y = k % per_line * 120 + 6, k // per_line * _LEGEND + 4
        pen.rectangle((x, y, x + 14, y + 13), fill=tuple(int(c) for c in colours[k]))
        pen.text((x + 20, y + 1), name, fill=(235, 235, 235))
    return np.asarray(image)
