# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.radio import FeedbackError, FeedbackQueue, pack_feedback, unpack_feedback


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(256)) * 2, b"\xff" * 65535])
def test_message_carries_any_payload(payload):
    assert unpack_feedback(pack_feedback(payload)) == payload


def test_message_is_the_documented_bytes():
    head, payload, crc = "5343464201000200", "6162", "7984dfd4"  # CRC-32 as zlib, little-endian

    assert pack_feedback(b"ab").hex() == head + payload + crc


def test_every_changed_bit_is_noticed():
    message = pack_feedback(b"channel state")

    for bit in range(8 * len(message)):
        damaged = bytearray(message)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(FeedbackError):
            unpack_feedback(bytes(damaged))


def test_any_other_length_and_random_bytes_are_refused():
    message, rng = pack_feedback(b"0123456789"), np.random.default_rng(1)

    for cut in range(len(message)):
        with pytest.raises(FeedbackError):
            unpack_feedback(message[:cut])
    with pytest.raises(FeedbackError):
        unpack_feedback(message + b"\0")
    for _ in range(1000):
        with pytest.raises(FeedbackError):
            unpack_feedback(rng.bytes(int(rng.integers(0, 200))))


def test_payload_beyond_the_length_field_is_refused():
    with pytest.raises(ValueError, match="at most 65535 bytes, got 65536"):
        pack_feedback(b"\0" * 65536)
    with pytest.raises(ValueError, match="at most 65535 bytes, got 65536"):
        FeedbackQueue().send(b"\0" * 65536)


def test_queue_keeps_order_and_drops_the_oldest():
    queue = FeedbackQueue(messages=2)

    sent = [queue.send(bytes([number])) for number in range(3)]

    assert sent == [True, True, False]
    assert queue.receive() == [b"\1", b"\2"] and queue.receive() == []
    assert queue.counters == {"sent": 3, "dropped": 1, "received": 2}
