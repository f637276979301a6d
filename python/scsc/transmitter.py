# SPDX-License-Identifier: GPL-3.0-or-later
"""The transmitter in one box."""

from __future__ import annotations

from gnuradio import gr

from scsc_core.radio import keys

from .channel_encoder import channel_encoder
from .configuration import link_config
from .ppen import ppen
from .precoder import precoder
from .source_encoder import source_encoder


class transmitter(gr.hier_block2):
    """The whole transmitter from one configuration: PPEN, codec, channel code, precoder.

    Message ports:
        image (in): u8 [height, width, 3], from an image source.
        csi (in), sounding (out): the two-step hand-over with the channel, see precoder.
        symbols (out): c32 [n_tx, k].
        codeword (out): u8, coded bits for counting errors.

    Args:
        config: LinkConfig, or the path of a YAML file; None takes the defaults.
    Raises:
        ValueError: an unreadable file, an unknown key or an impossible value, in one line.
    Source: Han et al., Fig. 1(b); link.py Transmitter.
    """

    def __init__(self, config=None):
        gr.hier_block2.__init__(
            self, "scsc_transmitter", gr.io_signature(0, 0, 0), gr.io_signature(0, 0, 0)
        )
        config = link_config(config)
        for port in (keys.IMAGE, keys.CSI):
            self.message_port_register_hier_in(port)
        for port in (keys.SYMBOLS, keys.SOUNDING, keys.CODEWORD):
            self.message_port_register_hier_out(port)
        self.ppen = ppen.from_config(config)
        self._fixed = config.mode == "fixed"
        self.source_encoder = source_encoder.from_config(config)
        self.channel_encoder = channel_encoder.from_config(config)
        self.precoder = precoder.from_config(config)
        self.msg_connect(self, keys.IMAGE, self.ppen, keys.IMAGE)
        self.msg_connect(self.ppen, keys.IMAGE, self.source_encoder, keys.IMAGE)
        self.msg_connect(self.source_encoder, keys.BYTES, self.channel_encoder, keys.BYTES)
        self.msg_connect(self.channel_encoder, keys.BITS, self.precoder, keys.BITS)
        self.msg_connect(self.channel_encoder, keys.CODEWORD, self, keys.CODEWORD)
        self.msg_connect(self, keys.CSI, self.precoder, keys.CSI)
        self.msg_connect(self.precoder, keys.SOUNDING, self, keys.SOUNDING)
        self.msg_connect(self.precoder, keys.SYMBOLS, self, keys.SYMBOLS)

    def set_qp(self, qp):
        """Quality from the next picture on."""
        self.source_encoder.set_qp(qp)
        if self._fixed:
            self.ppen.set_qp(qp)

    def set_ppen(self, model):
        """PPEN model from the next picture on; a bad one is a warning."""
        self.ppen.set_model(model)

    def set_code_rate(self, code_rate):
        """Code rate from the next frame on."""
        self.channel_encoder.set_code_rate(code_rate)

    def set_modulation(self, modulation):
        """Modulation from the next frame on."""
        self.channel_encoder.set_modulation(modulation)

    def set_precoder(self, name):
        """Precoder from the next frame on."""
        self.precoder.set_precoder(name)
