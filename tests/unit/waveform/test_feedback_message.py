# SPDX-License-Identifier: GPL-3.0-or-later
"""Feedback messages as bytes, right ones and hostile ones."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scsc_core.waveform.csi_feedback import SoundRef, quantise_csi
from scsc_core.waveform.feedback_message import (
    HarqStatus,
    ReceiverState,
    pack_message,
    unpack_message,
)

USED = np.concatenate([np.arange(-26, 0), np.arange(1, 27)])
REF = SoundRef("data", 255, 1022, 255, 3)


def csi_report(group=1):
    rng = np.random.default_rng(5)
    h = rng.normal(size=(52, 2, 2)) + 1j * rng.normal(size=(52, 2, 2))
    return quantise_csi(h, 0.25, 200, REF, USED, group)


def harq_status(n_frames=37):
    rng = np.random.default_rng(6)
    decoded = rng.random(n_frames) < 0.5
    return HarqStatus(9, REF, decoded, rng.integers(0, 16, n_frames, np.uint8), True)


def signed(body):
    """Bytes with the CRC that they should have."""
    return body + struct.pack("<I", zlib.crc32(body))


@pytest.mark.parametrize(("group", "n_bytes"), [(1, 416), (4, 104)])
def test_csi_report_round_trip(group, n_bytes):
    report = csi_report(group)

    message = pack_message(report)
    found = unpack_message(message).content

    assert found.h.nbytes == n_bytes and len(message) == n_bytes + 28
    np.testing.assert_array_equal(found.h, report.h)
    for name in ("csi_id", "sound_ref", "n_carriers", "group", "scale", "noise_var"):
        assert getattr(found, name) == getattr(report, name)


@pytest.mark.parametrize("n_frames", [1, 2, 37, 1023])
def test_harq_status_round_trip(n_frames):
    status = harq_status(n_frames)

    found = unpack_message(pack_message(status)).content

    np.testing.assert_array_equal(found.decoded, status.decoded)
    np.testing.assert_array_equal(found.heard, status.heard)
    assert (found.image_id, found.ref, found.closed) == (9, REF, True)


def test_receiver_state_round_trip():
    state = ReceiverState(7.5, "0.1 numpy 1.26", 1, 2, 3, 4, 5, 6, 7, 8, 9)

    assert unpack_message(pack_message(state)).content == state


@pytest.mark.parametrize("content", [csi_report(), harq_status(), ReceiverState()])
def test_every_flipped_bit_is_noticed(content):
    message = pack_message(content)

    for bit in range(0, 8 * len(message), 7):
        changed = bytearray(message)
        changed[bit // 8] ^= 1 << bit % 8
        assert unpack_message(bytes(changed)).problem == "crc"


@given(st.binary(max_size=600))
def test_random_bytes_never_raise(message):
    assert unpack_message(message).content is None


@given(kind=st.integers(0, 4), body=st.binary(max_size=600))
def test_hostile_bodies_with_a_right_crc_never_raise(kind, body):
    found = unpack_message(signed(b"SF\x01" + bytes([kind]) + body))

    assert (found.content is None) == (found.problem is not None)


@given(position=st.integers(4, 400), value=st.integers(0, 255))
def test_changed_fields_with_a_right_crc_give_valid_content_or_none(position, value):
    body = bytearray(pack_message(csi_report())[:-4])
    body[position] = value

    found = unpack_message(signed(bytes(body)))

    if found.problem is None:
        assert 1 <= found.content.csi_id <= 255
        assert found.content.noise_var > 0 and found.content.scale > 0
        assert found.content.h.shape == (
            -(-found.content.n_carriers // found.content.group),
            2,
            2,
            2,
        )
    else:
        assert found.problem == "content"


def test_other_versions_and_kinds_are_told_apart():
    body = pack_message(ReceiverState())[4:-4]

    assert unpack_message(signed(b"SF\x02\x03" + body)).problem == "version"
    assert unpack_message(signed(b"XX\x01\x03" + body)).problem == "version"
    assert unpack_message(signed(b"SF\x01\x09" + body)).problem == "kind"
    assert unpack_message(b"").problem == "length"
    assert unpack_message(bytes(1 << 20)).problem == "length"


def test_state_with_unprintable_version_is_refused():
    body = bytearray(pack_message(ReceiverState(version="a"))[:-4])
    body[8] = 0x1B  # an escape sequence for the operator's terminal

    assert unpack_message(signed(bytes(body))).problem == "content"
