# SPDX-License-Identifier: GPL-3.0-or-later
"""Received frames to pictures and feedback."""

from __future__ import annotations

import numpy as np

from scsc_core.radio import keys
from scsc_core.waveform.detection import frame_llr
from scsc_core.waveform.picture_transmitter import IMAGE_IDS
from scsc_core.waveform.session import ReceivedPicture, WaveformReceiver

from .frame_meta import require
from .frame_vectors import combined_vectors, error_vector_db, received_vectors
from .heard_frame import heard_frame
from .message_block import message_block
from .waveform_configuration import waveform_config

_FIRST_IDS = 16


class waveform_receiver(message_block):
    """Makes pictures of received frames: soft detection, channel code, HARQ, codec; and reports.

    Detection is maximum likelihood over H times the transmit table, which follows from the report
    that the frame's header names. Every frame may give a channel report, with HARQ acknowledgements
    too; they go back on port feedback. Frames of a picture may come twice, late or never; it is
    shown as far as it can be trusted.

    Message ports:
        heard (in): c32 [n_used, n_rx, n_tx] from burst_receiver; empty ones let time go on.
        result (out): u8 [height, width, 3]; keys frame, image_id, delivered, trusted, block_errors,
            n_code_blocks, snr_db, snr_def, problem. A picture of which nothing came is an empty one.
        feedback (out): u8, messages to waveform_transmitter, directly or through csi_link.
        received (out): c32 [n_rx, k], y of a frame, carrier by carrier; made when something listens.
        combined (out): c32 [n_tx, k], the estimate of the transmitted vectors behind the combiner
            (CEN); adds key evm_db (of each transmit antenna); made when something listens.
        status (out): dict of frames, dropped, delivered and the counters of WaveformReceiver
            (block_errors, frames_lost, csi_unknown, table_mismatch and others).

    Args:
        config: WaveformConfig of both ends, or the path of a YAML file; None takes the defaults.
            Modulation, streams, precoder and code of a frame are those of its header.
        sample_rate_hz: float > 0, for the time that timeouts and intervals are measured in.
    Raises:
        ValueError: an unreadable file, an unknown key or an impossible value, in one line.
    Source: Han et al., Sec. II-C; waveform.md sections 5 to 7.
    """

    def __init__(self, config=None, sample_rate_hz=1e6):
        super().__init__(
            "waveform_receiver",
            pdus=(keys.HEARD,),
            outputs=(keys.RESULT, keys.FEEDBACK, keys.RECEIVED, keys.COMBINED),
        )
        if not sample_rate_hz > 0:
            raise ValueError(f"sample_rate_hz must be > 0, got {sample_rate_hz}")
        self._rate = float(sample_rate_hz)
        self._time_s = 0.0
        self._library = WaveformReceiver(
            waveform_config(config), lambda: self._time_s, detect=self._detect
        )
        self.counters["delivered"] = 0
        self._newest: int | None = None  # number of a picture, ids counted on beyond 255
        self._waiting: set[int] = set()  # pictures before it that did not come yet

    def on_heard(self, h, meta):
        """Take one frame."""
        require(meta, (keys.SAMPLE_INDEX,))
        frame = heard_frame(h, meta, self._library.config.carriers)
        end = frame.sample_index + self._library.config.carriers.frame_samples(frame.header.nsym)
        self._time_s = end / self._rate
        self._note(frame.header)
        with self.timed(meta, "receive"):
            pictures = self._library.push_frame(frame)
        self._tell(pictures + self._library.poll())

    def _pass_on(self, meta, port):
        """An empty message, which may say that time went on without a frame."""
        index = meta.get(keys.SAMPLE_INDEX)
        if isinstance(index, int) and index > self._time_s * self._rate:
            self._time_s = index / self._rate
            self._tell(self._library.poll())
            self.publish_status()
        super()._pass_on(meta, port)

    def _tell(self, pictures: list[ReceivedPicture]) -> None:
        """Pictures that are finished, those that are missing, feedback and counters."""
        for picture in pictures:
            self._publish_picture(picture)
        if self._library.ended:
            self._publish_missing(0)
        for message in self._library.messages():
            self.publish(keys.FEEDBACK, np.frombuffer(message, np.uint8), {})
        self.counters.update(self._library.counters)

    def on_lost_frame(self, meta):
        """Frames on the air are not pictures: nothing to pass on."""

    def on_end(self):
        """Show what is incomplete, and tell those behind that nothing follows."""
        for picture in self._library.flush():
            self._publish_picture(picture)
        self._publish_missing(0)
        self.counters.update(self._library.counters)
        self.publish_end(keys.RESULT, keys.FEEDBACK)
        self.publish_status(final=True)

    def _detect(self, frame, tables: np.ndarray) -> np.ndarray:
        """LLRs of a frame; its vectors go out on the way."""
        if self.wanted(keys.RECEIVED) or self.wanted(keys.COMBINED):
            self._publish_vectors(frame, tables)
        return frame_llr(frame, tables)

    def _publish_vectors(self, frame, tables) -> None:
        y = received_vectors(frame)
        meta = {
            keys.N_RX: len(y),
            keys.N_TX: tables.shape[-1],
            keys.K: y.shape[1],
            keys.MODULATION: frame.header.modulation,
            keys.PRECODER: frame.header.precoder,
            keys.SNR_DB: frame.snr_db,
        }
        self.publish(keys.RECEIVED, y, meta)
        if self.wanted(keys.COMBINED):
            r = combined_vectors(frame, tables)
            meta[keys.EVM_DB] = error_vector_db(r, tables, frame.header.nsym)
            self.publish(keys.COMBINED, r, meta)

    def _note(self, header) -> None:
        """Count pictures on beyond the 256 ids, and remember those that did not come yet."""
        if header.type not in ("data", "end") or (header.type == "end" and self._newest is None):
            return
        if self._newest is None:
            # Pictures lost at the start count; where this end started later, those before do not.
            newest = -1 if header.image_id < _FIRST_IDS else header.image_id - 1
        else:
            newest = self._newest
        half = IMAGE_IDS // 2
        number = newest + (header.image_id - newest + half) % IMAGE_IDS - half
        if number > newest:
            self._waiting.update(range(newest + 1, number + 1))
            self._newest = number

    def _publish_picture(self, received: ReceivedPicture) -> None:
        picture, payload = received.picture, received.payload
        number = self._number(payload.image_id)
        self._waiting.discard(number)
        height, width, channels = picture.image.shape
        self.counters["delivered"] += picture.delivered
        meta = {
            keys.HEIGHT: height,
            keys.WIDTH: width,
            keys.CHANNELS: channels,
            keys.IMAGE_ID: payload.image_id,
            keys.FRAME: number % keys.MAX_FRAME,
            keys.DELIVERED: picture.delivered,
            keys.PROBLEM: picture.problem,
            keys.TRUSTED: received.trusted,
            keys.N_BYTES: len(payload.data),
            keys.N_CODE_BLOCKS: len(payload.block_ok),
            keys.BLOCK_ERRORS: int(np.count_nonzero(~payload.block_ok)),
            keys.ITERATIONS: payload.iterations,
            keys.SNR_DB: received.snr_db,
            keys.SNR_DEF: "rx_ant",
        }
        self.publish(keys.RESULT, picture.image, meta)
        self._publish_missing(self._library.config.pictures_in_flight)

    def _number(self, image_id: int) -> int:
        behind = (self._newest - image_id) % IMAGE_IDS
        return self._newest - behind

    def _publish_missing(self, in_flight: int) -> None:
        """Empty PDUs for the pictures that are older than `in_flight` others and cannot come any more."""
        gone = sorted(n for n in self._waiting if n <= self._newest - in_flight)
        self._waiting.difference_update(gone)
        for number in gone:
            meta = {keys.FRAME: number % keys.MAX_FRAME, keys.IMAGE_ID: number % IMAGE_IDS}
            self.publish_lost(keys.RESULT, meta)
