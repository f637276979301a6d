# SPDX-License-Identifier: GPL-3.0-or-later
"""What the blocks of both directions of a front end share: opening it, closing it, its events."""

from __future__ import annotations

from .front_end_handle import FrontEndHandle
from .stream_block import stream_block


class front_end_block(stream_block):
    """One direction of a front end: streams in for "tx", streams out for "rx".

    Args:
        kind: "zmq", "uhd", "file" or "sim"; or the FrontEndHandle that another block uses too.
        rate_hz, frequency_hz, options: as for FrontEndHandle.
    Attributes:
        direction: "tx" or "rx", of the subclass.
    """

    direction: str

    def __init__(self, kind="zmq", rate_hz=1e6, frequency_hz=2.45e9, options=None):
        sends = self.direction == "tx"
        super().__init__(type(self).__name__, inputs=sends, outputs=not sends)
        self._handle = FrontEndHandle.of(kind, rate_hz, frequency_hz, self.direction, options)
        self._opened = False

    @property
    def device(self):
        """The FrontEnd behind the handle."""
        return self._handle.front_end

    def open_device(self) -> None:
        """Open the front end, unless the other direction has."""
        self._handle.open()
        self._opened = True

    def close_device(self) -> None:
        """Close the front end, unless the other direction uses it still; again without effect."""
        if self._opened:
            self._opened = False
            self._handle.close()

    def count_events(self) -> None:
        """Log what happened at the front end, and publish how often it did."""
        for event in self._handle.count_events():
            self.warn(str(event))
        self.counters.update(self._handle.events)
        self.publish_status()
