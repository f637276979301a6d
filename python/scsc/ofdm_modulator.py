# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames to samples."""

from __future__ import annotations

from scsc_core.radio import keys
from scsc_core.waveform.header import unpack
from scsc_core.waveform.modulator import Modulator
from scsc_core.waveform.numerology import numerology as _numerology

from .frame_meta import BadFrame, require
from .message_block import message_block


class ofdm_modulator(message_block):
    """Modulates frames: training fields, header, and data carriers through their transmit tables.

    x = ifft(X) N / sqrt(n_used) with a cyclic prefix, unit mean power over both antennas. Channel use
    u sends row index[u] of the table of data carrier u mod n_data.

    Message ports:
        outgoing (in): u8, bits of the frame header; keys index, tables, n_tables, n_tx of a frame
            with data.
        burst (out): c32 [n_tx, n_samples]; the frame's keys without index and tables.
        status (out): dict of frames, dropped.

    Args:
        numerology: "64", "128" or "256" points, with another cyclic prefix as in "64-cp8".
    Raises:
        ValueError: an unknown numerology.
    Source: waveform.md sections 2 to 5.
    """

    def __init__(self, numerology="64"):
        super().__init__("ofdm_modulator", pdus=(keys.OUTGOING,), outputs=(keys.BURST,))
        self._modulator = Modulator(_numerology(numerology))

    def on_outgoing(self, bits, meta):
        """Modulate one frame."""
        try:
            samples = self._modulate(unpack(bits), meta)
        except ValueError as error:
            raise BadFrame(f"no frame can be made of it: {error}") from None
        meta[keys.N_TX], meta[keys.N_SAMPLES] = samples.shape
        self.publish(keys.BURST, samples, meta)

    def _modulate(self, header, meta):
        if not header.nsym:
            return self._modulator.sounding(header)
        require(meta, (keys.INDEX, keys.TABLES, keys.N_TABLES, keys.N_TX))
        tables = meta.pop(keys.TABLES).reshape(meta.pop(keys.N_TABLES), -1, meta[keys.N_TX])
        return self._modulator.modulate(header, meta.pop(keys.INDEX), tables)
