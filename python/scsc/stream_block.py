# SPDX-License-Identifier: GPL-3.0-or-later
"""What the blocks with streams of samples share: two antennas in, two out, and message ports."""

from __future__ import annotations

import numpy as np
import pmt
from gnuradio import gr

from scsc_core.radio import keys
from scsc_core.radio.front_end import N_ANTENNAS

from . import supervisor
from .message_block import message_block

STREAM_BUFFER = 8192  # samples: what waits in a buffer makes channel knowledge older
BURST_TAG = pmt.intern("scsc_burst")  # first sample of a burst; value: its samples
BLOCK_TAG = pmt.intern("scsc_block")  # first sample of a block of the channel; value: its number
GAP_TAG = pmt.intern("scsc_gap")  # samples were lost in front of this one
TIME_TAG = pmt.intern("tx_time")
LENGTH_TAG = pmt.intern("packet_len")


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
        dicts, pdus, messages_out, settable: message ports, as for message_block.
    """

    def __init__(
        self, name, inputs=False, outputs=False, pdus=(), dicts=(), messages_out=(), settable=()
    ):
        streams = [np.complex64] * N_ANTENNAS
        gr.basic_block.__init__(
            self, f"scsc_{name}", streams if inputs else None, streams if outputs else None
        )
        self.supervisor = supervisor.current()
        self._set_up(pdus, dicts, messages_out, settable)

    def _set_up(self, pdus, dicts, messages_out, settable):
        """As the constructor of message_block, which makes a block without streams."""
        self._main, self._carrier = frozenset(pdus[:1]), None
        self._outputs, self._settable = tuple(messages_out), tuple(settable)
        self._last_seen = self._finished = False
        self._next_status = self._next_warning = 0.0
        self.counters = {"frames": 0, "dropped": 0}
        for port in pdus:
            self._register(port, self._receive_pdu)
        for port in (*dicts, *((keys.COMMAND,) if settable else ())):
            self._register(port, self._receive_dict)
        for port in (*messages_out, keys.STATUS):
            self.message_port_register_out(pmt.intern(port))
        self._attach("system", self._on_system)

    def _end_when_idle(self):
        """Messages do not end a block with streams."""
