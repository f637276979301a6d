# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark of transmit tables and of the information measure: `scsc bench precoding`."""

from __future__ import annotations

from .. import mimo
from .benchmark import Row, measure
from .precoder_table import rayleigh

TARGET_ONE_MS, TARGET_THOUSAND_MS = 0.2, 20.0
_BATCH = 1000
_SLOW_BATCH = 50  # pcen_unfolded takes milliseconds a channel
_SNR_DB = 6.0


def run(quick: bool = False) -> list[Row]:
    """Rows: time of one table and of 1000 tables for every precoder; information per second.

    Args:
        quick: fewer repeats.
    """
    repeat, min_time_s = (3, 0.02) if quick else (7, 0.2)
    h, noise_var = rayleigh(_BATCH), 10 ** (-_SNR_DB / 10)
    condition = f"2x2 Rayleigh, QPSK x 2, {_SNR_DB:g} dB, one thread of numpy"
    rows = []
    for precoder in mimo.PRECODERS:
        one = measure(
            lambda p=precoder: mimo.transmit_table(h[0], noise_var, p), repeat, min_time_s
        )
        batch = h[:_SLOW_BATCH] if precoder == "pcen_unfolded" else h
        many = measure(
            lambda p=precoder, b=batch: mimo.transmit_table(b, noise_var, p), repeat, 0.0
        )
        scale = 1e3 * _BATCH / len(batch)
        fast = precoder == "pcen"
        rows.append(
            Row(
                f"{precoder}: one table",
                1e3 * one.median_s,
                "ms",
                TARGET_ONE_MS if fast else None,
                False,
                condition,
                (1e3 * one.min_s, 1e3 * one.max_s),
            )
        )
        rows.append(
            Row(
                f"{precoder}: 1000 tables in one call",
                scale * many.median_s,
                "ms",
                TARGET_THOUSAND_MS if fast else None,
                False,
                condition,
                (scale * many.min_s, scale * many.max_s),
            )
        )
    table = mimo.transmit_table(h, noise_var)
    timing = measure(lambda: mimo.mutual_information(h, table, noise_var, 64), repeat, 0.0)
    rows.append(
        Row(
            "mutual information",
            _BATCH / timing.median_s,
            "channels/s",
            condition="K = 16, 64 noise draws",
            spread=(_BATCH / timing.max_s, _BATCH / timing.min_s),
        )
    )
    return rows
