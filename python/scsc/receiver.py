# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver in one box."""

from __future__ import annotations

from gnuradio import gr

from scsc_core.radio import keys

from .channel_decoder import channel_decoder
from .configuration import link_config
from .detector import detector
from .source_decoder import source_decoder


class receiver(gr.hier_block2):
    """The whole receiver from one configuration: CEN, detector, channel decoder, picture decoder.

    Message ports:
        received (in): c32 [n_rx, k].
        result (out): u8 [height, width, 3]; keys delivered, block_errors and those of the frame.
        frames (out): f32 LLRs, positive means bit 0.
        combined (out): c32 [n_tx, k], behind the combiner.

    Args:
        config: LinkConfig, or the path of a YAML file; None takes the defaults.
    Raises:
        ValueError: an unreadable file, an unknown key or an impossible value, in one line.
    Source: Han et al., Fig. 1(b); link.py Receiver.
    """

    def __init__(self, config=None):
        gr.hier_block2.__init__(
            self, "scsc_receiver", gr.io_signature(0, 0, 0), gr.io_signature(0, 0, 0)
        )
        config = link_config(config)
        self.message_port_register_hier_in(keys.RECEIVED)
        for port in (keys.RESULT, keys.FRAMES, keys.COMBINED):
            self.message_port_register_hier_out(port)
        self.detector = detector.from_config(config)
        self.channel_decoder = channel_decoder.from_config(config)
        self.source_decoder = source_decoder.from_config(config)
        self.msg_connect(self, keys.RECEIVED, self.detector, keys.RECEIVED)
        self.msg_connect(self.detector, keys.FRAMES, self.channel_decoder, keys.FRAMES)
        self.msg_connect(self.channel_decoder, keys.BYTES, self.source_decoder, keys.BYTES)
        self.msg_connect(self.detector, keys.FRAMES, self, keys.FRAMES)
        self.msg_connect(self.detector, keys.COMBINED, self, keys.COMBINED)
        self.msg_connect(self.source_decoder, keys.RESULT, self, keys.RESULT)

    def set_detector(self, name):
        """Detector from the next frame on."""
        self.detector.set_detector(name)

    def set_cen(self, cen):
        """Combiner on or off from the next frame on."""
        self.detector.set_cen(cen)

    def set_max_iterations(self, max_iterations):
        """Iteration limit from the next frame on."""
        self.channel_decoder.set_max_iterations(max_iterations)
