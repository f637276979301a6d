# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits MSB first, Exp-Golomb codes and emulation prevention of HEVC."""

from __future__ import annotations

import re

from .base import DecodeError

_UE_MAX_ZEROS = 31


class BitReader:
    """Reads unsigned fields from bytes; DecodeError at the end of the data."""

    def __init__(self, data: bytes):
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    @property
    def bits_left(self) -> int:
        return self._left

    def u(self, count: int) -> int:
        if count > self._left:
            raise DecodeError("header ends too early")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def ue(self) -> int:
        zeros = 0
        while self.u(1) == 0:
            zeros += 1
            if zeros > _UE_MAX_ZEROS:
                raise DecodeError("Exp-Golomb code is too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)


class BitWriter:
    """Collects unsigned fields; `bytes()` pads the last byte with zero bits."""

    def __init__(self) -> None:
        self._value = 0
        self._count = 0

    def u(self, count: int, value: int) -> None:
        if not 0 <= value < 1 << count:
            raise ValueError(f"a field of {count} bits cannot hold {value}")
        self._value = self._value << count | value
        self._count += count

    def ue(self, value: int) -> None:
        code = value + 1
        self.u(2 * code.bit_length() - 1, code)

    def stop(self) -> None:
        """The stop bit of an RBSP; the zero bits after it come from `bytes`."""
        self.u(1, 1)

    def bytes(self) -> bytes:
        padding = -self._count % 8
        return (self._value << padding).to_bytes((self._count + padding) // 8, "big")


def protect(rbsp: bytes) -> bytes:
    """NAL payload with emulation prevention bytes."""
    out = bytearray()
    zeros = 0
    for byte in rbsp:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def unprotect(payload: bytes) -> bytes:
    """NAL payload without emulation prevention bytes."""
    return payload.replace(b"\0\0\3", b"\0\0")


def split_nals(stream: bytes) -> list[bytes]:
    """NAL units of an Annex B stream, without start codes; the first start code may be missing."""
    return [nal for part in re.split(b"\0\0\1", stream) if (nal := part.rstrip(b"\0"))]
