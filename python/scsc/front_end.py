# SPDX-License-Identifier: GPL-3.0-or-later
"""A front end with both directions in one box."""

from __future__ import annotations

import numpy as np
from gnuradio import gr

from scsc_core.radio import keys
from scsc_core.radio.front_end import N_ANTENNAS

from .front_end_handle import FrontEndHandle
from .front_end_sink import front_end_sink
from .front_end_source import front_end_source


class front_end(gr.hier_block2):
    """One device that sends and receives: bursts in, samples out, for loopbacks over the air.

    As front_end_sink and front_end_source around the same device; in place of a radio_channel.

    Message ports:
        status (out): dicts of both directions.
    Tags:
        scsc_burst on input 0: where a burst begins, and how many samples it has.
        scsc_gap on output 0: samples were lost in front of this one.

    Args:
        kind: "zmq", "uhd" (USRP) or "sim"; a recording has one direction only.
        rate_hz: float > 0, sample rate.
        frequency_hz: float > 0, carrier.
        options: dict of the other options of that kind (docs/front_ends.md), or None.
    Raises:
        ValueError: an unknown kind or option, or an impossible value.
        FrontEndError: the kind needs a package that is missing.
    Note: not run on a radio yet.
    Source: waveform.md section 13.
    """

    def __init__(self, kind="zmq", rate_hz=1e6, frequency_hz=2.45e9, options=None):
        streams = gr.io_signature(N_ANTENNAS, N_ANTENNAS, np.dtype(np.complex64).itemsize)
        gr.hier_block2.__init__(self, "scsc_front_end", streams, streams)
        handle = FrontEndHandle(kind, rate_hz, frequency_hz, "both", options)
        self.sink, self.source = front_end_sink(handle), front_end_source(handle)
        self.message_port_register_hier_out(keys.STATUS)
        for antenna in range(N_ANTENNAS):
            self.connect((self, antenna), (self.sink, antenna))
            self.connect((self.source, antenna), (self, antenna))
        for end in (self.sink, self.source):
            self.msg_connect(end, keys.STATUS, self, keys.STATUS)
