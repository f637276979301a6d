# SPDX-License-Identifier: GPL-3.0-or-later
"""The transmitting station: pictures and feedback in, bursts out at a front end."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Protocol

from .counters_board import CountersBoard
from .front_end import FrontEnd
from .picture_feed import EncodedPicture, PictureFeed
from .station_clock import AirClock

AHEAD_S = 0.005  # of samples that wait at the front end: enough for the next burst to be in time
AHEAD_UNCLOCKED_S = 0.0005  # where sample time waits for the burst
_WAIT_S = 0.001  # between two looks when there is nothing to send
_SENT_KEPT = 64
_FLUSH_S = 0.1  # one wait for the last bursts to leave
_LEAVE_S = 1.0  # for the end frames of a transmission that is broken off
_BOARD_INTERVAL_S = 0.1


class FeedbackSource(Protocol):
    """Where feedback messages come from: FeedbackReceiver or FeedbackQueue."""

    counters: Counter

    def receive(self) -> list[bytes]:
        """Payloads that have come; does not wait."""

    def close(self) -> None:
        """Release it."""


class TransmitStation:
    """Joins a WaveformTransmitter with pictures, feedback and a front end.

    Bursts are made as late as the front end allows, `ahead_s` in front of the air, so that each uses
    the newest channel report. A peer that has gone only stops the samples: nothing queues up.

    Args:
        transmitter: WaveformTransmitter, its clock is `clock`.
        front_end: FrontEnd, open.
        feed: PictureFeed.
        clock: AirClock of the front end.
        feedback: FeedbackSource, or None.
        board: CountersBoard.
        ahead_s: float > 0.
        feedback_wait_s: float >= 0, how long pictures wait for the first feedback message: what is sent
            before is neither precoded nor sent again.
        now: the computer's clock.
    Attributes:
        done, progress_s: as Station.
        sent: {image_id: EncodedPicture} of the newest 64 pictures.
        counters: Counter of bursts, samples, pictures_too_large.
    """

    def __init__(
        self,
        transmitter,
        front_end: FrontEnd,
        feed: PictureFeed,
        clock: AirClock,
        feedback: FeedbackSource | None = None,
        board: CountersBoard | None = None,
        ahead_s: float = AHEAD_S,
        feedback_wait_s: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ):
        if not ahead_s > 0:
            raise ValueError(f"ahead_s must be > 0, got {ahead_s}")
        self.transmitter, self.front_end, self.feed = transmitter, front_end, feed
        self.clock, self.feedback, self.board = clock, feedback, board or CountersBoard()
        self.sent: OrderedDict[int, EncodedPicture] = OrderedDict()
        self.counters: Counter[str] = Counter()
        self._ahead_s, self._now = ahead_s, now
        self._ending = False
        self._hold_until_s = now() + feedback_wait_s
        self.done = False
        self.progress_s = now()
        self._waits = (-1.0, self.progress_s)  # device time at the last look, when it last moved
        self._board_s = -1e9

    def step(self) -> None:
        """Take feedback and pictures, and send at most one burst; waits 1 ms when there is none."""
        self._receive()
        self._offer()
        if self._ending and self.transmitter.ended:
            self._flush()  # and no sounding any more, or the flush would never end
        elif self.clock.ahead_s > self._ahead_s:
            self._wait_for_device()
        elif not self._send():
            if self.clock.ahead_s > 0:
                self._wait_for_device()
            else:
                self.progress_s = self._now()
                self.clock.waiting.pass_by(_WAIT_S, self.front_end.now)
        if self._now() - self._board_s >= _BOARD_INTERVAL_S:
            self._report()

    def finish(self) -> None:
        """Put up the last counters; broken off, tell the receiver first, as long as samples are taken."""
        if not self.done:
            self._ending = True
            self.transmitter.abandon()
            deadline = self._now() + _LEAVE_S
            while not self.done and self._now() < deadline:
                self.step()
        self._report()

    def _receive(self) -> None:
        if self.feedback is not None:
            for message in self.feedback.receive():
                self.transmitter.receive(message)
                self._hold_until_s = self._now()

    def _offer(self) -> None:
        if self._now() < self._hold_until_s:
            self.progress_s = self._now()
            return
        while not self._ending and not self.transmitter.queue_full:
            encoded = self.feed.take()
            if encoded is None:
                if self.feed.exhausted:
                    self._ending = True
                    self.transmitter.end()
                return
            try:
                image_id = self.transmitter.offer_payload(encoded.payload)
            except ValueError:  # more frames than a picture may have
                self.counters["pictures_too_large"] += 1
                continue
            self.sent.pop(image_id, None)
            self.sent[image_id] = encoded
            while len(self.sent) > _SENT_KEPT:
                self.sent.popitem(last=False)
            self.board.show(
                "sent",
                encoded.picture.image,
                name=encoded.picture.name,
                image_id=image_id,
                bytes=len(encoded.payload),
            )

    def _send(self) -> bool:
        """Send the burst that is due; False when none is."""
        burst = self.transmitter.next_burst()
        if burst is None:
            return False
        self.clock.sent(
            burst.samples.shape[1]
        )  # before: a file's time moves on while it is written
        self.front_end.tx_burst(burst.samples)
        self.counters["bursts"] += 1
        self.counters["samples"] += burst.samples.shape[1]
        return True

    def _wait_for_device(self) -> None:
        """Wait for samples to leave; the station gets on while device time does."""
        self.clock.waiting.rest(_WAIT_S)
        device_s = self.front_end.now()
        if device_s < self._waits[0]:  # the device's clock was set back
            self.clock.forget()
        if device_s != self._waits[0]:
            self._waits = device_s, self._now()
            self.progress_s = self._waits[1]

    def _flush(self) -> None:
        self.done = self.front_end.flush(_FLUSH_S)
        if not self.done:
            self._wait_for_device()

    def _report(self) -> None:
        self._board_s = self._now()
        values = {**self.feed.counters, **self.transmitter.counters, **self.counters}
        values["pictures_waiting"] = values.get("pictures_offered", 0) - sum(
            values.get(name, 0) for name in ("pictures_sent", "pictures_dropped")
        )
        if not self.done:  # behind the end no report comes, and none is missed
            values["channel_state"] = self.transmitter.csi.state
        if self.feedback is not None:
            for name, count in self.feedback.counters.items():
                values[f"feedback_{name}"] = count
        if (state := self.transmitter.receiver_state) is not None:
            values["receiver_snr_db"] = round(state.snr_db, 2)
        self.board.update("tx", **values)
        self.board.add_events(self.front_end.events())
