# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in slices: what a lost frame leaves of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core import codecs, framing
from scsc_core.codecs.jpeg import JpegCodec
from scsc_core.evaluation import metrics
from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.picture_output import PictureOutput
from scsc_core.waveform.picture_slices import (
    HEADER_BYTES,
    SlicedCodec,
    decode_slices,
    find_slices,
    slice_edges,
)
from scsc_core.waveform.reassembly import ReceivedPayload

GRAY = (128, 128, 128)
JPEG = JpegCodec()


def picture(height=256, width=192, seed=1):
    """Smooth colours with some texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (20 + 5 * i)) * np.cos(y / (25 - 3 * i)) for i in range(3)]
    noisy = np.stack(planes, -1) + rng.normal(0, 6, (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def payload_of(data, bad=(), image_id=0):
    """ReceivedPayload with holes [(start, stop)]."""
    data, good, start = bytearray(data), [], 0
    for begin, stop in bad:
        data[begin:stop] = bytes(stop - begin)
        good += [(start, begin)] if begin > start else []
        start = stop
    good += [(start, len(data))] if start < len(data) else []
    ok = np.array([not bad])
    return ReceivedPayload(image_id, bytes(data), not bad, tuple(good), ok, ok, ok, 0.0)


def framed(image, slices, codec=JPEG, name="jpeg"):
    coder = SlicedCodec(codec, slices) if slices > 1 else codec
    header = framing.PayloadHeader(0, *image.shape[:2], name, 60)
    return framing.pack(coder.encode(image, codec.default_qp), header)


@pytest.mark.parametrize(
    ("height", "slices", "edges"),
    [
        (512, 4, [0, 128, 256, 384, 512]),
        (500, 4, [0, 128, 256, 384, 500]),
        (300, 4, [0, 64, 128, 192, 300]),
        (100, 4, [0, 64, 100]),
        (64, 8, [0, 64]),
        (1, 3, [0, 1]),
    ],
)
def test_slices_begin_on_multiples_of_64_rows(height, slices, edges):
    assert slice_edges(height, slices) == edges


@pytest.mark.parametrize("name", ["bpg", "jpeg", "jpeg2000"])
def test_whole_slices_give_the_whole_picture(name):
    image = picture()
    codec = codecs.get(name)

    decoded = SlicedCodec(codec, 4).decode(SlicedCodec(codec, 4).encode(image))

    rows = [codec.decode(codec.encode(image[a : a + 64])) for a in range(0, 256, 64)]
    np.testing.assert_array_equal(decoded, np.concatenate(rows))


def test_rate_matching_works_on_slices():
    data, _ = SlicedCodec(JPEG, 4).encode_to_budget(picture(), 9000)

    assert 4000 < len(data) <= 9000


def test_lost_slice_leaves_the_others_alone():
    image = picture()
    data = SlicedCodec(JPEG, 4).encode(image)
    starts = [start for _, start in find_slices(data, [(0, len(data))])]
    hole = (starts[1] + 400, starts[1] + 700)
    payload = payload_of(data, [hole])

    shown, mask = decode_slices(payload.data, payload.good, GRAY)

    whole = SlicedCodec(JPEG, 4).decode(data)
    np.testing.assert_array_equal(shown[mask], whole[mask])
    assert mask[:64].all() and mask[128:].all() and not mask[64:128].all()


def test_lost_header_costs_its_slice_alone():
    image = picture()
    data = SlicedCodec(JPEG, 4).encode(image)
    start = [start for _, start in find_slices(data, [(0, len(data))])][1]
    payload = payload_of(data, [(start - HEADER_BYTES, start)])

    _, mask = decode_slices(payload.data, payload.good, GRAY)

    assert mask[:64].all() and not mask[64:128].any() and mask[128:].all()


def test_first_frame_is_not_needed_to_show_the_rest():
    image = picture()
    data = framed(image, 4)
    output = PictureOutput(WaveformConfig())

    shown, trusted = output.reconstruct(payload_of(data, [(0, 300)]))

    assert shown.header is None and not shown.delivered
    assert shown.image.shape == image.shape and trusted == 0.75


def test_delivered_picture_is_the_codecs():
    image = picture()

    shown, trusted = PictureOutput(WaveformConfig()).reconstruct(payload_of(framed(image, 4)))

    assert shown.delivered and trusted == 1.0
    assert metrics.psnr_db(image, shown.image) > 25


@pytest.mark.parametrize("slices", [1, 4])
def test_nothing_received_shows_the_mean_colour_in_the_last_size(slices):
    output = PictureOutput(WaveformConfig())
    data = framed(picture(), slices)
    output.reconstruct(payload_of(data))

    shown, trusted = output.reconstruct(payload_of(data, [(0, len(data))]))

    assert trusted == 0 and shown.image.shape == (256, 192, 3)
    assert (shown.image == (124, 116, 104)).all() and shown.problem


def test_damaged_pictures_are_hidden_when_asked():
    output = PictureOutput(WaveformConfig(lost_picture="mean_colour"))

    shown, trusted = output.reconstruct(payload_of(framed(picture(), 4), [(2000, 2600)]))

    assert trusted == 0 and (shown.image == (124, 116, 104)).all()


def test_four_slices_save_more_of_a_picture_than_none():
    image = picture()
    trusted = {}
    for slices in (1, 4):
        data = framed(image, slices)
        frames = range(0, len(data), 645)
        output = PictureOutput(WaveformConfig())
        shares = [
            output.reconstruct(payload_of(data, [(at, min(at + 645, len(data)))]))[1]
            for at in frames
        ]
        trusted[slices] = np.mean(shares)

    assert trusted[4] > trusted[1] + 0.2


def test_trustworthy_pixels_of_an_unsliced_picture_are_right():
    image = picture()
    data = framed(image, 1)
    whole = PictureOutput(WaveformConfig()).reconstruct(payload_of(data))[0].image

    shown, trusted = PictureOutput(WaveformConfig()).reconstruct(
        payload_of(data, [(len(data) // 2, len(data) // 2 + 645)])
    )

    assert 0.1 < trusted < 0.9
    same = (shown.image == whole).all(axis=2)
    assert same.mean() >= trusted


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_hostile_slices_never_raise(seed, count):
    rng = np.random.default_rng(seed)
    data = bytearray(HOSTILE)
    for position in rng.integers(0, len(data), count):
        data[position] = rng.integers(256)

    shown, trusted = PictureOutput(WaveformConfig()).reconstruct(payload_of(bytes(data)))

    assert shown.image.dtype == np.uint8 and 0 <= trusted <= 1


HOSTILE = framed(picture(128, 64), 2)
