# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiving station: samples of a front end in, pictures and feedback out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from .counters_board import CountersBoard
from .front_end import FrontEnd, no_samples
from .station_clock import ArrivalClock

# Of one read: what waits here makes channel reports older, and each read costs some processor time.
_CHUNK_S = 0.002
_CHUNK_SAMPLES = (1024, 1 << 16)
_READ_S = 0.02
END_WAIT_S = 0.5  # behind an end frame: others of the same end, and late feedback
_BOARD_INTERVAL_S = 0.1


class FeedbackSink(Protocol):
    """Where feedback messages go to: FeedbackSender or FeedbackQueue."""

    counters: Counter

    def send(self, payload: bytes) -> bool:
        """Send without waiting; False when it was dropped."""

    def close(self) -> None:
        """Release it."""


class ReceiveStation:
    """Joins a WaveformReceiver with a front end, feedback and somebody who wants the pictures.

    Args:
        receiver: WaveformReceiver, its clock is `clock`.
        ofdm: OfdmReceiver, samples to frames.
        front_end: FrontEnd, open.
        clock: ArrivalClock.
        on_picture: function of a ReceivedPicture.
        on_frame: function of a ReceivedFrame that the receiver has taken.
        feedback: FeedbackSink, or None.
        board: CountersBoard.
        max_images: done after so many pictures; 0: no limit.
        stay: an end frame is not the end: another transmission may follow.
        sender_done: function that tells when the other end, in the same process, has sent all: then this
            one is done too, end frame heard or not.
        read_s: float >= 0, longest wait for samples; 0 for a simulation.
        end_wait_s: float >= 0, from an end frame, or from `sender_done`, to the end.
        now: the computer's clock.
    Attributes:
        done, progress_s: as Station; it gets on when it hears a frame.
        pictures: int, pictures so far, whole or damaged.
        ended: an end frame was heard, or the recording is over.
        counters: Counter of samples, discontinuities, transmissions_ended.
        newest: complex64 [2, n], the samples read last.
    """

    def __init__(
        self,
        receiver,
        ofdm,
        front_end: FrontEnd,
        clock: ArrivalClock,
        on_picture: Callable[[object], None] = lambda picture: None,
        on_frame: Callable[[object], None] = lambda frame: None,
        feedback: FeedbackSink | None = None,
        board: CountersBoard | None = None,
        max_images: int = 0,
        stay: bool = False,
        sender_done: Callable[[], bool] = lambda: False,
        read_s: float = _READ_S,
        end_wait_s: float = END_WAIT_S,
        now: Callable[[], float] = time.monotonic,
    ):
        if max_images < 0:
            raise ValueError(f"max_images must be >= 0, got {max_images}")
        self.receiver, self.ofdm, self.front_end, self.clock = receiver, ofdm, front_end, clock
        self.feedback, self.board = feedback, board or CountersBoard()
        self.counters: Counter[str] = Counter()
        self.pictures = 0
        self.newest = no_samples()
        self.ended = False
        self.done = False
        self._on_picture, self._on_frame = on_picture, on_frame
        self._max_images, self._stay, self._sender_done = max_images, stay, sender_done
        least, most = _CHUNK_SAMPLES
        self._chunk = min(max(round(_CHUNK_S * front_end.rate_hz), least), most)
        self._read_s, self._end_wait_s, self._now = read_s, end_wait_s, now
        self.progress_s = now()
        self._ended_s: float | None = None
        self._board_s = -1e9

    def step(self) -> None:
        """Read once and do what follows from it."""
        begin = self._now()
        chunk = self.front_end.read(self._chunk, self._read_s)
        n = chunk.samples.shape[1]
        self.newest = chunk.samples
        if chunk.discontinuity:
            self.counters["discontinuities"] += 1
            self._hear(self.ofdm.discontinuity())
        if n:
            self.counters["samples"] += n
            self.clock.arrived(chunk.sample_index, n)
            self._hear(self.ofdm.push(chunk.samples))
        else:
            self.clock.waiting.add(self._now() - begin, 0.0)
        self._take(self.receiver.poll())
        if chunk.end:
            self._hear(self.ofdm.flush())
            self.ended = self.done = True
        self._send_feedback()
        self._look_for_the_end()
        if self._now() - self._board_s >= _BOARD_INTERVAL_S:
            self._report()

    def finish(self) -> None:
        """Show what is still incomplete, and put up the last counters."""
        self._take(self.receiver.flush())
        self._report()

    @property
    def _enough(self) -> bool:
        return 0 < self._max_images <= self.pictures

    def _hear(self, frames: list) -> None:
        for frame in frames:
            self.progress_s = self._now()
            pictures = self.receiver.push_frame(frame)
            self._on_frame(frame)
            self._take(pictures)

    def _take(self, pictures: list) -> None:
        for picture in pictures:
            if self._enough:
                return
            self.pictures += 1
            self._on_picture(picture)

    def _send_feedback(self) -> None:
        for message in self.receiver.messages():
            if self.feedback is not None:
                self.feedback.send(message)

    def _look_for_the_end(self) -> None:
        """An end frame counts once no other frame followed for a while; then this end may go."""
        if self._enough:
            self.done = True
        if not (self.receiver.ended or self._sender_done()):
            self._ended_s = None
            return
        if self._ended_s is None:
            self._ended_s = self.clock()
            self.counters["transmissions_ended"] += 1
        if not self._stay and self.clock() - self._ended_s >= self._end_wait_s:
            self.ended = self.done = True

    def _report(self) -> None:
        self._board_s = self._now()
        values = {**self.receiver.counters, **self.counters, "pictures": self.pictures}
        values |= {f"ofdm_{name}": count for name, count in self.ofdm.counters.items()}
        values["snr_db"] = round(self.receiver.state.snr_db, 2)
        if self.feedback is not None:
            for name, count in self.feedback.counters.items():
                values[f"feedback_{name}"] = count
        self.board.update("rx", **values)
        self.board.add_events(self.front_end.events())
