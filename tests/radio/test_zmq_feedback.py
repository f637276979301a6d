# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlparse

import numpy as np
import pytest

pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
zmq = pytest.importorskip("zmq", reason="pyzmq is not installed")

from gnuradio.scsc.front_ends.zmq_feedback import (  # noqa: E402
    FeedbackReceiver,
    FeedbackRelay,
    FeedbackSender,
)
from zmq_peers import reachable_beyond_loopback_address, strangers  # noqa: E402

from scsc_core.radio import FrontEndError, pack_feedback  # noqa: E402
from scsc_core.radio.feedback_link import DEFAULT_ADDRESS  # noqa: E402

LIMIT_S = 20.0


def _enter(ends, end):
    ends.callback(end.close)
    return end


def _collect(receiver, count, step=None):
    """`count` payloads, while `step` is called."""
    payloads, deadline = [], time.monotonic() + LIMIT_S
    while len(payloads) < count:
        assert time.monotonic() < deadline, f"only {len(payloads)} of {count} came"
        if step is not None:
            step()
        payloads += receiver.receive(0.01)
    return payloads


def _connected_sender(ends, address, receiver):
    """A sender whose first payload has arrived."""
    sender = _enter(ends, FeedbackSender(address))
    _collect(receiver, 1, lambda: sender.send(b"hello"))
    receiver.receive(0.05)
    return sender


@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_payloads_arrive_in_order(ends, tmp_path, tcp_address, kind):
    address = f"ipc://{tmp_path}/feedback" if kind == "ipc" else tcp_address
    receiver = _enter(ends, FeedbackReceiver(address))
    sender = _connected_sender(ends, address, receiver)
    sent = [bytes([number]) * number for number in range(40)]

    assert all(sender.send(payload) for payload in sent)

    assert _collect(receiver, 40) == sent
    assert not receiver.counters["malformed"]


def test_feedback_without_a_receiver_is_dropped_not_queued(ends, tmp_path):
    address = f"ipc://{tmp_path}/feedback"
    sender = _enter(ends, FeedbackSender(address))

    assert not any(sender.send(b"stale") for _ in range(1000))
    receiver = _enter(ends, FeedbackReceiver(address))
    payloads = _collect(receiver, 1, lambda: sender.send(b"fresh"))

    assert b"stale" not in payloads and sender.counters["dropped"] >= 1000


def test_receiver_that_does_not_read_bounds_both_queues(ends, tmp_path):
    address = f"ipc://{tmp_path}/feedback"
    receiver = _enter(ends, FeedbackReceiver(address))
    sender = _connected_sender(ends, address, receiver)

    before = sender.counters["dropped"]

    results = [sender.send(b"\0" * 60_000) for _ in range(2000)]

    assert not all(results)
    assert sender.counters["dropped"] - before == results.count(False)


def test_garbage_is_counted_and_dropped(ends, tmp_path):
    address, rng = f"ipc://{tmp_path}/feedback", np.random.default_rng(1)
    receiver = _enter(ends, FeedbackReceiver(address))
    hostile = zmq.Context.instance().socket(zmq.PUSH)
    ends.callback(hostile.close, 0)
    hostile.connect(address)
    damaged = bytearray(pack_feedback(b"report"))
    damaged[9] ^= 1

    messages = [[rng.bytes(50)], [b""], [bytes(damaged)], [b"a", b"b"], [pack_feedback(b"good")]]
    for parts in messages:
        hostile.send_multipart(parts)

    assert _collect(receiver, 1) == [b"good"]
    assert receiver.counters["malformed"] == 4


def test_huge_messages_and_other_headers_are_dropped(ends, tmp_path):
    address = f"ipc://{tmp_path}/feedback"
    receiver = _enter(ends, FeedbackReceiver(address))
    good = pack_feedback(b"good")
    wrong = [b"SCFX" + good[4:], good[:4] + b"\x02" + good[5:], good + b"\0", good[:-1]]
    for message in (bytes(16 << 20), *wrong, good):
        hostile = zmq.Context.instance().socket(zmq.PUSH)
        ends.callback(hostile.close, 0)
        hostile.connect(address)
        hostile.send(message)

    payloads = _collect(receiver, 1)
    deadline = time.monotonic() + LIMIT_S
    while receiver.counters["malformed"] < 4 and time.monotonic() < deadline:
        payloads += receiver.receive(0.01)

    assert payloads == [b"good"]
    assert receiver.counters["malformed"] == 4  # the huge one is refused by its size


def test_flood_neither_holds_up_the_transmitter_nor_grows(ends, tmp_path):
    address = f"ipc://{tmp_path}/feedback"
    receiver = _enter(ends, FeedbackReceiver(address))
    hostile = zmq.Context.instance().socket(zmq.PUSH)
    ends.callback(hostile.close, 0)
    hostile.setsockopt(zmq.SNDHWM, 100)
    hostile.connect(address)
    accepted, begin = 0, time.monotonic()
    while accepted < 20_000 and time.monotonic() - begin < 0.5:
        try:
            hostile.send(b"flood" * 100, zmq.NOBLOCK)
            accepted += 1
        except zmq.Again:
            time.sleep(1e-3)

    receiver.receive()

    assert accepted < 20_000  # it waits in the sender, not here
    assert 0 < receiver.counters["malformed"] <= 256  # of one look


