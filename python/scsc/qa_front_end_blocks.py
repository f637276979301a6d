# SPDX-License-Identifier: GPL-3.0-or-later
"""Front ends as blocks: bursts out, samples in, losses told, and an end in every case."""

import threading

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, scsc
from gnuradio.scsc.front_end_handle import FrontEndHandle
from gnuradio.scsc.stream_block import BURST_TAG
from gnuradio.scsc.supervisor import Supervisor

from scsc_core.radio import FrontEndError, RxChunk
from scsc_core.radio.levels import FULL_SCALE

TIMEOUT_S = 20.0
LENGTHS = (3000, 20_000, 500)


def streams():
    """Samples [2, n] of bursts with rubbish between them, and the tags of the bursts."""
    parts, tags, offset = [], [], 0
    for number, n in enumerate(LENGTHS):
        gap = np.full((2, 700), 9.0)
        parts += [gap, np.full((2, n), 0.5 + 0.1 * number)]
        tag = gr.tag_t()
        tag.offset, tag.key, tag.value = offset + 700, BURST_TAG, pmt.from_long(n)
        tags.append(tag)
        offset += 700 + n
    return np.concatenate([*parts, np.full((2, 900), 9.0)], axis=1).astype(np.complex64), tags


class Device:
    """A front end that keeps bursts and gives prepared chunks."""

    def __init__(self, chunks=()):
        self.sent, self.log, self.chunks = [], [], list(chunks)
        self.free = threading.Event()
        self.free.set()

    def open(self):
        self.log.append("open")

    def close(self):
        self.log.append("close")
        self.free.set()

    def tx_burst(self, x, at=None):
        self.free.wait()
        self.sent.append(x)

    def flush(self, timeout_s):
        self.log.append("flush")
        return True

    def read(self, n, timeout_s):
        return self.chunks.pop(0)

    def events(self):
        return []


def handle_of(device):
    handle = FrontEndHandle("sim", 1e6, 2.45e9, "both", None)
    handle.front_end = device
    return handle


def send_into(block, timeout_s=TIMEOUT_S):
    top = gr.top_block()
    x, tags = streams()
    sources = [blocks.vector_source_c(row.tolist(), tags=tags) for row in x]
    for antenna, source in enumerate(sources):
        top.connect(source, (block, antenna))
    block.supervisor.run(top, timeout_s)


def test_sink_sends_the_bursts_and_nothing_else():
    Supervisor()
    device = Device()

    send_into(scsc.front_end_sink(handle_of(device)))

    assert [burst.shape[1] for burst in device.sent] == list(LENGTHS)
    for number, burst in enumerate(device.sent):
        assert (burst == np.float32(0.5 + 0.1 * number)).all()
    assert device.log == ["open", "flush", "close"]


def test_sink_with_a_radio_that_takes_nothing_can_be_stopped():
    Supervisor()
    device = Device()
    device.free.clear()

    with pytest.raises(TimeoutError):
        send_into(scsc.front_end_sink(handle_of(device)), timeout_s=0.3)

    assert device.log[-1] == "close"


def test_error_of_a_radio_ends_the_flowgraph():
    Supervisor()
    device = Device()

    def fail(x, at=None):
        raise FrontEndError("uhd", "it is gone", "look for it")

    device.tx_burst = fail

    with pytest.raises(FrontEndError, match="it is gone"):
        send_into(scsc.front_end_sink(handle_of(device)))


def test_source_gives_samples_tells_of_gaps_and_ends_with_a_recording():
    Supervisor()
    rng = np.random.default_rng(1)
    parts = [rng.standard_normal((2, n)).astype(np.complex64) for n in (300, 200, 7)]
    empty = np.zeros((2, 0), np.complex64)
    device = Device(
        [
            RxChunk(parts[0], 0, 0.0),
            RxChunk(empty, 300, 0.0),
            RxChunk(parts[1], 900, 0.0, discontinuity=True),
            RxChunk(parts[2], 1100, 0.0, end=True),
        ]
    )
    block, top = scsc.front_end_source(handle_of(device)), gr.top_block()
    sinks = [blocks.vector_sink_c() for _ in (0, 1)]
    for antenna, sink in enumerate(sinks):
        top.connect((block, antenna), sink)

    block.supervisor.run(top, TIMEOUT_S)

    got = np.array([sink.data() for sink in sinks], np.complex64)
    assert np.array_equal(got, np.concatenate(parts, axis=1))
    assert [(str(tag.key), tag.offset) for tag in sinks[0].tags()] == [("scsc_gap", 300)]
    assert device.log == ["open", "close"]


def test_recording_of_a_sink_is_what_a_source_gives(tmp_path):
    Supervisor()
    options = {"sigmf": str(tmp_path / "bursts")}
    send_into(scsc.front_end_sink("file", options=options))
    Supervisor()
    block, top = scsc.front_end_source("file", options=options), gr.top_block()
    sinks = [blocks.vector_sink_c() for _ in (0, 1)]
    for antenna, sink in enumerate(sinks):
        top.connect((block, antenna), sink)

    block.supervisor.run(top, TIMEOUT_S)

    got = np.array([sink.data() for sink in sinks])
    assert np.count_nonzero(got[0]) == sum(LENGTHS)
    levels = np.unique(np.round(np.abs(got[got != 0]) / FULL_SCALE, 3))
    assert np.allclose(levels, [0.5, 0.6, 0.7], atol=2e-3)


def test_both_directions_share_a_device():
    supervisor, top = Supervisor(), gr.top_block()
    block = scsc.front_end("sim")
    x, tags = streams()
    sources = [blocks.vector_source_c(row.tolist(), tags=tags) for row in x]
    heads = [blocks.head(8, sum(LENGTHS) + 3 * 128) for _ in (0, 1)]
    sinks = [blocks.vector_sink_c() for _ in (0, 1)]
    for antenna in (0, 1):
        top.connect(sources[antenna], (block, antenna))
        top.connect((block, antenna), heads[antenna], sinks[antenna])

    supervisor.run(top, TIMEOUT_S)

    got = np.array([sink.data() for sink in sinks])
    assert got.shape[1] == sum(LENGTHS) + 3 * 128
    assert np.count_nonzero(got[1]) > LENGTHS[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "uhf"}, "did you mean uhd"),
        ({"options": {"adress": "x"}}, "adress"),
        ({"rate_hz": 0}, "rate_hz"),
    ],
)
@pytest.mark.parametrize("block", ["front_end_sink", "front_end_source", "front_end"])
def test_bad_argument_is_named(block, arguments, words):
    with pytest.raises(ValueError, match=words):
        getattr(scsc, block)(**arguments)
