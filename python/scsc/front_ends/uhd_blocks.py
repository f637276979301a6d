# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio blocks between the front end `uhd` and gr-uhd: bursts out, samples in, messages in."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from scsc_core.radio.front_end import RxChunk, no_samples

LENGTH_TAG = "packet_len"
_WAIT_S = 0.05  # no call of work may block for long: the flowgraph could not be stopped
_ASYNC_PORT = "async_msgs"


def time_tuple(time_s: float) -> Any:
    """PMT of a device time: (uint64 seconds, double fraction)."""
    whole = int(time_s)
    return pmt.make_tuple(pmt.from_uint64(whole), pmt.from_double(time_s - whole))


def from_time_pmt(value: Any) -> float:
    """Seconds of a tuple or pair of whole and fractional seconds."""
    if pmt.is_tuple(value):
        return pmt.to_uint64(pmt.tuple_ref(value, 0)) + pmt.to_double(pmt.tuple_ref(value, 1))
    return float(pmt.to_python(pmt.car(value))) + pmt.to_double(pmt.cdr(value))


class burst_source(gr.sync_block):
    """Streams of both antennas that hold nothing but bursts, tagged for usrp_sink.

    The first sample of a burst carries `tx_time` and `packet_len` on output 0, the only one whose
    tags usrp_sink reads. Between bursts there are no samples: with a length tag usrp_sink drops
    what is outside.

    Args:
        limit_samples: int, samples that may wait.
        failed: function that is told an exception.
    Source: waveform.md section 13, rules of uhd.
    """

    def __init__(self, limit_samples: int, failed: Callable[[BaseException], None]):
        gr.sync_block.__init__(self, "scsc_burst_source", None, [np.complex64] * 2)
        self._limit, self._failed = limit_samples, failed
        self._bursts: deque[tuple[np.ndarray, float]] = deque()
        self._offset = self._waiting = 0
        self._stopping = False
        self._changed = threading.Condition()
        self.set_min_output_buffer(1 << 16)

    def send(self, x: np.ndarray, time_s: float) -> None:
        """Queue a burst complex64 [2, n] for a device time."""
        with self._changed:
            self._bursts.append((x, time_s))
            self._waiting += x.shape[1]
            self._changed.notify_all()

    def postpone(self, earliest_s: float) -> float:
        """Move bursts that were not begun so that none is before a time; by how many seconds."""
        with self._changed:
            begun = [self._bursts.popleft()] if self._offset else []
            first_s = self._bursts[0][1] if self._bursts else earliest_s
            delay_s = max(0.0, earliest_s - first_s)
            moved = [(x, time_s + delay_s) for x, time_s in self._bursts]
            self._bursts = deque(begun + moved)
        return delay_s

    def wait_for_room(self, n: int, timeout_s: float | None) -> bool:
        """Wait until n samples more may wait; False when there was no room in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._stopping or self._waiting + n <= self._limit, timeout_s
            )

    def drained(self, timeout_s: float) -> bool:
        """Wait until every burst went on to the radio's driver."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._bursts, timeout_s)

    def finish(self) -> None:
        """End the stream."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def work(self, input_items, output_items):
        """Give the next part of a burst."""
        try:
            return self._work(output_items)
        except BaseException as error:
            self._failed(error)
            return -1

    def _work(self, output_items):
        with self._changed:
            if not self._bursts:
                self._changed.wait(_WAIT_S)
            if self._stopping:
                return -1
            if not self._bursts:
                return 0
            x, time_s = self._bursts[0]
            if self._offset == 0:
                start = self.nitems_written(0)
                self.add_item_tag(0, start, pmt.intern("tx_time"), time_tuple(time_s))
                length = pmt.from_long(x.shape[1])
                self.add_item_tag(0, start, pmt.intern(LENGTH_TAG), length)
            n = min(len(output_items[0]), x.shape[1] - self._offset)
            for output, row in zip(output_items, x):
                output[:n] = row[self._offset : self._offset + n]
            self._offset += n
            self._waiting -= n
            if self._offset == x.shape[1]:
                self._bursts.popleft()
                self._offset = 0
            self._changed.notify_all()
        return n


class sample_collector(gr.sync_block):
    """Keeps the samples of both antennas until they are read, and notices lost ones.

    usrp_source repeats the tag `rx_time` behind every overflow; the jump of the time tells how many
    samples were lost. When the reader is slow the oldest samples give way; nobody misses what came before the
    first read, while a program was still loading.

    Args:
        rate_hz: float, to turn times into sample counts.
        limit_samples: int, samples that may wait.
        event: function(kind, time_s, count, detail) that counts what happens.
        failed: function that is told an exception.
    Source: waveform.md section 13, rules of uhd.
    """

    def __init__(
        self,
        rate_hz: float,
        limit_samples: int,
        event: Callable[..., None],
        failed: Callable[[BaseException], None],
    ):
        gr.sync_block.__init__(self, "scsc_sample_collector", [np.complex64] * 2, None)
        self._rate, self._limit = rate_hz, limit_samples
        self._event, self._failed = event, failed
        self._parts: deque[tuple[int, np.ndarray, bool]] = deque()  # index, samples, lost before
        self._waiting = self._index = 0
        self._start_s: float | None = None
        self._was_read = self._stopping = False
        self._changed = threading.Condition()

    def work(self, input_items, output_items):
        """Keep the samples, split where some were lost."""
        try:
            if self._stopping:
                return -1
            self._keep(np.stack(input_items))
            return len(input_items[0])
        except BaseException as error:
            self._failed(error)
            return -1

    def _keep(self, samples: np.ndarray) -> None:
        n, first = samples.shape[1], self.nitems_read(0)
        tags = self.get_tags_in_window(0, 0, n, pmt.intern("rx_time"))
        times = sorted((tag.offset - first, from_time_pmt(tag.value)) for tag in tags)
        borders = [offset for offset, _ in times] + [n]
        with self._changed:
            self._append(samples[:, : borders[0]], False)
            for (begin, time_s), end in zip(times, borders[1:]):
                self._append(samples[:, begin:end], self._jump(time_s))
            self._drop_oldest()
            self._changed.notify_all()

    def _jump(self, time_s: float) -> bool:
        """Set the sample count by a time tag; whether samples were lost."""
        if self._start_s is None:
            self._start_s = time_s - self._index / self._rate
            return False
        index = round((time_s - self._start_s) * self._rate)
        lost = index - self._index
        if lost < 0:
            self._event("timing", time_s, 1, f"{-lost} samples back")
            self._start_s = time_s - self._index / self._rate
            return True
        if lost:
            self._event("overflow", time_s, 1, f"{lost} samples lost")
            self._index = index
        return lost > 0

    def _append(self, samples: np.ndarray, lost_before: bool) -> None:
        if samples.shape[1]:
            self._parts.append((self._index, samples, lost_before))
            self._index += samples.shape[1]
            self._waiting += samples.shape[1]

    def _drop_oldest(self) -> None:
        dropped = 0
        while self._waiting > self._limit and len(self._parts) > 1:
            dropped += self._parts.popleft()[1].shape[1]
            self._waiting = sum(part[1].shape[1] for part in self._parts)
        if dropped and self._was_read:
            index, samples, _ = self._parts[0]
            self._parts[0] = (index, samples, True)
            time_s = self._time(index)
            self._event("overflow", time_s, 1, f"{dropped} samples not read in time")

    def read(self, n: int, timeout_s: float) -> RxChunk:
        """Up to n samples without a loss among them."""
        with self._changed:
            self._was_read = True
            self._changed.wait_for(lambda: self._parts or self._stopping, timeout_s)
            if not self._parts:
                return RxChunk(no_samples(), self._index, self._time(self._index))
            first, _, lost = self._parts[0]
            taken: list[np.ndarray] = []
            count = 0
            while self._parts and count < n and not (taken and self._parts[0][2]):
                index, samples, before = self._parts.popleft()
                part = samples[:, : n - count]
                if part.shape[1] < samples.shape[1]:
                    rest = samples[:, part.shape[1] :]
                    self._parts.appendleft((index + part.shape[1], rest, False))
                taken.append(part)
                count += part.shape[1]
            self._waiting -= count
        return RxChunk(np.concatenate(taken, axis=1), first, self._time(first), lost)

    def _time(self, index: int) -> float:
        return (self._start_s or 0.0) + index / self._rate

    def finish(self) -> None:
        """Let go of the reader."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()


