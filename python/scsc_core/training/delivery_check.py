# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the short cut for delivery in training says what the whole link does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..config import parse_code_rate
from .delivery import GAP_BITS, abstract_delivery, draw_link, payload_delivered


@dataclass(frozen=True)
class DeliveryCheck:
    """Numbers of links by what the short cut and the whole link said.

    Attributes:
        draws; payload_bytes; both, neither: where they agree; only_abstract: the short cut lets a
        payload through that the link loses; only_full: the other way round.
    """

    draws: int
    payload_bytes: int
    both: int
    neither: int
    only_abstract: int
    only_full: int


def run(
    draws: int,
    payload_bytes: int,
    code_rates: tuple[str, ...],
    snr_db: tuple[float, float],
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DeliveryCheck:
    """`abstract_delivery` and the product's link on the same channels.

    Raises:
        ValueError: no code rate or one out of range; snr_db that runs backwards.
    """
    if not code_rates:
        raise ValueError("code_rates must name at least one rate, got none")
    for rate in code_rates:
        parse_code_rate(rate)
    if not snr_db[0] <= snr_db[1]:
        raise ValueError(f"snr_db must be low, high, got {list(snr_db)}")
    counts = np.zeros((2, 2), int)
    for index in range(draws):
        draw = draw_link(seed, 0, index, tuple(code_rates), snr_db)
        payload = np.random.default_rng([seed, index]).bytes(payload_bytes)
        expected = abstract_delivery(draw)
        counts[int(expected), int(payload_delivered(draw, payload, seed=index))] += 1
        progress(index + 1, draws)
    (neither, only_full), (only_abstract, both) = counts.tolist()
    return DeliveryCheck(draws, payload_bytes, both, neither, only_abstract, only_full)


def lines(check: DeliveryCheck) -> list[str]:
    """The table as text."""
    return [
        f"{check.draws} links, {check.payload_bytes} bytes each; delivered when the information is "
        f"at least code rate x bits per use + {GAP_BITS}",
        f"  delivered by both            {check.both}",
        f"  lost by both                 {check.neither}",
        f"  delivered by the short cut   {check.only_abstract}",
        f"  delivered by the link alone  {check.only_full}",
    ]
