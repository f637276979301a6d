# SPDX-License-Identifier: GPL-3.0-or-later
"""Two-antenna sample streams over ZeroMQ, in the words of GNU Radio's REQ source and REP sink.

A request is a uint32, the number of items wanted; a reply is that many items or less, one after the
other without tags. An item is a vector of two complex64, antenna 1 first: 16 bytes. So the peer
may be a flowgraph with `zeromq.req_source(8, 2, ...)` or `zeromq.rep_sink(8, 2, ...)`.
"""

from __future__ import annotations

import struct
import time
from typing import Any

import numpy as np
import zmq
from zmq.utils.monitor import recv_monitor_message

from scsc_core.radio.events import EventLog
from scsc_core.radio.front_end import FrontEndError, no_samples
from scsc_core.radio.received import finite_samples

from .zmq_address import bind
from .zmq_connections import WATCHED, Connections

ITEM_BYTES = 16
MAX_ITEMS = 1 << 18  # of one reply
_REQUEST = struct.Struct("<I")
_MAX_PEERS = 16  # whose request waits; each has one at a time
_MAX_MESSAGES = 1000  # looked at in one go, and waiting inside ZeroMQ for a reader
_LINGER_MS = 1000
HANDSHAKE_MS = 5000  # connections that say nothing hold a place no longer
_KEEPALIVE_S = 3
_RETRY_S = 0.1  # between two attempts to connect
_LOST = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED


def to_items(samples: np.ndarray) -> bytes:
    """The bytes of complex64 [2, n]: n items, each both antennas."""
    return np.ascontiguousarray(samples.T, np.complex64).tobytes()


def from_items(data: bytes) -> np.ndarray:
    """complex64 [2, n] of n items; ValueError for a broken item."""
    if len(data) % ITEM_BYTES:
        raise ValueError(f"{len(data)} bytes are no whole number of {ITEM_BYTES}-byte items")
    return np.ascontiguousarray(np.frombuffer(data, np.complex64).reshape(-1, 2).T)


class _Peer:
    """A socket with what both ends share: its options, and whether somebody is connected.

    Attributes:
        served: bool, this socket had a peer.
        ever: bool, there was one since the beginning.
    """

    def __init__(self, socket_type: int, address: str, log: EventLog, now: Any):
        self.address, self.served, self.ever = address, False, False
        self._connections = Connections()
        self._type, self._log, self._now = socket_type, log, now
        self.socket: zmq.Socket | None = None
        self._monitor: zmq.Socket | None = None

    @property
    def connected(self) -> bool:
        """Whether a peer is there."""
        return self._connections.peers > 0

    def create(self, max_message: int) -> zmq.Socket:
        """A new socket, watched, neither bound nor connected."""
        self.socket, self.served = zmq.Context.instance().socket(self._type), False
        for option, value in (
            (zmq.LINGER, _LINGER_MS if self._type == zmq.ROUTER else 0),
            (zmq.MAXMSGSIZE, max_message),
            (zmq.RCVHWM, _MAX_MESSAGES if max_message < ITEM_BYTES * MAX_ITEMS else _MAX_PEERS),
            (zmq.SNDHWM, _MAX_PEERS),
            (zmq.HANDSHAKE_IVL, HANDSHAKE_MS),
            (zmq.RECONNECT_IVL, -1),  # a socket lives as long as its connection; see SampleSource
            (zmq.IPV6, 1 if "[" in self.address else 0),
            # A host that vanished is noticed by the kernel. Heartbeats of ZeroMQ would do so too, but
            # libzmq 4.3 may abort when it has to write to a peer that floods it and goes.
            (zmq.TCP_KEEPALIVE, 1),
            (zmq.TCP_KEEPALIVE_IDLE, _KEEPALIVE_S),
            (zmq.TCP_KEEPALIVE_INTVL, 1),
            (zmq.TCP_KEEPALIVE_CNT, _KEEPALIVE_S),
        ):
            self.socket.setsockopt(option, value)
        self._monitor = self.socket.get_monitor_socket(WATCHED)
        return self.socket

    def poll(self, timeout_s: float) -> bool:
        """Whether the socket has something to read, at the latest after the timeout."""
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        return self.socket in dict(poller.poll(max(0, round(1e3 * timeout_s))))

    def lost(self) -> bool:
        """Look at connections that came and went; whether one went or could not be made."""
        lost = False
        while self._monitor.poll(0):
            told = recv_monitor_message(self._monitor)
            lost = lost or bool(told["event"] & _LOST)
            change = self._connections.note(told["event"], told["value"])
            if change == "came":
                if self.ever:
                    self._log.add("peer_back", self._now(), 1, self.address)
                self.ever = self.served = True
            elif change == "gone":
                self._log.add("peer_gone", self._now(), 1, self.address)
        return lost

    def close(self) -> None:
        """Close the socket; may be called twice."""
        if self.socket is not None:
            self.socket.disable_monitor()
            self._monitor.close(0)
            self.socket.close()
            self.socket = self._monitor = None
        self._connections = Connections()


