# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end `zmq`: a virtual radio between processes or hosts."""

from __future__ import annotations

import threading
import time

import numpy as np

from scsc_core.radio.events import Event, EventLog
from scsc_core.radio.front_end import FrontEndError, RxChunk, check_burst, no_samples
from scsc_core.radio.levels import scale_burst
from scsc_core.radio.options import ZmqOptions
from scsc_core.radio.sim import LEAD_S, check_count, start_index
from scsc_core.radio.timeline import BurstTimeline, Pacer, WallClock

from .zmq_stream import SampleSink, SampleSource

_POLL_S = 0.02
_IDLE_S = 0.05  # without a burst for so long the tail is sent


class ZmqFrontEnd:
    """Sends samples to and receives them from other processes.

    The transmitter binds `tx_address` and is asked for samples there; the receiver asks at
    `rx_address`. Time is counted in samples and stands still while nobody asks or, without
    `realtime`, while there is no burst. Behind a burst come its gap at once, and `tail_samples`
    zeros when no other burst follows, so that the receiver is done with it.

    Args:
        options: ZmqOptions.
        clock: stand-in for the clock of `realtime`, for tests.
    Source: waveform.md section 13.
    """

    kind = "zmq"

    def __init__(self, options: ZmqOptions | None = None, clock: WallClock | None = None):
        self.options = options or ZmqOptions()
        self.rate_hz, self.frequency_hz = self.options.rate_hz, self.options.frequency_hz
        directions = {"tx": {"tx", "timed"}, "rx": {"rx"}}
        directions["both"] = directions["tx"] | directions["rx"] | {"full_duplex"}
        self.capabilities = frozenset(directions[self.options.direction])
        self._clock = clock
        self._log = EventLog()
        self._timeline = BurstTimeline(self.options.gap_samples, self.options.buffer_samples)
        self._sink: SampleSink | None = None
        self._source: SampleSource | None = None
        self._pacer: Pacer | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._index, self._opened = 0, 0.0
        self._tail_left = 0

    def open(self) -> None:
        """Bind and connect; the peers may come later."""
        self._opened = time.monotonic()
        if self.options.receives:
            self._source = SampleSource(self.options.rx_address, self._log, self.now)
            self._source.open()
        if self.options.sends:
            self._sink = SampleSink(self.options.tx_address, self._log, self.now)
            self._sink.open()
            if self.options.realtime:
                self._pacer = Pacer(self.rate_hz, self._clock)
            self._thread = threading.Thread(target=self._serve, name="scsc_zmq_tx", daemon=True)
            self._thread.start()

    def tx_burst(self, x: np.ndarray, at: float | None = None) -> None:
        """As FrontEnd.tx_burst; waits while the buffer is full because nobody asks."""
        self._check_sender()
        x = check_burst(x, self.options.buffer_samples)
        scaled = scale_burst(x, self.options.backoff_db)
        start = start_index(at, self.now(), self.rate_hz)
        earliest = self._pacer.index() + int(LEAD_S * self.rate_hz) if self._pacer else 0
        placed = self._timeline.place(scaled.samples, start, self.options.timeout_s, earliest)
        if placed is None:
            self._check_sender()
            raise FrontEndError(
                self.kind,
                f"nobody fetches samples at {self.options.tx_address}",
                "start the channel (scsc_channel.py) or the receiver, or raise timeout_s",
            )
        time_s = placed[0] / self.rate_hz
        self._log.add("clip", time_s, scaled.clip_count)
        self._log.add("late", time_s, int(placed[1]))

    def flush(self, timeout_s: float) -> bool:
        """As FrontEnd.flush; the tail of zeros counts too."""
        self._check_sender()
        tail = 0 if self._pacer else self.options.tail_samples
        end = self._timeline.end
        return self._timeline.passed(end and end + self.options.gap_samples + tail, timeout_s)

    def read(self, n: int, timeout_s: float) -> RxChunk:
        """As FrontEnd.read; FrontEndError when no peer came within `timeout_s` of the opening."""
        if self._source is None:
            raise FrontEndError(self.kind, "is not open for receiving", "set direction rx or both")
        check_count(n)
        samples, lost = self._source.read(n, timeout_s)
        limit = self.options.timeout_s
        if not self._source.ever_connected and limit and time.monotonic() - self._opened > limit:
            raise FrontEndError(
                self.kind,
                f"no peer at {self.options.rx_address} within {limit:g} s",
                "start the transmitter and the channel (scsc_channel.py), or raise timeout_s",
            )
        index = self._index
        self._index += samples.shape[1]
        return RxChunk(samples, index, index / self.rate_hz, lost)

    @property
    def connected(self) -> bool:
        """Whether every peer that is needed is there."""
        ends = [end for end in (self._source, self._sink) if end is not None]
        return bool(ends) and all(end.connected for end in ends)

    def events(self) -> list[Event]:
        """As FrontEnd.events."""
        return self._log.take()

    def now(self) -> float:
        """Sample time: of the clock with `realtime`, else of the last sample sent or received."""
        if self._pacer is not None:
            return self._pacer.index() / self.rate_hz
        return max(self._timeline.position, self._index) / self.rate_hz

    def set_gain(self, tx_db: float, rx_db: float) -> None:
        """There is no gain to set."""

    def close(self) -> None:
        """End the thread and close the sockets."""
        self._stop.set()
        self._timeline.close()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._sink = None
        if self._source is not None:
            self._source.close()
            self._source = None

    def _check_sender(self) -> None:
        if self._error is not None:
            raise self._error
        if self._thread is None:
            raise FrontEndError(self.kind, "is not open for sending", "set direction tx or both")

    def _serve(self) -> None:
        """Answer requests until the end; runs in its own thread, which owns the socket."""
        sink = self._sink
        held = no_samples()
        try:
            while not self._stop.is_set():
                wanted = sink.poll(_POLL_S)
                if wanted is None:
                    continue
                if held.shape[1] == 0:
                    held = self._next(wanted)
                if held.shape[1] and sink.reply(held[:, :wanted]):
                    held = held[:, wanted:]
        except BaseException as error:  # reported by the next call of the sender
            self._error = error
            self._timeline.close()
        finally:
            sink.close()

    def _next(self, n: int) -> np.ndarray:
        """The next samples, at most n; none when there are none yet."""
        timeline = self._timeline
        if self._pacer is not None:
            exist = self._pacer.wait(timeline.position + n, _POLL_S)
            return timeline.take(min(n, max(0, exist - timeline.position)))
        gap_end = timeline.end + self.options.gap_samples if timeline.end else 0
        ready = gap_end - timeline.position
        if ready > 0:
            self._tail_left = self.options.tail_samples
            return timeline.take(min(n, ready))
        if not timeline.wait(_IDLE_S if self._tail_left else _POLL_S) and self._tail_left:
            count = min(n, self._tail_left)
            self._tail_left -= count
            return timeline.take(count)
        return no_samples()