class async_listener(gr.basic_block):
    """Tells what usrp_sink reports about bursts: burst_ack, underflow, time_error and others.

    Args:
        report: function(code: str, time_s: float | None, channel: int | None).
        failed: function that is told an exception.
    Source: gr-uhd, message port async_msgs.
    """

    def __init__(self, report: Callable[..., None], failed: Callable[[BaseException], None]):
        gr.basic_block.__init__(self, "scsc_async_listener", None, None)
        self._report, self._failed = report, failed
        self.message_port_register_in(pmt.intern(_ASYNC_PORT))
        self.set_msg_handler(pmt.intern(_ASYNC_PORT), self._handle)

    def _handle(self, message) -> None:
        try:
            content = pmt.cdr(message) if pmt.is_pair(message) else message
            nil = pmt.PMT_NIL
            codes = pmt.to_python(pmt.dict_ref(content, pmt.intern("event_code"), nil))
            moment = pmt.dict_ref(content, pmt.intern("time_spec"), nil)
            channel = pmt.to_python(pmt.dict_ref(content, pmt.intern("channel"), nil))
            time_s = None if pmt.is_null(moment) else from_time_pmt(moment)
            for code in [codes] if isinstance(codes, str) else codes or []:
                self._report(str(code), time_s, channel)
        except BaseException as error:
            self._failed(error)
