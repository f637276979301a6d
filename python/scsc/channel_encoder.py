# SPDX-License-Identifier: GPL-3.0-or-later
"""Framed bytes to coded bits."""

from __future__ import annotations

from scsc_core.link import Transmitter
from scsc_core.radio import keys

from .link_block import link_block


class channel_encoder(link_block):
    """Protects bytes with a channel code, scrambles and interleaves the coded bits.

    Message ports:
        bytes (in): u8.
        bits (out): u8, one coded bit each, in the order of the channel uses; adds keys fec,
            code_rate, modulation, interleaver, n_streams, n_info, block_bits, rv.
        codeword (out): u8, the same bits as the code made them; for counting bit errors.
        status (out): dict of frames, dropped.
        cmd (in): dict with code_rate, modulation.

    Args:
        fec: "nr_ldpc" (5G NR), "polar" or "gallager".
        code_rate: str such as "1/2", or float, 1/10..0.95.
        modulation: "bpsk", "qpsk", "16qam", "64qam" or "256qam", per stream.
        n_streams: int >= 1, streams that share a codeword.
        interleaver: "shuffle" or "nr".
    Raises:
        ValueError: an unknown name or a code rate out of range.
    Source: 3GPP TS 38.212; link.py Transmitter.encode.
    """

    def __init__(
        self, fec="nr_ldpc", code_rate="1/2", modulation="qpsk", n_streams=2, interleaver="shuffle"
    ):
        super().__init__(
            "channel_encoder",
            {
                "fec": fec,
                "code_rate": code_rate,
                "modulation": modulation,
                "interleaver": interleaver,
                "n_tx": n_streams,
                "n_rx": n_streams,
                "n_streams": n_streams,
            },
            Transmitter,
            pdus=(keys.BYTES,),
            outputs=(keys.BITS, keys.CODEWORD),
            settable=("code_rate", "modulation"),
        )

    def set_code_rate(self, code_rate):
        """Code rate from the next frame on."""
        self.set_parameter("code_rate", code_rate)

    def set_modulation(self, modulation):
        """Modulation from the next frame on; the frame tells the receiver."""
        self.set_parameter("modulation", modulation)

    def on_bytes(self, payload, meta):
        """Encode one payload."""
        transmitter = self.kernel_for({})
        config = transmitter.config
        with self.timed(meta, "encode"):
            coded = transmitter.encode(payload.tobytes())
        meta.update(
            {
                keys.FEC: config.fec,
                keys.CODE_RATE: config.code_rate,
                keys.MODULATION: config.modulation,
                keys.INTERLEAVER: config.interleaver,
                keys.N_STREAMS: config.streams,
                keys.N_INFO: coded.payload_bits,
                keys.BLOCK_BITS: coded.block_bits,
                keys.RV: 0,
            }
        )
        if self.wanted(keys.CODEWORD):
            self.publish(keys.CODEWORD, coded.codeword_bits, meta)
        self.publish(keys.BITS, coded.bits, meta)
