# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel state at the transmitter: the newest report, its age, and what to send with or without it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .configuration import WaveformConfig
from .csi_feedback import (
    CsiReport,
    plain_tables,
    prepare_precoder,
    table_crc,
    tables_of_report,
)
from .numerology import Numerology
from .sent_log import SentLog

_log = logging.getLogger(__name__)

# Soundings that nobody answers come at twice the distance each, up to this one.
MAX_SOUNDING_INTERVAL_S = 0.5
# Between two lines of a kind: feedback that is hardly in time opens the loop many times a second.
LOG_INTERVAL_S = 10.0


@dataclass(frozen=True, eq=False)
class TableChoice:
    """Tables to send with, and what the header says about them.

    Attributes:
        precoder: name for the header: the configured one, or "none" without channel knowledge.
        csi_id, table_crc: 0 with precoder "none".
        tables: complex128 [n_data, K, 2], or [1, K, 2] for all carriers alike.
    """

    precoder: str
    csi_id: int
    table_crc: int
    tables: np.ndarray


class CsiBook:
    """What the transmitter knows of the channel.

    States: "waiting" for the first report (`csi_wait_s` at most), "closed" with one that is younger than
    `csi_max_age_s`, "open" without. Age runs from the transmission of the frame that the report names, on
    this end's clock alone.

    Args:
        config: WaveformConfig.
        numerology: Numerology.
        clock: function that gives the time in seconds.
        sent: SentLog that every transmission is added to.
    Attributes:
        counters: Counter of csi_used, csi_crc .. (see docs/closed_loop.md).
    Source: waveform.md section 7.
    """

    def __init__(
        self,
        config: WaveformConfig,
        numerology: Numerology,
        clock: Callable[[], float],
        sent: SentLog,
    ):
        if config.closed_loop:
            prepare_precoder(config.precoder, config.modulation, config.streams)
        self._config = config
        self._used = np.asarray(numerology.used)
        self._data = np.asarray(numerology.data)
        self._clock = clock
        self._sent = sent
        self._begin_s = clock()
        self._choice: TableChoice | None = None
        self._report: CsiReport | None = None
        self._sent_s = 0.0  # when the frame was sent that the report speaks of
        self._sent_order = -1
        self._state = "waiting" if config.closed_loop else "open"
        self._logged_state = self._state
        self._logged_s: dict[str, float] = {}  # when which state was logged last
        self._unanswered = 0
        self._last_sounding_s: float | None = None
        self.counters: Counter[str] = Counter()

    def receive(self, report: CsiReport) -> bool:
        """Take a report from the receiver; False when it is of no use, which is counted."""
        problem = self._problem(report)
        if problem is None and self._config.closed_loop:
            try:
                tables = tables_of_report(
                    report,
                    self._used,
                    self._data,
                    self._config.precoder,
                    self._config.modulation,
                    self._config.streams,
                )
            except ValueError:
                problem = "csi_unusable"
        if problem is not None:
            self.counters[problem] += 1
            return False
        self.counters["csi_used"] += 1
        self._unanswered = 0
        sent = self._sent.find(report.sound_ref)
        self._sent_s, self._sent_order, self._report = sent.time_s, sent.order, report
        if self._config.closed_loop:
            crc = table_crc(tables)
            self._choice = TableChoice(self._config.precoder, report.csi_id, crc, tables)
        return True

    def _problem(self, report: CsiReport) -> str | None:
        if report.n_carriers != len(self._used):
            return "csi_shape"
        sent = self._sent.find(report.sound_ref)
        if sent is None:
            return "csi_unknown_frame"
        if self._report is not None and sent.order < self._sent_order:
            return "csi_late"
        if self._report is not None and (report.csi_id, sent.order) == (
            self._report.csi_id,
            self._sent_order,
        ):
            return "csi_duplicate"
        return None

    @property
    def age_s(self) -> float | None:
        """Age of the newest report; None without one, or when the clock was set back behind it."""
        if self._report is None:
            return None
        age = self._clock() - self._sent_s
        return age if age >= 0 else None

    @property
    def state(self) -> str:
        """ "waiting", "closed" or "open", now; changes are counted, and logged when they last."""
        age = self.age_s
        if not self._config.closed_loop:
            return "open"
        waited = not 0 <= self._clock() - self._begin_s < self._config.csi_wait_s
        if age is not None and age <= self._config.csi_max_age_s:
            state = "closed"
        elif self._report is None and not waited:
            state = "waiting"
        else:
            state = "open"
        if state != self._state:
            self._state = state
            self.counters["csi_stale"] += int(state == "open")
        if state != self._logged_state:
            self._log_state()
        return state

    def _log_state(self) -> None:
        """One line for the present state, unless the last one of its kind is too recent."""
        now = self._clock()
        if 0 <= now - self._logged_s.get(self._state, -np.inf) < LOG_INTERVAL_S:
            return
        self._logged_state, self._logged_s[self._state] = self._state, now
        if self._state == "open":
            what = "no report" if self._report is None else "the last report is too old"
            count = self.counters["csi_stale"]
            _log.warning("channel feedback: %s, sending in open loop (csi_stale %d)", what, count)
        else:
            _log.info("channel feedback: closed loop")

    def choose(self) -> TableChoice:
        """Tables for the next data frame: the report's, or the plain ones without one in time."""
        if self.state == "closed" and self._choice is not None:
            return self._choice
        tables = plain_tables(self._config.modulation, self._config.streams)
        return TableChoice("none", 0, 0, tables)

    @property
    def sounding_due_s(self) -> float | None:
        """When to send a sounding frame if no other frame is sent before; None: never."""
        if not self._config.closed_loop:
            return None
        if self._sent.last_s is None:
            return self._clock()
        interval = self._config.csi_max_age_s / 2
        backed_off = max(interval, min(interval * 2**self._unanswered, MAX_SOUNDING_INTERVAL_S))
        return self._sent.last_s + backed_off

    def sounding_due(self) -> bool:
        """Whether a sounding frame must be sent now."""
        due = self.sounding_due_s
        if due is None:
            return False
        now = self._clock()
        # A clock that was set back must not silence the loop.
        return now >= due or (self._sent.last_s is not None and now < self._sent.last_s)

    def sounded(self) -> None:
        """Note that a sounding frame is being sent."""
        self.counters["soundings"] += 1
        self._unanswered = min(self._unanswered + 1, 32)
