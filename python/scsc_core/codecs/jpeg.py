# SPDX-License-Identifier: GPL-3.0-or-later
"""JPEG (Pillow, libjpeg-turbo) behind the interface that all image codecs share."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from .base import DecodeError, ImageCodec
from .image_input import check_image, check_size, nothing_saved, plausible_size
from .partial import CHROMA_REACH, from_first_block_on, grow

SUBSAMPLINGS = ("420", "422", "444")
_START, _END = b"\xff\xd8", b"\xff\xd9"
_MCU = 16
# Two continuations of a cut file: what depends on them was not received. Neither holds a marker.
_TAILS = (b"\xb5" * 96, b"\x4a" * 96)
# SOF markers of the processes that libjpeg decodes: baseline, extended, progressive.
_FRAMES = (0xC0, 0xC1, 0xC2)


def frame_size(data: bytes) -> tuple[int, int]:
    """(height, width) of the first frame header; DecodeError when there is none."""
    if data[:2] != _START:
        raise DecodeError("not a JPEG file")
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _FRAMES and at + 9 <= len(data):
            height = int.from_bytes(data[at + 5 : at + 7], "big")
            return height, int.from_bytes(data[at + 7 : at + 9], "big")
        if marker == 0xDA or length < 2:
            break
        at += 2 + length
    raise DecodeError("JPEG file has no frame header")


class JpegCodec(ImageCodec):
    """JPEG: `qp` is libjpeg's quality 1..95, higher is better.

    libjpeg decodes over wrong entropy-coded bits without an error, so `decode` raises for broken
    headers and cut files only; a checksum outside the file has to find the rest.

    Args:
        subsampling: "420" (default), "422" or "444".
    """

    name = "jpeg"
    quality_range = (1, 95)
    default_qp = 50
    higher_is_better = True

    def __init__(self, subsampling: str = "420"):
        if subsampling not in SUBSAMPLINGS:
            raise ValueError(f"subsampling must be one of {SUBSAMPLINGS}, got {subsampling!r}")
        self.subsampling = subsampling

    def encode(self, image: np.ndarray, qp: int | None = None) -> bytes:
        quality = self.check_qp(qp)
        picture = Image.fromarray(check_image(image))
        out = io.BytesIO()
        pattern = ":".join(self.subsampling[:3])
        picture.save(out, "JPEG", quality=quality, optimize=True, subsampling=pattern)
        return out.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        data = bytes(data)
        if not data.endswith(_END):
            raise DecodeError("JPEG file has no end")
        return _decode(data)

    def decode_damaged(self, data, valid_bytes=None, size=None):
        data, wanted = bytes(data), plausible_size(size)
        if valid_bytes is None and not data.endswith(_END):
            valid_bytes = len(data)
        elif valid_bytes is not None and valid_bytes >= len(data) and data.endswith(_END):
            valid_bytes = None
        try:
            found = frame_size(data)
            if plausible_size(found) is None or wanted not in (None, found):
                return nothing_saved(wanted)
        except DecodeError:
            return nothing_saved(wanted)
        try:
            if valid_bytes is None:
                return _decode(data), np.ones(found, bool)
            prefix = data[: max(valid_bytes, 0)].rstrip(b"\xff")
            frame_size(prefix)
            one, other = (_decode(prefix + tail + _END) for tail in _TAILS)
        except DecodeError:
            return nothing_saved(wanted or found)
        lost = from_first_block_on((one != other).any(axis=2), _MCU)
        lost = grow(lost, CHROMA_REACH)
        one[lost] = 128
        return one, ~lost


def _decode(data: bytes) -> np.ndarray:
    try:
        check_size(*frame_size(data))
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            check_size(picture.height, picture.width)
            return np.array(picture.convert("RGB"))
    except DecodeError:
        raise
    except Exception as error:  # Pillow raises many types for a broken file
        raise DecodeError(f"JPEG file cannot be decoded: {error}") from error
