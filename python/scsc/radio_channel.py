# SPDX-License-Identifier: GPL-3.0-or-later
"""The radio channel between two front ends, sample by sample."""

from __future__ import annotations

import threading

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

_SETTABLE = ("model", "profile", "delay_spread_ns", "doppler_hz", "snr_db", "cfo_hz", "sfo_ppm")
_SETTABLE += ("phase_noise",)


class radio_channel(stream_block):
    """Carries the samples of two antennas over a fading radio channel with the faults of front ends.

    Transmit IQ, clipping, fading taps with delay, sampling clock, carrier and phase noise,
    interferer, noise, receive IQ, DC, quantiser, in this order. E||H||_F^2 = 4. Same seed, same
    draws, whatever the sizes of the pieces that the scheduler cuts the stream into.

    Message ports:
        csi_true (out): c64 [n_blocks, n_rx, n_tx], H of every used carrier at the start of a block;
            keys block, sample_index. Made when something listens.
        status (out): dict of frames (blocks so far), dropped, snr_db, clip_count.
        cmd (in): dict with model, profile, delay_spread_ns, doppler_hz, snr_db, cfo_hz, sfo_ppm,
            phase_noise. A change starts the channel anew.
    Tags:
        scsc_burst on input 0: where a burst begins; looked for where there are none.
        scsc_block on output 0: number of the block that begins.

    Args:
        sample_rate_hz: float > 0.
        model: "awgn" (H = [[1, 1], [1, -1]]), "rayleigh" (flat), "rician", "exp", "tdl", "cdl",
            "nonstationary", "taps" or "file".
        profile: "A" to "E", of tdl and cdl.
        delay_spread_ns: float 0..1e5, rms, of exp, tdl and cdl.
        rician_k_db: float -60..60, K factor of rician.
        delays_ns, powers_db: tuples of float, of model taps.
        channel_file: str, .npz of recorded channels for model file, else None.
        correlation_tx, correlation_rx: float in [0, 1), exponential correlation of antennas.
        block: "per_frame" (a new draw for each burst), "samples:<n>" or "doppler".
        doppler_hz: float, > 0 with block doppler, Jakes spectrum.
        snr_db: float, -50..200.
        snr_def: "pz_n0" (one transmit antenna's power over N0) or "rx_ant" (received, all of them).
        noise_var: float >= 0, N0 in link units instead of snr_db; None: snr_db counts.
        delay_samples: str, "n" or "lo:hi", drawn for each burst.
        delay_frac: float in [0, 1), samples.
        sfo_ppm: float, -1000..1000, offset of the sampling clock.
        cfo_hz: float, carrier offset.
        phase_noise: float 0..1, random walk in rad per sample.
        tx_iq_gain_db, tx_iq_phase_deg, rx_iq_gain_db, rx_iq_phase_deg: float, IQ imbalance.
        tx_clip_dbfs: float, clipping level of the transmitter; None: off.
        dc_dbc: float, DC at the receiver relative to the signal; None: off.
        cw_db: float, power of an interfering carrier relative to the signal; None: off.
        cw_hz: float, its frequency.
        quant_bits: int 2..16, of the receiver's converters; None: off.
        csi_error: float 0..1, variance of the error of csi_true.
        seed: int >= 0.
        numerology: "64", "128" or "256", carriers of csi_true.
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
        rician_k_db=9.0,
        delays_ns=(),
        powers_db=(),
        channel_file=None,
        correlation_tx=0.0,
        correlation_rx=0.0,
        block="per_frame",
        doppler_hz=0.0,
        snr_db=9.0,
        snr_def="pz_n0",
        noise_var=None,
        delay_samples="0",
        delay_frac=0.0,
        sfo_ppm=0.0,
        cfo_hz=0.0,
        phase_noise=0.0,
        tx_iq_gain_db=0.0,
        tx_iq_phase_deg=0.0,
        rx_iq_gain_db=0.0,
        rx_iq_phase_deg=0.0,
        tx_clip_dbfs=None,
        dc_dbc=None,
        cw_db=None,
        cw_hz=0.0,
        quant_bits=None,
        csi_error=0.0,
        seed=1,
        numerology="64",
    ):
        given = locals().items()
        values = {name: value for name, value in given if name in StreamChannelConfig.model_fields}
        super().__init__(
            "radio_channel",
            inputs=True,
            outputs=True,
            messages_out=(keys.CSI_TRUE,),
            settable=_SETTABLE,
        )
        self._carriers = _numerology(numerology)
        self._tagged = False
        self._lock = threading.Lock()
        self._wanted = build(StreamChannelConfig, values)
        self._renew()
        self.set_tag_propagation_policy(gr.TPP_DONT)  # delays move what the tags speak of
        self.set_max_output_buffer(STREAM_BUFFER)

    @supervised
    def general_work(self, input_items, output_items):
        """Pass on as many samples as there are."""
        n = common_items([*input_items, *output_items])
        if self._wanted is not self._channel.config:
            self._renew()
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

    def _renew(self) -> None:
        self._channel = StreamChannel(self._wanted)
        self._begin = self.nitems_read(0)  # the channel counts samples from its own start
        self._blocks_told = 0
        self.counters[keys.SNR_DB] = self._wanted.snr_db

    def _tell_blocks(self, written: int) -> None:
        """Tag and publish the blocks that began in the samples of this call."""
        new = [true for true in self._channel.truth if true.index >= self._blocks_told]
        for true in new:
            self._blocks_told = true.index + 1
            self.counters["frames"] += 1
            offset = self._begin + true.output_sample
            if offset >= written:
                self.add_item_tag(0, offset, BLOCK_TAG, pmt.from_long(true.index))
        self.counters["clip_count"] = self._channel.clip_count
        if new and self.wanted(keys.CSI_TRUE):
            self._publish_truth(new[-1])
        if new:
            self.publish_status()

    def _publish_truth(self, true) -> None:
        h = true.carriers(self._carriers.used, self._carriers.n_fft)
        if self._channel.config.csi_error:
            h = self._channel.csi_estimate(h)
        meta = dict(zip(keys.SHAPES[keys.CSI_TRUE], h.shape))
        meta |= {keys.BLOCK: true.index, keys.SAMPLE_INDEX: self._begin + true.output_sample}
        self.publish(keys.CSI_TRUE, np.ascontiguousarray(h, np.complex128), meta)

    def _set(self, **changes) -> None:
        """Another channel from the next samples on; one that is impossible is a warning, and none."""
        with self._lock:
            values = {**self._wanted.model_dump(), **changes}
            try:
                self._wanted = build(StreamChannelConfig, values)
            except ValueError as error:
                self.warn(f"the channel stays: {error}")

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
        """Doppler shift from the next samples on; 0: a new draw for each burst."""
        self._set(doppler_hz=doppler_hz, block="doppler" if doppler_hz else "per_frame")

    def set_snr_db(self, snr_db):
        """Signal-to-noise ratio from the next samples on."""
        self._set(snr_db=snr_db)

    def set_cfo_hz(self, cfo_hz):
        """Carrier offset from the next samples on."""
        self._set(cfo_hz=cfo_hz)

    def set_sfo_ppm(self, sfo_ppm):
        """Offset of the sampling clock from the next samples on."""
        self._set(sfo_ppm=sfo_ppm)

    def set_phase_noise(self, phase_noise):
        """Phase noise from the next samples on."""
        self._set(phase_noise=phase_noise)
