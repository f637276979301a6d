# SPDX-License-Identifier: GPL-3.0-or-later
"""Choice of the control that a pre-processor has to beat: made on val, stored, read by the test run.

Candidates are the controls and "mixed", which takes at each QP the control (or none) that saves most.
The best one has the lowest pooled BD-rate at equal mIoU against the plain codec; "none" wins when all
of them cost bits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from . import bd
from .ppen_curves import Curve, combined, whole_set
from .ppen_points import PLAIN

MIXED = "mixed"
NONE = "none"
# a control may lose this much more PSNR than the model and still count as losing the same
PSNR_SLACK_DB = 0.1


@dataclass(frozen=True)
class Candidate:
    """A control on val: the source at each QP, and what it does against the plain codec there."""

    by_qp: dict[int, str]
    bd_rate: float
    bd_psnr: float


@dataclass(frozen=True)
class Choice:
    """The candidates of one judge and set of QPs, and the name of the best; `tried` are all controls."""

    judge: str
    judge_identity: str
    split: str
    frames: int
    tried: list[str]
    best: str
    candidates: dict[str, Candidate]

    def at_psnr(self, bd_psnr_db: float) -> str:
        """Name of the best candidate that loses no more PSNR than `bd_psnr_db` (negative: a loss)."""
        allowed = [
            name
            for name, candidate in self.candidates.items()
            if name == NONE or candidate.bd_psnr >= bd_psnr_db - PSNR_SLACK_DB
        ]
        return min(allowed, key=lambda name: self.candidates[name].bd_rate)


def choose(
    plain: Curve,
    control_curves: Sequence[Curve],
    judge: str,
    judge_identity: str,
    split: str,
) -> Choice:
    """The best control on these curves.

    Args:
        plain: of the codec alone; its QPs are those of the choice.
        control_curves: at the same QPs and frames.
        judge, judge_identity, split: stored with the choice.
    """
    curves = {curve.name: curve for curve in control_curves}
    candidates = {NONE: Candidate(dict.fromkeys(plain.qps, PLAIN), 0.0, 0.0)}
    for name, curve in curves.items():
        candidates[name] = _candidate(plain, curve, dict.fromkeys(plain.qps, name))
    if curves:
        everything = {PLAIN: plain, **curves}
        by_qp = _best_at_each_qp(plain, everything)
        candidates[MIXED] = _candidate(plain, combined(everything, by_qp, MIXED), by_qp)
    usable = {name: c for name, c in candidates.items() if c is not None}
    best = min(usable, key=lambda name: usable[name].bd_rate)
    return Choice(judge, judge_identity, split, len(plain.pixels), list(curves), best, usable)


def _candidate(plain: Curve, curve: Curve, by_qp: dict[int, str]) -> Candidate | None:
    """The control against the plain codec; None where too little of their mIoU ranges is common."""
    once = whole_set(plain)
    (rate,), (other_rate,) = plain.rate(once), curve.rate(once)
    (miou,), (other_miou,) = plain.miou(once), curve.miou(once)
    (psnr,), (other_psnr,) = plain.psnr_db(once), curve.psnr_db(once)
    if bd.rate_difference(rate, miou, other_rate, other_miou).overlap < bd.MIN_OVERLAP:
        return None
    saved = bd.rate_differences(*(row[None] for row in (rate, miou, other_rate, other_miou)))
    lost = bd.metric_differences(*(row[None] for row in (rate, psnr, other_rate, other_psnr)))
    if np.isnan(saved[0] + lost[0]):
        return None
    return Candidate(by_qp, float(saved[0]), float(lost[0]))


def _best_at_each_qp(plain: Curve, curves: dict[str, Curve]) -> dict[int, str]:
    """Source whose point lies farthest left of the plain curve, in ln rate at equal mIoU."""
    once = whole_set(plain)
    rate, miou = bd.pooled(plain.rate(once)[0], plain.miou(once)[0])
    excess = {
        name: np.log(curve.rate(once)[0]) - np.interp(curve.miou(once)[0], miou, np.log(rate))
        for name, curve in curves.items()
    }
    return {
        qp: min(excess, key=lambda name: excess[name][column])
        for column, qp in enumerate(plain.qps)
    }


class ChoiceFile:
    """The choices of a data set in one JSON file: written by runs on val, read by runs on test.

    Args:
        path: of the file.
        codec: identity of the codec; choices made with another one are not used.
    """

    def __init__(self, path: Path, codec: str):
        self.path, self._codec = path, codec

    def write(self, choices: dict[tuple[str, tuple[int, ...]], Choice]) -> None:
        """Store choices by (judge, QPs); those of other judges and QPs stay.

        A stored choice that saw more frames, or a control that the new one did not try, stays too: a
        quick look at val must not decide what the test run compares with.
        """
        entries = self._entries()
        for (judge, qps), choice in choices.items():
            stored = self.read(judge, choice.judge_identity, qps)
            if stored is not None and (
                stored.frames > choice.frames or not set(stored.tried) <= set(choice.tried)
            ):
                continue
            entries[_entry_name(judge, qps)] = {"codec": self._codec, **asdict(choice)}
        part = self.path.with_name(f"{self.path.name}.part")
        part.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
        part.replace(self.path)

    def read(self, judge: str, judge_identity: str, qps: Sequence[int]) -> Choice | None:
        """The stored choice; None when none was made with this judge, codec and these QPs."""
        entry = self._entries().get(_entry_name(judge, qps))
        if entry is None or entry.pop("codec") != self._codec:
            return None
        candidates = {
            name: Candidate(
                {int(qp): source for qp, source in c["by_qp"].items()}, c["bd_rate"], c["bd_psnr"]
            )
            for name, c in entry.pop("candidates").items()
        }
        choice = Choice(candidates=candidates, **entry)
        return choice if choice.judge_identity == judge_identity else None

    def _entries(self) -> dict:
        if not self.path.is_file():
            return {}
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except ValueError:
            raise ValueError(f"{self.path} is no JSON; remove it and run on val again") from None


def _entry_name(judge: str, qps: Sequence[int]) -> str:
    return f"{judge} at {','.join(map(str, qps))}"
