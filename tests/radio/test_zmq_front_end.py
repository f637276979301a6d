# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual radio: peers that come late, go and come back; and GNU Radio's own blocks."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
pytest.importorskip("zmq", reason="pyzmq is not installed")

from gnuradio import blocks, gr, zeromq  # noqa: E402
from gnuradio.scsc.front_ends.zmq_channel import ZmqChannel  # noqa: E402
from zmq_peers import LIMIT_S, burst, open_end, read_samples, wait_until  # noqa: E402

from scsc_core.radio import FrontEnd, FrontEndError  # noqa: E402
from scsc_core.radio.levels import FULL_SCALE  # noqa: E402


def _run_channel(ends, channel):
    """Run a channel in a thread; gives the function that ends it."""
    stopping = threading.Event()
    channel.open()
    thread = threading.Thread(target=channel.run, args=(stopping.is_set,), daemon=True)
    thread.start()

    def stop():
        stopping.set()
        thread.join(LIMIT_S)
        channel.close()

    ends.callback(stop)
    return stop


def test_bursts_cross_the_channel_process_in_order(ends, addresses):
    tx = open_end(ends, direction="tx", tx_address=addresses[0])
    rx = open_end(ends, direction="rx", rx_address=addresses[1])
    _run_channel(ends, ZmqChannel(None, *addresses))
    bursts = [burst(3000, seed) for seed in range(5)]

    for x in bursts:
        tx.tx_burst(x)
    y, chunks = read_samples(rx, 5 * 3128 + 128 + 500)

    for number, x in enumerate(bursts):
        start = 128 + number * 3128
        np.testing.assert_allclose(y[:, start : start + 3000], x * FULL_SCALE, rtol=1e-6)
    assert np.count_nonzero(y[0]) == 5 * 3000  # gaps and tail are zeros
    ends_of_chunks = np.cumsum([chunk.samples.shape[1] for chunk in chunks])
    assert [chunk.sample_index for chunk in chunks] == [0, *ends_of_chunks[:-1]]
    assert not any(chunk.discontinuity for chunk in chunks)
    assert tx.flush(LIMIT_S) and isinstance(tx, FrontEnd)
    assert tx.events() == [] and rx.events() == []


def test_full_duplex_front_end_hears_itself(ends, addresses):
    radio = open_end(ends, tx_address=addresses[0], rx_address=addresses[0])

    radio.tx_burst(burst(1000))
    y, _ = read_samples(radio, 1128)

    np.testing.assert_allclose(y[:, 128:], burst(1000) * FULL_SCALE, rtol=1e-6)
    assert radio.capabilities == {"tx", "rx", "timed", "full_duplex"} and radio.connected


def test_channel_sees_every_sample_once_in_units_of_the_link(ends, addresses):
    class Swap:
        def __init__(self):
            self.seen = []

        def apply(self, samples):
            self.seen.append(samples)
            return 2 * samples[::-1]

    swap = Swap()
    tx = open_end(ends, direction="tx", tx_address=addresses[0])
    rx = open_end(ends, direction="rx", rx_address=addresses[1])
    _run_channel(ends, ZmqChannel(swap, *addresses))

    tx.tx_burst(burst(1000))
    y, _ = read_samples(rx, 1128)

    seen = np.concatenate(swap.seen, axis=1)[:, :1128]
    np.testing.assert_allclose(seen[:, 128:], burst(1000), rtol=1e-6)
    np.testing.assert_allclose(y[:, 128:], 2 * 0.30 * burst(1000)[::-1], rtol=1e-6)


def test_receiver_may_start_first(ends, addresses):
    rx = open_end(ends, direction="rx", rx_address=addresses[0], timeout_s=None)
    assert rx.read(100, 0.05).samples.shape == (2, 0)
    tx = open_end(ends, direction="tx", tx_address=addresses[0])

    tx.tx_burst(burst(1000))
    y, chunks = read_samples(rx, 1128)

    assert np.count_nonzero(y[0]) == 1000 and not chunks[0].discontinuity


def test_receiver_without_a_peer_gets_an_error_in_time(ends, addresses):
    rx = open_end(ends, direction="rx", rx_address=addresses[0], timeout_s=0.1)

    with pytest.raises(FrontEndError, match="^zmq: no peer at ipc:.* within 0.1 s; start the"):
        wait_until(lambda: False, lambda: rx.read(100, 0.05))


def test_sender_without_a_peer_gets_an_error_and_its_buffer_stays_bounded(ends, addresses):
    tx = open_end(
        ends, direction="tx", tx_address=addresses[0], timeout_s=0.05, buffer_samples=20_000
    )
    tx.tx_burst(burst(15_000))

    with pytest.raises(FrontEndError, match="^zmq: nobody fetches samples at ipc:"):
        tx.tx_burst(burst(15_000))


def test_address_in_use_is_told(ends, tcp_address):
    open_end(ends, direction="tx", tx_address=tcp_address)

    with pytest.raises(FrontEndError, match=f"{tcp_address} is in use; end the other program"):
        open_end(ends, direction="tx", tx_address=tcp_address)


