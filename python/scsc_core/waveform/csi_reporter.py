# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel state at the receiver: reports of what it hears, and the tables of those it sent."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable

import numpy as np

from .configuration import WaveformConfig
from .csi_feedback import (
    CsiReport,
    SoundRef,
    next_csi_id,
    plain_tables,
    prepare_precoder,
    quantise_csi,
    table_crc,
    tables_of_report,
)
from .numerology import Numerology

_log = logging.getLogger(__name__)

HISTORY = 16  # reports kept with their tables
MISMATCHES_TO_WARN = 3  # in a row: the ends compute differently, it is no accident any more


class CsiReporter:
    """Turns channel estimates into reports, and headers into the tables that the transmitter used.

    Args:
        config: WaveformConfig; modulation, streams and precoder of a frame are those of its header.
        numerology: Numerology.
        clock: function that gives the time in seconds.
        first_id: csi_id of the first report, 1..255; ends that start again should not repeat ids.
    Attributes:
        counters: Counter of csi_sent, csi_unknown, table_mismatch, csi_unusable.
        ends_differ: set after three table CRCs in a row were wrong.
    Source: waveform.md section 7.
    """

    def __init__(
        self,
        config: WaveformConfig,
        numerology: Numerology,
        clock: Callable[[], float],
        first_id: int = 1,
    ):
        if not 1 <= first_id <= 255:
            raise ValueError(f"first_id must be in 1..255, got {first_id}")
        if config.closed_loop:
            prepare_precoder(config.precoder, config.modulation, config.streams)
        self._config = config
        self._used = np.asarray(numerology.used)
        self._data = np.asarray(numerology.data)
        self._clock = clock
        self._next_id = first_id
        self._reports: OrderedDict[int, CsiReport] = OrderedDict()
        self._tables: OrderedDict[tuple, tuple[np.ndarray, int] | None] = OrderedDict()
        self._last_report_s: float | None = None
        self._at_once = False
        self._mismatches = 0
        self.ends_differ = False
        self.counters: Counter[str] = Counter()

    def observe(self, header, h: np.ndarray, noise_var: float) -> CsiReport | None:
        """The report of a frame that was heard, when one is due.

        Call it behind `tables` of the same frame, so that a report that is missed comes at once.

        Args:
            header: FrameHeader of the frame.
            h: complex [n_used, 2, 2] in link units.
            noise_var: N0 in link units.
        Returns:
            CsiReport to be sent, or None.
        """
        if not self._due():
            return None
        try:
            report = quantise_csi(
                h,
                noise_var,
                self._next_id,
                SoundRef.of_header(header),
                self._used,
                min(self._config.csi_group, len(self._used)),
            )
        except ValueError:
            self.counters["csi_unusable"] += 1
            return None
        self._next_id = next_csi_id(self._next_id)
        self._last_report_s = self._clock()
        self._at_once = False
        self._remember(report)
        self.counters["csi_sent"] += 1
        return report

    def _due(self) -> bool:
        if self._at_once or self._last_report_s is None:
            return True
        since = self._clock() - self._last_report_s
        return not 0 <= since < self._config.csi_report_interval_s

    def _remember(self, report: CsiReport) -> None:
        self._reports.pop(report.csi_id, None)
        self._reports[report.csi_id] = report
        if len(self._reports) > HISTORY:
            self._reports.popitem(last=False)
        for key in [key for key in self._tables if key[0] == report.csi_id]:
            del self._tables[key]

    def tables(self, header) -> np.ndarray | None:
        """Tables [n_data or 1, K, 2] that a data frame was sent with; None when they are not known.

        An unknown report or a wrong table CRC is counted and makes `observe` report at once.
        """
        if header.precoder in ("none", "alamouti"):
            return plain_tables(header.modulation, header.streams)
        if header.csi_id not in self._reports:
            self.counters["csi_unknown"] += 1
            self._at_once = True
            return None
        known = self._known(header)
        if known is None or known[1] != header.table_crc:
            self.counters["table_mismatch"] += 1
            self._at_once = True
            self._mismatches += 1
            if self._mismatches == MISMATCHES_TO_WARN and not self.ends_differ:
                self.ends_differ = True
                _log.warning("transmit tables differ: compare the software of both ends")
            return None
        self._mismatches = 0
        return known[0]

    def _known(self, header) -> tuple[np.ndarray, int] | None:
        """Tables of a report and their CRC, computed once; None when the precoder has none for it."""
        key = (header.csi_id, header.precoder, header.modulation, header.streams)
        if key not in self._tables:
            try:
                tables = tables_of_report(
                    self._reports[header.csi_id],
                    self._used,
                    self._data,
                    header.precoder,
                    header.modulation,
                    header.streams,
                )
            except ValueError:
                self._tables[key] = None
            else:
                self._tables[key] = tables, table_crc(tables)
            if len(self._tables) > HISTORY:
                self._tables.popitem(last=False)
        return self._tables[key]
