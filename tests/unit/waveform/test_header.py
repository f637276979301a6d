# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame header: fields to bits and back, its code, and its Alamouti map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core.waveform import header
from scsc_core.waveform.header import FrameHeader, HeaderError
from scsc_core.waveform.numerology import numerology

N = numerology("64")
# Sent bits of the plain sounding frame: first 32, and how many of 768 are ones (waveform.md section 4).
FIRST_BITS = "10011100000010010010010110111110"
ONES = 379


@st.composite
def headers(draw) -> FrameHeader:
    """Any header that may be sent."""
    kind = draw(st.sampled_from(header.TYPES))
    n_frames = draw(st.integers(1, 1023))
    return FrameHeader(
        type=kind,
        modulation=draw(st.sampled_from(header.MODULATIONS)),
        precoder=draw(st.sampled_from(header.PRECODERS)),
        streams=draw(st.integers(1, 2)),
        fec=draw(st.sampled_from(header.FAMILIES)),
        code_rate=draw(st.sampled_from(header.CODE_RATES)),
        nsym=0 if kind in ("sounding", "end") else draw(st.integers(1, 127)),
        frame=draw(st.integers(0, n_frames - 1)),
        n_frames=n_frames,
        image_id=draw(st.integers(0, 255)),
        csi_id=draw(st.integers(0, 255)),
        table_crc=draw(st.integers(0, 255)),
        last=draw(st.booleans()),
        rv=draw(st.integers(0, 3)),
    )


@given(headers())
@settings(max_examples=60, deadline=None)
def test_bits_give_the_header_back(sent):
    assert header.unpack(header.pack(sent)) == sent


def test_fields_lie_where_the_format_puts_them():
    bits = header.pack(FrameHeader(nsym=54, frame=2, n_frames=3, image_id=0x81, last=True))

    assert "".join(map(str, bits)) == (
        "0001" "001" "001" "0000" "1" "00" "0101" "0110110"
        "0000000010" "0000000011" "10000001" "00000000" "00000000" "1" "00"
    )  # fmt: skip


def test_code_has_its_check_values():
    bits = header.code_bits(header.pack(FrameHeader(type="sounding", nsym=0)))

    assert "".join(map(str, bits[:32])) == FIRST_BITS
    assert (len(bits), bits.sum()) == (768, ONES)


# Wire codes never change: a receiver of another release must read them.
@pytest.mark.parametrize(
    "field, at, bits, word",
    [
        ("type", slice(4, 7), "010", "feedback"),
        ("modulation", slice(7, 10), "011", "64qam"),
        ("precoder", slice(10, 14), "1000", "pcen"),
        ("fec", slice(15, 17), "01", "polar"),
        ("code_rate", slice(17, 21), "1010", "8/9"),
    ],
)
def test_words_keep_their_codes(field, at, bits, word):
    packed = header.pack(FrameHeader(**{field: word}))

    assert "".join(map(str, packed[at])) == bits


@pytest.mark.parametrize(
    "at, value, message",
    [
        (slice(0, 4), 2, "version is unknown"),
        (slice(4, 7), 7, "type has no code 7"),
        (slice(7, 10), 5, "modulation has no code 5"),
        (slice(10, 14), 15, "precoder has no code 15"),
        (slice(17, 21), 11, "code_rate has no code 11"),
        (slice(21, 28), 0, "nsym must be 0 exactly for types sounding and end"),
        (slice(28, 38), 9, "frame must be < n_frames"),
        (slice(38, 48), 0, "n_frames must be an integer 1..1023"),
    ],
)
def test_bits_that_are_no_header_are_refused(at, value, message):
    bits = header.pack(FrameHeader(frame=1, n_frames=5))
    width = at.stop - at.start
    bits[at] = [value >> shift & 1 for shift in range(width - 1, -1, -1)]

    with pytest.raises(HeaderError, match=message):
        header.unpack(bits)


@given(st.lists(st.integers(0, 1), min_size=75, max_size=75))
@settings(max_examples=100, deadline=None)
def test_any_bits_are_a_header_or_refused(bits):
    try:
        found = header.unpack(np.array(bits, np.uint8))
    except HeaderError:
        return
    np.testing.assert_array_equal(header.pack(found), bits)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"type": "beacon"}, "type must be one of"),
        ({"nsym": 128}, "nsym must be an integer 0..127, got 128"),
        ({"nsym": 0}, "nsym must be 0 exactly"),
        ({"type": "end"}, "nsym must be 0 exactly"),
        ({"frame": 1}, "frame must be < n_frames = 1, got 1"),
        ({"n_frames": 1024}, "n_frames must be an integer 1..1023, got 1024"),
        ({"streams": 3}, "streams must be an integer 1..2, got 3"),
        ({"rv": 1.5}, "rv must be an integer 0..3, got 1.5"),
    ],
)
def test_headers_out_of_range_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        FrameHeader(**fields)


@pytest.mark.parametrize("name", ["64", "128", "256"])
def test_header_survives_any_flat_channel(name):
    n, rng = numerology(name), np.random.default_rng(3)
    bits = header.pack(FrameHeader(image_id=7))
    h = (rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))) / np.sqrt(2)
    y = np.einsum("ra,tka->tkr", h, header.encode_header(bits, n)).astype(np.complex64)

    llr = header.header_llr(y, np.tile(h, (n.n_used, 1, 1)), 1e-3, n)
    found, ok = header.decode_header(llr)

    assert ok
    np.testing.assert_array_equal(found, bits)
    np.testing.assert_array_equal(llr < 0, header.code_bits(bits))


def test_header_bits_are_scaled_to_the_noise():
    # consistent Gaussian LLRs of a known sign have variance twice their mean
    rng = np.random.default_rng(4)
    bits = header.pack(FrameHeader())
    sent, h, noise_var = header.encode_header(bits, N), np.array([[1, 0.5j], [0.3, -1]]), 0.5
    values = []
    for _ in range(40):
        noise = rng.standard_normal((8, N.n_used, 2, 2)).view(complex)[..., 0] * np.sqrt(0.25)
        y = (np.einsum("ra,tka->tkr", h, sent) + noise).astype(np.complex64)
        values.append(header.header_llr(y, np.tile(h, (N.n_used, 1, 1)), noise_var, N))
    signed = np.array(values) * (1 - 2.0 * header.code_bits(bits))

    # 30720 draws: standard error of the ratio 0.8 % from the variance, 0.3 % from the mean
    assert abs(signed.var() / (2 * signed.mean()) - 1) < 0.04


def test_noise_is_no_header():
    rng = np.random.default_rng(5)

    assert not any(header.decode_header(rng.standard_normal(768))[1] for _ in range(50))


def test_word_of_zeros_is_refused_by_its_version():
    # its checks hold: zeros are a word of any linear code
    with pytest.raises(HeaderError, match="version is unknown"):
        header.unpack(np.zeros(75, np.uint8))