def test_strangers_at_the_port_do_not_disturb(ends, tcp_address):
    receiver = _enter(ends, FeedbackReceiver(tcp_address))
    strangers(ends, tcp_address)

    sender = _connected_sender(ends, tcp_address, receiver)
    sender.send(b"report")

    assert _collect(receiver, 1) == [b"report"]  # some speak an old ZMTP, in garbage: counted


def test_feedback_is_taken_from_this_host_only(ends, tcp_address):
    _enter(ends, FeedbackReceiver(tcp_address))

    assert urlparse(DEFAULT_ADDRESS).hostname == "127.0.0.1"
    assert not reachable_beyond_loopback_address(tcp_address)


def test_sender_that_restarts_is_heard_again(ends, tmp_path):
    address = f"ipc://{tmp_path}/feedback"
    receiver = _enter(ends, FeedbackReceiver(address))
    _connected_sender(ends, address, receiver).close()

    _connected_sender(ends, address, receiver)  # its first payload has arrived


def test_receiver_that_restarts_is_found_again(ends, tmp_path):
    address = f"ipc://{tmp_path}/feedback"
    first = FeedbackReceiver(address)
    sender = _connected_sender(ends, address, first)
    first.close()

    second = _enter(ends, FeedbackReceiver(address))

    assert b"again" in _collect(second, 1, lambda: sender.send(b"again"))


@pytest.mark.parametrize("kind", ["tcp", "ipc"])
def test_address_in_use_is_told(ends, tmp_path, tcp_address, kind):
    address = tcp_address if kind == "tcp" else f"ipc://{tmp_path}/feedback"
    _enter(ends, FeedbackReceiver(address))

    with pytest.raises(FrontEndError, match=f"{address} is in use"):
        FeedbackReceiver(address)


@pytest.mark.parametrize("kind", ["tcp", "ipc", "abstract"])
def test_of_many_that_bind_at_once_one_gets_the_address(
    ends, tmp_path, tcp_address, kind, monkeypatch
):
    bind_now = zmq.Socket.bind

    def bind_late(socket, address):  # all others have tried the address by then, unless they wait
        time.sleep(0.05)
        return bind_now(socket, address)

    monkeypatch.setattr(zmq.Socket, "bind", bind_late)
    address = {
        "tcp": tcp_address,
        "ipc": f"ipc://{tmp_path}/feedback",
        "abstract": f"ipc://@{tmp_path.name}",
    }[kind]
    together = threading.Barrier(8)

    def receiver_or_error(_):
        together.wait()
        try:
            return _enter(ends, FeedbackReceiver(address))
        except FrontEndError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(receiver_or_error, range(8)))

    refused = [result for result in results if isinstance(result, str)]
    assert len(refused) == 7
    assert all(f"{address} is in use" in line for line in refused)


def test_relay_loses_the_stated_share_and_keeps_the_order(ends, tmp_path):
    listen, forward = f"ipc://{tmp_path}/listen", f"ipc://{tmp_path}/forward"
    receiver = _enter(ends, FeedbackReceiver(forward))
    relay = _enter(ends, FeedbackRelay(listen, forward, loss=0.5, seed=3))
    sender = _enter(ends, FeedbackSender(listen))

    count = itertools.count()

    def pump():
        sender.send(next(count).to_bytes(4, "little"))
        relay.step(0.01)

    payloads = _collect(receiver, 60, pump)

    numbers = [int.from_bytes(payload, "little") for payload in payloads]
    assert numbers == sorted(numbers)
    # of about 120 messages; 99.9 % of a binomial are within 3.3 standard deviations
    passed, lost = relay.sender.counters["sent"], relay.counters["lost"]
    assert abs(lost - passed) < 3.3 * np.sqrt(lost + passed) + 1


def test_relay_delays(ends, tmp_path):
    listen, forward = f"ipc://{tmp_path}/listen", f"ipc://{tmp_path}/forward"
    receiver = _enter(ends, FeedbackReceiver(forward))
    relay = _enter(ends, FeedbackRelay(listen, forward, delay_s=0.2))
    sender = _connected_sender_through(ends, listen, relay, receiver)

    begin = time.monotonic()
    sender.send(b"late")
    payloads = _collect(receiver, 1, lambda: relay.step(0.01))

    assert payloads == [b"late"] and time.monotonic() - begin >= 0.2


def _connected_sender_through(ends, listen, relay, receiver):
    sender = _enter(ends, FeedbackSender(listen))

    def once():
        if not sender.counters["sent"]:
            sender.send(b"hello")
        relay.step(0.01)

    _collect(receiver, 1, once)
    return sender


@pytest.mark.parametrize(("name", "value"), [("loss", 1.5), ("loss", -0.1), ("delay_s", -1)])
def test_relay_refuses_impossible_values(tmp_path, name, value):
    with pytest.raises(ValueError, match=f"{name} must be in"):
        FeedbackRelay(f"ipc://{tmp_path}/a", f"ipc://{tmp_path}/b", **{name: value})
