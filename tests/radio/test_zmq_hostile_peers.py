# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual radio against peers that send garbage, floods and huge messages."""

import struct
from contextlib import ExitStack

import numpy as np
import pytest

pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
zmq = pytest.importorskip("zmq", reason="pyzmq is not installed")

from gnuradio.scsc.front_ends.zmq_connections import Connections  # noqa: E402
from gnuradio.scsc.front_ends.zmq_stream import SampleSink, SampleSource, to_items  # noqa: E402
from zmq_peers import (  # noqa: E402
    LIMIT_S,
    burst,
    open_end,
    reachable_beyond_loopback_address,
    read_samples,
    strangers,
    wait_until,
)

from scsc_core.radio import EventLog, FrontEndError  # noqa: E402


@pytest.mark.parametrize(
    "garbage",
    [[b"123"], [b"x" * 17], [b"", b"more parts"], [b"a" * 16, b"b" * 16]],
    ids=["short", "odd", "parts", "two blocks"],
)
def test_garbage_is_dropped_counted_and_a_discontinuity(ends, addresses, garbage):
    server = zmq.Context.instance().socket(zmq.REP)
    ends.callback(server.close, 0)
    server.bind(addresses[0])
    rx = open_end(ends, direction="rx", rx_address=addresses[0])
    replies = [garbage, [to_items(burst(10))]]

    def serve():
        if replies and server.poll(50):
            assert struct.unpack("<I", server.recv()) == (100,)
            server.send_multipart(replies.pop(0))

    chunks = []
    wait_until(
        lambda: chunks and chunks[-1].samples.shape[1],
        serve,
        lambda: chunks.append(rx.read(100, 0.05)),
    )

    np.testing.assert_array_equal(chunks[-1].samples, burst(10))
    assert chunks[-1].discontinuity
    assert [(event.kind, event.count) for event in rx.events()] == [("malformed", 1)]


def test_huge_message_is_refused_and_the_peer_found_again(ends, addresses):
    server = zmq.Context.instance().socket(zmq.REP)
    ends.callback(server.close, 0)
    server.bind(addresses[0])
    rx = open_end(ends, direction="rx", rx_address=addresses[0])
    replies = [b"\0" * (8 << 20), to_items(burst(10))]

    def serve():
        if replies and server.poll(50):
            server.recv()
            server.send(replies.pop(0))

    chunks = []
    wait_until(
        lambda: chunks and chunks[-1].samples.shape[1],
        serve,
        lambda: chunks.append(rx.read(100, 0.05)),
    )

    np.testing.assert_array_equal(chunks[-1].samples, burst(10))
    assert "peer_gone" in [event.kind for event in rx.events()]


def test_samples_that_are_not_finite_become_zeros(ends, addresses):
    server = zmq.Context.instance().socket(zmq.REP)
    ends.callback(server.close, 0)
    server.bind(addresses[0])
    rx = open_end(ends, direction="rx", rx_address=addresses[0])
    x = burst(10)
    x[1, 3] = np.nan
    chunks = [rx.read(100, 0.01)]
    assert server.poll(1000 * LIMIT_S)
    server.recv()
    server.send(to_items(x))

    y, _ = read_samples(rx, 10)

    assert y[1, 3] == 0 and [(e.kind, e.count) for e in rx.events()] == [("not_finite", 1)]
    assert chunks[0].samples.shape[1] == 0


def test_requests_that_are_none_do_not_disturb_the_sender(ends, addresses):
    tx = open_end(ends, direction="tx", tx_address=addresses[0])
    hostile = zmq.Context.instance().socket(zmq.DEALER)
    ends.callback(hostile.close, 0)
    hostile.connect(addresses[0])
    for parts in ([b"x"], [b"", b"ab"], [b"", b"", b"", b""], [b"junk", b"\1\0\0\0"]):
        hostile.send_multipart(parts)
    rx = open_end(ends, direction="rx", rx_address=addresses[0])

    tx.tx_burst(burst(1000))
    y, _ = read_samples(rx, 1128)

    assert np.count_nonzero(y[0]) == 1000
    assert [event.kind for event in tx.events() if event.kind == "malformed"] == ["malformed"]


def test_flood_of_requests_is_bounded(ends, addresses):
    log = EventLog()
    sink = SampleSink(addresses[0], log)
    sink.open()
    ends.callback(sink.close)
    hostile = zmq.Context.instance().socket(zmq.DEALER)
    ends.callback(hostile.close, 0)
    hostile.setsockopt(zmq.SNDHWM, 10_000)
    hostile.connect(addresses[0])
    for _ in range(5000):
        hostile.send_multipart([b"", struct.pack("<I", 1 << 31)])

    wait_until(lambda: sink.poll(0.05) is not None)
    for _ in range(100):
        assert sink.poll(0) <= 1 << 18

    assert len(sink._requests) <= 16


