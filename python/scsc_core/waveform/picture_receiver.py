# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiving end over the air: samples to pictures and feedback messages."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import link
from .alamouti import alamouti_llr
from .configuration import WaveformConfig
from .csi_reporter import CsiReporter
from .detection import frame_llr
from .feedback_message import ReceiverState, pack_message
from .picture_output import PictureOutput
from .reassembly import Reassembler, ReceivedPayload
from .receiver import OfdmReceiver, ReceivedFrame, ReceiverConfig

MAX_MESSAGES = 256  # to the transmitter that nobody fetched
VERSION = f"0.1 numpy {np.__version__}"


@dataclass(frozen=True, eq=False)
class ReceivedPicture:
    """A picture and how it came.

    Attributes:
        picture: link.Picture.
        payload: ReceivedPayload, which says what frames were right.
        trusted: share of the pixels that depend on nothing that was lost, 0..1.
        snr_db: received SNR of the frame that finished it, dB.
    """

    picture: link.Picture
    payload: ReceivedPayload
    trusted: float
    snr_db: float


class WaveformReceiver:
    """Samples to pictures and feedback messages.

    Args:
        config: WaveformConfig, the transmitter's.
        clock: function that gives the time in seconds, only its differences count.
        first_csi_id: id of the first report; ends that start again should not repeat ids.
        detect: function (ReceivedFrame, tables [n_data or 1, K, 2]) -> LLRs float32 [G], positive = bit
            0; None is `detection.frame_llr`.
        ofdm: ReceiverConfig of the OFDM receiver; None takes its defaults for the numerology.
    Attributes:
        ended: an end frame was heard, and no frame of a new transmission since.
        last_frame: the newest ReceivedFrame, for views; None before the first.
    Raises:
        ValueError: first_csi_id outside 1..255, an ofdm of another numerology.
    """

    def __init__(
        self,
        config: WaveformConfig,
        clock: Callable[[], float],
        first_csi_id: int = 1,
        detect: Callable[[ReceivedFrame, np.ndarray], np.ndarray] | None = None,
        ofdm: ReceiverConfig | None = None,
    ):
        ofdm = ofdm or ReceiverConfig(numerology=config.carriers)
        if ofdm.numerology != config.carriers:
            raise ValueError(
                f"ofdm must have numerology {config.numerology}, got {ofdm.numerology.name}"
            )
        self.config = config
        self._clock = clock
        self._ofdm = OfdmReceiver(ofdm)
        self._pictures = PictureOutput(config)
        self._detector = detect or frame_llr
        self.csi = CsiReporter(config, config.carriers, clock, first_csi_id)
        self.reassembly = Reassembler(config, clock)
        self._messages: deque[bytes] = deque(maxlen=MAX_MESSAGES)
        self._state_s: float | None = None
        self._ends_differ = False
        self._counters: Counter[str] = Counter()
        self.ended = False
        self.last_frame: ReceivedFrame | None = None

    def push(self, samples: np.ndarray) -> list[ReceivedPicture]:
        """Pictures that are finished after these samples complex64 [2, n] of the stream."""
        return self._push_frames(self._ofdm.push(samples)) + self.poll()

    def discontinuity(self, lost_samples: int = 0) -> list[ReceivedPicture]:
        """Samples are missing here: a frame that is cut is lost, all else goes on."""
        return self._push_frames(self._ofdm.discontinuity(lost_samples))

    def push_frame(self, frame: ReceivedFrame) -> list[ReceivedPicture]:
        """Pictures that are finished after one ReceivedFrame."""
        header = frame.header
        self._counters[f"frames_{header.type}"] += 1
        self.last_frame = frame
        self.ended = header.type == "end"
        if header.type == "end":
            return self._show(self.reassembly.flush())
        tables = self.csi.tables(header) if header.type == "data" else None
        # The report goes out before the block is decoded: it is the younger for it.
        if self.config.closed_loop:
            report = self.csi.observe(header, frame.h, frame.noise_var)
            if report is not None:
                self._messages.append(pack_message(report))
        if header.type != "data":
            return []
        llr = None if tables is None else self._detect(frame, tables)
        return self._show(self.reassembly.push(header, llr))

    def poll(self) -> list[ReceivedPicture]:
        """Pictures that are given up by now; call it now and then when no samples come."""
        return self._show(self.reassembly.expire())

    def flush(self) -> list[ReceivedPicture]:
        """Pictures of everything that is still incomplete, at the end of a transmission."""
        pictures = self._push_frames(self._ofdm.flush())
        return pictures + self._show(self.reassembly.flush())

    def messages(self) -> list[bytes]:
        """Feedback messages to be sent now, each once."""
        for status in self.reassembly.statuses():
            self._messages.append(pack_message(status))
        since = np.inf if self._state_s is None else self._clock() - self._state_s
        alarm = self.csi.ends_differ and not self._ends_differ
        if alarm or not 0 <= since < self.config.state_interval_s:
            self._state_s, self._ends_differ = self._clock(), self.csi.ends_differ
            self._messages.append(pack_message(self.state))
        messages = list(self._messages)
        self._messages.clear()
        return messages

    @property
    def state(self) -> ReceiverState:
        """What the transmitter is told of this end."""
        counters = self.counters
        names = ("frames", "block_errors", "frames_lost", "duplicates", "csi_unknown")
        pictures = ("pictures_delivered", "pictures_damaged", "pictures_lost", "table_mismatch")
        values = {name: counters.get(name, 0) for name in names + pictures}
        return ReceiverState(self._snr_db, VERSION, **values)

    @property
    def counters(self) -> dict[str, int]:
        """All counters of this end, those of OfdmReceiver with the prefix ofdm_."""
        own = dict(self._counters + self.csi.counters + self.reassembly.counters)
        return own | {f"ofdm_{name}": value for name, value in self._ofdm.counters.items()}

    @property
    def _snr_db(self) -> float:
        return 0.0 if self.last_frame is None else float(self.last_frame.snr_db)

    def _push_frames(self, frames: list[ReceivedFrame]) -> list[ReceivedPicture]:
        return [picture for frame in frames for picture in self.push_frame(frame)]

    def _detect(self, frame: ReceivedFrame, tables: np.ndarray) -> np.ndarray | None:
        header = frame.header
        if header.precoder != "alamouti":
            return self._detector(frame, tables)
        if header.streams != 1 or header.nsym % 2:
            self._counters["frames_bad_alamouti"] += 1
            return None
        return alamouti_llr(frame.y, frame.h_data, frame.noise_var, header.modulation)

    def _show(self, payloads: list[ReceivedPayload]) -> list[ReceivedPicture]:
        shown = []
        for payload in payloads:
            picture, trusted = self._pictures.reconstruct(payload)
            self._counters["pictures_delivered" if picture.delivered else "pictures_damaged"] += 1
            shown.append(ReceivedPicture(picture, payload, trusted, self._snr_db))
        return shown
