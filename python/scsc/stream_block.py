# SPDX-License-Identifier: GPL-3.0-or-later
"""What the blocks with streams of samples share: two antennas in, two out, and message ports."""

from __future__ import annotations

import numpy as np
import pmt

from scsc_core.radio.front_end import N_ANTENNAS

from .message_block import message_block

STREAM_BUFFER = 8192  # samples: what waits in a buffer makes channel knowledge older
BURST_TAG = pmt.intern("scsc_burst")  # first sample of a burst; value: its samples
BLOCK_TAG = pmt.intern("scsc_block")  # first sample of a block of the channel; value: its number
GAP_TAG = pmt.intern("scsc_gap")  # samples were lost in front of this one


def common_items(items: list) -> int:
    """Samples that all ports have: a block with `general_work` is given as many as wait at each."""
    return min(len(stream) for stream in items)


class stream_block(message_block):
    """A message block that also has the streams of both antennas.

    A subclass has `general_work` under `@supervised`. Its end is that of its streams: a block with
    an input ends when that does, a source when it returns -1.

    Args:
        name: block name without the prefix scsc_.
        inputs, outputs: bool, whether there are two complex64 streams on that side.
        messages_out: output ports of messages.
        ports: as for message_block.
    """

    def __init__(self, name, inputs=False, outputs=False, messages_out=(), **ports):
        streams = [np.complex64] * N_ANTENNAS
        super().__init__(
            name,
            outputs=messages_out,
            streams_in=streams if inputs else (),
            streams_out=streams if outputs else (),
            **ports,
        )

    def on_lost_frame(self, meta):
        """A stream has no place for what is lost."""

    def _end_when_idle(self):
        """Messages do not end a block with streams."""
