# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the settings of several experiments share."""

from __future__ import annotations

from collections.abc import Sequence

MOST_WORKERS = 1024


def check_rising(name: str, values: Sequence[float], low: float, high: float) -> None:
    """ValueError unless there is at least one number, and all rise without repeats in low..high."""
    inside = all(low <= value <= high for value in values)
    if not values or not inside or list(values) != sorted(set(values)):
        found = ",".join(f"{value:g}" for value in values) or "none"
        raise ValueError(f"{name} must rise without repeats in {low:g}..{high:g}, got {found}")


def check_workers(workers: int) -> None:
    """ValueError unless so many threads can be had."""
    if not 1 <= workers <= MOST_WORKERS:
        raise ValueError(f"workers must be in 1..{MOST_WORKERS}, got {workers}")
