# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections of a ZeroMQ socket are peers, and which are strangers that never shook hands."""

from __future__ import annotations

import zmq

_BEGUN = zmq.EVENT_ACCEPTED | zmq.EVENT_CONNECTED
_FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
WATCHED = (
    _BEGUN | _FAILED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED
)


class Connections:
    """Counts the peers of one socket by the events of its monitor.

    A connection begins and ends with its file descriptor; that its handshake succeeded is told without.
    A scanner of ports or a browser connects and goes too: it must not look like a peer that has gone.

    Attributes:
        peers: int, connections that shook hands and stand.
    """

    def __init__(self) -> None:
        self.peers = 0
        self._begun: set[int] = set()
        self._known: set[int] = set()  # shook hands, beyond doubt
        self._failed = 0

    def note(self, event: int, descriptor: int) -> str | None:
        """Take one event: "came" for a peer, "gone" for a peer, None for anything else."""
        if event & _BEGUN:
            self._begun.add(descriptor)
        elif event & _FAILED:
            self._failed += 1
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.peers += 1
            if len(self._begun) == 1:
                self._known.add(self._begun.pop())
            return "came"
        elif event == zmq.EVENT_DISCONNECTED:
            return self._ended(descriptor)
        return None

    def _ended(self, descriptor: int) -> str | None:
        stranger = self._failed > 0 or self.peers == len(self._known)
        self._begun.discard(descriptor)
        if descriptor not in self._known and stranger:
            self._failed = max(0, self._failed - 1)
            return None
        self._known.discard(descriptor)
        self.peers -= 1
        return "gone"
