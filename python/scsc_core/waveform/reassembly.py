# SPDX-License-Identifier: GPL-3.0-or-later
"""Received frames put together to payloads of pictures, whatever is lost, repeated or out of order.

Memory is bounded: a number of pictures in flight, a number of finished ones that are remembered to know
late frames by, and a number of bytes for combining transmissions.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..framing import IMAGE_IDS
from .configuration import WaveformConfig
from .csi_feedback import SoundRef
from .feedback_message import HarqStatus
from .frame_code import Block, FrameCode, FrameFormat, frame_code
from .statistics import LossRuns

CLOSED_REMEMBERED = 64  # a quarter of the ids: the rest tells new pictures from old ones
ALL_VERSIONS = 0b1111


@dataclass(frozen=True, eq=False)
class ReceivedPayload:
    """The payload of one picture as far as it arrived.

    Attributes:
        image_id: 0..255.
        data: bytes; blocks that are missing are zeros.
        complete: every block is right.
        good: ascending (start, stop) of the bytes that are right.
        frame_ok: bool [n_frames], blocks that are right.
        frame_heard: bool [n_frames], frames of which at least one header was heard.
        block_ok: bool, outcome of each code block that was decoded last.
        iterations: mean iterations per code block.
    """

    image_id: int
    data: bytes
    complete: bool
    good: tuple[tuple[int, int], ...]
    frame_ok: np.ndarray
    frame_heard: np.ndarray
    block_ok: np.ndarray
    iterations: float


class OpenPicture:
    """Blocks of one picture that is being received."""

    def __init__(self, image_id: int, n_frames: int, now: float):
        self.image_id = image_id
        self.n_frames = n_frames
        self.heard_s = now
        self.decoded = np.zeros(n_frames, bool)
        self.heard = np.zeros(n_frames, np.uint8)  # bit rv
        self.blocks: dict[int, Block] = {}
        self.soft: dict[int, np.ndarray] = {}
        self.forms: dict[
            bool, FrameFormat
        ] = {}  # heard: of full frames (False), of the last (True)

    def fits(self, frame: int, form: FrameFormat) -> bool:
        """Whether a format agrees with what was heard before; the first of its kind is taken over."""
        is_last = frame == self.n_frames - 1
        other = self.forms.get(not is_last, form)
        same_code = (form.modulation, form.streams, form.fec, form.code_rate) == (
            other.modulation,
            other.streams,
            other.fec,
            other.code_rate,
        )
        return same_code and self.forms.setdefault(is_last, form) == form

    def payload(self, block_bytes: dict[bool, int]) -> ReceivedPayload:
        """What has arrived; block_bytes: size of full blocks (False) and of the last one (True)."""
        full, last = block_bytes.get(False, 0), block_bytes.get(True, 0)
        data = bytearray(full * (self.n_frames - 1) + last)
        good: list[tuple[int, int]] = []
        for frame, block in sorted(self.blocks.items()):
            start = frame * full
            data[start : start + len(block.data)] = block.data
            stop = start + block.valid_bytes
            if good and good[-1][1] == start:
                good[-1] = good[-1][0], stop
            elif stop > start:
                good.append((start, stop))
        outcomes = [block.block_ok for block in self.blocks.values()]
        return ReceivedPayload(
            self.image_id,
            bytes(data),
            bool(self.decoded.all()),
            tuple(good),
            self.decoded.copy(),
            self.heard != 0,
            np.concatenate(outcomes) if outcomes else np.zeros(0, bool),
            float(np.mean([block.iterations for block in self.blocks.values()] or [0.0])),
        )


class Reassembler:
    """Frames to payloads.

    Args:
        config: WaveformConfig.
        clock: function that gives the time in seconds.
    Attributes:
        counters: Counter; see docs/closed_loop.md.
        losses: LossRuns over the pictures that were closed.
    """

    def __init__(self, config: WaveformConfig, clock: Callable[[], float]):
        self._config = config
        self._clock = clock
        self._open: OrderedDict[int, OpenPicture] = OrderedDict()
        self._closed: OrderedDict[int, tuple[float, HarqStatus]] = OrderedDict()
        self._newest: int | None = None
        self._skipped: set[int] = set()
        self._ref: SoundRef | None = None
        self._due: OrderedDict[int, bool] = OrderedDict()  # image_id -> report at once
        self._reported_s: dict[int, float] = {}
        self.counters: Counter[str] = Counter()
        self.losses = LossRuns()

    def push(self, header, llr: np.ndarray | None) -> list[ReceivedPayload]:
        """Take one data frame; payloads of the pictures that it finishes.

        Args:
            header: FrameHeader of type "data".
            llr: float32 [G], positive = bit 0; None when the frame's table is not known.
        """
        self.counters["frames"] += 1
        self._ref = SoundRef.of_header(header)
        finished = self.expire()
        picture, closed = self._picture(header)
        finished += closed
        if picture is None:
            return finished
        picture.heard_s = self._clock()
        self._report(header.image_id, at_once=header.frame == header.n_frames - 1)
        if llr is None:
            self.counters["frames_without_table"] += 1
            return finished
        self._take(picture, header, llr)
        if picture.decoded.all():
            finished.append(self._close(header.image_id))
        return finished

    def expire(self) -> list[ReceivedPayload]:
        """Payloads of pictures that nothing was heard of for too long."""
        now, limit = self._clock(), self._config.picture_timeout_s
        old = [key for key, picture in self._open.items() if not 0 <= now - picture.heard_s < limit]
        for key in [
            key for key, (time_s, _) in self._closed.items() if not 0 <= now - time_s < limit
        ]:
            del self._closed[key]
        self.counters["timeouts"] += len(old)
        return [self._close(key) for key in old]

    def flush(self) -> list[ReceivedPayload]:
        """Payloads of everything still open, at the end of a transmission."""
        return [self._close(key) for key in list(self._open)]

    def statuses(self) -> list[HarqStatus]:
        """Reports to the transmitter's HARQ that are due; of a picture at most one per interval."""
        now, due = self._clock(), []
        for image_id, at_once in list(self._due.items()):
            since = now - self._reported_s.get(image_id, -np.inf)
            if not at_once and 0 <= since < self._config.harq_report_interval_s:
                continue
            del self._due[image_id]
            status = self._status(image_id)
            if status is not None:
                self._reported_s[image_id] = now
                due.append(status)
        return due

    @property
    def open_pictures(self) -> tuple[int, ...]:
        """Image ids in flight, oldest first."""
        return tuple(self._open)

    def _picture(self, header) -> tuple[OpenPicture | None, list[ReceivedPayload]]:
        """The open picture of a frame, or None for a late one; payloads that had to make room."""
        image_id, finished = header.image_id, []
        picture = self._open.get(image_id)
        form = FrameFormat.of_header(header, self._config.carriers.n_data)
        if picture is not None:
            if picture.n_frames == header.n_frames and picture.fits(header.frame, form):
                return picture, finished
            # Another picture under the same id: the transmitter started again, or there are two.
            self.counters["inconsistent"] += 1
            finished.append(self._close(image_id))
            self._closed.pop(image_id, None)
        elif image_id in self._closed:
            self.counters["late"] += 1
            self._report(image_id)
            return None, finished
        while len(self._open) >= self._config.pictures_in_flight:
            finished.append(self._close(next(iter(self._open))))
        picture = OpenPicture(image_id, header.n_frames, self._clock())
        picture.fits(header.frame, form)
        self._open[image_id] = picture
        self._note_id(image_id)
        return picture, finished

    def _note_id(self, image_id: int) -> None:
        """Count pictures of which no frame at all was heard, once they cannot come any more."""
        self._skipped.discard(image_id)
        ahead = 1 if self._newest is None else (image_id - self._newest) % IMAGE_IDS
        if ahead == 0 or ahead >= IMAGE_IDS // 2:
            return
        if self._newest is not None:
            self._skipped |= {(self._newest + step) % IMAGE_IDS for step in range(1, ahead)}
        self._newest = image_id
        window = self._config.pictures_in_flight
        gone = {key for key in self._skipped if (image_id - key) % IMAGE_IDS > window}
        self._skipped -= gone
        self.counters["pictures_lost"] += len(gone)

    def _take(self, picture: OpenPicture, header, llr: np.ndarray) -> None:
        frame, version = header.frame, 1 << header.rv
        if picture.decoded[frame] or picture.heard[frame] & version:
            self.counters["duplicates"] += 1
            return
        picture.heard[frame] |= version
        code = self._code(FrameFormat.of_header(header, self._config.carriers.n_data))
        if code is None or len(llr) < code.coded_bits:
            self.counters["unusable_format"] += 1
            return
        soft = self._soft_buffer(picture, frame, code) if self._config.harq else None
        block = code.decode(llr, header.rv, soft)
        picture.blocks[frame] = block
        if block.ok:
            picture.decoded[frame] = True
            picture.soft.pop(frame, None)
            self.counters["blocks_ok"] += 1
            return
        self.counters["block_errors"] += 1
        if picture.heard[frame] == ALL_VERSIONS:
            picture.heard[frame] = 0  # all versions in vain: from now on they add up again

    def _soft_buffer(self, picture: OpenPicture, frame: int, code: FrameCode) -> np.ndarray:
        if frame not in picture.soft:
            buffer = code.new_soft_buffer()
            total = sum(
                soft.nbytes for other in self._open.values() for soft in other.soft.values()
            )
            for other in self._open.values():
                while other.soft and total + buffer.nbytes > self._config.soft_buffer_bytes:
                    # The oldest goes: its block starts again from what comes next.
                    oldest = next(iter(other.soft))
                    total -= other.soft.pop(oldest).nbytes
                    other.heard[oldest] = 0
                    self.counters["soft_buffers_dropped"] += 1
            picture.soft[frame] = buffer
        return picture.soft[frame]

    def _code(self, form: FrameFormat) -> FrameCode | None:
        """The code of a format; None for one that is not to be had, or that is slow to build."""
        if form.fec not in ("nr_ldpc", "polar", self._config.fec):
            return None
        try:
            return frame_code(form, self._config.interleaver, self._config.max_iterations)
        except (ValueError, ModuleNotFoundError):
            return None

    def _close(self, image_id: int) -> ReceivedPayload:
        picture = self._open.pop(image_id)
        sizes = {}
        for is_last, form in picture.forms.items():
            code = self._code(form)
            sizes[is_last] = 0 if code is None else code.payload_bytes
        payload = picture.payload(sizes)
        status = HarqStatus(image_id, self._ref, picture.decoded, picture.heard, closed=True)
        self._closed.pop(image_id, None)
        self._closed[image_id] = self._clock(), status
        while len(self._closed) > CLOSED_REMEMBERED:
            self._closed.popitem(last=False)
        self._reported_s = {
            key: time_s
            for key, time_s in self._reported_s.items()
            if key in self._open or key in self._closed
        }
        self._report(image_id, at_once=True)
        self.losses.add(payload.frame_heard | payload.frame_ok)
        self.counters["frames_lost"] = self.losses.lost
        self.counters["payloads_complete" if payload.complete else "payloads_damaged"] += 1
        return payload

    def _report(self, image_id: int, at_once: bool = False) -> None:
        if self._config.harq:
            self._due[image_id] = self._due.get(image_id, False) or at_once

    def _status(self, image_id: int) -> HarqStatus | None:
        picture = self._open.get(image_id)
        if picture is not None:
            return HarqStatus(image_id, self._ref, picture.decoded.copy(), picture.heard.copy())
        if image_id not in self._closed:
            return None
        closed = self._closed[image_id][1]
        return HarqStatus(image_id, self._ref, closed.decoded, closed.heard, closed=True)
