# SPDX-License-Identifier: GPL-3.0-or-later
"""The feedback path over ZeroMQ: from the receiver (PUSH) to the transmitter (PULL)."""

from __future__ import annotations

import time
from collections import Counter, deque

import numpy as np
import zmq

from scsc_core.radio.feedback import (
    MAX_MESSAGE,
    QUEUE_MESSAGES,
    FeedbackError,
    pack_feedback,
    unpack_feedback,
)
from scsc_core.radio.front_end import FrontEndError

from .zmq_address import bind
from .zmq_stream import HANDSHAKE_MS

MAX_AT_ONCE = 256  # messages of one receive(): a flood does not hold up the caller


class FeedbackSender:
    """Sends payloads to a FeedbackReceiver; never waits.

    Feedback that is late is worthless, so a payload without a connection or behind a full queue is
    dropped and counted.

    Args:
        address: where the receiver is bound.
    Attributes:
        counters: Counter of sent, dropped.
    Source: waveform.md section 7.
    """

    def __init__(self, address: str):
        self.address, self.counters = address, Counter()
        self._socket = zmq.Context.instance().socket(zmq.PUSH)
        self._socket.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)  # queue for peers that are there only
        self._socket.setsockopt(zmq.LINGER, 200)
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise FrontEndError(
                "zmq", f"cannot connect to {address}: {error}", "check the address"
            ) from None

    def send(self, payload: bytes) -> bool:
        """Send 0..65535 bytes; False when they were dropped."""
        message = pack_feedback(payload)
        try:
            self._socket.send(message, zmq.NOBLOCK)
        except zmq.Again:
            self.counters["dropped"] += 1
            return False
        self.counters["sent"] += 1
        return True

    def close(self) -> None:
        """Close; may be called twice."""
        self._socket.close()


class FeedbackReceiver:
    """Receives the payloads of FeedbackSenders; drops and counts whatever else arrives.

    Args:
        address: to bind.
    Attributes:
        counters: Counter of received, malformed.
    Source: waveform.md section 7.
    """

    def __init__(self, address: str):
        self.address, self.counters = address, Counter()
        self._socket = zmq.Context.instance().socket(zmq.PULL)
        self._socket.setsockopt(zmq.RCVHWM, QUEUE_MESSAGES)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self._socket.setsockopt(zmq.LINGER, 0)
        try:
            bind(self._socket, address)
        except FrontEndError:
            self.close()
            raise

    def receive(self, timeout_s: float = 0.0) -> list[bytes]:
        """Payloads that have come, oldest first; waits at most `timeout_s` for the first message."""
        payloads: list[bytes] = []
        if not self._socket.poll(max(0, round(1e3 * timeout_s))):
            return payloads
        for _ in range(MAX_AT_ONCE):
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                if len(parts) != 1:
                    raise FeedbackError(f"{len(parts)} message parts")
                payloads.append(unpack_feedback(parts[0]))
            except FeedbackError:
                self.counters["malformed"] += 1
        self.counters["received"] += len(payloads)
        return payloads

    def close(self) -> None:
        """Close; may be called twice."""
        self._socket.close()


class FeedbackRelay:
    """Passes feedback on with a delay and losses, as a slow and lossy return channel would.

    Args:
        listen: address to bind, where the receiver of the link sends to.
        forward: where the transmitter is bound.
        delay_s: float >= 0.
        loss: float in [0, 1], probability that a message is lost.
        seed: int.
    Attributes:
        counters: Counter of lost.
    Source: ours.
    """

    def __init__(
        self, listen: str, forward: str, delay_s: float = 0.0, loss: float = 0.0, seed: int = 1
    ):
        if not 0 <= delay_s < 3600:
            raise ValueError(f"delay_s must be in 0..3600, got {delay_s}")
        if not 0 <= loss <= 1:
            raise ValueError(f"loss must be in 0..1, got {loss}")
        self.counters: Counter[str] = Counter()
        self._delay_s, self._loss = delay_s, loss
        self._rng = np.random.default_rng(seed)
        self._waiting: deque[tuple[float, bytes]] = deque(maxlen=4096)
        self.receiver = FeedbackReceiver(listen)
        try:
            self.sender = FeedbackSender(forward)
        except FrontEndError:
            self.receiver.close()
            raise

    def step(self, timeout_s: float = 0.0) -> None:
        """Take what came and pass on what is due; waits at most `timeout_s` for either."""
        if self._waiting:
            timeout_s = min(timeout_s, max(0.0, self._waiting[0][0] - time.monotonic()))
        for payload in self.receiver.receive(timeout_s):
            if self._rng.random() < self._loss:
                self.counters["lost"] += 1
            else:
                self._waiting.append((time.monotonic() + self._delay_s, payload))
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self.sender.send(self._waiting.popleft()[1])

    def close(self) -> None:
        """Close both ends; may be called twice."""
        self.receiver.close()
        self.sender.close()
