# SPDX-License-Identifier: GPL-3.0-or-later
"""JPEG 2000 (Pillow, OpenJPEG) behind the interface that all image codecs share."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from .base import DecodeError, ImageCodec
from .image_input import check_image, check_size, nothing_saved, plausible_size

_CODESTREAM = b"\xff\x4f\xff\x51"
_BOXES = b"\0\0\0\x0cjP  \r\n\x87\n"
_END = b"\xff\xd9"
_MAX_RESOLUTIONS = 6
_MAX_TILES = 64
_COD, _QCD, _START_OF_TILE = 0xFF52, 0xFF5C, 0xFF90
_RATIO_STEP = 1.02


def check_codestream(data: bytes) -> tuple[int, int]:
    """(height, width) after checking what OpenJPEG would allocate by; DecodeError when illegal.

    Only what this codec and common encoders write is let through: 1, 3 or 4 components of 8 bits
    without subsampling, at most 64 tiles, code blocks of at most 4096 samples, no precincts.
    """
    if not data.startswith((_CODESTREAM, _BOXES)):
        raise DecodeError("not a JPEG 2000 file")
    at = data.find(_CODESTREAM)
    if at < 0 or len(data) < at + 42:
        raise DecodeError("JPEG 2000 file has no size header")
    width, height, left, top, tile_w, tile_h, tile_x, tile_y = (
        int.from_bytes(data[at + 8 + 4 * k : at + 12 + 4 * k], "big") for k in range(8)
    )
    components = int.from_bytes(data[at + 40 : at + 42], "big")
    length = int.from_bytes(data[at + 4 : at + 6], "big")
    if components not in (1, 3, 4) or length != 38 + 3 * components:
        raise DecodeError(f"JPEG 2000 file has {components} components")
    if data[at + 42 : at + 42 + 3 * components] != b"\x07\x01\x01" * components:
        raise DecodeError("JPEG 2000 components must have 8 bits and the same size")
    if left or top or tile_x or tile_y:
        raise DecodeError("JPEG 2000 file has an offset grid")
    check_decoded_size(height, width)
    if not tile_w or not tile_h or -(-width // tile_w) * -(-height // tile_h) > _MAX_TILES:
        raise DecodeError(f"JPEG 2000 file has more than {_MAX_TILES} tiles")
    _check_main_header(data, at + 4 + length)
    return height, width


def check_decoded_size(height: int, width: int) -> None:
    """DecodeError for a size that `check_size` refuses."""
    try:
        check_size(height, width)
    except ValueError as error:
        raise DecodeError(str(error)) from error


def _check_main_header(data: bytes, at: int) -> None:
    seen = set()
    while at + 4 <= len(data):
        marker = int.from_bytes(data[at : at + 2], "big")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _START_OF_TILE:
            break
        if marker < 0xFF00 or length < 2:
            raise DecodeError("JPEG 2000 main header is broken")
        if marker == _COD:
            body = data[at + 4 : at + 2 + length]
            # style, progression, layers (2), transform, decompositions, code block sides - 2
            legal = (
                len(body) >= 10
                and not body[0] & 1
                and 1 <= int.from_bytes(body[2:4], "big") <= 64
                and body[5] <= 32
                and body[6] <= 8
                and body[7] <= 8
                and body[6] + body[7] <= 8
            )
            if not legal:
                raise DecodeError("JPEG 2000 coding style is not supported")
        seen.add(marker)
        at += 2 + length
    else:
        raise DecodeError("JPEG 2000 main header ends too early")
    if not {_COD, _QCD} <= seen:
        raise DecodeError("JPEG 2000 main header is incomplete")


class Jpeg2000Codec(ImageCodec):
    """JPEG 2000 codestream, 9/7 wavelet: `qp` is the compression ratio 1..1000, lower is better."""

    name = "jpeg2000"
    quality_range = (1.0, 1000.0)
    default_qp = 40.0
    higher_is_better = False
    integer_qp = False

    def encode(self, image: np.ndarray, qp: float | None = None) -> bytes:
        ratio = self.check_qp(qp)
        rgb = check_image(image)
        resolutions = min(_MAX_RESOLUTIONS, max(1, min(rgb.shape[:2]).bit_length()))
        out = io.BytesIO()
        Image.fromarray(rgb).save(
            out,
            "JPEG2000",
            quality_mode="rates",
            quality_layers=[ratio],
            num_resolutions=resolutions,
            irreversible=True,
            mct=1,
            no_jp2=True,
        )
        return out.getvalue()

    def _budget_scale(self) -> list[float]:
        scale = [self.quality_range[0]]
        while scale[-1] * _RATIO_STEP < self.quality_range[1]:
            scale.append(scale[-1] * _RATIO_STEP)
        return [*scale, self.quality_range[1]]

    def decode(self, data: bytes) -> np.ndarray:
        data = bytes(data)
        if not data.endswith(_END):
            raise DecodeError("JPEG 2000 file has no end")
        return _decode(data)

    def decode_damaged(self, data, valid_bytes=None, size=None):
        """See ImageCodec; all pixels depend on the whole stream: a cut file has none to trust."""
        data, wanted = bytes(data), plausible_size(size)
        intact = valid_bytes is None or valid_bytes >= len(data)
        if not intact:
            data = data[: max(0, valid_bytes)]
        intact = intact and data.endswith(_END)
        try:
            found = check_codestream(data)
        except DecodeError:
            return nothing_saved(wanted)
        if wanted not in (None, found):
            return nothing_saved(wanted)
        try:
            return _decode(data), np.full(found, intact)
        except DecodeError:
            return nothing_saved(found)


def _decode(data: bytes) -> np.ndarray:
    size = check_codestream(data)
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG2000"]) as picture:
            if (picture.height, picture.width) != size:
                raise DecodeError("JPEG 2000 boxes and codestream disagree about the size")
            return np.array(picture.convert("RGB"))
    except DecodeError:
        raise
    except Exception as error:  # Pillow raises many types for a broken file
        raise DecodeError(f"JPEG 2000 file cannot be decoded: {error}") from error
