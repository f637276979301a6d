# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the picture and label files of data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .sample import DataError


def read_image(path: Path) -> np.ndarray:
    """Picture file as uint8 RGB [H, W, 3].

    Raises:
        DataError: missing, unreadable, truncated, or more than 8 bits a sample.
    """
    from PIL import Image

    return np.asarray(_open(path, lambda image: _eight_bit(image, path).convert("RGB"), Image))


def read_label(path: Path) -> np.ndarray:
    """Label file (palette or grey PNG whose value is the class) as uint8 [H, W].

    Raises:
        DataError: missing, unreadable, or stored as colours.
    """
    from PIL import Image

    def classes(image):
        if image.mode not in ("P", "L"):
            raise DataError(
                f"{path}: a label must be a palette or grey picture whose value is the class, "
                f"got mode {image.mode}"
            )
        return image.copy()

    return np.asarray(_open(path, classes, Image))


def _eight_bit(image, path: Path):
    if image.mode.startswith("I") or image.mode == "F":
        raise DataError(f"{path}: only pictures of 8 bits a sample can be used, got {image.mode}")
    return image


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
