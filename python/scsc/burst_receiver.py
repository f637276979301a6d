# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams of both antennas to received frames."""

from __future__ import annotations

import numpy as np

from scsc_core.radio import keys
from scsc_core.radio.front_end import N_ANTENNAS
from scsc_core.waveform.numerology import numerology as _numerology
from scsc_core.waveform.receiver import OfdmReceiver, ReceiverConfig

from .heard_frame import heard_pdu, quiet_pdu
from .stream_block import GAP_TAG, common_items, stream_block
from .supervisor import supervised

QUIET_S = 0.01  # of samples without a frame, until those behind are told that time goes on


class burst_receiver(stream_block):
    """Finds frames in the streams of both antennas and demodulates them: synchroniser, channel, phase.

    Detection by the short training field, timing and carrier offset, channel and noise from the
    long one, header, and the data carriers with their phase followed by pilots: y = H z + n of each
    carrier, in link units. It needs to know nothing but the carriers; the header says the rest.

    Message ports:
        heard (out): c32 [n_used, n_rx, n_tx], H of the used carriers, one PDU per frame; keys y
            (c32vector [n_data, n_rx, nsym]), header (its bits), frame_type, nsym, image_id,
            modulation, precoder, csi_id, rv, noise_var, snr_db, snr_def, cfo_hz, sto_samples,
            sfo_ppm, metric, q, sample_index, peak, clip_count. In silence an empty one with
            sample_index comes every 10 ms, or with every chunk. An empty one with `last` ends it.
        status (out): dict of frames, dropped, snr_db, cfo_hz and the counters of OfdmReceiver.
    Tags:
        scsc_gap on input 0: samples were lost in front of this one; what was begun is given up.

    Args:
        numerology: "64", "128" or "256" points, with another cyclic prefix as in "64-cp8".
        sample_rate_hz: float > 0, to give the carrier offset in Hz.
        chunk_samples: int 64..1048576, samples that are worked on at a time; more cost latency.
    Raises:
        ValueError: an unknown numerology, a number out of range.
    Source: waveform.md section 6.
    """

    def __init__(self, numerology="64", sample_rate_hz=1e6, chunk_samples=4096):
        if not 64 <= chunk_samples <= 1 << 20:
            raise ValueError(f"chunk_samples must be in 64..{1 << 20}, got {chunk_samples}")
        super().__init__("burst_receiver", inputs=True, messages_out=(keys.HEARD,))
        config = ReceiverConfig(numerology=_numerology(numerology), rate_hz=float(sample_rate_hz))
        self._receiver = OfdmReceiver(config)
        self._chunk = np.empty((N_ANTENNAS, int(chunk_samples)), np.complex64)
        self._held = 0
        self._quiet = round(QUIET_S * config.rate_hz)
        self._unsure = config.numerology.overhead_samples  # a frame that ended there may still come
        self._told = 0  # sample up to which those behind know what was heard

    @supervised
    def general_work(self, input_items, output_items):
        """Collect samples, and work on a chunk of them when it is full."""
        n, first = common_items(input_items), self.nitems_read(0)
        gaps = self.get_tags_in_window(0, 0, n, GAP_TAG)
        begin = 0
        for offset in sorted(tag.offset - first for tag in gaps):
            self._collect([stream[begin:offset] for stream in input_items])
            self._work_on_chunk()
            self._send(self._receiver.discontinuity())
            begin = offset
        self._collect([stream[begin:n] for stream in input_items])
        self.consume_each(n)
        return 0

    @supervised
    def stop(self):
        """Send what is complete; where the stream ended, and was not stopped, nothing follows."""
        self._work_on_chunk()
        self._send(self._receiver.flush())
        if self.gateway.detail().done():
            self.publish_end(keys.HEARD)
        self.publish_status(final=True)
        return True

    def _collect(self, streams):
        done, n = 0, len(streams[0])
        while done < n:
            count = min(n - done, self._chunk.shape[1] - self._held)
            for row, stream in zip(self._chunk, streams):
                row[self._held : self._held + count] = stream[done : done + count]
            self._held += count
            done += count
            if self._held == self._chunk.shape[1]:
                self._work_on_chunk()

    def _work_on_chunk(self):
        held, self._held = self._held, 0
        self._send(self._receiver.push(self._chunk[:, :held]))

    def _send(self, frames):
        self.counters.update(self._receiver.counters)
        for frame in frames:
            self.counters[keys.SNR_DB], self.counters[keys.CFO_HZ] = frame.snr_db, frame.cfo_hz
            self.publish(keys.HEARD, *heard_pdu(frame))
            self._told = frame.sample_index + frame.n_samples
        sure = self._receiver.counters.get("samples", 0) - self._unsure
        if sure - self._told >= self._quiet:
            self.publish(keys.HEARD, *quiet_pdu(sure))
            self._told = sure
        self.publish_status()