def test_address_of_another_host_cannot_be_bound(ends):
    with pytest.raises(FrontEndError, match="cannot bind tcp://192.0.2.1:5555"):
        open_end(ends, direction="tx", tx_address="tcp://192.0.2.1:5555")


def test_transmitter_that_restarts_is_found_again(ends, addresses):
    rx = open_end(ends, direction="rx", rx_address=addresses[0])
    tx = open_end(ends, direction="tx", tx_address=addresses[0])
    tx.tx_burst(burst(1000))
    read_samples(rx, 1128 + 128 + 500)
    tx.close()
    events = []
    wait_until(
        lambda: "peer_gone" in [event.kind for event in events],
        lambda: rx.read(100, 0.05),
        lambda: events.extend(rx.events()),
    )

    again = open_end(ends, direction="tx", tx_address=addresses[0])
    again.tx_burst(burst(1000, 1))
    y, chunks = read_samples(rx, 1128)

    np.testing.assert_allclose(y[:, 128:], burst(1000, 1) * FULL_SCALE, rtol=1e-6)
    assert chunks[0].discontinuity and not any(chunk.discontinuity for chunk in chunks[1:])
    assert chunks[0].sample_index == 1756
    assert "peer_back" in [event.kind for event in rx.events()]


def test_receiver_that_dies_while_it_waits_costs_no_samples(ends, addresses):
    tx = open_end(ends, direction="tx", tx_address=addresses[0])
    for _ in range(3):  # each asks and goes before there is anything to send
        rx = open_end(ends, direction="rx", rx_address=addresses[0], timeout_s=None)
        wait_until(lambda: tx.connected, lambda rx=rx: rx.read(4096, 0.05))
        rx.close()
        wait_until(lambda: not tx.connected, lambda: time.sleep(0.01))
    rx = open_end(ends, direction="rx", rx_address=addresses[0], timeout_s=None)

    tx.tx_burst(burst(1000))
    y, _ = read_samples(rx, 1128)

    np.testing.assert_allclose(y[:, 128:], burst(1000) * FULL_SCALE, rtol=1e-6)


def test_channel_that_restarts_is_found_again_by_both(ends, addresses):
    tx = open_end(ends, direction="tx", tx_address=addresses[0])
    rx = open_end(ends, direction="rx", rx_address=addresses[1])
    stop = _run_channel(ends, ZmqChannel(None, *addresses))
    tx.tx_burst(burst(1000))
    read_samples(rx, 1128)
    stop()
    _run_channel(ends, ZmqChannel(None, *addresses))

    # What was on its way is lost, as on the air; what is sent from now on arrives.
    wait_until(lambda: tx.connected, lambda: rx.read(4096, 0.05))
    x = burst(2000, 3)
    received = []

    def send_and_read():
        tx.tx_burst(x)
        for _ in range(5):
            received.append(rx.read(4096, 0.1).samples)

    def found():
        y = np.concatenate(received or [np.zeros((2, 0))], axis=1)[0]
        hits = np.flatnonzero(np.abs(y - x[0, 0] * FULL_SCALE) < 1e-6)
        return any(np.allclose(y[h : h + 2000], x[0] * FULL_SCALE, rtol=1e-5) for h in hits)

    wait_until(found, send_and_read)


def test_realtime_sends_silence_at_the_rate(ends, addresses):
    tx = open_end(ends, direction="tx", tx_address=addresses[0], realtime=True, rate_hz=200e3)
    rx = open_end(ends, direction="rx", rx_address=addresses[0])
    begin = time.monotonic()

    y, _ = read_samples(rx, 20_000)

    assert not y.any()
    assert time.monotonic() - begin > 0.05  # 0.1 s of samples; never faster than the clock
    assert tx.now() == pytest.approx(time.monotonic() - begin, abs=5)


def test_peer_may_be_a_flowgraph_that_receives(ends, tcp_address):
    tx = open_end(ends, direction="tx", tx_address=tcp_address)
    top = gr.top_block()
    source = zeromq.req_source(gr.sizeof_gr_complex, 2, tcp_address, 100)
    head, sink = blocks.head(2 * gr.sizeof_gr_complex, 3128), blocks.vector_sink_c(2)
    top.connect(source, head, sink)
    tx.tx_burst(burst(3000))

    top.start()
    wait_until(lambda: len(sink.data()) >= 2 * 3128, lambda: time.sleep(0.01))
    top.stop()
    top.wait()

    y = np.array(sink.data(), np.complex64).reshape(-1, 2).T
    np.testing.assert_allclose(y[:, 128:3128], burst(3000) * FULL_SCALE, rtol=1e-6)


def test_peer_may_be_a_flowgraph_that_sends(ends, tcp_address):
    x = burst(5000)
    top = gr.top_block()
    source = blocks.vector_source_c(x.T.ravel().tolist(), False, 2)
    sink = zeromq.rep_sink(gr.sizeof_gr_complex, 2, tcp_address, 100)
    top.connect(source, sink)
    rx = open_end(ends, direction="rx", rx_address=tcp_address)

    top.start()
    y, _ = read_samples(rx, 5000)
    top.stop()
    top.wait()

    np.testing.assert_array_equal(y, x)