def test_source_keeps_what_is_more_than_was_asked_for(ends, addresses):
    server = zmq.Context.instance().socket(zmq.REP)
    ends.callback(server.close, 0)
    server.bind(addresses[0])
    source = SampleSource(addresses[0], EventLog())
    source.open()
    ends.callback(source.close)
    source.read(4, 0.01)
    assert server.poll(1000 * LIMIT_S)
    server.recv()
    server.send(to_items(burst(10)))

    parts = []
    wait_until(lambda: len(parts) == 3, lambda: parts.append(source.read(4, 1.0)[0]))

    assert [part.shape[1] for part in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(parts, 1), burst(10))


def test_huge_request_ends_the_connection_and_not_the_sender(ends, addresses):
    tx = open_end(ends, direction="tx", tx_address=addresses[0])
    hostile = zmq.Context.instance().socket(zmq.DEALER)
    ends.callback(hostile.close, 0)
    hostile.connect(addresses[0])
    hostile.send_multipart([b"", bytes(16 << 20)])
    rx = open_end(ends, direction="rx", rx_address=addresses[0])

    tx.tx_burst(burst(1000))
    y, _ = read_samples(rx, 1128)

    assert np.count_nonzero(y[0]) == 1000


def test_replies_that_nobody_asked_for_are_bounded(ends, addresses):
    server = zmq.Context.instance().socket(zmq.ROUTER)
    ends.callback(server.close, 0)
    server.setsockopt(zmq.SNDHWM, 10)
    server.setsockopt(zmq.ROUTER_MANDATORY, 1)  # tells when it can send no more
    server.bind(addresses[0])
    source = SampleSource(addresses[0], EventLog())
    source.open()
    ends.callback(source.close)
    source.read(4, 0.01)
    assert server.poll(1000 * LIMIT_S)
    asking = server.recv_multipart()[0]

    sent = 0
    for _ in range(5000):
        try:
            server.send_multipart([asking, b"", to_items(burst(1000))], zmq.NOBLOCK)
            sent += 1
        except zmq.Again:
            break
    count = sum(source.read(1000, 0.05)[0].shape[1] for _ in range(10))

    assert sent < 5000  # what is not read holds up who sends
    assert count > 0


def test_strangers_at_the_port_are_no_peers(ends, tcp_address):
    tx = open_end(ends, direction="tx", tx_address=tcp_address)
    rx = open_end(ends, direction="rx", rx_address=tcp_address)
    wait_until(lambda: tx.connected, lambda: rx.read(10, 0.02))

    with ExitStack() as visits:
        strangers(visits, tcp_address)
        tx.tx_burst(burst(1000))
        y, chunks = read_samples(rx, 1128)
    tx.tx_burst(burst(1000, 1))
    z, _ = read_samples(rx, 1128)

    assert np.count_nonzero(y[0]) == np.count_nonzero(z[0]) == 1000
    assert tx.connected and not any(chunk.discontinuity for chunk in chunks)
    assert tx.events() == [] and rx.events() == []


BEGUN, FAILED = zmq.EVENT_ACCEPTED, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
CAME, GONE = zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED


@pytest.mark.parametrize(
    ("events", "changes", "peers"),
    [
        ([(BEGUN, 7), (CAME, 0), (GONE, 7)], ["came", "gone"], 0),
        ([(BEGUN, 7), (FAILED, 0), (GONE, 7)], [], 0),
        ([(BEGUN, 7), (GONE, 7)], [], 0),  # a socket of another kind
        ([(BEGUN, 7), (CAME, 0), (BEGUN, 8), (FAILED, 0), (GONE, 8)], ["came"], 1),
        ([(BEGUN, 8), (BEGUN, 7), (CAME, 0), (FAILED, 0), (GONE, 8)], ["came"], 1),
        ([(BEGUN, 8), (BEGUN, 7), (CAME, 0), (GONE, 7)], ["came", "gone"], 0),
        ([(BEGUN, 7), (CAME, 0), (BEGUN, 8), (CAME, 0), (GONE, 7)], ["came", "came", "gone"], 1),
        ([(BEGUN, 7), (CAME, 0), (BEGUN, 8), (GONE, 7)], ["came", "gone"], 0),
    ],
)
def test_only_who_shook_hands_comes_and_goes(events, changes, peers):
    connections = Connections()

    told = [connections.note(*event) for event in events]

    assert ([change for change in told if change], connections.peers) == (changes, peers)


@pytest.mark.parametrize("kind", ["tcp", "ipc"])
def test_second_transmitter_cannot_take_the_address(ends, tcp_address, addresses, kind):
    address = tcp_address if kind == "tcp" else addresses[0]
    first = open_end(ends, direction="tx", tx_address=address)
    rx = open_end(ends, direction="rx", rx_address=address)

    with pytest.raises(FrontEndError, match=f"{address} is in use"):
        open_end(ends, direction="tx", tx_address=address)
    first.tx_burst(burst(1000))
    y, _ = read_samples(rx, 1128)

    assert np.count_nonzero(y[0]) == 1000


def test_samples_are_given_to_this_host_only(ends, tcp_address):
    open_end(ends, direction="tx", tx_address=tcp_address)

    assert not reachable_beyond_loopback_address(tcp_address)
