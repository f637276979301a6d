# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end `file`: replays a SigMF recording, or records what would be sent."""

from __future__ import annotations

import bisect

import numpy as np

from .events import Event, EventLog
from .front_end import FrontEndError, RxChunk, check_burst, no_samples
from .levels import scale_burst
from .options import FileOptions
from .received import finite_samples
from .sigmf_file import RecordingError, SigmfReader, SigmfWriter
from .sim import check_count, start_index
from .timeline import BurstTimeline, Pacer, WallClock

_CHUNK = 1 << 16


class FileFrontEnd:
    """Replays a recording (direction rx), or records bursts with zeros between them (direction tx).

    Rate and carrier of a replay are those of the recording. A chunk never crosses the start of a
    capture, where samples were lost while recording.

    Args:
        options: FileOptions.
        clock: stand-in for the clock of `realtime`, for tests.
    Attributes:
        reader: SigmfReader of a replay, with its annotations.
    Source: waveform.md section 13.
    """

    kind = "file"

    def __init__(self, options: FileOptions, clock: WallClock | None = None):
        self.options, self._clock = options, clock
        self.rate_hz, self.frequency_hz = options.rate_hz, options.frequency_hz
        self.capabilities = frozenset({"rx"} if options.receives else {"tx", "timed"})
        self._log = EventLog()
        self.reader: SigmfReader | None = None
        self._writer: SigmfWriter | None = None
        self._timeline = BurstTimeline(options.gap_samples, options.buffer_samples)
        self._pacer: Pacer | None = None
        self._index = 0

    def open(self) -> None:
        """Open the recording; FrontEndError when it cannot be read or written."""
        try:
            if self.options.receives:
                self._open_replay(SigmfReader(self.options.sigmf))
                return
            self._writer = SigmfWriter(
                self.options.sigmf,
                self.rate_hz,
                self.frequency_hz,
                "transmitted bursts",
                self.options.overwrite,
            )
        except RecordingError as error:
            raise FrontEndError(self.kind, error.reason, error.cure) from None

    def _open_replay(self, reader: SigmfReader) -> None:
        self.reader, self._index = reader, 0
        self.rate_hz = reader.rate_hz
        self.frequency_hz = reader.frequency_hz or self.options.frequency_hz
        self._pacer = Pacer(self.rate_hz, self._clock) if self.options.realtime else None
        # where a chunk ends: starts of captures, then the end
        self._borders = sorted({capture["core:sample_start"] for capture in reader.captures} - {0})
        if reader.cut_bytes:
            self._log.add("truncated", 0.0, 1, f"{reader.cut_bytes} bytes cut")

    def tx_burst(self, x: np.ndarray, at: float | None = None) -> None:
        """As FrontEnd.tx_burst; writes at once."""
        if self._writer is None:
            raise FrontEndError(self.kind, "is not open for recording", "set direction tx")
        x = check_burst(x, self.options.buffer_samples)
        scaled = scale_burst(x, self.options.backoff_db)
        start = start_index(at, self.now(), self.rate_hz)
        first, late = self._timeline.place(scaled.samples, start, self.options.timeout_s)
        try:
            while pending := self._timeline.pending:
                self._writer.write(self._timeline.take(min(pending, _CHUNK)))
        except RecordingError as error:
            raise FrontEndError(self.kind, error.reason, error.cure) from None
        self._writer.annotate(first, x.shape[1], "burst", clip_count=scaled.clip_count)
        self._log.add("clip", first / self.rate_hz, scaled.clip_count)
        self._log.add("late", first / self.rate_hz, int(late))

    def flush(self, timeout_s: float) -> bool:
        """Bursts are written at once."""
        return True

    def read(self, n: int, timeout_s: float) -> RxChunk:
        """As FrontEnd.read; `end` is set with the last samples of a recording that is not looped."""
        if self.reader is None:
            raise FrontEndError(self.kind, "is not open for replay", "set direction rx")
        check_count(n)
        if self._pacer is not None:
            n = min(n, max(0, self._pacer.wait(self._index + n, timeout_s) - self._index))
        at_end = self.reader.position >= self.reader.n_samples
        if at_end and self.options.loop and n:
            self.reader.seek(0)
            at_end = False
        position, index = self.reader.position, self._index
        if at_end or n == 0:
            return RxChunk(no_samples(), index, index / self.rate_hz, end=at_end)
        border = bisect.bisect_right(self._borders, position)
        if border < len(self._borders):
            n = min(n, self._borders[border] - position)
        samples, bad = finite_samples(self.reader.read(n))
        self._log.add("not_finite", index / self.rate_hz, bad)
        self._index += samples.shape[1]
        end = self.reader.position >= self.reader.n_samples and not self.options.loop
        lost_before = position in self._borders or (position == 0 and index > 0)
        return RxChunk(samples, index, index / self.rate_hz, lost_before, end)

    def events(self) -> list[Event]:
        """As FrontEnd.events."""
        return self._log.take()

    def now(self) -> float:
        """Sample time of the recording."""
        return max(self._index, self._timeline.position) / self.rate_hz

    def set_gain(self, tx_db: float, rx_db: float) -> None:
        """There is no gain to set."""

    def close(self) -> None:
        """Finalise the recording."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        try:
            # A receiver needs samples behind the last burst to be done with it.
            writer.write(self._timeline.take(self.options.gap_samples))
            writer.close()
        except RecordingError as error:
            raise FrontEndError(self.kind, error.reason, error.cure) from None
