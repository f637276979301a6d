# SPDX-License-Identifier: GPL-3.0-or-later
"""The transmitting end over the air: pictures and feedback messages to bursts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import link
from ..framing import IMAGE_IDS
from .alamouti import alamouti_index, alamouti_tables
from .configuration import WaveformConfig
from .csi_book import CsiBook, TableChoice
from .csi_feedback import CsiReport, SoundRef
from .feedback_message import HarqStatus, ReceiverState, unpack_message
from .harq import HarqOptions, HarqSender
from .header import MAX_FRAMES, FrameHeader
from .modulator import Modulator
from .picture_slices import SlicedCodec
from .sent_log import SentLog
from .statistics import AirCost
from .transport import PictureFrames, cut_payload

END_FRAMES = 3  # the end of a transmission must not hang on one header


@dataclass(frozen=True, eq=False)
class OutgoingFrame:
    """One frame before modulation: rows `index` of `tables`; both None without data symbols."""

    header: FrameHeader
    index: np.ndarray | None = None
    tables: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Burst:
    """One frame on the air: samples complex64 [2, n] of unit mean power over both antennas."""

    header: FrameHeader
    samples: np.ndarray


class WaveformTransmitter:
    """Pictures and feedback messages to bursts.

    Args:
        config: WaveformConfig.
        clock: function that gives the time in seconds, only its differences count.
        preprocess: PPEN, as link.Transmitter.
        first_image_id: id of the first picture; ends that start again should not repeat ids.
    Raises:
        ValueError: first_image_id outside 0..255, a qp or a model that link.Transmitter refuses.
    """

    def __init__(
        self,
        config: WaveformConfig,
        clock: Callable[[], float],
        preprocess: Callable[[np.ndarray, float], np.ndarray] | None = None,
        first_image_id: int = 0,
    ):
        if not 0 <= first_image_id < IMAGE_IDS:
            raise ValueError(f"first_image_id must be in 0..255, got {first_image_id}")
        self.config = config
        self._clock = clock
        self._link = link.Transmitter(config.link, preprocess)
        if config.n_slices > 1:
            self._link.codec = SlicedCodec(self._link.codec, config.n_slices)
        self._modulator = Modulator(config.carriers)
        horizon_s = max(1.0, 4 * config.csi_max_age_s, 4 * config.harq_timeout_s)
        self._sent = SentLog(clock, horizon_s)
        self.csi = CsiBook(config, config.carriers, clock, self._sent)
        transmissions = config.harq_transmissions if config.harq else 1
        options = HarqOptions(transmissions, config.harq_timeout_s, config.harq_silence_s)
        window = config.harq_window if config.harq else 1
        self.harq = HarqSender(window, options, clock, self._sent)
        self.cost = AirCost(config.carriers)
        self.receiver_state: ReceiverState | None = None
        self._image_id = first_image_id
        self._queue: deque[tuple[int, bytes]] = deque()
        self._frames: dict[int, PictureFrames] = {}
        self._soundings = 0
        self._ends_left = 0
        self._counters: Counter[str] = Counter()

    def offer(self, image: np.ndarray) -> int | None:
        """Compress and queue one picture uint8 [H, W, 3]; its image id, None when the queue is full."""
        if self.queue_full:
            self._counters["pictures_refused"] += 1
            return None
        return self._enqueue(self._link.compress(image, self._image_id).payload)

    def offer_payload(self, payload: bytes) -> int | None:
        """Queue a payload that is framed already; its image id, None when the queue is full.

        Raises:
            ValueError: it is empty or too large for one picture.
        """
        if self.queue_full:
            self._counters["pictures_refused"] += 1
            return None
        return self._enqueue(payload)

    def _enqueue(self, payload: bytes) -> int:
        cut_payload(payload, self.config)  # a payload that does not fit is the caller's to know of
        image_id = self._image_id
        self._image_id = (image_id + 1) % IMAGE_IDS
        self._queue.append((image_id, payload))
        self._counters["pictures_offered"] += 1
        return image_id

    def receive(self, message: bytes) -> None:
        """Take one feedback message; never raises on its content."""
        unpacked = unpack_message(message)
        content = unpacked.content
        if unpacked.problem is not None:
            self._counters[f"feedback_bad_{unpacked.problem}"] += 1
            return
        self.harq.peer_heard()
        if isinstance(content, CsiReport):
            self.csi.receive(content)
        elif isinstance(content, HarqStatus):
            self.harq.receive(content)
        else:
            self.receiver_state = content
            self._counters["feedback_states"] += 1

    def end(self) -> None:
        """Send end frames once everything queued is out."""
        self._ends_left = END_FRAMES

    def abandon(self) -> None:
        """Drop every picture that waits or is in flight, and send end frames."""
        self._finish()
        self._drop_pictures()
        self.end()

    def next_frame(self) -> OutgoingFrame | None:
        """The frame to be sent now, None when there is none at this time."""
        state = self.csi.state
        if state == "open" and self.config.open_loop == "drop" and self.config.closed_loop:
            self._drop_pictures()
        elif state != "waiting":
            found = self._data_frame()
            if found is not None:
                return found
        if self._ends_left and self.idle:
            self._ends_left -= 1
            header = self._header(type="end", nsym=0, image_id=self._last_id, last=True)
            return self._note(OutgoingFrame(header))
        if self.csi.sounding_due():
            self.csi.sounded()
            number = self._soundings
            self._soundings = (number + 1) % MAX_FRAMES
            header = self._header(
                type="sounding", nsym=0, frame=number, n_frames=MAX_FRAMES, image_id=self._last_id
            )
            return self._note(OutgoingFrame(header))
        return None

    def next_burst(self) -> Burst | None:
        """The burst to be sent now, None when there is none at this time."""
        frame = self.next_frame()
        if frame is None:
            return None
        if frame.index is None:
            return Burst(frame.header, self._modulator.sounding(frame.header))
        samples = self._modulator.modulate(frame.header, frame.index, frame.tables)
        return Burst(frame.header, samples)

    @property
    def wakeup_s(self) -> float:
        """Clock time at which to ask again when `next_frame` gave None; inf: after news only."""
        due = self.csi.sounding_due_s
        return min(np.inf if due is None else due, self.harq.wakeup_s)

    @property
    def queue_full(self) -> bool:
        """Whether `offer` would refuse."""
        return len(self._queue) >= self.config.queue_pictures

    @property
    def idle(self) -> bool:
        """Whether no picture waits or is in flight."""
        self._finish()
        return not self._queue and not self._frames

    @property
    def ended(self) -> bool:
        """Whether nothing is left to send, end frames included."""
        return self.idle and not self._ends_left

    @property
    def counters(self) -> dict[str, int]:
        """All counters of this end."""
        return dict(self._counters + self.csi.counters + self.harq.counters)

    @property
    def _last_id(self) -> int:
        return (self._image_id - 1) % IMAGE_IDS

    def _data_frame(self) -> OutgoingFrame | None:
        self._finish()
        while self._queue and not self.harq.full:
            image_id, payload = self._queue.popleft()
            frames = cut_payload(payload, self.config, self._scheme())
            self._frames[image_id] = frames
            self.harq.add(image_id, frames.n_frames)
        found = self.harq.next_frame()
        if found is None:
            return None
        image_id, frame, rv = found
        frames = self._frames[image_id]
        form = frames.form(frame)
        choice = self._choice(frames)
        index = frames.index(frame, rv)
        if frames.scheme == "alamouti":
            index = alamouti_index(index, form.modulation, form.n_data)
        header = self._header(
            precoder=choice.precoder,
            streams=form.streams,
            nsym=form.nsym,
            frame=frame,
            n_frames=frames.n_frames,
            image_id=image_id,
            csi_id=choice.csi_id,
            table_crc=choice.table_crc,
            rv=rv,
        )
        first = not self.harq.was_sent(image_id, frame)
        outgoing = self._note(OutgoingFrame(header, index, choice.tables), first)
        self.harq.sent(image_id, frame, rv, self._sent.newest)
        return outgoing

    def _scheme(self) -> str:
        """How the next picture is sent: the streams of its blocks stay the same to its end."""
        blind = self.config.closed_loop and self.csi.state == "open"
        return "alamouti" if blind and self.config.open_loop == "alamouti" else "table"

    def _choice(self, frames: PictureFrames) -> TableChoice:
        if frames.scheme == "alamouti":
            return TableChoice("alamouti", 0, 0, alamouti_tables(self.config.modulation))
        choice = self.csi.choose()
        self._counters["frames_closed_loop" if choice.csi_id else "frames_open_loop"] += 1
        return choice

    def _header(self, **fields) -> FrameHeader:
        return FrameHeader(
            modulation=self.config.modulation,
            fec=self.config.fec,
            code_rate=self.config.nominal_rate,
            **fields,
        )

    def _note(self, frame: OutgoingFrame, first: bool = True) -> OutgoingFrame:
        self._sent.add(SoundRef.of_header(frame.header))
        self.cost.add(frame.header, first)
        return frame

    def _finish(self) -> None:
        for image_id, _ in self.harq.finish():
            del self._frames[image_id]
            self._counters["pictures_sent"] += 1

    def _drop_pictures(self) -> None:
        dropped = self.harq.drop() + len(self._queue)
        self._frames.clear()
        self._queue.clear()
        if dropped:
            self._counters["pictures_dropped"] += dropped
