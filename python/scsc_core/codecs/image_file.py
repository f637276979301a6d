# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture files of users, read into the one array type of this project and written from it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from . import bpg_container
from .base import DecodeError
from .image_input import MAX_SIDE, check_image

FORMATS = ("PNG", "JPEG", "JPEG2000", "WEBP", "TIFF", "BMP", "GIF", "PPM")
MAX_PIXELS = MAX_SIDE * MAX_SIDE
MAX_FILE_BYTES = 1 << 28
_LOSSY_QUALITY = 95


def load_image(
    path: str | os.PathLike, max_side: int = MAX_SIDE, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """Picture file to uint8 [H,W,3].

    PNG, JPEG, JPEG 2000, WebP, TIFF, BMP, GIF (first picture), PPM and BPG, told apart by their
    content. Gray is repeated three times, CMYK and palettes are converted, 16 bits are scaled to 8
    (gray with rounding; of 16-bit colour Pillow keeps the upper byte), EXIF orientation is applied;
    transparent pictures are laid over white.

    Args:
        path: file name.
        max_side: int, largest height and width.
        max_pixels: int, largest height times width.
    Raises:
        ValueError: one line with the file name: missing, empty, unreadable or too large.
    """
    name = os.fspath(path)
    try:
        size = os.stat(name).st_size
        if not os.path.isfile(name):
            raise ValueError(f"{name}: not a file")
        if size == 0:
            raise ValueError(f"{name}: the file is empty")
        if size > MAX_FILE_BYTES:
            raise ValueError(f"{name}: {size} bytes exceed the limit of {MAX_FILE_BYTES}")
        with open(name, "rb") as file:
            is_bpg = file.read(4) == bpg_container.MAGIC
        image = (
            _load_bpg(name, max_side, max_pixels) if is_bpg else _load(name, max_side, max_pixels)
        )
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise ValueError(f"{name}: cannot be read ({reason})") from error
    return image


def _check(name: str, height: int, width: int, max_side: int, max_pixels: int) -> None:
    if height < 1 or width < 1:
        raise ValueError(f"{name}: the picture is empty")
    if max(height, width) > max_side:
        raise ValueError(f"{name}: {width} x {height} exceeds the limit of {max_side} a side")
    if height * width > max_pixels:
        raise ValueError(f"{name}: {width} x {height} exceeds the limit of {max_pixels} pixels")


def _load_bpg(name: str, max_side: int, max_pixels: int) -> np.ndarray:
    from . import bpg
    from .bpg_planes import opaque

    data = Path(name).read_bytes()
    try:
        _check(name, *bpg_container.parse_size(data, 1 << 32), max_side, max_pixels)
        decoded = bpg.decode(data, safe=True)  # a cut file may decode without any warning
        if not decoded.ok:
            raise DecodeError("the file is damaged")
        return opaque(bpg.to_rgb(decoded))
    except DecodeError as error:
        raise ValueError(f"{name}: {error}") from error


def _load(name: str, max_side: int, max_pixels: int) -> np.ndarray:
    try:
        with Image.open(name, formats=FORMATS) as picture:
            _check(name, picture.height, picture.width, max_side, max_pixels)
            upright = ImageOps.exif_transpose(picture)
            return _to_rgb8(upright)
    except Image.UnidentifiedImageError as error:
        raise ValueError(
            f"{name}: not a picture of a known format ({', '.join(FORMATS)}, BPG)"
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{name}: exceeds the limit of {max_pixels} pixels") from error
    except ValueError:
        raise
    except Exception as error:  # Pillow raises many types for a broken file
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{name}: cannot be read ({reason})") from error


def _to_rgb8(picture: Image.Image) -> np.ndarray:
    mode = picture.mode
    if mode.startswith("I;16") or mode == "I":
        wide = np.clip(np.asarray(picture, np.int64), 0, 65535)
        return check_image(((wide * 255 + 32767) // 65535).astype(np.uint8), 1 << 16)
    if mode == "F":
        raise ValueError("floating-point pictures are not supported")
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, layer)
    return np.array(picture.convert("RGB"))


def save_image(path: str | os.PathLike, image: np.ndarray, qp: float | None = None) -> None:
    """Writes uint8 [H,W,3] to a file whose format follows the ending.

    .png, .tif, .tiff, .bmp, .ppm and .webp are lossless; .jpg, .jpeg, .j2k and .bpg are coded with
    `qp` on the scale of their codec (default: quality 95 for JPEG, ratio 10 for JPEG 2000, slice QP
    22 for BPG).

    Raises:
        ValueError: unknown ending, wrong array, or a file that cannot be written.
    """
    from . import get

    rgb = check_image(image)
    name = os.fspath(path)
    ending = Path(name).suffix.lower()
    lossless = {
        ".png": "PNG",
        ".tif": "TIFF",
        ".tiff": "TIFF",
        ".bmp": "BMP",
        ".ppm": "PPM",
        ".webp": "WEBP",
    }
    coded = {
        ".jpg": ("jpeg", _LOSSY_QUALITY),
        ".jpeg": ("jpeg", _LOSSY_QUALITY),
        ".j2k": ("jpeg2000", 10),
        ".bpg": ("bpg", 22),
    }
    try:
        if ending in coded:
            codec, default = coded[ending]
            Path(name).write_bytes(get(codec).encode(rgb, default if qp is None else qp))
        elif ending in lossless:
            if qp is not None:
                raise ValueError(f"{name}: qp has no meaning for a lossless format")
            options = {"lossless": True} if ending == ".webp" else {}
            Image.fromarray(rgb).save(name, lossless[ending], **options)
        else:
            known = ", ".join([*lossless, *coded])
            raise ValueError(f"{name}: ending must be one of {known}")
    except OSError as error:
        raise ValueError(f"{name}: cannot be written ({error.strerror or error})") from error
