# SPDX-License-Identifier: GPL-3.0-or-later
"""Payload framing: what is written, and what hostile bytes are made of."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core import framing
from scsc_core.framing import HEADER_BYTES, OVERHEAD_BYTES, PayloadHeader, pack, unpack

HEADER = PayloadHeader(image_id=7, height=512, width=768, codec="bpg", qp=37.0)

headers = st.builds(
    PayloadHeader,
    image_id=st.integers(0, 255),
    height=st.integers(1, 65535),
    width=st.integers(1, 65535),
    codec=st.sampled_from(framing.CODECS),
    qp=st.integers(0, 65535).map(lambda steps: steps / 16),
    task=st.sampled_from(framing.TASKS),
)
pictures = st.binary(min_size=1, max_size=200)


def crc16_xmodem(data):
    """CRC-16 of polynomial 0x1021 from 0, bit by bit; 0x31C3 for b"123456789"."""
    register = 0
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = register << 1 ^ (0x11021 if register & 0x8000 else 0)
    return register


def sequence(*image_ids, data=b"picture"):
    """One payload for each image_id, as a list."""
    return [pack(data, replace(HEADER, image_id=image_id)) for image_id in image_ids]


def flip(data, bit):
    """`data` with one bit turned."""
    damaged = bytearray(data)
    damaged[bit // 8] ^= 0x80 >> bit % 8
    return bytes(damaged)


def test_packed_bytes_equal_the_documented_layout():
    head = bytes.fromhex("10 07 0200 0300 0250 00 00000009")  # qp 37 = 0x250 sixteenths
    assert crc16_xmodem(b"123456789") == 0x31C3

    payload = pack(b"123456789", HEADER)

    # 0xCBF43926 is the published check value of CRC-32 for these nine digits.
    crc32 = bytes.fromhex("CBF43926")
    assert payload == head + crc16_xmodem(head).to_bytes(2, "big") + b"123456789" + crc32


def test_header_is_15_bytes_and_overhead_19():
    assert (HEADER_BYTES, OVERHEAD_BYTES) == (15, 19)


@given(pictures, headers, st.integers(0, 40))
def test_unpack_inverts_pack_whatever_zero_fill_follows(data, header, fill):
    payload = pack(data, header)

    result = unpack(payload + bytes(fill))

    assert len(payload) == len(data) + OVERHEAD_BYTES
    assert result == framing.Unpacked(header, data, None)
    assert result.ok


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_unpack_takes_every_bytes_like_payload(kind):
    result = unpack(kind(pack(b"abc", HEADER)))

    assert result.ok
    assert result.data == b"abc"
    assert type(result.data) is bytes


@pytest.mark.parametrize(("qp", "kept"), [(30.02, 30.0), (30.05, 30.0625), (4095.9375, 4095.9375)])
def test_qp_is_kept_to_the_nearest_sixteenth(qp, kept):
    assert unpack(pack(b"a", replace(HEADER, qp=qp))).header.qp == kept


def test_no_single_bit_error_passes_unseen():
    payload = pack(b"some picture", HEADER)

    results = [unpack(flip(payload, bit)) for bit in range(8 * len(payload))]

    assert not any(result.ok for result in results)
    in_header = results[: 8 * HEADER_BYTES]
    assert all(result.header is None and result.data == b"" for result in in_header)
    assert {result.problem for result in in_header} == {"payload header damaged"}
    assert all(result.header == HEADER for result in results[8 * HEADER_BYTES :])


def test_damaged_picture_is_handed_on_as_received_with_its_problem():
    result = unpack(flip(pack(b"abc", HEADER), 8 * HEADER_BYTES + 7))

    assert result.header == HEADER
    assert result.data == b"`bc"
    assert result.problem == "CRC-32 of the picture is wrong"


@pytest.mark.parametrize("length", range(OVERHEAD_BYTES + 4))
def test_every_truncation_is_reported(length):
    result = unpack(pack(b"abcd", HEADER)[:length])

    if length < HEADER_BYTES:
        assert result == framing.Unpacked(None, b"", "payload header damaged")
    else:
        present = min(length - HEADER_BYTES, 4)
        assert result.header == HEADER
        assert result.data == b"abcd"[:present]
        assert result.problem == f"payload ends after {present} of 4 bytes"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("20 07 0200 0300 0250 00 00000001", id="version 2"),
        pytest.param("13 07 0200 0300 0250 00 00000001", id="codec 3"),
        pytest.param("10 07 0200 0300 0250 04 00000001", id="task 4"),
        pytest.param("10 07 0000 0300 0250 00 00000001", id="height 0"),
        pytest.param("10 07 0200 0000 0250 00 00000001", id="width 0"),
        pytest.param("10 07 0200 0300 0250 00 00000000", id="length 0"),
        pytest.param("00 00 0000 0000 0000 00 00000000", id="zero fill, whose CRC-16 is right"),
    ],
)
def test_impossible_header_is_refused_although_its_crc_is_right(head):
    head = bytes.fromhex(head)

    result = unpack(head + crc16_xmodem(head).to_bytes(2, "big") + bytes(8))

    assert result == framing.Unpacked(None, b"", "payload header damaged")


@given(st.binary(max_size=300))
def test_random_bytes_never_raise(stream):
    assert not unpack(stream).ok or stream[0] >> 4 == framing.VERSION
    list(framing.unpack_sequence(stream))


@settings(max_examples=60)
@given(st.lists(pictures, min_size=1, max_size=4), st.data())
def test_damaged_sequence_never_delivers_a_picture_that_was_not_sent(data, draw):
    stream = b"".join(
        pack(part, replace(HEADER, image_id=index)) for index, part in enumerate(data)
    )
    start = draw.draw(st.integers(0, len(stream) - 1))
    # One burst of at most 16 bits: every CRC-16 and CRC-32 is sure to see it.
    damaged = bytearray(stream)
    damaged[start] ^= draw.draw(st.integers(1, 255))

    results = list(framing.unpack_sequence(bytes(damaged)))

    delivered = [(result.header.image_id, result.data) for result in results if result.ok]
    assert len(delivered) >= len(data) - 1
    assert all(data[image_id] == part for image_id, part in delivered)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("image_id", -1, "0..255"),
        ("image_id", 256, "0..255"),
        ("height", 0, "1..65535"),
        ("width", 65536, "1..65535"),
        ("qp", -0.1, "0..4095.9375"),
        ("qp", 4096, "0..4095.9375"),
        ("qp", float("nan"), "0..4095.9375"),
        ("codec", "webp", "bpg, jpeg, jpeg2000"),
        ("task", "sleep", "none, segmentation, detection, classification"),
    ],
)
def test_header_refuses_a_bad_field_and_names_what_is_allowed(field, value, allowed):
    with pytest.raises(ValueError, match=f"{field} must be .*{allowed}, got {value}"):
        replace(HEADER, **{field: value})


def test_pack_refuses_an_empty_picture():
    with pytest.raises(ValueError, match="data must hold 1..4294967295 bytes, got 0"):
        pack(b"", HEADER)


def test_sequence_gives_every_picture_in_order():
    results = list(framing.unpack_sequence(b"".join(sequence(254, 255, 0, 1)) + bytes(20)))

    assert all(result.ok for result in results)
    assert [result.header.image_id for result in results] == [254, 255, 0, 1]


def test_sequence_finds_the_pictures_behind_leading_rubbish():
    (payload,) = sequence(9)

    results = list(framing.unpack_sequence(b"\x10rubbish" + payload))

    assert [(result.ok, result.header.image_id) for result in results] == [(True, 9)]


def test_sequence_names_the_pictures_lost_in_between():
    first, _, _, last = sequence(254, 255, 0, 1)

    results = list(framing.unpack_sequence(first + last))

    assert [result.ok for result in results] == [True, False, True]
    assert results[1].problem == "2 picture(s) lost from image_id 255 on"


def test_sequence_reports_a_damaged_header_between_two_pictures_as_one_lost():
    first, second, third = sequence(0, 1, 2)

    results = list(framing.unpack_sequence(first + flip(second, 20) + third))

    assert [result.problem for result in results] == [
        None,
        "1 picture(s) lost from image_id 1 on",
        None,
    ]


def test_sequence_goes_on_behind_a_damaged_picture():
    first, second = sequence(0, 1)

    results = list(framing.unpack_sequence(flip(first, 8 * HEADER_BYTES) + second))

    assert [result.ok for result in results] == [False, True]
    assert [result.header.image_id for result in results] == [0, 1]


def test_sequence_without_any_header_is_one_problem():
    results = list(framing.unpack_sequence(b"\xff" * 40))

    assert results == [framing.Unpacked(None, b"", "payload header damaged")]


@pytest.mark.parametrize("stream", [b"", bytes(100)])
def test_sequence_of_zero_fill_alone_is_empty(stream):
    assert list(framing.unpack_sequence(stream)) == []


def test_sequence_reports_a_damaged_header_at_its_end():
    first, second = sequence(0, 1)

    results = list(framing.unpack_sequence(first + flip(second, 20)))

    assert [result.ok for result in results] == [True, False]


def test_sequence_finds_the_picture_behind_one_that_lost_its_last_bytes():
    first, second = sequence(0, 1)

    results = list(framing.unpack_sequence(first[:-6] + second))

    assert [(result.ok, result.header.image_id) for result in results] == [(False, 0), (True, 1)]
