# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end `uhd`: a two-channel USRP with timed bursts. Not run on a radio yet."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import numpy as np
from gnuradio import gr

from scsc_core.radio.events import Event, EventLog
from scsc_core.radio.front_end import FrontEndError, RxChunk, check_burst
from scsc_core.radio.levels import scale_burst
from scsc_core.radio.options import UhdOptions
from scsc_core.radio.sim import check_count

from .uhd_blocks import async_listener, burst_source, sample_collector
from .uhd_device import UhdDevice, gr_uhd

_log = logging.getLogger("gnuradio.scsc")
_MIN_LEAD_S = 0.005  # a burst nearer than that would be late at the device
_CLOCK_AGE_S = 1.0  # asking the device for its time costs a round trip; 10 ppm in 1 s are 10 us
_MAX_AHEAD_S = 60.0
# codes of gr-uhd -> kinds of events
_CODES = {
    "underflow": "underflow",
    "underflow_in_packet": "underflow",
    "time_error": "late",
    "seq_error": "sequence",
    "seq_error_in_burst": "sequence",
}
_RESCHEDULE = ("underflow", "underflow_in_packet", "time_error")


class UhdFrontEnd:
    """Bursts at device times and continuous reception over one USRP.

    Both antennas are in one source and one sink. A burst leaves `lead_s` from now or, where others wait,
    behind them with the gap; after `underflow` or `late` those that wait are moved to `lead_s` from then
    on. Bursts end with zeros so that the radio's filters empty.

    Args:
        options: UhdOptions.
        api: gnuradio.uhd, or a stand-in for tests.
    Attributes:
        acknowledged: int, bursts that the radio reported as sent (one report per channel group).
        device: UhdDevice.
    Note: written from the documentation and tested against a stand-in; nobody has run it on
        hardware yet.
    Source: waveform.md section 13.
    """

    kind = "uhd"

    def __init__(self, options: UhdOptions | None = None, api: Any = None):
        self.options = options or UhdOptions()
        self.rate_hz, self.frequency_hz = self.options.rate_hz, self.options.frequency_hz
        directions = {"tx": {"tx", "timed"}, "rx": {"rx"}}
        directions["both"] = directions["tx"] | directions["rx"] | {"full_duplex"}
        self.capabilities = frozenset(directions[self.options.direction])
        self.acknowledged = 0
        self.device: UhdDevice | None = None
        self._api = api
        self._log = EventLog()
        self._top: gr.top_block | None = None
        self._bursts: burst_source | None = None
        self._collector: sample_collector | None = None
        self._listener: async_listener | None = None
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._next_s: float | None = None  # earliest time of the next burst; None: lead_s from now
        self._clock = (0.0, -1e9)  # device time and the computer's time at the last look

    def open(self) -> None:
        """Set up the device and start streaming; FrontEndError names what is wrong and the cure."""
        self.device = UhdDevice(self.options, self._api or gr_uhd())
        self.device.open()
        self._top = gr.top_block("scsc_uhd")
        if self.device.source is not None:
            self._collector = sample_collector(
                self.rate_hz, self.options.buffer_samples, self._log.add, self._fail
            )
            for channel in (0, 1):
                self._top.connect((self.device.source, channel), (self._collector, channel))
        if self.device.sink is not None:
            self._bursts = burst_source(self.options.buffer_samples, self._fail)
            self._listener = async_listener(self._report, self._fail)
            for channel in (0, 1):
                self._top.connect((self._bursts, channel), (self.device.sink, channel))
            self._top.msg_connect((self.device.sink, "async_msgs"), (self._listener, "async_msgs"))
        self._top.start()

    def tx_burst(self, x: np.ndarray, at: float | None = None) -> None:
        """As FrontEnd.tx_burst; the time of a burst is that of its first sample."""
        if self._bursts is None:
            raise FrontEndError(self.kind, "is not open for sending", "set direction tx or both")
        self._check()
        x = check_burst(x, self.options.buffer_samples - self.options.pad_samples)
        scaled = scale_burst(x, self.options.backoff_db)
        padded = np.pad(scaled.samples, ((0, 0), (0, self.options.pad_samples)))
        if not self._bursts.wait_for_room(padded.shape[1], self.options.timeout_s):
            raise FrontEndError(
                self.kind, "the radio takes no samples any more", "reset it and start again"
            )
        self._check()
        time_s, late = self._schedule(at, padded.shape[1])
        self._log.add("clip", time_s, scaled.clip_count)
        self._log.add("late", time_s, int(late), "before it went to the radio")
        self._bursts.send(padded, time_s)

    def _schedule(self, at: float | None, n: int) -> tuple[float, bool]:
        """Time of a burst of n samples, and whether the wanted one could not be met."""
        now = self.now()
        if at is not None and not 0 <= at <= now + _MAX_AHEAD_S:
            raise ValueError(f"at must be in 0..now + {_MAX_AHEAD_S:g} s, got {at}")
        with self._lock:
            slot = max(now + self.options.lead_s, self._next_s or 0.0)
            gap_s = self.options.gap_samples / self.rate_hz
            earliest = now + _MIN_LEAD_S
            if self._next_s is not None:
                earliest = max(earliest, self._next_s - gap_s)
            late = at is not None and at < earliest
            time_s = slot if at is None or late else at
            self._next_s = time_s + n / self.rate_hz + gap_s
        return time_s, late

    def flush(self, timeout_s: float) -> bool:
        """As FrontEnd.flush: every burst is with the driver, and its time has passed."""
        if self._bursts is None:
            return True
        deadline = time.monotonic() + timeout_s
        if not self._bursts.drained(timeout_s):
            return False
        remaining = (self._next_s or 0.0) - self.now()
        wait_s = min(max(remaining, 0.0), max(deadline - time.monotonic(), 0.0))
        time.sleep(wait_s)
        return wait_s >= remaining

    def read(self, n: int, timeout_s: float) -> RxChunk:
        """As FrontEnd.read."""
        if self._collector is None:
            raise FrontEndError(self.kind, "is not open for receiving", "set direction rx or both")
        check_count(n)
        self._check()
        return self._collector.read(n, timeout_s)

    def events(self) -> list[Event]:
        """As FrontEnd.events."""
        return self._log.take()

    def now(self) -> float:
        """Device time, looked up once a second and counted on by the computer's clock between."""
        if self.device is None:
            return 0.0
        here = time.monotonic()
        device_s, asked = self._clock
        if here - asked > _CLOCK_AGE_S:
            device_s = self.device.sides[0][1].get_time_now().get_real_secs()
            asked = time.monotonic()
            self._clock = (device_s, asked)
        return device_s + time.monotonic() - asked

    def set_gain(self, tx_db: float, rx_db: float) -> None:
        """Set both gains; FrontEndError outside the range."""
        if self.device is not None:
            self.device.set_gains(tx_db, rx_db)

    def close(self) -> None:
        """Stop streaming and let go of the device."""
        for block in (self._bursts, self._collector):
            if block is not None:
                block.finish()
        if self._top is not None:
            self._top.stop()
            self._top.wait()
        self._top = self._bursts = self._collector = self._listener = self.device = None

    def _report(self, code: str, time_s: float | None, channel: int | None) -> None:
        """Count a message about bursts; bursts after a missed time are moved."""
        if code == "burst_ack":
            self.acknowledged += 1
            return
        if code not in _CODES:
            _log.warning("unknown message %r of the radio", code)
            return
        moment = self.now() if time_s is None else time_s
        self._log.add(_CODES[code], moment, 1, f"channel {channel}")
        if code in _RESCHEDULE:
            with self._lock:
                self._reschedule()

    def _reschedule(self) -> None:
        """Move what waits, and what comes, behind `lead_s` from now; nothing is moved forward."""
        delay_s = self._bursts.postpone(self.now() + self.options.lead_s)
        if delay_s and self._next_s is not None:
            self._next_s += delay_s
        elif self._bursts.drained(0.0):
            self._next_s = None

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
