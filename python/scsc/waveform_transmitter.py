# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures to the frames that go on the air."""

from __future__ import annotations

from collections import Counter, deque

import numpy as np

from scsc_core.radio import keys
from scsc_core.waveform.header import pack
from scsc_core.waveform.picture_transmitter import IMAGE_IDS
from scsc_core.waveform.session import OutgoingFrame, WaveformTransmitter

from .message_block import message_block, require
from .waveform_configuration import waveform_config


class waveform_transmitter(message_block):
    """Makes the frames of pictures: codec, channel code, HARQ, sounding, tables of the newest report.

    A frame is chosen when burst_sender asks for it, so that it is sent with the newest channel
    knowledge: again because the receiver missed it, the next one of a picture, or a sounding frame
    when none went out for half the greatest age of a report. Before the first report it waits; with
    a report that is too old it sends in open loop.

    Message ports:
        image (in): u8 [height, width, 3].
        feedback (in): u8, messages of waveform_receiver, directly or through csi_link.
        slot (in): dict time_s, granted, from burst_sender: the clock of this block.
        outgoing (out): u8, bits of the frame header; keys index, tables, n_tables, n_tx, frame_type,
            nsym, precoder, csi_id, image_id, and last with the last frame of the transmission.
        credit (out): dict per picture that is done with, to `credit` of the image source.
        status (out): dict of frames, dropped, csi_state, csi_age_ms, receiver_snr_db and the counters
            of WaveformTransmitter (soundings, frames_closed_loop, retransmissions and others).
        cmd (in): dict with precoder, modulation, code_rate, qp.

    Args:
        config: WaveformConfig, or the path of a YAML file; None takes the defaults.
        first_image_id: int 0..255, of the first picture; ends that start again should not repeat it.
    Attributes:
        config: WaveformConfig in use.
    Raises:
        ValueError: an unreadable file, an unknown key or an impossible value, in one line.
    Note: changes take effect between two pictures, when nothing is in flight.
    Source: waveform.md sections 4, 5 and 7.
    """

    def __init__(self, config=None, first_image_id=0):
        if not 0 <= first_image_id < IMAGE_IDS:
            raise ValueError(f"first_image_id must be in 0..255, got {first_image_id}")
        super().__init__(
            "waveform_transmitter",
            pdus=(keys.IMAGE, keys.FEEDBACK),
            dicts=(keys.SLOT,),
            outputs=(keys.OUTGOING, keys.CREDIT),
            settable=("precoder", "modulation", "code_rate", "qp"),
        )
        self._time_s = 0.0
        self._granted = self._sent = self._credited = 0
        self._refused = 0
        self._next_id = first_image_id
        self._ending = False
        self._pictures: deque[np.ndarray] = deque()  # that the library has no room for yet
        self._totals: Counter[str] = Counter()  # of libraries before this one
        self._wanted = waveform_config(config)
        self._library = self._build()

    @property
    def config(self):
        """WaveformConfig in use."""
        return self._library.config

    def set_config(self, config):
        """Another configuration as soon as no picture is in flight."""
        self._wanted = waveform_config(config)

    def set_precoder(self, precoder):
        """Precoder of the next pictures."""
        self._wanted = self._wanted.with_changes(precoder=precoder)

    def set_modulation(self, modulation):
        """Modulation of the next pictures."""
        self._wanted = self._wanted.with_changes(modulation=modulation)

    def set_code_rate(self, code_rate):
        """Code rate of the next pictures."""
        self._wanted = self._wanted.with_changes(code_rate=code_rate)

    def set_qp(self, qp):
        """Quality of the next pictures."""
        self._wanted = self._wanted.with_changes(qp=qp)

    def on_image(self, image, meta):
        """Queue one picture."""
        self._pictures.append(image)

    def on_lost_frame(self, meta):
        """What was dropped before is not sent; its credit returns."""
        self.publish_dict(keys.CREDIT, {keys.FRAME: meta[keys.FRAME]})

    def on_feedback(self, message, meta):
        """Take one message of the receiver."""
        self._library.receive(message.tobytes())

    def on_slot(self, slot):
        """Send as many frames as are asked for and due."""
        require(slot, (keys.TIME_S, keys.GRANTED))
        self._time_s, self._granted = float(slot[keys.TIME_S]), int(slot[keys.GRANTED])
        self._reconfigure()
        self._offer_pictures()
        while self._sent < self._granted:
            frame = self._library.next_frame()
            if frame is None:
                break
            self._sent += 1
            self._publish_frame(frame)
        self._count()

    def idle(self):
        """True when everything was sent, the end frames included."""
        return self._ending and self._library.ended

    def _build(self) -> WaveformTransmitter:
        return WaveformTransmitter(
            self._wanted, lambda: self._time_s, first_image_id=self._next_id % IMAGE_IDS
        )

    def _reconfigure(self) -> None:
        """Go on with another library object where the configuration changed and nothing is in flight."""
        if self._wanted is self.config or not self._library.idle:
            return
        before = self._library
        try:
            self._library = self._build()
        except ValueError as error:
            self._wanted = before.config
            self.warn(f"the configuration stays: {error}")
        else:
            self._totals.update(before.counters)

    def _offer_pictures(self) -> None:
        changing = self._wanted is not self.config
        while self._pictures and not self._library.queue_full and not changing:
            try:
                self._library.offer(self._pictures.popleft())
                self._next_id += 1
            except ValueError as error:  # more frames than a picture may have
                self._refused += 1
                self.counters["dropped"] += 1
                self.warn(f"picture cannot be sent: {error}")
        if self._last_seen and not self._pictures and not self._ending:
            self._ending = True
            self._library.end()

    def _publish_frame(self, frame: OutgoingFrame) -> None:
        header = frame.header
        meta = {
            keys.FRAME_TYPE: header.type,
            keys.NSYM: header.nsym,
            keys.MODULATION: header.modulation,
            keys.PRECODER: header.precoder,
            keys.N_STREAMS: header.streams,
            keys.CSI_ID: header.csi_id,
            keys.IMAGE_ID: header.image_id,
            keys.RV: header.rv,
            keys.LAST: self._ending and self._library.ended,
        }
        if frame.index is not None:
            meta[keys.INDEX] = frame.index.astype(np.int32)
            meta[keys.TABLES] = np.asarray(frame.tables, np.complex128)
            meta[keys.N_TABLES], _, meta[keys.N_TX] = frame.tables.shape
        self.publish(keys.OUTGOING, pack(header), meta)

    def _count(self) -> None:
        """Counters of the library on port status, and credit for the pictures that are done with."""
        library = self._library
        total = self._totals + Counter(library.counters)
        done = total["pictures_sent"] + total["pictures_dropped"] + self._refused
        for _ in range(done - self._credited):
            self.publish_dict(keys.CREDIT, {keys.FRAME: self._credited % keys.MAX_FRAME})
            self._credited += 1
        age_s, state = library.csi.age_s, library.receiver_state
        self.counters.update(
            total,
            csi_state=library.csi.state,
            csi_age_ms=None if age_s is None else 1e3 * age_s,
            receiver_snr_db=None if state is None else state.snr_db,
        )
        self.publish_status()
