# SPDX-License-Identifier: GPL-3.0-or-later
"""Image codecs behind one interface: BPG, JPEG and JPEG 2000."""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib import import_module

from .base import BudgetError, DecodeError, ImageCodec
from .image_input import MAX_SIDE, check_image

__all__ = [
    "BudgetError",
    "MAX_SIDE",
    "check_image",
    "DecodeError",
    "ImageCodec",
    "get",
    "load_image",
    "names",
    "save_image",
]

_CODECS = {
    "bpg": ("bpg_codec", "BpgCodec"),
    "jpeg": ("jpeg", "JpegCodec"),
    "jpeg2000": ("jpeg2000", "Jpeg2000Codec"),
}


def names() -> tuple[str, ...]:
    """Names that `get` knows."""
    return tuple(_CODECS)


@lru_cache(maxsize=32)
def get(name: str, **options) -> ImageCodec:
    """The codec of that name.

    Args:
        name: "bpg", "jpeg" or "jpeg2000".
        options: constructor arguments of the codec class, for instance preset="slow" for bpg.
    Raises:
        ValueError: unknown name or option value.
    """
    if name not in _CODECS:
        close = difflib.get_close_matches(str(name), _CODECS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"codec must be one of {', '.join(_CODECS)}, got {name!r}{hint}")
    module, kind = _CODECS[name]
    return getattr(import_module(f".{module}", __name__), kind)(**options)


def load_image(path, **options):
    """Picture file to uint8 [H,W,3]; see image_file.load_image."""
    from .image_file import load_image as load

    return load(path, **options)


def save_image(path, image, **options):
    """uint8 [H,W,3] to a picture file; see image_file.save_image."""
    from .image_file import save_image as save

    return save(path, image, **options)
