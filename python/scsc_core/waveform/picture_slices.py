# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures coded in horizontal slices, each a stream of its own, so that a lost frame costs one slice.

    [ slice header, 19 bytes, CRC-16 inside ][ codec stream of the slice ] [ slice header ] ...

Every header says where its slice belongs and where the next one begins; one that is lost is searched
past. All numbers are big-endian. Received bytes are hostile: nothing here raises on them.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .. import codecs
from ..codecs.base import ImageCodec
from ..codecs.image_input import nothing_saved
from ..framing import CODECS

SLICE_ROWS = 64  # slices begin on multiples of the largest coding block
MAX_SLICES = 16

MAGIC = b"SL"
MAX_FINDS = 4096  # of the magic in one picture; random bytes hold it once in 65536
_HEAD = struct.Struct(">2sBBBHHHHI")  # magic, codec, index, count, height, width, top, rows, length
_CRC = struct.Struct(">H")
HEADER_BYTES = _HEAD.size + _CRC.size


@dataclass(frozen=True)
class SliceHeader:
    """Place of one slice: rows `top` .. `top + rows` of a picture height x width, `length` bytes."""

    codec: str
    index: int
    count: int
    height: int
    width: int
    top: int
    rows: int
    length: int


class SlicedCodec(ImageCodec):
    """A codec that codes a picture in slices; scale and names are those of the codec inside.

    Args:
        inner: ImageCodec.
        slices: wanted number, 1..16; slices are not made lower than 64 rows.
    """

    def __init__(self, inner: ImageCodec, slices: int):
        if not 1 <= slices <= MAX_SLICES:
            raise ValueError(f"slices must be in 1..{MAX_SLICES}, got {slices}")
        self._inner = inner
        self._slices = slices
        self.name = inner.name
        self.quality_range = inner.quality_range
        self.default_qp = inner.default_qp
        self.higher_is_better = inner.higher_is_better
        self.integer_qp = inner.integer_qp

    def encode(self, image: np.ndarray, qp: float | None = None) -> bytes:
        """Slices of a picture uint8 [H, W, 3], one behind the other, all of one quality."""
        height, width = image.shape[:2]
        edges = slice_edges(height, self._slices)
        parts = []
        for index, (top, bottom) in enumerate(zip(edges, edges[1:])):
            data = self._inner.encode(image[top:bottom], qp)
            head = _HEAD.pack(
                MAGIC,
                CODECS.index(self.name),
                index,
                len(edges) - 1,
                height,
                width,
                top,
                bottom - top,
                len(data),
            )
            parts += [head, _CRC.pack(binascii.crc_hqx(head, 0)), data]
        return b"".join(parts)

    def decode(self, data: bytes) -> np.ndarray:
        """Picture of complete data; DecodeError for anything else."""
        decoded = decode_slices(data, [(0, len(data))], (0, 0, 0))
        if decoded is None or not decoded[1].all():
            raise codecs.DecodeError("slices of the picture are missing or damaged")
        return decoded[0]

    def decode_damaged(self, data, valid_bytes=None, size=None):
        """See ImageCodec."""
        good = len(data) if valid_bytes is None else min(valid_bytes, len(data))
        decoded = decode_slices(data, [(0, good)], (128, 128, 128))
        if decoded is None or size not in (None, decoded[0].shape[:2]):
            return nothing_saved(size)
        return decoded

    def _budget_scale(self) -> list[float]:
        return self._inner._budget_scale()


def slice_edges(height: int, slices: int) -> list[int]:
    """Rows at which slices begin, and the height: multiples of 64, as equal as these allow."""
    n_blocks = -(-height // SLICE_ROWS)
    count = min(slices, n_blocks)
    return [n_blocks * index // count * SLICE_ROWS for index in range(count)] + [height]


def decode_slices(
    data: bytes, good: Sequence[tuple[int, int]], colour: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray] | None:
    """The picture of whatever slices arrived.

    Args:
        data: bytes as received; lost parts hold zeros, so that all others are in their place.
        good: ascending (start, stop) of the bytes known to be right.
        colour: of rows that nothing is known of.
    Returns:
        (image uint8 [H, W, 3], mask bool [H, W] of the trustworthy pixels), or None when no header
        of a slice arrived.
    """
    image = mask = taken = None
    for header, start in find_slices(data, good):
        if image is None:
            size = header.height, header.width
            image = np.broadcast_to(np.uint8(colour), (*size, 3)).copy()
            mask = np.zeros(size, bool)
            taken = np.zeros(header.height, bool)
        rows = slice(header.top, header.top + header.rows)
        if image.shape[:2] != (header.height, header.width) or taken[rows].any():
            continue  # no row is decoded twice, whatever is claimed
        taken[rows] = True
        valid = valid_prefix(good, start, header.length)
        pixels, trusted = _decode_slice(data[start : start + header.length], header, valid)
        if trusted.any():
            image[rows], mask[rows] = pixels, trusted
    return None if image is None else (image, mask)


def _decode_slice(body: bytes, header: SliceHeader, valid: int):
    size = header.rows, header.width
    codec = codecs.get(header.codec)
    if valid >= header.length:
        try:
            pixels = codec.decode(body)
        except codecs.DecodeError:
            pass
        else:
            if pixels.shape[:2] == size:
                return pixels, np.ones(size, bool)
    pixels, trusted = codec.decode_damaged(body, valid_bytes=valid, size=size)
    if pixels.shape[:2] != size:
        return np.zeros((*size, 3), np.uint8), np.zeros(size, bool)
    return pixels, trusted


def find_slices(data: bytes, good: Sequence[tuple[int, int]]) -> Iterator[tuple[SliceHeader, int]]:
    """(header, where its bytes begin) of every slice whose header arrived, each index once."""
    position, seen = 0, set()
    for _ in range(MAX_FINDS):
        start = data.find(MAGIC, position)
        if start < 0:
            return
        header = _read_header(data, start)
        whole = header is not None and valid_prefix(good, start, HEADER_BYTES) == HEADER_BYTES
        if not whole or header.index in seen:
            position = start + 1
            continue
        seen.add(header.index)
        yield header, start + HEADER_BYTES
        position = start + HEADER_BYTES + header.length


def valid_prefix(good: Sequence[tuple[int, int]], start: int, length: int) -> int:
    """How many of the bytes start .. start + length lie in front of the first that is not good."""
    for begin, stop in good:
        if begin <= start < stop:
            return min(length, stop - start)
    return 0


def _read_header(data: bytes, start: int) -> SliceHeader | None:
    head = data[start : start + _HEAD.size]
    crc = data[start + _HEAD.size : start + HEADER_BYTES]
    if len(crc) < _CRC.size or _CRC.unpack(crc)[0] != binascii.crc_hqx(head, 0):
        return None
    _, codec, index, count, height, width, top, rows, length = _HEAD.unpack(head)
    legal = (
        codec < len(CODECS)
        and 1 <= count <= MAX_SLICES
        and index < count
        and 1 <= height <= codecs.MAX_SIDE
        and 1 <= width <= codecs.MAX_SIDE
        and rows >= 1
        and top + rows <= height
        and length >= 1
    )
    if not legal:
        return None
    return SliceHeader(CODECS[codec], index, count, height, width, top, rows, length)
