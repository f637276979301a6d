# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one block in a flowgraph of its own, for tests of these blocks and of yours."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from .message_block import message_block
from .pdu import to_pdu
from .supervisor import Supervisor

Item = tuple[np.ndarray, dict[str, Any]]


class feeder(message_block):
    """Sends given items `(array, meta)`, or raw PMT messages, on one port and ends.

    Message ports:
        <port> (out): the items.

    Args:
        port: str, name of the port.
        items: list of (array, meta) or of PMT messages.
    Source: ours.
    """

    def __init__(self, port: str, items: list[Any]):
        super().__init__("feeder", outputs=(port,))
        self._port = port
        self._items = items
        self._thread: threading.Thread | None = None

    def start(self):
        """Send from a thread, as sources do."""
        super().start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return True

    def stop(self):
        """Join the thread."""
        self._thread.join()
        return True

    def _run(self):
        for item in self._items:
            message = to_pdu(*item) if isinstance(item, tuple) else item
            self.message_port_pub(pmt.intern(self._port), message)
        self.close()


class collector(message_block):
    """Keeps what arrives on one port, and ends with the PDU that carries `last`.

    Message ports:
        <port> (in): PDUs, or dicts with dicts=True.

    Args:
        port: str, name of the port.
        dicts: bool, the port carries plain dicts.
    Attributes:
        items: list of (array, meta), or of dicts.
        lost: list of dicts, the empty PDUs that stand for dropped frames.
    Source: ours.
    """

    def __init__(self, port: str, dicts: bool = False):
        self.items: list[Any] = []
        self.lost: list[dict[str, Any]] = []
        keep = self.items.append if dicts else lambda array, meta: self.items.append((array, meta))
        ports = {"dicts": (port,)} if dicts else {"pdus": (port,)}
        super().__init__("collector", main=(port,), **ports)
        setattr(self, f"on_{port}", keep)

    def on_lost_frame(self, meta):
        """A frame that was dropped before."""
        self.lost.append(meta)


def run_block(
    block: message_block, port: str, items: list[Any], output: str, timeout: float = 10.0
) -> collector:
    """What a block sends on `output` when `items` arrive on its input `port`.

    The block must have been made after `Supervisor()`; the last item must carry `last`.
    """
    supervisor = block.supervisor
    top, source, sink = gr.top_block(), feeder(port, items), collector(output)
    top.msg_connect((source, port), (block, port))
    top.msg_connect((block, output), (sink, output))
    supervisor.run(top, timeout)
    return sink


__all__ = ["Supervisor", "collector", "feeder", "run_block"]
