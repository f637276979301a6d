# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames whose headers are right and whose payloads lie: lengths, sizes, counts, checksums."""

import binascii
import io
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from session_link import Link, config

from scsc_core import codecs, framing
from scsc_core.waveform import picture_slices
from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.picture_output import PictureOutput
from scsc_core.waveform.picture_slices import MAX_FINDS, decode_slices, find_slices
from scsc_core.waveform.reassembly import ReceivedPayload

SIDE = codecs.MAX_SIDE
# A picture of the largest size and its mask, and what is made on the way there; measured 150 MB.
MEMORY_BYTES = 4 * SIDE * SIDE * 4


def jpeg(height=64, width=64, claimed=None):
    """A picture of one colour, whose header may claim another size."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 60)).save(out, "JPEG", quality=50)
    data = out.getvalue()
    at = data.index(b"\xff\xc0") + 5
    return data if claimed is None else data[:at] + struct.pack(">HH", *claimed) + data[at + 4 :]


def of_codec(name, claimed):
    """A small picture of bpg or jpeg2000 that claims a side of `claimed` both ways."""
    data = codecs.get(name).encode(np.zeros((24, 24, 3), np.uint8))
    if name == "bpg":
        coded = bytes((0x80 | claimed >> 14, 0x80 | claimed >> 7 & 0x7F, claimed & 0x7F))
        return data[:6] + 2 * coded + data[8:]
    return data[:8] + struct.pack(">II", claimed, claimed) + data[16:]


def framed(data, height=64, width=64, codec="jpeg", length=None):
    """A payload, its length field right or not, its checksums right."""
    payload = framing.pack(data, framing.PayloadHeader(3, height, width, codec, 50))
    size = framing.HEADER_BYTES - 2
    head = payload[: size - 4] + struct.pack(">I", len(data) if length is None else length)
    return head + struct.pack(">H", binascii.crc_hqx(head, 0)) + payload[framing.HEADER_BYTES :]


def slice_of(data, index=0, count=1, size=(64, 64), top=0, rows=64, length=None):
    """One slice of a picture with a right checksum over whatever its header claims."""
    length = len(data) if length is None else length
    head = struct.pack(">2sBBBHHHHI", b"SL", 1, index, count, *size, top, rows, length)
    return head + struct.pack(">H", binascii.crc_hqx(head, 0)) + data


def flipped(payload, position):
    return payload[:position] + bytes([payload[position] ^ 1]) + payload[position + 1 :]


HOSTILE = {
    "length beyond the end": framed(jpeg(), length=2**32 - 1),
    "length in the middle": framed(jpeg(), length=100),
    "wrong CRC of the picture": flipped(framed(jpeg()), 300),
    "wrong CRC of the header": flipped(framed(jpeg()), 4),
    "65535 x 65535 claimed": framed(jpeg(), 65535, 65535),
    "largest size claimed of nothing": framed(b"\xff\xd8", SIDE, SIDE),
    "another size than the picture's": framed(jpeg(), SIDE, SIDE),
    "jpeg claims 65500 x 65500": framed(jpeg(claimed=(65500, 65500)), SIDE, SIDE),
    "jpeg claims more than it holds": framed(jpeg(claimed=(SIDE - 64, SIDE)), SIDE, SIDE),
    "bpg claims 60000 x 60000": framed(of_codec("bpg", 60000), SIDE, SIDE, "bpg"),
    "jpeg2000 claims 60000 x 60000": framed(of_codec("jpeg2000", 60000), SIDE, SIDE, "jpeg2000"),
    "slice longer than the payload": framed(slice_of(jpeg()[:300], length=2**32 - 1)),
    "slice of 65535 rows": framed(slice_of(jpeg(), size=(65535, 64), rows=65535)),
    "slice behind the picture's end": framed(slice_of(jpeg(), top=64)),
    "slice of another size": framed(slice_of(jpeg(32, 64))),
    "empty slice": framed(slice_of(b"", length=0)),
    "nothing but magic": framed(b"SL" * 2000),
}


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_payload_costs_itself_and_bounded_memory(payload):
    link = Link(config(precoder="none", nsym=54, slices=1))
    tracemalloc.start()

    link.run([payload, framed(jpeg())])

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    hostile, good = link.pictures
    assert not hostile.picture.delivered and hostile.picture.problem
    assert max(hostile.picture.image.shape) <= SIDE
    assert good.picture.delivered
    assert link.receiver.counters["pictures_damaged"] == 1
    assert peak < MEMORY_BYTES


def received(data):
    """A payload of which every block is right."""
    ok = np.ones(1, bool)
    return ReceivedPayload(0, data, True, ((0, len(data)),), ok, ok, ok, 0.0)


def test_no_row_is_decoded_twice_whatever_slices_claim(monkeypatch):
    """Sixteen slices that each unfold to the whole of the largest picture."""
    bomb = jpeg(512, 512)
    data = b"".join(slice_of(bomb, k, 16, (512, 512), rows=512) for k in range(16))
    decoded = []
    decode = picture_slices._decode_slice
    monkeypatch.setattr(
        picture_slices, "_decode_slice", lambda *args: decoded.append(1) or decode(*args)
    )

    image, mask = decode_slices(data, [(0, len(data))], (0, 0, 0))

    assert len(decoded) == 1 and image.shape == (512, 512, 3) and mask.all()


def test_search_for_slices_in_hostile_bytes_ends(monkeypatch):
    data, looks = b"SL" * 500_000, []
    read = picture_slices._read_header
    monkeypatch.setattr(
        picture_slices, "_read_header", lambda *args: looks.append(1) or read(*args)
    )

    assert list(find_slices(data, [(0, len(data))])) == []
    assert len(looks) <= MAX_FINDS


def test_blocks_of_two_pictures_are_not_shown_as_one():
    """Each block is right, the checksum over them is not: no pixel can be trusted."""
    one, other = (framed(jpeg(), 64, 64) for _ in range(2))
    other = flipped(other, len(other) // 2)
    whole = received(one[: len(one) // 2] + other[len(one) // 2 :])

    shown, trusted = PictureOutput(WaveformConfig()).reconstruct(whole)

    assert not shown.delivered and trusted == 0
    assert (shown.image == np.uint8(WaveformConfig().mean_colour)).all()
