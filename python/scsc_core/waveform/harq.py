# SPDX-License-Identifier: GPL-3.0-or-later
"""HARQ at the transmitter: which frame of which picture to send next, and when to stop.

Every picture in flight keeps what the receiver has of it, learnt from HarqStatus messages. These are
states and only ever add: lost, late, repeated or reordered feedback costs transmissions, never data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .feedback_message import HarqStatus
from .sent_log import Sent, SentLog

RV_ORDER = (0, 2, 3, 1)  # channel_coding.md section 5


@dataclass(frozen=True)
class HarqOptions:
    """Limits of the retransmissions.

    Attributes:
        transmissions: of one frame, the first included; 1: no feedback is waited for.
        timeout_s: wait for feedback after the last transmission of a frame.
        silence_s: without a message of any kind for so long the peer is deaf, and frames are sent once.
    """

    transmissions: int = 8
    timeout_s: float = 0.020
    silence_s: float = 1.0


class HarqPicture:
    """One picture in flight: per frame what was sent and what is known to have arrived.

    Args:
        image_id: 0..255.
        n_frames: >= 1.
        options: HarqOptions.
    """

    def __init__(self, image_id: int, n_frames: int, options: HarqOptions):
        self.image_id = image_id
        self.n_frames = n_frames
        self._options = options
        self._decoded = np.zeros(n_frames, bool)
        self._heard = np.zeros(n_frames, np.uint8)
        self._sent_rvs = np.zeros((n_frames, 4), int)
        self._count = np.zeros(n_frames, int)
        self._order = np.full(n_frames, -1)
        self._time_s = np.full(n_frames, -np.inf)
        self._known_order = -1  # transmissions up to this one are covered by feedback
        self._abandoned = False

    def update(self, status: HarqStatus, sent: Sent | None) -> None:
        """Take over what the receiver has; `sent` is the transmission that the message refers to."""
        self._decoded |= status.decoded
        self._heard |= status.heard
        if sent is not None:
            self._known_order = max(self._known_order, sent.order)
        self._abandoned |= status.closed

    def next_frame(self, now: float, peer_hears: bool) -> tuple[int, int] | None:
        """(frame, rv) to be sent now, frames that were never sent first; None: nothing now."""
        if self.finished:
            return None
        for frame in np.flatnonzero(self._count == 0):
            return int(frame), RV_ORDER[0]
        if not peer_hears:
            return None
        for frame in np.flatnonzero(self._open & (self._failed | self._timed_out(now))):
            return int(frame), self._next_rv(frame)
        return None

    def sent(self, frame: int, rv: int, sent: Sent) -> None:
        """Note a transmission."""
        self._count[frame] += 1
        self._sent_rvs[frame, rv] += 1
        self._order[frame] = sent.order
        self._time_s[frame] = sent.time_s

    def give_up(self, now: float, peer_hears: bool) -> bool:
        """Abandon a picture that waits for nothing any more; True when it did so just now."""
        if self.finished or (self._count == 0).any():
            return False
        once = self._options.transmissions == 1
        if (not once and self._waiting(now).any()) or (peer_hears and self._open.any()):
            return False
        self._abandoned = True
        return True

    @property
    def finished(self) -> bool:
        """All frames are decoded, or the picture was abandoned."""
        return self._abandoned or bool(self._decoded.all())

    @property
    def complete(self) -> bool:
        """All frames are known to be decoded."""
        return bool(self._decoded.all())

    def wakeup_s(self, now: float) -> float:
        """Time of the next timeout of a frame that waits for feedback."""
        times = self._time_s[self._waiting(now)]
        return float(times.min()) + self._options.timeout_s if times.size else np.inf

    def was_sent(self, frame: int) -> bool:
        """Whether a frame was sent at least once."""
        return bool(self._count[frame])

    def _waiting(self, now: float) -> np.ndarray:
        """Frames that were sent and of which nothing is known yet."""
        return ~self._decoded & ~self._failed & ~self._timed_out(now)

    @property
    def _open(self) -> np.ndarray:
        """Frames that may be sent again."""
        return ~self._decoded & (self._count < self._options.transmissions)

    @property
    def _failed(self) -> np.ndarray:
        """Frames whose last transmission the receiver's feedback covers."""
        return ~self._decoded & (self._order >= 0) & (self._order <= self._known_order)

    def _timed_out(self, now: float) -> np.ndarray:
        since = now - self._time_s
        # A clock that was set back counts as a timeout: waiting on would have no end.
        return (since >= self._options.timeout_s) | (since < 0)

    def _next_rv(self, frame: int) -> int:
        """The redundancy version to send again.

        A version that was sent and not heard was lost: it is repeated, for version 0 above all, without
        which the others need not decode. Without feedback it is not known what was heard: each version
        gets two attempts before the next.
        """
        missing = [rv for rv in RV_ORDER if not self._heard[frame] >> rv & 1]
        if not missing:
            return RV_ORDER[self._count[frame] % len(RV_ORDER)]
        if self._failed[frame]:
            return missing[0]
        return min(missing, key=lambda rv: self._sent_rvs[frame, rv] // 2)


class HarqSender:
    """Pictures in flight and the order in which their frames go out.

    With a window of one this is stop and wait by picture, else selective repeat: retransmissions of the
    oldest picture first, then frames that were never sent.

    Args:
        window: pictures in flight, 1..32.
        options: HarqOptions.
        clock: function that gives the time in seconds.
        sent_log: SentLog that every transmission is added to.
    Attributes:
        counters: Counter of harq_status, harq_unknown_picture, harq_retransmissions, harq_complete,
            harq_given_up.
    Source: channel_coding.md section 5; protocol ours.
    """

    def __init__(
        self,
        window: int,
        options: HarqOptions,
        clock: Callable[[], float],
        sent_log: SentLog,
    ):
        self._window = window
        self._options = options
        self._clock = clock
        self._sent_log = sent_log
        self._pictures: dict[int, HarqPicture] = {}
        self._heard_s: float | None = None  # when the peer last gave a sign of life
        self.counters: Counter[str] = Counter()

    @property
    def full(self) -> bool:
        """Whether the window takes no further picture now."""
        return len(self._pictures) >= self._window

    @property
    def in_flight(self) -> tuple[int, ...]:
        """Image ids in flight, oldest first."""
        return tuple(self._pictures)

    def add(self, image_id: int, n_frames: int) -> None:
        """Put a picture into the window."""
        self._pictures[image_id] = HarqPicture(image_id, n_frames, self._options)

    def peer_heard(self) -> None:
        """Note a message of any kind: a peer that talks will answer, frames may be sent again."""
        self._heard_s = self._clock()

    def receive(self, status: HarqStatus) -> None:
        """Take feedback of any age; one of a picture that is not in flight still tells of others."""
        self.peer_heard()
        self.counters["harq_status"] += 1
        sent = self._sent_log.find(status.ref)
        picture = self._pictures.get(status.image_id)
        if picture is None or len(status.decoded) != picture.n_frames:
            self.counters["harq_unknown_picture"] += 1
            return
        picture.update(status, sent)

    def next_frame(self) -> tuple[int, int, int] | None:
        """(image_id, frame, rv) to be sent now, None when there is nothing to send now."""
        now, hears = self._clock(), self._peer_hears()
        for image_id, picture in self._pictures.items():
            found = picture.next_frame(now, hears)
            if found is not None:
                return image_id, *found
        return None

    def was_sent(self, image_id: int, frame: int) -> bool:
        """Whether a frame of a picture in flight was sent at least once."""
        return self._pictures[image_id].was_sent(frame)

    def sent(self, image_id: int, frame: int, rv: int, sent: Sent) -> None:
        """Note that a frame that `next_frame` named is being sent."""
        picture = self._pictures[image_id]
        self.counters["harq_retransmissions"] += int(picture.was_sent(frame))
        picture.sent(frame, rv, sent)

    def finish(self) -> list[tuple[int, bool]]:
        """Take out pictures that are done: [(image_id, all frames known to be decoded)]."""
        now, hears = self._clock(), self._peer_hears()
        done = []
        for image_id, picture in list(self._pictures.items()):
            picture.give_up(now, hears)
            if picture.finished:
                del self._pictures[image_id]
                if self._options.transmissions > 1:
                    self.counters["harq_complete" if picture.complete else "harq_given_up"] += 1
                done.append((image_id, picture.complete))
        return done

    @property
    def wakeup_s(self) -> float:
        """When `next_frame` or `finish` may have something to do without any message coming."""
        now = self._clock()
        return min((picture.wakeup_s(now) for picture in self._pictures.values()), default=np.inf)

    def drop(self) -> int:
        """Take out every picture without a word; how many."""
        n_dropped = len(self._pictures)
        self._pictures.clear()
        return n_dropped

    def _peer_hears(self) -> bool:
        if self._heard_s is None:
            return False
        return 0 <= self._clock() - self._heard_s <= self._options.silence_s
