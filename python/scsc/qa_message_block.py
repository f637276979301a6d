# SPDX-License-Identifier: GPL-3.0-or-later
import time

import numpy as np
import pmt
import pytest
from gnuradio import gr
from gnuradio.scsc.frame_meta import BadFrame
from gnuradio.scsc.message_block import STATUS_INTERVAL_S, message_block
from gnuradio.scsc.pdu import to_dict, to_pdu
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector, feeder, run_block

SHAPE = {"height": 1, "width": 2, "channels": 3}
TIMEOUT_S = 10.0


class passing(message_block):
    """Passes pictures on; refuses those whose first sample is 13."""

    def __init__(self):
        super().__init__("passing", pdus=("image",), outputs=("image",), settable=("gain",))
        self.gain = 1

    def set_gain(self, gain):
        if gain < 0:
            raise ValueError(f"gain must be >= 0, got {gain}")
        self.gain = gain

    def on_image(self, image, meta):
        if image[0, 0, 0] == 13:
            raise BadFrame("unlucky")
        self.publish("image", image, meta)


def items(values):
    return [
        (
            np.full((1, 2, 3), value, np.uint8),
            {**SHAPE, "frame": n, "last": n + 1 == len(values)},
        )
        for n, value in enumerate(values)
    ]


def test_refused_frame_keeps_its_place_and_the_end_comes():
    Supervisor()
    block = passing()

    sink = run_block(block, "image", items([1, 13, 3, 13]), "image")

    assert [meta["frame"] for _, meta in sink.items] == [0, 2]
    assert [(meta["frame"], meta["last"]) for meta in sink.lost] == [(1, False), (3, True)]
    assert block.counters == {"frames": 4, "dropped": 2}


def test_end_that_no_frame_tells_goes_on_and_ends_those_behind():
    Supervisor()
    block, end = passing(), (np.empty(0, np.uint8), {"last": True})
    frames = [(image, {**meta, "last": False}) for image, meta in items([1, 2])]

    sink = run_block(block, "image", [*frames, end], "image")

    assert len(sink.items) == 2 and not sink.lost
    assert block.counters == {"frames": 2, "dropped": 0}


def test_last_frame_without_a_number_that_is_refused_ends_those_behind():
    Supervisor()
    image, meta = items([13])[0]
    del meta["frame"]

    sink = run_block(passing(), "image", [(image, meta)], "image")

    assert not sink.items and not sink.lost


def test_flowgraph_that_was_stopped_or_ended_runs_again():
    Supervisor()
    top = gr.top_block()
    source, block, sink = feeder("image", items([1] * 5)), passing(), collector("image")
    top.msg_connect((source, "image"), (block, "image"))
    top.msg_connect((block, "image"), (sink, "image"))

    for _ in range(2):
        top.start()
        top.wait()
        for part in (source, block, sink):
            part.close()  # left behind by a run that was stopped at this very moment
    top.start()
    top.wait()

    assert len(sink.items) == 15


def test_garbage_is_dropped_and_the_rest_arrives():
    Supervisor()
    block = passing()
    garbage = [pmt.PMT_NIL, pmt.intern("x"), pmt.cons(pmt.PMT_NIL, pmt.PMT_NIL), to_dict({"a": 1})]

    sink = run_block(block, "image", garbage + items([1, 2]), "image")

    assert len(sink.items) == 2 and block.counters["dropped"] == len(garbage)


@pytest.mark.parametrize("count", [1, 200])
def test_nothing_is_lost_at_the_end_with_two_branches_that_meet(count):
    supervisor, top = Supervisor(), gr.top_block()
    source, middle, sink = feeder("image", items([1] * count)), passing(), collector("image")
    direct = collector("image")
    top.msg_connect((source, "image"), (middle, "image"))
    top.msg_connect((source, "image"), (direct, "image"))
    top.msg_connect((middle, "image"), (sink, "image"))

    supervisor.run(top, TIMEOUT_S)

    assert len(sink.items) == len(direct.items) == count


def test_commands_set_parameters_and_never_raise():
    Supervisor()
    block = passing()

    for command in ({"gain": 5}, {"nonsense": 1}, {"gain": -1}):
        block._handle_cmd(to_dict(command))
    block._handle_cmd(pmt.intern("x"))

    assert block.gain == 5 and block.supervisor.error is None


def test_status_comes_at_most_five_times_a_second_and_at_the_end():
    Supervisor()
    block = passing()
    published = []
    block.publish_dict = lambda port, meta: published.append(meta)

    begin = time.monotonic()
    for item in items([1] * 500):
        block._handle_image(to_pdu(*item))
    seconds = time.monotonic() - begin

    assert 2 <= len(published) <= 2 + seconds / STATUS_INTERVAL_S
    assert published[-1]["frames"] == 500


def test_handlers_return_at_once_when_the_run_is_over():
    supervisor = Supervisor()
    block = passing()
    supervisor.finish()

    block._handle_image(to_pdu(*items([1])[0]))

    assert block.counters["frames"] == 0
