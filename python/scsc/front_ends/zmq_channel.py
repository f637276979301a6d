# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel process between a transmitter and a receiver of the virtual radio."""

from __future__ import annotations

from collections.abc import Callable

from scsc_core.radio.events import EventLog
from scsc_core.radio.front_end import SampleChannel, no_samples
from scsc_core.radio.sim import through

from .zmq_stream import SampleSink, SampleSource

MAX_CHUNK = 1 << 16  # samples of one pass: bounds the delay that the channel adds
_POLL_S = 0.1


class ZmqChannel:
    """Passes samples from a transmitter through a channel to a receiver, on demand.

    Nothing waits here: a request of the receiver becomes one to the transmitter, so the slowest of
    the three sets the pace and no queue can grow.

    Args:
        channel: SampleChannel in link units, or None: samples pass unchanged.
        tx_address: where the transmitter is bound.
        rx_address: to bind for the receiver.
    Attributes:
        samples: int, samples per antenna passed on.
        log: EventLog of both sides.
    Source: waveform.md section 13.
    """

    def __init__(self, channel: SampleChannel | None, tx_address: str, rx_address: str):
        self.channel, self.samples = channel, 0
        self.log = EventLog()
        self.source = SampleSource(tx_address, self.log)
        self.sink = SampleSink(rx_address, self.log)
        self._held = no_samples()

    def open(self) -> None:
        """Bind and connect; FrontEndError when the address is taken."""
        self.sink.open()
        self.source.open()

    def step(self, timeout_s: float = _POLL_S) -> int:
        """Answer one request; how many samples went on, 0 when nobody asks or nobody sends."""
        wanted = self.sink.poll(timeout_s)
        if wanted is None:
            return 0
        if self._held.shape[1] == 0:
            samples, _ = self.source.read(min(wanted, MAX_CHUNK), timeout_s)
            self._held = through(self.channel, samples) if samples.shape[1] else samples
        if self._held.shape[1] == 0 or not self.sink.reply(self._held[:, :wanted]):
            return 0
        count = min(wanted, self._held.shape[1])
        self._held = self._held[:, wanted:]
        self.samples += count
        return count

    def run(self, stopping: Callable[[], bool]) -> None:
        """Pass samples on until `stopping()`."""
        while not stopping():
            self.step()

    def close(self) -> None:
        """Close both sides; may be called twice."""
        self.source.close()
        self.sink.close()
