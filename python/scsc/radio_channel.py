# SPDX-License-Identifier: GPL-3.0-or-later
"""The radio channel between two front ends, sample by sample."""

from __future__ import annotations

import threading
from itertools import takewhile
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from scsc_core.channels.stream_channel import StreamChannel
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.config import build
from scsc_core.radio import keys
from scsc_core.waveform.numerology import numerology as _numerology

from .stream_block import BLOCK_TAG, BURST_TAG, STREAM_BUFFER, common_items, stream_block
from .supervisor import supervised

_KNOWLEDGE = (keys.CSI_TRUE, keys.CSI)
_SETTABLE = ("model", "profile", "delay_spread_ns", "doppler_hz", "snr_db", "cfo_hz", "options")


def _configuration(parameters: dict[str, Any]) -> StreamChannelConfig:
    values = dict(parameters)
    options = values.pop("options") or {}
    if not isinstance(options, dict):
        raise ValueError(f"options must be a dict or None, got {options!r}")
    if twice := sorted(options.keys() & values.keys()):
        raise ValueError(f"options must not hold parameters of the block, got {', '.join(twice)}")
    block = {"block": "doppler"} if values["doppler_hz"] else {}
    return build(StreamChannelConfig, {**values, **options, **block})


class radio_channel(stream_block):
    """Carries the samples of two antennas over a fading radio channel with the faults of front ends.

    Transmit IQ, clipping, fading taps and delay, sampling clock, carrier, phase noise, interferer,
    noise, receive IQ, DC, quantiser. E||H||_F^2 = 4. Same seed, same draws, in any chunking. What
    changes at run time goes on from where it is (StreamChannel.reconfigure).

    Message ports:
        csi_true (out): c64 [n_blocks, n_rx, n_tx], H of the used carriers, one PDU for each block of
            the channel; keys block, sample_index (where it arrives). An empty one with `last` ends it.
        csi (out): the same with the option csi_error: H_hat = H + E of a genie, E ~ CN(0, csi_error).
        status (out): dict of frames (blocks so far), dropped, snr_db, clip_count.
        cmd (in): dict with model, profile, delay_spread_ns, doppler_hz, snr_db, cfo_hz, options.
    Tags:
        scsc_burst on input 0: where a burst begins; looked for where there are none.
        scsc_block on output 0: number of the block that begins.

    Args:
        sample_rate_hz: float > 0.
        model: "awgn", "rayleigh", "rician", "exp", "tdl", "cdl", "nonstationary", "taps" or "file".
        profile, delay_spread_ns: "A" to "E" of tdl and cdl; float 0..1e5, rms, also of exp.
        doppler_hz: float >= 0; 0: a new draw for each burst, or as the option block says.
        snr_db, cfo_hz: float, -50..200; float, carrier offset.
        options: dict of other keys (docs/channels.md, section 2) or None: seed, block, rician_k_db,
            delays_ns, powers_db, channel_file, correlation_tx, correlation_rx, snr_def, noise_var,
            delay_samples, delay_frac, sfo_ppm, phase_noise, tx_iq_gain_db, tx_iq_phase_deg, cw_db,
            rx_iq_gain_db, rx_iq_phase_deg, tx_clip_dbfs, dc_dbc, cw_hz, quant_bits, csi_error.
        numerology: "64", "128" or "256", carriers of csi_true and csi.
    Raises:
        ValueError: an unknown name, a number out of range, values that do not go together.
    Source: waveform.md sections 8 and 11.
    """

    def __init__(
        self,
        sample_rate_hz=1e6,
        model="rayleigh",
        profile="A",
        delay_spread_ns=50.0,
        doppler_hz=0.0,
        snr_db=9.0,
        cfo_hz=0.0,
        options=None,
        numerology="64",
    ):
        given = locals().items()
        names = {"options", *StreamChannelConfig.model_fields}
        self._parameters = {name: value for name, value in given if name in names}
        super().__init__(
            "radio_channel",
            inputs=True,
            outputs=True,
            messages_out=_KNOWLEDGE,
            settable=_SETTABLE,
        )
        self._carriers = _numerology(numerology)
        self._tagged = False
        self._lock = threading.Lock()
        self._wanted = self._seen = _configuration(self._parameters)
        self._channel = StreamChannel(self._wanted)
        self._blocks_told = 0
        self.counters[keys.SNR_DB] = self._wanted.snr_db
        self.set_tag_propagation_policy(gr.TPP_DONT)  # delays move what the tags speak of
        self.set_max_output_buffer(STREAM_BUFFER)

    @supervised
    def start(self):
        """Begin a run; samples are numbered from 0 again, so the channel begins anew, too."""
        if self._starts:
            self._channel = StreamChannel(self._channel.config)
            self._tagged, self._blocks_told = False, 0
        return super().start()

    @supervised
    def stop(self):
        """Where the stream ended, and was not stopped, no block follows."""
        if self.gateway.detail().done():
            self.publish_end(*_KNOWLEDGE)
        self.publish_status(final=True)
        return True

    @supervised
    def general_work(self, input_items, output_items):
        """Pass on as many samples as there are."""
        n = common_items([*input_items, *output_items])
        if self._wanted is not self._seen:
            self._reconfigure()
        first = self.nitems_read(0)
        tags = self.get_tags_in_window(0, 0, n, BURST_TAG)
        starts = np.array(sorted(tag.offset - first for tag in tags), np.int64)
        self._tagged = self._tagged or bool(len(starts))
        x = np.stack([stream[:n] for stream in input_items])
        y = self._channel.apply(x, starts if self._tagged else None)
        for output, row in zip(output_items, y):
            output[:n] = row
        self._tell_blocks(self.nitems_written(0))
        self.consume_each(n)
        return n

    def _reconfigure(self) -> None:
        self._seen = self._wanted
        try:
            self._channel.reconfigure(self._seen)
        except ValueError as error:  # a file that cannot be used
            self.warn(f"the channel stays: {error}")
        self.counters[keys.SNR_DB] = self._channel.config.snr_db

    def _tell_blocks(self, written: int) -> None:
        """Tag and publish the blocks that began in the samples of this call."""
        newest_first = reversed(self._channel.truth)
        new = [*takewhile(lambda true: true.index >= self._blocks_told, newest_first)][::-1]
        for true in new:
            self.counters["frames"] += 1
            if true.output_sample >= written:
                self.add_item_tag(0, true.output_sample, BLOCK_TAG, pmt.from_long(true.index))
            if any(map(self.wanted, _KNOWLEDGE)):
                self._publish_knowledge(true)
        self.counters["clip_count"] = self._channel.clip_count
        if new:
            self._blocks_told = new[-1].index + 1
            self.publish_status()

    def _publish_knowledge(self, true) -> None:
        h = true.carriers(self._carriers.used, self._carriers.n_fft)
        meta = dict(zip(keys.SHAPES[keys.CSI_TRUE], h.shape))
        meta |= {keys.BLOCK: true.index, keys.SAMPLE_INDEX: true.output_sample}
        self.publish(keys.CSI_TRUE, h, meta)
        if self.wanted(keys.CSI):
            error = {keys.CSI_ERROR: self._channel.config.csi_error}
            self.publish(keys.CSI, self._channel.csi_estimate(h), meta | error)

    def _set(self, **changes) -> None:
        """Other values from the next samples on; impossible ones are a warning, no change."""
        with self._lock:
            parameters = {**self._parameters, **changes}
            try:
                self._wanted = _configuration(parameters)
            except ValueError as error:
                self.warn(f"the channel stays: {error}")
                return
            self._parameters = parameters

    def set_model(self, model):
        """Model from the next samples on."""
        self._set(model=model)

    def set_profile(self, profile):
        """Profile of tdl and cdl from the next samples on."""
        self._set(profile=profile)

    def set_delay_spread_ns(self, delay_spread_ns):
        """Delay spread from the next samples on."""
        self._set(delay_spread_ns=delay_spread_ns)

    def set_doppler_hz(self, doppler_hz):
        """Doppler shift from the next samples on."""
        self._set(doppler_hz=doppler_hz)

    def set_snr_db(self, snr_db):
        """Signal-to-noise ratio from the next samples on."""
        self._set(snr_db=snr_db)

    def set_cfo_hz(self, cfo_hz):
        """Carrier offset from the next samples on."""
        self._set(cfo_hz=cfo_hz)

    def set_options(self, options):
        """All other keys from the next samples on."""
        self._set(options=options)
