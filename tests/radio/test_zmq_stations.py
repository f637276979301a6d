# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole stations over the virtual radio: either end stops and comes back, feedback link and all."""

import itertools
import threading
import time

import numpy as np
import pytest

pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
zmq = pytest.importorskip("zmq", reason="pyzmq is not installed")

from gnuradio.scsc.front_ends.zmq_feedback import FeedbackReceiver, FeedbackSender  # noqa: E402

from scsc_core.radio import open_front_end  # noqa: E402
from scsc_core.radio.air_link import receive_station, transmit_station  # noqa: E402
from scsc_core.radio.counters_board import CountersBoard  # noqa: E402
from scsc_core.radio.image_sources import StreamSource  # noqa: E402
from scsc_core.radio.station import run_stations  # noqa: E402
from scsc_core.waveform.configuration import WaveformConfig  # noqa: E402

LIMIT_S = 30.0
CONFIG = WaveformConfig(codec="jpeg", qp=60, precoder="svd_wf", harq=True)
PICTURE = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)


class Running:
    """A station at work in its thread, with what it needs; `stop` ends it and closes everything."""

    def __init__(self, station, board, *parts):
        self.station, self.board, self._parts = station, board, parts
        self._stop = threading.Event()
        arguments = ((station,), self._stop)
        self._thread = threading.Thread(target=run_stations, args=arguments, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()
        for part in self._parts:
            part.close()

    def counted(self, side):
        return self.board.snapshot().get(side, {})

    @property
    def events(self):
        return self.board.snapshot()["events"]


def sender(ends, addresses):
    """A transmitter that sends one picture again and again."""
    front_end = open_front_end("zmq", {"direction": "tx", "tx_address": addresses[0]})
    feedback, board = FeedbackReceiver(addresses[1]), CountersBoard()
    source = StreamSource(lambda: itertools.repeat(PICTURE), "again", live=False)
    station = transmit_station(CONFIG, front_end, source, feedback, board, feedback_wait_s=5.0)
    running = Running(station, board, station.feed, front_end, feedback)
    ends.callback(running.stop)
    return running


def receiver(ends, addresses):
    """A receiver that stays, and the pictures that it got."""
    options = {"direction": "rx", "rx_address": addresses[0], "timeout_s": None}
    front_end, board, pictures = open_front_end("zmq", options), CountersBoard(), []
    feedback = FeedbackSender(addresses[1])
    station = receive_station(CONFIG, front_end, pictures.append, feedback, board, stay=True)
    running = Running(station, board, front_end, feedback)
    running.pictures = pictures
    ends.callback(running.stop)
    return running


def wait_for(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def whole(running):
    return sum(picture.picture.delivered for picture in running.pictures)


def test_receiver_that_stops_and_another_that_starts(ends, addresses):
    tx = sender(ends, addresses)
    first = receiver(ends, addresses)
    wait_for(lambda: whole(first) >= 2)
    first.stop()
    wait_for(lambda: tx.events.get("peer_gone"))
    closed_before = tx.counted("tx").get("frames_closed_loop", 0)

    second = receiver(ends, addresses)
    wait_for(lambda: whole(second) >= 2)
    wait_for(lambda: tx.counted("tx").get("frames_closed_loop", 0) > closed_before)

    assert tx.events["peer_back"] == 1 and not second.events


def test_transmitter_that_stops_and_another_that_starts(ends, addresses):
    rx = receiver(ends, addresses)
    first = sender(ends, addresses)
    wait_for(lambda: whole(rx) >= 2)
    first.stop()
    wait_for(lambda: rx.events.get("peer_gone"))
    before = whole(rx)

    second = sender(ends, addresses)
    wait_for(lambda: whole(rx) >= before + 2)
    wait_for(lambda: second.counted("tx").get("frames_closed_loop", 0) > 0)

    assert rx.events["peer_back"] == 1 and rx.counted("rx")["discontinuities"] >= 1


def test_flood_at_the_feedback_port_stops_no_pictures(ends, addresses):
    hostile = zmq.Context.instance().socket(zmq.PUSH)
    ends.callback(hostile.close, 0)
    hostile.connect(addresses[1])
    tx, rx = sender(ends, addresses), receiver(ends, addresses)
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            try:
                hostile.send(b"no feedback message", zmq.NOBLOCK)
            except zmq.Again:
                time.sleep(1e-3)

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    try:
        wait_for(lambda: tx.counted("tx").get("feedback_malformed", 0) > 1000)
        before = whole(rx)
        wait_for(lambda: whole(rx) >= before + 2)
    finally:
        stop.set()
        thread.join()

    assert tx.counted("tx")["frames_closed_loop"] > 0
