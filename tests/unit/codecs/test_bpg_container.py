# SPDX-License-Identifier: GPL-3.0-or-later
"""Container of BPG: numbers, header fields, extensions, and everything that must be refused."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core.codecs import DecodeError
from scsc_core.codecs import bpg_container as container
from scsc_core.codecs import hevc_parameter_sets as sets
from scsc_core.codecs.bits import BitReader, BitWriter, protect, unprotect
from scsc_core.codecs.bpg_container import Header, HevcHeader, PcmHeader

HEVC = HevcHeader(3, 6, 2, 5, 3, True, True)
HEADER = Header(512, 512, 1, 8, 0, False, 0, HEVC, body=b"\x28\1\xff")


@pytest.mark.parametrize(
    "value, text", [(0, "00"), (8, "08"), (127, "7f"), (128, "8100"), (512, "8400"), (542, "841e")]
)
def test_ue7_known_values(value, text):
    assert container.pack_ue7(value).hex() == text
    assert container.unpack_ue7(bytes.fromhex(text), 0) == (value, len(text) // 2)


def test_ue7_largest_value():
    assert container.unpack_ue7(container.pack_ue7(2**30 - 1), 0)[0] == 2**30 - 1
    with pytest.raises(ValueError):
        container.pack_ue7(2**30)


@pytest.mark.parametrize("text", ["8001", "80", "", "81", "ffffffffff", "8480808000"])
def test_ue7_refuses_long_cut_and_large_forms(text):
    with pytest.raises(DecodeError):
        container.unpack_ue7(bytes.fromhex(text), 0)


def test_worked_example_of_the_format():
    data = bytes.fromhex("425047fb200084008400000392425044")

    assert container.pack(replace(HEADER, body=b"\x44")) == data
    assert container.parse(data) == replace(HEADER, body=b"\x44", body_offset=15)


hevc_headers = st.builds(
    HevcHeader,
    log2_min_cb=st.just(3),
    log2_max_cb=st.integers(4, 6),
    log2_min_tb=st.just(2),
    log2_max_tb=st.integers(2, 4),
    max_transform_depth_intra=st.integers(0, 2),
    sao=st.booleans(),
    strong_intra_smoothing=st.booleans(),
    pcm=st.none()
    | st.builds(
        PcmHeader,
        st.integers(1, 16),
        st.integers(1, 16),
        st.integers(3, 5),
        st.integers(0, 2),
        st.booleans(),
    ),
    range_flags=st.none()
    | st.tuples(*(st.just(False) if k in (3, 4, 6, 8) else st.booleans() for k in range(9))),
)


@st.composite
def headers(draw):
    pixel_format = draw(st.integers(0, 5))
    alpha = draw(st.integers(0, 3)) if pixel_format else draw(st.sampled_from([0, 2, 3]))
    return Header(
        width=draw(st.integers(1, 5000)),
        height=draw(st.integers(1, 5000)),
        pixel_format=pixel_format,
        depth=draw(st.integers(8, 14)),
        color_space=draw(st.integers(0, 4)) if pixel_format else 0,
        limited=draw(st.booleans()),
        alpha=alpha,
        hevc=draw(hevc_headers),
        alpha_hevc=draw(hevc_headers) if alpha else None,
        extensions=tuple(
            draw(st.lists(st.tuples(st.integers(1, 300), st.binary(max_size=200)), max_size=3))
        ),
        body=draw(st.binary(min_size=1, max_size=40)),
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(headers())
def test_every_legal_header_survives_the_round_trip(header):
    data = container.pack(header)

    parsed = container.parse(data)

    assert replace(parsed, body_offset=0) == header
    assert data[parsed.body_offset :] == header.body


@settings(max_examples=50, deadline=None, derandomize=True)
@given(headers())
def test_rebuilt_sps_says_what_the_header_says(header):
    stream = sets.parameter_sets(header)
    sps = stream.split(sets.START_CODE)[2]
    chroma = container.CHROMA_FORMAT_IDC[header.pixel_format]
    size = sets.coded_size(header.width, header.height, header.hevc)

    assert sets.reduced_header(sps, chroma, header.depth, *size) == header.hevc


def test_explicit_picture_data_length_is_obeyed():
    data = container.pack(HEADER)
    at = data.index(b"\x84\0\x84\0\0") + 4
    body_and_header = len(data) - at - 1

    exact = data[:at] + bytes([body_and_header]) + data[at + 1 :]
    assert container.parse(exact + b"trailing").body == HEADER.body
    with pytest.raises(DecodeError, match="shorter"):
        container.parse(data[:at] + bytes([body_and_header + 1]) + data[at + 1 :])


@pytest.mark.parametrize(
    "at, value, words",
    [
        (0, 0x43, "not a BPG"),
        (4, 0xC0, "pixel format 6"),
        (4, 0x27, "bit depth 15"),
        (5, 0x50, "color space 5"),
        (6, 0x80, "shortest"),
    ],
)
def test_illegal_fields_are_refused(at, value, words):
    data = bytearray(container.pack(HEADER))
    data[at] = value

    with pytest.raises(DecodeError, match=words):
        container.parse(bytes(data))


def test_size_limit_is_checked_before_anything_else():
    with pytest.raises(DecodeError, match="exceeds the limit"):
        container.parse(container.pack(replace(HEADER, width=10000, height=10000)))
    with pytest.raises(DecodeError, match="16384 a side"):
        container.parse(container.pack(replace(HEADER, width=16385, height=1)))
    with pytest.raises(DecodeError, match="exceeds the limit of 1000"):
        container.parse(container.pack(HEADER), max_pixels=1000)


@pytest.mark.parametrize(
    "hevc",
    [
        replace(HEVC, log2_max_cb=7),
        replace(HEVC, log2_min_tb=3),
        replace(HEVC, log2_max_tb=6),
        replace(HEVC, max_transform_depth_intra=5),
        replace(HEVC, range_flags=(False,) * 3 + (True,) + (False,) * 5),
    ],
)
def test_illegal_block_sizes_are_refused(hevc):
    with pytest.raises(DecodeError):
        container.parse(container.pack(replace(HEADER, hevc=hevc)))


def test_every_cut_header_is_refused():
    data = container.pack(replace(HEADER, extensions=((1, b"exif"),), body=b""))

    for length in range(len(data)):
        with pytest.raises(DecodeError):
            container.parse(data[:length])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), max_size=60).map(bytes))
def test_emulation_prevention_hides_start_codes_and_inverts(rbsp):
    protected = protect(rbsp)

    assert not any(code in protected for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unprotect(protected) == rbsp


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2**20), max_size=20))
def test_exp_golomb_inverts(values):
    writer = BitWriter()
    for value in values:
        writer.ue(value)
    reader = BitReader(writer.bytes())

    assert [reader.ue() for _ in values] == values


@pytest.mark.parametrize(
    "bits, value", [("1", 0), ("010", 1), ("011", -1), ("00100", 2), ("00101", -2)]
)
def test_signed_exp_golomb_known_values(bits, value):
    assert BitReader(int(bits.ljust(8, "0"), 2).to_bytes(1, "big")).se() == value
