# SPDX-License-Identifier: GPL-3.0-or-later
"""The feedback path from receiver to transmitter: small binary messages, checked before use.

Message: magic "SCFB", version u8, zero u8, length u16, payload, CRC-32 over all before it (zlib's),
little-endian. What the payload means is the business of both ends.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter, deque

_HEAD = struct.Struct("<4sBBH")
_TAIL = struct.Struct("<I")
MAGIC, VERSION = b"SCFB", 1
MAX_PAYLOAD = 0xFFFF
MAX_MESSAGE = _HEAD.size + MAX_PAYLOAD + _TAIL.size
QUEUE_MESSAGES = 64


class FeedbackError(ValueError):
    """A message that is none; counted by the receiver."""


def pack_feedback(payload: bytes) -> bytes:
    """The message of a payload of 0..65535 bytes."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"payload must have at most {MAX_PAYLOAD} bytes, got {len(payload)}")
    body = _HEAD.pack(MAGIC, VERSION, 0, len(payload)) + bytes(payload)
    return body + _TAIL.pack(zlib.crc32(body))


def unpack_feedback(message: bytes) -> bytes:
    """The payload of a message; FeedbackError for anything that `pack_feedback` did not make."""
    if len(message) < _HEAD.size + _TAIL.size:
        raise FeedbackError("too short")
    magic, version, reserved, length = _HEAD.unpack_from(message)
    if magic != MAGIC or reserved:
        raise FeedbackError("no feedback message")
    if version != VERSION:
        raise FeedbackError(f"version {version} is unknown")
    if len(message) != _HEAD.size + length + _TAIL.size:
        raise FeedbackError("wrong length")
    body = message[: -_TAIL.size]
    if _TAIL.unpack_from(message, len(body))[0] != zlib.crc32(body):
        raise FeedbackError("wrong CRC")
    return body[_HEAD.size :]


class FeedbackQueue:
    """Feedback inside one process: both ends in one object; the oldest message gives way.

    Thread-safe (deque operations are atomic).

    Attributes:
        counters: Counter of sent, received, dropped.
    """

    def __init__(self, messages: int = QUEUE_MESSAGES):
        self.counters: Counter[str] = Counter()
        self._queue: deque[bytes] = deque(maxlen=messages)

    def send(self, payload: bytes) -> bool:
        """Queue a payload; False when an older one had to go."""
        if len(payload) > MAX_PAYLOAD:
            raise ValueError(f"payload must have at most {MAX_PAYLOAD} bytes, got {len(payload)}")
        full = len(self._queue) == self._queue.maxlen
        self._queue.append(bytes(payload))
        self.counters["sent"] += 1
        self.counters["dropped"] += full
        return not full

    def receive(self) -> list[bytes]:
        """All payloads that wait, oldest first; does not wait."""
        payloads = []
        while self._queue:
            payloads.append(self._queue.popleft())
        self.counters["received"] += len(payloads)
        return payloads

    def close(self) -> None:
        """Nothing to release."""
