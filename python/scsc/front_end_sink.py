# SPDX-License-Identifier: GPL-3.0-or-later
"""The streams of both antennas to a radio, another process or a recording."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
import pmt

from scsc_core.radio.front_end import N_ANTENNAS

from .front_end_block import front_end_block
from .stream_block import BURST_TAG, common_items
from .supervisor import supervised

QUEUE_BURSTS = 2  # more would only make channel knowledge older
_WAIT_S = 0.05  # no call of work may block for long: the flowgraph could not be stopped
_FLUSH_S = 2.0
_MAX_BURST = 1 << 20


class front_end_sink(front_end_block):
    """Sends the bursts of both antennas through a front end: ZMQ, a USRP, or a SigMF recording.

    What lies between the bursts is dropped; the front end makes its own gaps, and times where the
    radio wants them. Levels: a burst has unit mean power and leaves at 0.30 rms of full scale for
    each antenna.

    Message ports:
        status (out): dict of frames (bursts sent), dropped, and the front end's events (late,
            underflow, clip and others).
    Tags:
        scsc_burst on input 0: where a burst begins, and how many samples it has.

    Args:
        kind: "zmq" (binds), "uhd" (USRP), "file" (records) or "sim".
        rate_hz: float > 0, sample rate.
        frequency_hz: float > 0, carrier.
        options: dict of the other options of that kind (docs/front_ends.md), or None.
    Raises:
        ValueError: an unknown kind or option, or an impossible value.
        FrontEndError: the kind needs a package that is missing.
    Note: not run on a radio yet.
    Source: waveform.md section 13.
    """

    direction = "tx"
    _thread: threading.Thread | None = None

    @supervised
    def start(self):
        """Open the front end, and the thread that may wait for it."""
        super().start()
        self._bursts: deque[np.ndarray] = deque()
        self._burst: np.ndarray | None = None  # that is coming in
        self._filled = 0
        self._stop = False
        self._changed = threading.Condition()
        self.open_device()
        self._thread = threading.Thread(target=self._run, name="scsc_front_end_tx", daemon=True)
        self._thread.start()
        return True

    @supervised
    def stop(self):
        """Let the last bursts leave, and close the front end."""
        if self._thread is None:
            return True
        with self._changed:
            if not self.supervisor.stopping:
                self._changed.wait_for(lambda: not self._bursts, _FLUSH_S)
            self._stop = True
            self._changed.notify_all()
        if not self.supervisor.stopping and not self._bursts:
            self.device.flush(_FLUSH_S)
        self.close_device()
        self._thread.join()
        self._thread = None
        self.count_events()
        return True

    @supervised
    def general_work(self, input_items, output_items):
        """Take samples up to the end of a burst."""
        with self._changed:
            if len(self._bursts) >= QUEUE_BURSTS:
                self._changed.wait(_WAIT_S)
                if len(self._bursts) >= QUEUE_BURSTS:
                    return 0
        n = common_items(input_items)
        if self._burst is None:
            self.consume_each(self._find_burst(n))
            return 0
        n = min(n, self._burst.shape[1] - self._filled)
        for row, stream in zip(self._burst, input_items):
            row[self._filled : self._filled + n] = stream[:n]
        self._filled += n
        if self._filled == self._burst.shape[1]:
            with self._changed:
                self._bursts.append(self._burst)
                self._changed.notify_all()
            self._burst = None
        self.consume_each(n)
        return 0

    def _find_burst(self, n: int) -> int:
        """Samples in front of the next burst, all n when none begins in them."""
        first = self.nitems_read(0)
        tags = sorted(
            (tag.offset - first, pmt.to_long(tag.value))
            for tag in self.get_tags_in_window(0, 0, n, BURST_TAG)
            if pmt.is_integer(tag.value)
        )
        if not tags:
            return n
        offset, length = tags[0]
        if not 0 < length <= _MAX_BURST:
            self.counters["dropped"] += 1
            return offset + 1
        self._burst, self._filled = np.empty((N_ANTENNAS, length), np.complex64), 0
        return offset

    def _run(self):
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._bursts or self._stop)
                    if self._stop:
                        return
                    burst = self._bursts[0]
                self.device.tx_burst(burst)
                with self._changed:
                    self._bursts.popleft()
                    self._changed.notify_all()
                self.counters["frames"] += 1
                self.count_events()
        except BaseException as error:
            if not (self._stop or self.supervisor.stopping):
                self.supervisor.fail(error)
