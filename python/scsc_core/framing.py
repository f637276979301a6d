# SPDX-License-Identifier: GPL-3.0-or-later
"""Payload framing: what travels with a compressed picture so that the receiver can trust and show it.

    [ header, 15 bytes, CRC-16 inside ][ compressed picture ][ CRC-32 of it ][ zero fill ]

All numbers are big-endian. Received bytes are hostile: `unpack` never raises on them, every loss is
reported as a `problem` of the result.
"""

import binascii
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

VERSION = 1
CODECS = ("bpg", "jpeg", "jpeg2000")
TASKS = ("none", "segmentation", "detection", "classification")
IMAGE_IDS = 256

_QP_STEPS = 16  # qp travels in sixteenths
_HEADER = struct.Struct(">BBHHHBI")  # version|codec, image_id, height, width, qp, task, length
_CRC16 = struct.Struct(">H")
_CRC32 = struct.Struct(">I")
HEADER_BYTES = _HEADER.size + _CRC16.size
OVERHEAD_BYTES = HEADER_BYTES + _CRC32.size


@dataclass(frozen=True)
class PayloadHeader:
    """What the receiver must know about a compressed picture.

    Attributes:
        image_id: 0..255, counts up modulo 256 from picture to picture.
        height, width: pixels of the picture, 1..65535.
        codec: "bpg", "jpeg" or "jpeg2000".
        qp: quality on the codec's own scale, 0..4095.9375, kept in sixteenths.
        task: hint what the picture was prepared for: "none", "segmentation", "detection" or
            "classification".
    """

    image_id: int
    height: int
    width: int
    codec: str
    qp: float
    task: str = "none"

    def __post_init__(self) -> None:
        for name, low, high in (
            ("image_id", 0, IMAGE_IDS - 1),
            ("height", 1, 65535),
            ("width", 1, 65535),
        ):
            value = getattr(self, name)
            if value != int(value) or not low <= value <= high:
                raise ValueError(f"{name} must be an integer in {low}..{high}, got {value}")
        if not 0 <= self.qp * _QP_STEPS <= 65535:
            raise ValueError(f"qp must be in 0..4095.9375, got {self.qp}")
        for name, allowed in (("codec", CODECS), ("task", TASKS)):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)}"
                )


@dataclass(frozen=True)
class Unpacked:
    """One received payload, or what is left of it.

    Attributes:
        header: PayloadHeader, or None when it was damaged.
        data: compressed picture as received; b"" without a header.
        problem: None when the CRC-32 holds, else one line that says what was lost.
    """

    header: PayloadHeader | None
    data: bytes
    problem: str | None

    @property
    def ok(self) -> bool:
        """True when header and picture arrived whole."""
        return self.problem is None


def pack(data: bytes, header: PayloadHeader) -> bytes:
    """Frame one compressed picture: header, data, CRC-32; OVERHEAD_BYTES longer than `data`."""
    if not 1 <= len(data) < 1 << 32:
        raise ValueError(f"data must hold 1..4294967295 bytes, got {len(data)}")
    head = _HEADER.pack(
        VERSION << 4 | CODECS.index(header.codec),
        header.image_id,
        header.height,
        header.width,
        round(header.qp * _QP_STEPS),
        TASKS.index(header.task),
        len(data),
    )
    return b"".join(
        (head, _CRC16.pack(binascii.crc_hqx(head, 0)), data, _CRC32.pack(zlib.crc32(data)))
    )


def unpack(payload: bytes) -> Unpacked:
    """The picture of one received payload; zero fill behind it is ignored. Never raises on content."""
    header, length = _read_header(payload, 0)
    if header is None:
        return Unpacked(None, b"", "payload header damaged")
    return _read_body(payload, 0, header, length)


def unpack_sequence(stream: bytes) -> Iterator[Unpacked]:
    """The pictures of several payloads sent one behind the other, whatever part of them was lost.

    A damaged header is searched past: the next 15 bytes whose CRC-16 and fields are right start the
    next picture. Pictures missing in between are reported by one Unpacked with their image_id, bytes
    behind the last picture that are no zero fill by another. A payload sent twice comes twice.
    """
    position, last_id = 0, None
    while (start := _find_header(stream, position)) is not None:
        header, length = _read_header(stream, start)
        if last_id not in (None, header.image_id):
            missing = (header.image_id - last_id - 1) % IMAGE_IDS
            if missing:
                first = (last_id + 1) % IMAGE_IDS
                yield Unpacked(None, b"", f"{missing} picture(s) lost from image_id {first} on")
        unpacked = _read_body(stream, start, header, length)
        last_id = header.image_id
        position = _next_position(stream, start, length, unpacked)
        yield unpacked
    if any(stream[position:]):
        yield Unpacked(None, b"", "payload header damaged")


def _next_position(stream: bytes, start: int, length: int, unpacked: Unpacked) -> int:
    """Where the search goes on: behind the payload when that is sure, else behind its header.

    A wrong length would swallow the pictures behind it, so with a wrong CRC-32 the payload is only
    skipped when another header, or nothing but fill, follows it. Then what looks like a payload inside
    a picture's bytes is not taken for one.
    """
    end = start + OVERHEAD_BYTES + length
    follows = end <= len(stream) and (
        _read_header(stream, end)[0] is not None or not any(stream[end:])
    )
    return end if unpacked.ok or follows else start + HEADER_BYTES


def _read_header(stream: bytes, start: int) -> tuple[PayloadHeader | None, int]:
    head = bytes(stream[start : start + HEADER_BYTES])
    if len(head) < HEADER_BYTES:
        return None, 0
    (crc,) = _CRC16.unpack_from(head, _HEADER.size)
    if crc != binascii.crc_hqx(head[: _HEADER.size], 0):
        return None, 0
    version_codec, image_id, height, width, qp, task, length = _HEADER.unpack_from(head)
    codec = version_codec & 15
    if version_codec >> 4 != VERSION or codec >= len(CODECS) or task >= len(TASKS):
        return None, 0
    if not (height and width and length):
        return None, 0
    return PayloadHeader(
        image_id, height, width, CODECS[codec], qp / _QP_STEPS, TASKS[task]
    ), length


def _read_body(stream: bytes, start: int, header: PayloadHeader, length: int) -> Unpacked:
    begin = start + HEADER_BYTES
    data = bytes(stream[begin : begin + length])
    trailer = bytes(stream[begin + length : begin + length + _CRC32.size])
    if len(data) < length or len(trailer) < _CRC32.size:
        return Unpacked(header, data, f"payload ends after {len(data)} of {length} bytes")
    if _CRC32.unpack(trailer)[0] != zlib.crc32(data):
        return Unpacked(header, data, "CRC-32 of the picture is wrong")
    return Unpacked(header, data, None)


def _find_header(stream: bytes, position: int) -> int | None:
    for start in range(position, len(stream) - HEADER_BYTES + 1):
        if stream[start] >> 4 == VERSION and _read_header(stream, start)[0] is not None:
            return start
    return None
