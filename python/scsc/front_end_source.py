# SPDX-License-Identifier: GPL-3.0-or-later
"""The streams of both antennas from a radio, another process or a recording."""

from __future__ import annotations

import pmt

from .front_end_block import front_end_block
from .stream_block import GAP_TAG
from .supervisor import supervised

_WAIT_S = 0.05  # no call of work may block for long: the flowgraph could not be stopped


class front_end_source(front_end_block):
    """Receives the samples of both antennas through a front end: ZMQ, a USRP, or a SigMF recording.

    Full scale is 1. The end of a recording ends the stream; radios and other processes go on for
    ever.

    Message ports:
        status (out): dict of frames (pieces read), dropped, samples, and the front end's events
            (overflow, peer_gone, not_finite and others).
    Tags:
        scsc_gap on output 0: samples were lost in front of this one.

    Args:
        kind: "zmq" (connects), "uhd" (USRP), "file" (replays) or "sim".
        rate_hz: float > 0, sample rate.
        frequency_hz: float > 0, carrier.
        options: dict of the other options of that kind (docs/front_ends.md), or None.
    Raises:
        ValueError: an unknown kind or option, or an impossible value.
        FrontEndError: the kind needs a package that is missing.
    Note: not run on a radio yet.
    Source: waveform.md section 13.
    """

    direction = "rx"

    @supervised
    def start(self):
        """Open the front end."""
        super().start()
        self._ended = False
        self.counters["samples"] = 0
        self.open_device()
        return True

    @supervised
    def stop(self):
        """Close the front end."""
        self.close_device()
        return True

    @supervised
    def general_work(self, input_items, output_items):
        """Give what has come; nothing after a short wait."""
        if self._ended or self.supervisor.stopping:
            return -1
        chunk = self.device.read(len(output_items[0]), _WAIT_S)
        n = chunk.samples.shape[1]
        if chunk.discontinuity:
            self.add_item_tag(0, self.nitems_written(0), GAP_TAG, pmt.from_long(n))
        for output, row in zip(output_items, chunk.samples):
            output[:n] = row
        self._ended = chunk.end
        self.counters["frames"] += bool(n)
        self.counters["samples"] += n
        self.count_events()
        return -1 if chunk.end and not n else n
