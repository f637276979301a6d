# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures to the frames that go on the air."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

import numpy as np

from scsc_core.model_choice import NONE
from scsc_core.radio import keys
from scsc_core.waveform.header import pack
from scsc_core.waveform.picture_transmitter import IMAGE_IDS
from scsc_core.waveform.session import OutgoingFrame, WaveformTransmitter

from .frame_meta import require
from .message_block import message_block
from .waveform_configuration import waveform_config


class waveform_transmitter(message_block):
    """Makes the frames of pictures: codec, channel code, HARQ, sounding, tables of the newest report.

    A frame is chosen when burst_sender asks for it, so that it is sent with the newest channel
    knowledge: again because the receiver missed it, the next one of a picture, or a sounding frame
    when none went out for half the greatest age of a report. Before the first report it waits; with
    a report that is too old it sends in open loop.

    A picture that carries `qp` is coded at that quality, and one that block ppen prepared is not
    prepared again, as in source_encoder. Without a quality PPEN runs here and holds bursts up.

    Message ports:
        image (in): u8 [height, width, 3]; keys qp, ppen, ppen_qp are heeded.
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
        # Pictures that the library has no room for yet (None: lost) and what they say of themselves.
        self._pictures: deque[tuple[np.ndarray | None, dict[str, Any]]] = deque()
        self._id_left_out = False  # the library's next id would not be _next_id
        self._totals: Counter[str] = Counter()  # of libraries before this one
        self._wanted = self._base = self._target = waveform_config(config)
        self._said: dict[str, Any] = {}  # by the picture that _target, made of _base, is for
        self._library = self._build(self._target)

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

    def start(self):
        """Begin a run; pictures that waited when the last one was stopped are sent first."""
        self._ending = False
        return super().start()

    def on_image(self, image, meta):
        """Queue one picture."""
        said = {key: meta[key] for key in (keys.PPEN, keys.QP) if key in meta}
        if keys.PPEN_QP in meta:
            said[keys.PPEN] = NONE  # the block ppen has run it
        self._pictures.append((image, said))

    def on_lost_frame(self, meta):
        """What was dropped before is not sent, but keeps its number; its credit returns."""
        self._pictures.append((None, {}))

    def on_end(self):
        """The last frame has told those behind."""

    def on_feedback(self, message, meta):
        """Take one message of the receiver."""
        self._library.receive(message.tobytes())

    def on_slot(self, slot):
        """Send as many frames as are asked for and due."""
        require(slot, (keys.TIME_S, keys.GRANTED))
        self._time_s, self._granted = float(slot[keys.TIME_S]), int(slot[keys.GRANTED])
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

    def _build(self, config) -> WaveformTransmitter:
        return WaveformTransmitter(
            config, lambda: self._time_s, first_image_id=self._next_id % IMAGE_IDS
        )

    def _offer_pictures(self) -> None:
        """Give the library the pictures that it has room for."""
        while self._pictures and not self._library.queue_full:
            image, said = self._pictures[0]
            offered = False
            try:
                if image is not None:
                    if not self._ready(said):
                        return
                    self._library.offer(image)
                    offered = True
            except (
                ValueError
            ) as error:  # an impossible quality, more frames than a picture may have
                self.counters["dropped"] += 1
                self.warn(f"picture cannot be sent: {error}")
            self._pictures.popleft()
            self._next_id += 1
            self._refused += not offered
            self._id_left_out = self._id_left_out or not offered
        if self._pictures:
            return
        if not self._said:
            self._ready({})  # parameters take effect without a picture too
        if self._last_seen and not self._ending and self._switch():
            self._ending = True
            self._library.end()

    def _ready(self, said) -> bool:
        """Whether the library sends as the parameters and the next picture want it.

        Raises:
            ValueError: what the picture says of itself is impossible.
        """
        if self._wanted is not self._base or said != self._said:
            base = self._wanted
            self._target = base.with_changes(**said) if said else base
            self._base, self._said = base, said
        try:
            return self._switch()
        except ValueError as error:
            self._base, self._target = None, self.config
            if said:
                raise
            self._wanted = self.config
            self.warn(f"the configuration stays: {error}")
            return False

    def _switch(self) -> bool:
        """Whether the library is what is wanted; another takes its place as soon as it is idle."""
        if self._target == self.config and not self._id_left_out:
            return True
        if not self._library.idle:
            return False
        before = self._library
        self._library = self._build(self._target)
        self._totals.update(before.counters)
        self._id_left_out = False
        return True

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
