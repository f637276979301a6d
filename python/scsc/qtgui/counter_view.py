# SPDX-License-Identifier: GPL-3.0-or-later
"""Live counters of both ends of the link over the air."""

from __future__ import annotations

from typing import Any

from scsc_core.radio import keys

from .readout import Row, table_panel
from .view import view

_ROWS = (
    Row("pictures delivered", "pictures_delivered"),
    Row("pictures damaged", "pictures_damaged", bad=True),
    Row("pictures lost", "pictures_lost", bad=True),
    Row("data frames heard", "frames_data"),
    Row("frames lost", "frames_lost", bad=True),
    Row("blocks decoded", "blocks_ok"),
    Row("block errors", "block_errors", bad=True),
    Row("block error rate", "block_error_rate", "{:.2%}", bad=True),
    Row("headers refused", "headers_refused", bad=True),
    Row("frames cut by a gap", "truncated", bad=True),
    Row("sounding frames", "frames_sounding"),
    Row("channel reports sent", "csi_sent"),
    Row("reports not known", "csi_unknown", bad=True),
    Row("tables that differ", "table_mismatch", bad=True),
    Row("channel knowledge", "csi_state", "{}"),
    Row("age of the report", "csi_age_ms", "{:.1f} ms"),
    Row("frames sent again", "harq_retransmissions"),
    # Events of front ends, from the first of their kind on.
    Row("samples lost (overflow)", "overflow", bad=True),
    Row("packets lost (sequence)", "sequence", bad=True),
    Row("bursts cut (underflow)", "underflow", bad=True),
    Row("bursts too late", "late", bad=True),
    Row("samples clipped", "clip", bad=True),
    Row("jumps of the clock", "timing", bad=True),
    Row("other end gone", "peer_gone", bad=True),
    Row("blocks malformed", "malformed", bad=True),
    Row("samples not finite", "not_finite", bad=True),
    Row("recordings cut short", "unrecorded", bad=True),
)
# Counters of the receiver, which leaves out those that are still zero.
_RECEIVER = ("pictures_delivered", "pictures_damaged", "pictures_lost", "frames_lost")
_RECEIVER += ("blocks_ok", "block_errors", "truncated", "csi_unknown", "table_mismatch")
_PREFIX = "ofdm_"  # of the receiver's counters where one object has them all
_SAME = {"clip_count": "clip"}  # radio_channel's, in place of a front end


class counter_panel(table_panel):
    """Shows items: dict of counters by name, of those that were there once.

    Args:
        title: str.
    """

    def __init__(self, title="counters"):
        super().__init__(title, _ROWS, known_only=True)
        self.below.addStretch()
        self.setMinimumWidth(230)


class Totals:
    """Newest counters of several blocks, and what follows from them."""

    def __init__(self):
        self._values: dict[str, Any] = {}

    def update(self, counters: dict[str, Any]) -> dict[str, Any]:
        """Take the counters of one block; all that is known then."""
        for key, value in counters.items():
            self._values[_SAME.get(key, key.removeprefix(_PREFIX))] = value
        known = dict(self._values)
        if "frames_data" in known:
            known = dict.fromkeys(_RECEIVER, 0) | known
        errors, right = known.get("block_errors", 0), known.get("blocks_ok", 0)
        if errors + right:
            known["block_error_rate"] = errors / (errors + right)
        known["headers_refused"] = sum(known.get(name, 0) for name in _REFUSED)
        return known


_REFUSED = ("header_crc", "header_fields", "nsym")


class counter_view(view):
    """Shows what was delivered, lost and repeated, the age of channel knowledge, events of radios.

    Message ports:
        status (in): dicts of burst_receiver, waveform_receiver, waveform_transmitter and front ends
            (or radio_channel in their place).
        status (out): dict of frames, dropped.

    Args:
        title: str above the numbers.
    Attributes:
        widget: QWidget.
    Raises:
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="counters"):
        super().__init__("counter_view", counter_panel, (title,), dicts=(keys.STATUS,))
        self._totals = Totals()

    def on_status(self, status):
        """Newest counters of one block."""
        self.widget.offer(self._totals.update(status))
