# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: messages of the receiver to the transmitter."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np

from scsc_core.radio import keys

from .front_ends.zmq_feedback import FeedbackReceiver, FeedbackSender
from .message_block import message_block
from .supervisor import supervised

KINDS = ("memory", "zmq_send", "zmq_receive")
_WAIT_S = 0.05
_MAX_WAITING = 4096


class csi_link(message_block):
    """Carries channel reports and acknowledgements to the transmitter, late and with losses if wanted.

    In one flowgraph (memory), or between two: zmq_send beside the receiver connects to zmq_receive
    beside the transmitter, which binds. A message that nobody takes is dropped: late feedback is
    worthless.

    Message ports:
        feedback (in): u8, messages; not with zmq_receive.
        feedback (out): u8, messages that arrived; not with zmq_send.
        status (out): dict of frames, dropped, sent, received, malformed, lost.
        cmd (in): dict with delay_s, loss.

    Args:
        kind: "memory", "zmq_send" or "zmq_receive".
        address: str, tcp://HOST:PORT or ipc://PATH of the receiving end.
        delay_s: float 0..60, before a message goes on.
        loss: float 0..1, probability that a message is lost.
        seed: int >= 0, of the losses.
    Raises:
        ValueError: an unknown kind, a number out of range.
    Source: waveform.md section 7.
    """

    def __init__(
        self, kind="memory", address="tcp://127.0.0.1:5557", delay_s=0.0, loss=0.0, seed=1
    ):
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        self.set_delay_s(delay_s)
        self.set_loss(loss)
        super().__init__(
            "csi_link",
            pdus=(keys.FEEDBACK,),
            outputs=(keys.FEEDBACK,),
            settable=("delay_s", "loss"),
        )
        self._kind, self._address = kind, address
        self._rng = np.random.default_rng(seed)
        self._waiting: deque[tuple[float, bytes]] = deque(maxlen=_MAX_WAITING)
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._sender: FeedbackSender | None = None
        self._receiver: FeedbackReceiver | None = None
        self.counters["lost"] = 0

    def set_delay_s(self, delay_s):
        """Delay of the messages that come from now on."""
        if not 0 <= float(delay_s) <= 60:
            raise ValueError(f"delay_s must be in 0..60, got {delay_s}")
        self._delay_s = float(delay_s)

    def set_loss(self, loss):
        """Share of the messages that are lost from now on."""
        if not 0 <= float(loss) <= 1:
            raise ValueError(f"loss must be in 0..1, got {loss}")
        self._loss = float(loss)

    @supervised
    def start(self):
        """Open the sockets and the thread that waits for messages."""
        super().start()
        self._stop.clear()
        self._waiting.clear()
        if self._kind == "zmq_send":
            self._sender = FeedbackSender(self._address)
        if self._kind == "zmq_receive":
            self._receiver = FeedbackReceiver(self._address)
        self._thread = threading.Thread(target=self._run, name="scsc_csi_link", daemon=True)
        self._thread.start()
        return True

    @supervised
    def stop(self):
        """End the thread and close the sockets."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for end in (self._sender, self._receiver):
            if end is not None:
                end.close()
        return True

    def on_feedback(self, message, meta):
        """Take one message of the receiver."""
        self._take(message.tobytes())

    def idle(self):
        """True when no message waits."""
        return not self._waiting

    def _take(self, message: bytes) -> None:
        if self._rng.random() < self._loss:
            self.counters["lost"] += 1
            return
        with self._changed:
            self._waiting.append((time.monotonic() + self._delay_s, message))
            self._changed.notify()

    def _run(self):
        try:
            while not (self._stop.is_set() or self.supervisor.stopping):
                pause_s = _WAIT_S
                if self._waiting:
                    pause_s = min(pause_s, max(0.0, self._waiting[0][0] - time.monotonic()))
                self._wait(pause_s)
                while self._waiting and self._waiting[0][0] <= time.monotonic():
                    self._pass_message_on(self._waiting[0][1])
                    self._waiting.popleft()
                self._end_when_idle()
        except BaseException as error:
            self.supervisor.fail(error)

    def _wait(self, pause_s: float) -> None:
        """Wait for a message at most so long."""
        if self._receiver is not None:
            for message in self._receiver.receive(pause_s):
                self._take(message)
            self.counters.update(self._receiver.counters)
        else:
            with self._changed:
                if pause_s and (not self._waiting or self._waiting[0][0] > time.monotonic()):
                    self._changed.wait(pause_s)

    def _pass_message_on(self, message: bytes) -> None:
        if self._sender is not None:
            self._sender.send(message)
            self.counters.update({keys.SENT: self._sender.counters["sent"]})
            self.counters["dropped"] = self._sender.counters["dropped"]
        else:
            self.publish(keys.FEEDBACK, np.frombuffer(message, np.uint8), {})
        self.publish_status()
