# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the picture and label files of data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .sample import DataError


def read_image(path: Path) -> np.ndarray:
    """Picture file as uint8 RGB [H, W, 3], upright as its EXIF orientation says.

    Raises:
        DataError: missing, unreadable, truncated, or more than 8 bits a sample.
    """
    from PIL import Image, ImageOps

    def upright(image):
        return ImageOps.exif_transpose(_eight_bit(image, path)).convert("RGB")

    return np.array(_open(path, upright, Image))  # a copy: torch warns of read-only arrays


def read_label(path: Path) -> np.ndarray:
    """Label file (palette or grey PNG whose value is the class) as uint8 [H, W].

    Raises:
        DataError: missing, unreadable, or stored as colours.
    """
    from PIL import Image

    return np.array(_open(path, lambda image: _class_values(image, path).copy(), Image))


def read_header(path: Path, is_label: bool = False) -> tuple[int, int]:
    """(width, height) of a picture file, or of a label file, without decoding it.

    Raises:
        DataError: missing, unreadable, or of a kind that `read_image` or `read_label` refuses.
    """
    from PIL import Image

    check = _class_values if is_label else _eight_bit
    return _open(path, lambda image: check(image, path).size, Image)


def _eight_bit(image, path: Path):
    # Pillow opens 16-bit colours as RGB and drops their lower byte; only its raw mode tells
    wide = [mode for mode in _raw_modes(image) if ";16" in mode]
    if wide or image.mode.startswith("I") or image.mode == "F":
        found = wide[0] if wide else image.mode
        raise DataError(f"{path}: only pictures of 8 bits a sample can be used, got {found}")
    return image


def _class_values(image, path: Path):
    if image.mode not in ("P", "L"):
        raise DataError(
            f"{path}: a label must be a palette or grey picture whose value is the class, "
            f"got mode {image.mode}"
        )
    if image.format == "JPEG":
        raise DataError(f"{path}: a label must be stored without loss, got JPEG")
    if any(mode.startswith("L;") for mode in _raw_modes(image)):
        # Pillow stretches grey of 2 or 4 bits to 0 .. 255
        raise DataError(f"{path}: a grey label must have 8 bits, got fewer")
    return image


def _raw_modes(image) -> list[str]:
    return [str(part) for tile in image.tile for part in tile[3:]]


def _open(path: Path, convert, module):
    try:
        with module.open(path) as image:
            return convert(image)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except (OSError, SyntaxError, ValueError, module.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture: {error}") from None
