# SPDX-License-Identifier: GPL-3.0-or-later
"""The symbol-level link in one box."""

from __future__ import annotations

from gnuradio import gr

from scsc_core.radio import keys

from .configuration import link_config
from .receiver import receiver
from .symbol_channel import symbol_channel
from .transmitter import transmitter


class link(gr.hier_block2):
    """Transmitter, simulated channel and receiver in one box: picture in, picture out.

    Message ports:
        image (in): u8 [height, width, 3], from an image source.
        result (out): u8 [height, width, 3]; keys delivered, block_errors and those of the frame.
        codeword (out), frames (out): coded bits and LLRs for link_metrics.
        received (out), combined (out): c32, in front of and behind the combiner, for views.

    Args:
        config: LinkConfig, or the path of a YAML file; None takes the defaults.
    Raises:
        ValueError: an unreadable file, an unknown key or an impossible value, in one line.
    Source: Han et al., Fig. 1(b); link.py SymbolLink.
    """

    def __init__(self, config=None):
        gr.hier_block2.__init__(
            self, "scsc_link", gr.io_signature(0, 0, 0), gr.io_signature(0, 0, 0)
        )
        config = link_config(config)
        self.message_port_register_hier_in(keys.IMAGE)
        for port in (keys.RESULT, keys.CODEWORD, keys.FRAMES, keys.RECEIVED, keys.COMBINED):
            self.message_port_register_hier_out(port)
        self.transmitter = transmitter(config)
        self.channel = symbol_channel.from_config(config)
        self.receiver = receiver(config)
        self.msg_connect(self, keys.IMAGE, self.transmitter, keys.IMAGE)
        self.msg_connect(self.transmitter, keys.SOUNDING, self.channel, keys.SOUNDING)
        self.msg_connect(self.channel, keys.CSI, self.transmitter, keys.CSI)
        self.msg_connect(self.transmitter, keys.SYMBOLS, self.channel, keys.SYMBOLS)
        self.msg_connect(self.channel, keys.RECEIVED, self.receiver, keys.RECEIVED)
        self.msg_connect(self.channel, keys.RECEIVED, self, keys.RECEIVED)
        self.msg_connect(self.transmitter, keys.CODEWORD, self, keys.CODEWORD)
        for port in (keys.RESULT, keys.FRAMES, keys.COMBINED):
            self.msg_connect(self.receiver, port, self, port)

    def set_snr_db(self, snr_db):
        """Signal-to-noise ratio from the next frame on."""
        self.channel.set_snr_db(snr_db)

    def set_qp(self, qp):
        """Quality from the next picture on."""
        self.transmitter.set_qp(qp)

    def set_ppen(self, model):
        """PPEN model from the next picture on; a bad one is a warning."""
        self.transmitter.set_ppen(model)

    def set_precoder(self, name):
        """Precoder from the next frame on."""
        self.transmitter.set_precoder(name)

    def set_detector(self, name):
        """Detector from the next frame on."""
        self.receiver.set_detector(name)
