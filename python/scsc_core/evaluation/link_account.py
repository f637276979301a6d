# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of every picture of a run over the virtual radio, and what the run cost.

Pictures are told apart by their image id, which counts up modulo 256; a picture that no line of the
receiver speaks of was lost. Reasons come from what the receiver knows of each picture, totals from
the counters of both ends (docs/over_the_air.md section 6).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..waveform.picture_transmitter import END_FRAMES
from .panel import wilson_interval
from .virtual_radio import Transcript

IMAGE_IDS = 256
# What becomes of a picture. "wrong": said to be whole, and not the picture that was sent.
DELIVERED, WRONG, DAMAGED, LOST = STATES = ("delivered", "wrong", "damaged", "lost")
_PSNR_STEP_DB = 0.01  # to which the receiver rounds
NOT_SENT = "not sent: the transmitter ended before"
NOTHING_HEARD = "no frame of it was heard"
NO_ANSWER = "the run ended before it was closed"


@dataclass(frozen=True)
class Sent:
    """One picture as the transmitter offers it.

    Attributes:
        payload_bytes: framed, as it is cut into frames.
        psnr_db: of the picture that a receiver without any loss shows.
    """

    payload_bytes: int
    psnr_db: float


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    Attributes:
        number: from 1, in the order of sending.
        image_id: 0..255; None when nothing was sent.
        state: of STATES.
        reason: why it is not delivered, "" for one that is.
        frames, frames_lost, block_errors: frames of the picture; those of which no usable header was
            heard, or with HARQ all four versions in vain; code blocks whose CRC failed. 0 for a
            picture that was not heard of.
        trusted: share of its pixels that depend on nothing lost.
        snr_db: measured with its last frame; None when it was not heard of.
    """

    number: int
    image_id: int | None
    state: str
    reason: str = ""
    frames: int = 0
    frames_lost: int = 0
    block_errors: int = 0
    trusted: float = 0.0
    snr_db: float | None = None


@dataclass(frozen=True)
class LinkAccount:
    """One run.

    Attributes:
        harq: whether what did not arrive was sent again.
        outcomes: one per picture that was to be sent.
        interval: 95 % Wilson interval of the delivered share.
        air_s: time of bursts and gaps on the air.
        wall_s: of the clock, from the first received picture to the last.
        goodput_bits: payload bits of delivered pictures per second on the air.
        data_frames: sent, retransmissions included; heard: those whose header was right.
        counters: last counters of "tx", "rx", "channel".
    """

    harq: bool
    outcomes: tuple[Outcome, ...]
    interval: tuple[float, float]
    air_s: float
    wall_s: float
    goodput_bits: float
    data_frames: int
    data_frames_heard: int
    counters: dict[str, dict[str, Any]] = field(repr=False, default_factory=dict)

    def count(self, state: str) -> int:
        """Pictures of a state."""
        return sum(outcome.state == state for outcome in self.outcomes)

    @property
    def reasons(self) -> dict[str, int]:
        """How many pictures were not delivered, by kind of reason, most frequent first."""
        kinds = Counter(_kind(outcome) for outcome in self.outcomes if outcome.reason)
        return dict(kinds.most_common())

    def total(self, end: str, name: str) -> int:
        """A counter of "tx", "rx" or "channel" at the end of the run; 0 when it never counted."""
        return int(self.counters[end].get(name) or 0)


def account(
    transcript: Transcript, sent: Sequence[Sent], harq: bool, rate_hz: float, gap_samples: int
) -> LinkAccount:
    """Judge a run.

    Args:
        transcript: Transcript.
        sent: Sent, one per picture that was to be sent, in order.
        harq: whether it was on.
        rate_hz: sample rate.
        gap_samples: zeros behind every burst.
    """
    tx, rx = (_last(lines, end) for lines, end in ((transcript.tx, "tx"), (transcript.rx, "rx")))
    channel = _last(transcript.channel, None)
    first_id, offered = _first_id(transcript.tx)
    heard = _by_number(transcript.rx, first_id, len(sent))
    # Pictures behind the last one that was heard of may still have been open at a forced end.
    ended = bool(rx.get("frames_end"))
    outcomes = [
        _outcome(number, first_id, heard.get(number, []), one, number <= offered, ended)
        for number, one in enumerate(sent, 1)
    ]
    delivered = [o.number for o in outcomes if o.state == DELIVERED]
    air_s = (tx.get("samples", 0) + gap_samples * tx.get("bursts", 0)) / rate_hz
    bits = 8 * sum(sent[number - 1].payload_bytes for number in delivered)
    others = tx.get("soundings", 0) + (END_FRAMES if _ended(transcript.tx) else 0)
    return LinkAccount(
        harq,
        tuple(outcomes),
        wilson_interval(len(delivered), len(sent)),
        air_s,
        transcript.seconds,
        bits / air_s if air_s else 0.0,
        max(0, tx.get("bursts", 0) - others),
        rx.get("frames_data", 0),
        {"tx": tx, "rx": rx, "channel": channel},
    )


def _outcome(number, first_id, lines, sent: Sent, offered: bool, ended: bool) -> Outcome:
    if first_id is None or not offered:
        return Outcome(number, None, LOST, NOT_SENT)
    image_id = (first_id + number - 1) % IMAGE_IDS
    if not lines:
        return Outcome(number, image_id, LOST, NOTHING_HEARD if ended else NO_ANSWER)
    best = max(lines, key=lambda line: (line["delivered"], line["trusted"]))
    state, reason = DELIVERED, ""
    if not best["delivered"]:
        state, reason = DAMAGED, _reason(best)
    elif not _same(best["psnr_db"], sent.psnr_db):
        state, reason = WRONG, f"PSNR {best['psnr_db']} dB where {sent.psnr_db:.2f} dB was sent"
    names = ("frames", "frames_lost", "block_errors", "trusted", "snr_db")
    return Outcome(number, image_id, state, reason, **{name: best[name] for name in names})


def _same(shown_db: float | None, sent_db: float) -> bool:
    """Whether a PSNR in a JSON line, where infinity is null, is the expected one."""
    if shown_db is None:
        return math.isinf(sent_db)
    return abs(shown_db - sent_db) <= _PSNR_STEP_DB


def _reason(line: dict[str, Any]) -> str:
    """Why a picture is damaged, from what the receiver knows of its frames."""
    parts = []
    if line["frames_lost"]:
        parts.append(f"{line['frames_lost']} of {line['frames']} frames not heard")
    if line["block_errors"]:
        parts.append(f"{line['block_errors']} code blocks with a wrong CRC")
    return ", ".join(parts) or str(line["problem"])


def _kind(outcome: Outcome) -> str:
    """A reason without its numbers."""
    if outcome.state != DAMAGED or not (outcome.frames_lost or outcome.block_errors):
        return outcome.reason if outcome.state != WRONG else "not the picture that was sent"
    lost = "frames not heard" if outcome.frames_lost else ""
    failed = "code blocks with a wrong CRC" if outcome.block_errors else ""
    return " and ".join(part for part in (lost, failed) if part)


def _by_number(lines, first_id: int | None, count: int) -> dict[int, list[dict[str, Any]]]:
    """Lines of received pictures by the picture's number.

    Ids come again after 256 pictures: of the numbers with the id of a line the one nearest to the
    line before it is taken.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    last = 0
    for line in lines:
        if line["type"] != "picture" or first_id is None:
            continue
        ahead = (line["image_id"] - first_id - last) % IMAGE_IDS
        number = last + ahead - (IMAGE_IDS if ahead >= IMAGE_IDS // 2 else 0) + 1
        if 1 <= number <= count:
            found.setdefault(number, []).append(line)
            last = number - 1
    return found


def _first_id(lines: Sequence[dict[str, Any]]) -> tuple[int | None, int]:
    """Image id of the first picture, and how many were handed to the transmitter."""
    for line in reversed(lines):
        shown = line.get("pictures", {}).get("sent") if line["type"] == "counters" else None
        if shown:
            return (shown["image_id"] - shown["number"] + 1) % IMAGE_IDS, shown["number"]
    return None, 0


def _last(lines: Sequence[dict[str, Any]], section: str | None) -> dict[str, Any]:
    """The last counters of a program; {} when it printed none."""
    for line in reversed(lines):
        if line["type"] == "counters":
            return line if section is None else line.get(section, {})
    return {}


def _ended(lines: Sequence[dict[str, Any]]) -> bool:
    """Whether a transmitter has sent its end frames."""
    return any(line["type"] == "end" and line["outcome"] == "done" for line in lines)


def as_content(run: LinkAccount) -> dict[str, Any]:
    """A run as JSON has it: totals, and each picture that was not delivered."""
    return {
        "harq": run.harq,
        "offered": len(run.outcomes),
        **{state: run.count(state) for state in STATES},
        "interval": list(run.interval),
        "air_s": run.air_s,
        "wall_s": run.wall_s,
        "goodput_bits": run.goodput_bits,
        "data_frames": run.data_frames,
        "data_frames_heard": run.data_frames_heard,
        "reasons": run.reasons,
        "undelivered": [asdict(outcome) for outcome in run.outcomes if outcome.reason],
        "counters": run.counters,
    }
