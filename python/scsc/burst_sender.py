# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts to the streams of both antennas, with silence between them."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
import pmt

from scsc_core.radio import keys
from scsc_core.radio.front_end import N_ANTENNAS

from .frame_meta import BadFrame
from .stream_block import BURST_TAG, STREAM_BUFFER, stream_block
from .supervisor import supervised

TICK_S = 0.001  # silence given at a time while no burst waits
TAIL_SAMPLES = 20_000  # zeros behind the last burst, so that those behind empty


class burst_sender(stream_block):
    """Sends bursts on the streams of both antennas and asks for the next one in time.

    Bursts follow each other with a gap of zeros. Where none is there silence passes at the sample
    rate of the clock on the wall; bursts go as fast as the blocks behind take them. The time of the
    stream, one sample period each, is the transmitter's clock: port slot tells it, together with
    the number of bursts that may have been sent by then.

    Message ports:
        burst (in): c32 [n_tx, n_samples] from ofdm_modulator; the one with `last` ends the stream.
        slot (out): dict time_s, granted.
        status (out): dict of frames, dropped, time_s.
    Tags:
        scsc_burst on output 0, first sample of each burst: its length in samples.

    Args:
        sample_rate_hz: float > 0.
        gap_samples: int >= 64, zeros between two bursts.
        queue_bursts: int >= 1, bursts asked for ahead. One fewer makes channel knowledge younger, one
            more bridges a busy computer.
    Raises:
        ValueError: a number out of range.
    Source: waveform.md sections 5 and 13.
    """

    def __init__(self, sample_rate_hz=1e6, gap_samples=128, queue_bursts=2):
        for name, value, low in (
            ("sample_rate_hz", sample_rate_hz, 1.0),
            ("gap_samples", gap_samples, 64),
            ("queue_bursts", queue_bursts, 1),
        ):
            if not value >= low:
                raise ValueError(f"{name} must be >= {low:g}, got {value}")
        super().__init__(
            "burst_sender", outputs=True, pdus=(keys.BURST,), messages_out=(keys.SLOT,)
        )
        self.counters["frames_sent"] = 0
        self._rate, self._gap = float(sample_rate_hz), int(gap_samples)
        self._granted = int(queue_bursts)
        self._bursts: deque[np.ndarray] = deque()
        self._rest = _silence(0)  # of what is going out
        self._samples = 0  # given so far: the time of the stream
        self._over = False
        self._arrived = threading.Condition()
        self.set_max_output_buffer(STREAM_BUFFER)

    def start(self):
        """Ask for the first bursts."""
        super().start()
        self._rest, self._over = _silence(0), False
        self._ask()
        return True

    def on_burst(self, samples, meta):
        """Queue one burst."""
        if len(samples) != N_ANTENNAS:
            raise BadFrame(f"a burst must have {N_ANTENNAS} antennas, got {len(samples)}")
        with self._arrived:
            self._bursts.append(samples)
            self._arrived.notify()

    @supervised
    def general_work(self, input_items, output_items):
        """Give the rest of a burst and its gap, the next burst, or silence."""
        if not self._rest.shape[1]:
            if self._over:
                return -1
            self._rest = self._next()
        n = min(len(output_items[0]), self._rest.shape[1])
        for output, row in zip(output_items, self._rest):
            output[:n] = row[:n]
        self._rest = self._rest[:, n:]
        self._samples += n
        return n

    def _next(self) -> np.ndarray:
        with self._arrived:
            if not self._bursts and not self._last_seen:
                self._arrived.wait(TICK_S)
            over = self._last_seen  # read first: the last burst is queued before
            burst = self._bursts.popleft() if self._bursts else None
            self._over = burst is None and over
        if burst is not None:
            return self._begin(burst)
        if not self._over:
            self._ask()
        return _silence(TAIL_SAMPLES if self._over else round(TICK_S * self._rate))

    def _begin(self, burst: np.ndarray) -> np.ndarray:
        """The burst with its gap; its tag goes to the sample that is given next."""
        whole = np.concatenate([burst, _silence(self._gap)], axis=1)
        length = pmt.from_long(burst.shape[1])
        self.add_item_tag(0, self.nitems_written(0), BURST_TAG, length)
        self.counters["frames_sent"] += 1
        self._granted += 1
        self._ask(whole.shape[1])
        return whole

    def _ask(self, ahead: int = 0) -> None:
        """Tell when the next burst would begin, and how many may come."""
        time_s = (self._samples + ahead) / self._rate
        self.counters[keys.TIME_S] = time_s
        self.publish_dict(keys.SLOT, {keys.TIME_S: time_s, keys.GRANTED: self._granted})
        self.publish_status()


def _silence(n: int) -> np.ndarray:
    return np.zeros((N_ANTENNAS, n), np.complex64)
