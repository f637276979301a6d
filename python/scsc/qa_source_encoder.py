# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from gnuradio.scsc.source_encoder import source_encoder
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import run_block

from scsc_core.config import LinkConfig
from scsc_core.link import Transmitter

RAMP = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
IMAGE = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=-1)
META = {"height": 48, "width": 64, "channels": 3, "image_id": 7, "frame": 9, "last": True}


def test_bytes_are_those_of_the_library():
    Supervisor()

    sink = run_block(source_encoder(qp=30), "image", [(IMAGE, META)], "bytes")

    expected = Transmitter(LinkConfig(qp=30)).compress(IMAGE, 7)
    ((data, meta),) = sink.items
    assert data.tobytes() == expected.payload
    assert (meta["codec"], meta["qp"], meta["n_bytes"]) == ("bpg", 30.0, expected.codec_bytes)
    assert meta["frame"] == 9 and meta["last"] is True


def test_qp_changes_at_the_next_picture():
    block = source_encoder(qp=20)
    fine = block.kernel_for({}).compress(IMAGE).codec_bytes

    block.on_cmd({"qp": 45})

    assert block.kernel_for({}).compress(IMAGE).codec_bytes < fine


def test_quality_of_the_frame_wins():
    Supervisor()

    sink = run_block(source_encoder(qp=30), "image", [(IMAGE, {**META, "qp": 44.0})], "bytes")

    ((data, meta),) = sink.items
    assert data.tobytes() == Transmitter(LinkConfig(qp=44)).compress(IMAGE, 7).payload
    assert meta["qp"] == 44.0


@pytest.mark.parametrize("said", [{"qp": 60.0}, {"ppen": "ppen-not-here"}])
def test_frame_that_asks_for_the_impossible_is_dropped(said):
    Supervisor()
    block = source_encoder()

    sink = run_block(block, "image", [(IMAGE, {**META, **said})], "bytes")

    assert block.counters["dropped"] == 1 and len(sink.lost) == 1


def test_picture_that_was_prepared_is_not_prepared_again():
    Supervisor()
    said = {"ppen": "ppen-not-here", "ppen_qp": 30.0, "qp": 30.0}

    sink = run_block(source_encoder(), "image", [(IMAGE, {**META, **said})], "bytes")

    ((data, meta),) = sink.items
    assert data.tobytes() == Transmitter(LinkConfig(qp=30)).compress(IMAGE, 7).payload
    assert meta["ppen"] == "ppen-not-here"


def test_rate_matched_mode_keeps_the_budget():
    block = source_encoder(mode="rate_matched", cbr_target=0.2, qp=None)

    compressed = block.kernel_for({}).compress(IMAGE)

    assert 8 * len(compressed.payload) * 2 / 4 <= 0.2 * IMAGE.size  # R = 1/2, 4 bits per use


@pytest.mark.parametrize(
    ("options", "words"), [({"qp": 60}, "qp"), ({"codec": "gif"}, "codec"), ({"qp": "x"}, "qp")]
)
def test_bad_argument_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        source_encoder(**options)


def test_wrong_shape_is_dropped_and_counted():
    Supervisor()
    block = source_encoder()

    sink = run_block(block, "image", [(IMAGE, {**META, "width": 63})], "bytes")

    assert block.counters["dropped"] == 1 and sink.items == [] and len(sink.lost) == 1
