# SPDX-License-Identifier: GPL-3.0-or-later
"""A front end whose samples are kept in a recording, received ones or sent ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .events import Event, EventLog
from .file_front_end import FileFrontEnd
from .front_end import FrontEnd, FrontEndError, RxChunk
from .options import FileOptions
from .sigmf_file import RecordingError, SigmfWriter


class RecordedFrontEnd:
    """A FrontEnd that writes what it sends or what it receives to a SigMF recording.

    A recording of sent bursts has zeros between them; one of received samples starts a capture where
    samples were lost. A disk that takes no more ends the recording, not the link: an event `unrecorded`.

    Args:
        front_end: FrontEnd.
        name: of the recording.
        direction: "tx" or "rx", which side is recorded.
        overwrite: bool, replace an existing recording.
    Attributes:
        problem: why the recording ended early, or None.
        n_samples: int, received samples written.
    Raises:
        FrontEndError: the recording exists already or cannot be written.
    """

    def __init__(self, front_end: FrontEnd, name: str, direction: str, overwrite: bool = False):
        if direction not in ("tx", "rx"):
            raise ValueError(f"direction must be tx or rx, got {direction!r}")
        self._inner, self.problem = front_end, None
        self._log = EventLog()
        self._file: FileFrontEnd | None = None
        self._writer: SigmfWriter | None = None
        rate, carrier = front_end.rate_hz, front_end.frequency_hz
        if direction == "tx":
            inner = getattr(front_end, "options", None)
            self._file = FileFrontEnd(
                FileOptions(
                    direction="tx",
                    sigmf=name,
                    rate_hz=rate,
                    frequency_hz=carrier,
                    overwrite=overwrite,
                    backoff_db=getattr(inner, "backoff_db", 0.0),
                )
            )
            self._file.open()
            return
        try:
            self._writer = SigmfWriter(name, rate, carrier, "received samples", overwrite)
        except RecordingError as error:
            raise FrontEndError("record", error.reason, error.cure) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def tx_burst(self, x: np.ndarray, at: float | None = None) -> None:
        """As FrontEnd.tx_burst."""
        self._inner.tx_burst(x, at)
        if self._file is not None and self.problem is None:
            try:
                self._file.tx_burst(x)
            except FrontEndError as error:
                self._fail(error.reason)

    def read(self, n: int, timeout_s: float) -> RxChunk:
        """As FrontEnd.read."""
        chunk = self._inner.read(n, timeout_s)
        if self._writer is not None and self.problem is None and chunk.samples.shape[1]:
            try:
                if chunk.discontinuity:
                    self._writer.start_capture(chunk.sample_index)
                self._writer.write(chunk.samples)
            except RecordingError as error:
                self._fail(error.reason)
        return chunk

    def events(self) -> list[Event]:
        """As FrontEnd.events."""
        return [*self._inner.events(), *self._log.take()]

    def _fail(self, reason: str) -> None:
        if self.problem is None:
            self.problem = reason
            self._log.add("unrecorded", 0.0, 1, reason)

    def annotate(self, frame: Any) -> None:
        """Describe a ReceivedFrame whose sample_index counts the samples received so far."""
        if self._writer is None or self.problem is not None:
            return
        header = frame.header
        fields = {name: getattr(header, name) for name in header.__dataclass_fields__}
        fields |= {name: getattr(frame, name) for name in ("snr_db", "cfo_hz", "sfo_ppm", "q")}
        fields["header_type"] = fields.pop("type")
        self._writer.annotate(frame.sample_index, frame.n_samples, header.type, **fields)

    @property
    def n_samples(self) -> int:
        """Received samples written."""
        return 0 if self._writer is None else self._writer.n_samples

    def close(self) -> None:
        """As FrontEnd.close; finalises the recording."""
        self._inner.close()
        try:
            if self._file is not None:
                self._file.close()
            if self._writer is not None:
                self._writer.close()
        except (FrontEndError, RecordingError) as error:
            self._fail(error.reason)