class SampleSource:
    """Fetches samples from a REP sink; one thread only.

    The next request is on its way while the caller works on the reply, so both ends work at the
    same time. A REQ socket waits for its reply for ever, also from a peer that has gone: so every
    connection has a socket of its own, and none is made again behind the caller's back.

    Args:
        address: where the sink is bound.
        log: EventLog for peer_gone, peer_back, malformed, not_finite.
        now: function that gives the time of events.
    Source: waveform.md section 13; wire format of gr-zeromq 3.10.
    """

    def __init__(self, address: str, log: EventLog, now: Any = time.monotonic):
        self.address = address
        self._peer = _Peer(zmq.REQ, address, log, now)
        self._log, self._now = log, now
        self._requested = self._lost = self._lost_before_rest = False
        self._retry_at = 0.0
        self._rest = no_samples()

    @property
    def connected(self) -> bool:
        """Whether a peer is there."""
        return self._peer.connected

    @property
    def ever_connected(self) -> bool:
        """Whether a peer was ever there."""
        return self._peer.ever

    def open(self) -> None:
        """Connect; the peer may come later."""
        socket = self._peer.create(MAX_ITEMS * ITEM_BYTES)
        try:
            socket.connect(self.address)
        except zmq.ZMQError as error:
            self._peer.close()
            raise FrontEndError(
                "zmq", f"cannot connect to {self.address}: {error}", "check the address"
            ) from None
        self._requested = False

    def read(self, n: int, timeout_s: float) -> tuple[np.ndarray, bool]:
        """Up to n samples complex64 [2, m], and whether some may have been lost in front of them.

        m = 0 when none came in time; the loss is then told with the next samples.
        """
        deadline = time.monotonic() + timeout_s
        n = min(n, MAX_ITEMS)
        while self._rest.shape[1] == 0:
            if self._connecting(deadline):
                self._request(n)
                if self._peer.poll(deadline - time.monotonic()):
                    self._accept(n)
                if self._peer.lost():
                    self._lost = self._lost or self._peer.served
                    self._peer.close()
                    self._retry_at = time.monotonic() + _RETRY_S
            if time.monotonic() >= deadline and self._rest.shape[1] == 0:
                return no_samples(), False
        samples, self._rest = self._rest[:, :n], self._rest[:, n:]
        lost, self._lost_before_rest = self._lost_before_rest, False
        return np.ascontiguousarray(samples), lost

    def _connecting(self, deadline: float) -> bool:
        """Whether there is a socket; makes a new one when the time for it has come."""
        if self._peer.socket is None:
            now = time.monotonic()
            time.sleep(max(0.0, min(self._retry_at, deadline) - now))
            if self._retry_at > deadline:
                return False
            self.open()
        return True

    def _request(self, n: int) -> None:
        if self._requested:
            return
        try:
            self._peer.socket.send(_REQUEST.pack(n), zmq.NOBLOCK)
            self._requested = True
        except zmq.Again:
            pass  # the connection has gone; the monitor is about to say so

    def _accept(self, n: int) -> None:
        """Take a reply, and ask for the next one before looking at it."""
        parts = self._peer.socket.recv_multipart(zmq.NOBLOCK)
        self._requested = False
        self._request(n)
        try:
            if len(parts) != 1:
                raise ValueError(f"{len(parts)} message parts")
            samples, bad = finite_samples(from_items(parts[0]))
        except ValueError as error:
            self._log.add("malformed", self._now(), 1, str(error))
            self._lost = True
            return
        self._log.add("not_finite", self._now(), bad)
        self._rest = samples
        self._lost_before_rest, self._lost = self._lost, False

    def close(self) -> None:
        """Close; may be called twice."""
        self._peer.close()


class SampleSink:
    """Answers the requests of a REQ source; one thread only.

    A ROUTER socket, which looks like REP to the peer: unlike REP it tells when the peer that asked
    has gone, so that no samples are lost to it.

    Args:
        address: to bind.
        log, now: as SampleSource.
    Source: waveform.md section 13; wire format of gr-zeromq 3.10.
    """

    def __init__(self, address: str, log: EventLog, now: Any = time.monotonic):
        self.address = address
        self._peer = _Peer(zmq.ROUTER, address, log, now)
        self._log, self._now = log, now
        self._requests: dict[bytes, int] = {}  # identity -> items, in the order of arrival

    @property
    def connected(self) -> bool:
        """Whether a peer is there."""
        return self._peer.connected

    @property
    def ever_connected(self) -> bool:
        """Whether a peer was ever there."""
        return self._peer.ever

    def open(self) -> None:
        """Bind; FrontEndError when the address is taken or is none of this host."""
        socket = self._peer.create(64)  # a request has 4 bytes
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        try:
            bind(socket, self.address)
        except FrontEndError:
            self._peer.close()
            raise

    def poll(self, timeout_s: float) -> int | None:
        """Items that the peer wants which has waited longest; None when nobody asks in time."""
        ready = self._peer.poll(0 if self._requests else timeout_s)
        self._peer.lost()
        if ready:
            self._take_requests()
        return next(iter(self._requests.values()), None)

    def _take_requests(self) -> None:
        """Look at what came; a second request of a peer takes the place of its first."""
        for _ in range(_MAX_MESSAGES):
            try:
                parts = self._peer.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if len(parts) != 3 or parts[1] or len(parts[2]) < _REQUEST.size:
                self._log.add("malformed", self._now(), 1, "a request that is none")
                continue
            wanted = _REQUEST.unpack_from(parts[2])[0]
            self._requests[parts[0]] = max(1, min(wanted, MAX_ITEMS))
            if len(self._requests) > _MAX_PEERS:
                self._requests.pop(next(iter(self._requests)))

    def reply(self, samples: np.ndarray) -> bool:
        """Answer it with complex64 [2, m]; False when it has gone and the samples were not sent."""
        identity = next(iter(self._requests))
        del self._requests[identity]
        try:
            self._peer.socket.send_multipart([identity, b"", to_items(samples)], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                return False
            raise
        return True

    def close(self) -> None:
        """Close; may be called twice."""
        self._requests.clear()
        self._peer.close()
