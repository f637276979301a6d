# SPDX-License-Identifier: GPL-3.0-or-later
"""What PPEN is worth with the real codec: `scsc evaluate ppen`.

Rate against task score and PSNR for the plain codec, the controls and any number of pre-processors, on
the frames of a split, judged by several task networks. The control to beat is chosen on val; a run on
another split reads that choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .. import codecs, data
from ..codecs.base import ImageCodec
from ..runs import make_folder
from . import bootstrap, controls, ppen_inputs
from .best_control import NONE, Choice, ChoiceFile, choose
from .checks import check_rising, check_workers
from .point_store import PointStore
from .ppen_curves import Comparison, Curve, class_gains, combined, compare, load
from .ppen_points import Frame, Judge, Source, codec_identity, measure, missing

QPS = (28, 31, 34, 37, 41, 44, 47)
JUDGES = ("erf-pspnet-camvid-7", "espnetv2-2.0")
LOW_QP_LIMIT = 41  # the paper's QPs end here: 28 .. 41 is printed beside the whole range
VIDEO_BLOCK = 5  # frames of a bootstrap block for data that are video
VIDEOS = ("camvid", "cityscapes")
CHOOSING_SPLIT = "val"

_AGAINST_PLAIN = ("bd_rate_miou", "bd_miou", "bd_rate_accuracy", "bd_accuracy", "bd_psnr")
_AGAINST_CONTROL = ("bd_rate_miou", "bd_rate_accuracy", "bd_psnr")


@dataclass(frozen=True)
class Settings:
    """What to measure.

    Attributes:
        output: folder of all runs; points and choices are shared below it.
        data, folder, split: data set, its folder (None: the usual place), split.
        models: names of the zoo or paths of .safetensors files.
        controls: "auto", "none", or names of `controls.get`. Auto means `controls.AUTO` on val and
            the controls chosen there on another split.
        judges: names of task networks; the first is the one a figure is quoted for.
        tuned: the first judge fine-tuned on coded pictures, or "": the receiver's own answer to the
            codec, which the paper does not allow; compared with the first judge's plain curve.
        qps: slice QPs.
        frames: at most so many, evenly over the split; None means all.
        workers: threads.
        block: frames of a bootstrap block; None means 5 for video and 1 otherwise.
        resamples, seed: of the bootstrap.
    """

    output: Path
    data: str = "camvid"
    folder: Path | None = None
    split: str = "test"
    models: tuple[str, ...] = ()
    controls: str | tuple[str, ...] = "auto"
    judges: tuple[str, ...] = JUDGES
    tuned: str = ""
    qps: tuple[int, ...] = QPS
    frames: int | None = None
    workers: int = 2
    block: int | None = None
    resamples: int = bootstrap.RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split not in data.SPLITS:
            raise ValueError(f"split must be one of {', '.join(data.SPLITS)}, got {self.split!r}")
        if not self.judges:
            raise ValueError("judges must name at least one task network")
        check_rising("qps", self.qps, 1, 51)
        check_workers(self.workers)

    @property
    def block_length(self) -> int:
        """Frames of a bootstrap block."""
        if self.block is not None:
            return self.block
        return VIDEO_BLOCK if self.data in VIDEOS else 1

    @property
    def qp_sets(self) -> list[tuple[int, ...]]:
        """The QPs, and besides those up to 41 when at least four of them are fewer than all."""
        low = tuple(qp for qp in self.qps if qp <= LOW_QP_LIMIT)
        return [self.qps, low] if 4 <= len(low) < len(self.qps) else [self.qps]


@dataclass
class SetResult:
    """Comparisons over one set of QPs.

    Attributes:
        qps: of the set.
        choice: the control to beat, None when none was chosen on val.
        comparisons: (role of the anchor, comparison); roles "plain", "best control", and
            "control at its PSNR", the best one that loses no more PSNR than the model.
        gains: per source, IoU points gained at equal rate per class with interval.
    """

    qps: tuple[int, ...]
    choice: Choice | None
    comparisons: list[tuple[str, Comparison]] = field(default_factory=list)
    gains: dict[str, list] = field(default_factory=dict)


@dataclass
class JudgeResult:
    """Curves by source, coded and uncoded, and the comparisons, as one task network sees them."""

    judge: Judge
    curves: dict[str, Curve]
    uncoded: dict[str, Curve]
    sets: list[SetResult]


@dataclass(frozen=True)
class TunedResult:
    """What `Settings.tuned` gives over one set of QPs: its curves against the first judge's plain."""

    qps: tuple[int, ...]
    judge: Judge
    comparisons: list[Comparison]


@dataclass
class Result:
    """All that a run gave; `drawn` are the resamples [R, F] of `blocks` blocks behind every interval."""

    settings: Settings
    codec: str
    frames: list[Frame]
    sources: list[Source]
    blocks: int
    drawn: np.ndarray
    judges: list[JudgeResult]
    tuned: list[TunedResult]


class Experiment:
    """One run: loads everything up front, measures what is missing, compares.

    Args:
        settings: what to measure.
        codec: None means BPG as the product uses it.
        frames, sources, judges, tuned: given directly instead of by the names in settings (tests).
    Raises:
        ValueError, ModelError, DataError: a name, a QP or a split that cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        codec: ImageCodec | None = None,
        frames: list[Frame] | None = None,
        sources: list[Source] | None = None,
        judges: list[Judge] | None = None,
        tuned: Judge | None = None,
    ):
        self.settings = settings
        self.codec = codec or codecs.get("bpg")
        for qp in settings.qps:
            self.codec.check_qp(qp)
        named = settings.controls if isinstance(settings.controls, tuple) else ()
        self._named_controls = [ppen_inputs.control(name) for name in named]
        self.models = ppen_inputs.models(settings.models) if sources is None else sources
        self.judges = judges or [ppen_inputs.judge(name) for name in settings.judges]
        self.tuned = tuned or (ppen_inputs.judge(settings.tuned) if settings.tuned else None)
        self.frames = frames or ppen_inputs.frames(
            settings.data, settings.split, settings.frames, settings.folder
        )
        self.identity = codec_identity(self.codec)
        make_folder(settings.output)
        self.choices = ChoiceFile(
            settings.output / f"best-control-{settings.data}.json", self.identity
        )
        names = [frame.name for frame in self.frames]
        groups = bootstrap.blocks(names, settings.block_length)
        self.blocks = len(groups)
        self.drawn = bootstrap.counts(groups, settings.resamples, settings.seed)

    def run(self, progress: Callable[[int, int], None] = lambda done, total: None) -> Result:
        """Measure and compare.

        Args:
            progress: called as progress(points done, points to do) while points are computed.
        """
        with PointStore(self.settings.output / "points.jsonl") as store:
            wanted = self._first_wanted()
            self._measure(wanted, store, progress)
            if self.settings.split != CHOOSING_SPLIT:
                more = self._controls_at_equal_psnr(wanted, store)
                self._measure(more, store, progress)
                wanted = _merged(wanted, more)
            judged = [self._judge(judge, wanted, store) for judge in self.judges]
            tuned = self._tuned(judged[0], wanted, store)
        if self.settings.split == CHOOSING_SPLIT:
            chosen = {
                (result.judge.name, part.qps): part.choice
                for result in judged
                for part in result.sets
                if part.choice is not None
            }
            if chosen:
                self.choices.write(chosen)
        found = self.settings, self.identity, self.frames, list(wanted), self.blocks, self.drawn
        return Result(*found, judged, tuned)

    def _measure(self, wanted, store, progress) -> None:
        judges = [*self.judges, *([self.tuned] if self.tuned else [])]
        work = missing(self.frames, wanted, judges, self.identity, store)
        total, done = sum(item.points for item in work), 0
        for points in measure(work, self.codec, store, self.settings.workers):
            done += points
            progress(done, total)

    def _first_wanted(self) -> dict[Source, list[int]]:
        qps = list(self.settings.qps)
        wanted = {ppen_inputs.plain(): qps}
        wanted |= {control: qps for control in self._named_controls}
        if self.settings.controls == "auto":
            if self.settings.split == CHOOSING_SPLIT:
                wanted |= {ppen_inputs.control(name): qps for name in controls.AUTO}
            else:
                wanted = _merged(wanted, self._of_choices(lambda choice: [choice.best]))
        return _merged(wanted, {model: qps for model in self.models})

    def _of_choices(self, names: Callable[[Choice], Sequence[str]]) -> dict[Source, list[int]]:
        """Controls with their QPs that the stored choices ask for; all QPs if all are asked for."""
        wanted: dict[str, set[int]] = {}
        for judge in self.judges:
            for qps in self.settings.qp_sets:
                choice = self.choices.read(judge.name, judge.identity, qps)
                for name in names(choice) if choice else ():
                    for qp, source in choice.candidates[name].by_qp.items():
                        wanted.setdefault(source, set()).add(qp)
        wanted.pop(ppen_inputs.PLAIN, None)
        return {ppen_inputs.control(name): sorted(qps) for name, qps in wanted.items()}

    def _controls_at_equal_psnr(self, wanted, store) -> dict[Source, list[int]]:
        """The controls of val that lose as little PSNR as each model does here."""
        if self.settings.controls != "auto":
            return {}
        judge, found = self.judges[0], {}
        for qps in self.settings.qp_sets:
            plain, *others = (
                load(store, self.frames, source, judge, qps, self.identity)
                for source in (ppen_inputs.plain(), *self.models)
            )
            for curve in others:
                lost = compare("bd_psnr", curve, plain, self.drawn[:1]).pooled
                if lost is not None:
                    names = self._of_choices(lambda choice, lost=lost: [choice.at_psnr(lost)])
                    found = _merged(found, names)
        return found

    def _judge(self, judge: Judge, wanted, store) -> JudgeResult:
        curves = {
            source.name: load(store, self.frames, source, judge, qps, self.identity)
            for source, qps in wanted.items()
        }
        uncoded = {
            source.name: load(store, self.frames, source, judge, source.uncoded_qps(qps), None)
            for source, qps in wanted.items()
        }
        kinds = {source.name: source.kind for source in wanted}
        sets = [self._set(judge, curves, kinds, qps) for qps in self.settings.qp_sets]
        return JudgeResult(judge, curves, uncoded, sets)

    def _set(self, judge, curves, kinds, qps) -> SetResult:
        whole = {
            name: curve.at(qps) for name, curve in curves.items() if set(qps) <= set(curve.qps)
        }
        plain = whole[ppen_inputs.PLAIN]
        fixed = [curve for name, curve in whole.items() if kinds[name] == "control"]
        if self.settings.split != CHOOSING_SPLIT:
            choice = self.choices.read(judge.name, judge.identity, qps)
        else:
            chosen = choose(plain, fixed, judge.name, judge.identity, CHOOSING_SPLIT)
            choice = chosen if fixed else None
        result = SetResult(tuple(qps), choice)
        best = self._control_curve(curves, choice, choice.best) if choice else None
        if best is not None:
            whole.setdefault(best.name, best)
        for name, curve in whole.items():
            if name in (plain.name, NONE):
                continue
            against = [compare(figure, curve, plain, self.drawn) for figure in _AGAINST_PLAIN]
            result.comparisons += [("plain", comparison) for comparison in against]
            result.gains[name] = class_gains(curve, plain, self.drawn)
            if kinds.get(name) == "model" and choice is not None:
                roles = {"best control": choice.best}
                if against[-1].pooled is not None:
                    roles["control at its PSNR"] = choice.at_psnr(against[-1].pooled)
                for role, control in roles.items():
                    anchor = self._control_curve(curves, choice, control)
                    result.comparisons += [
                        (role, compare(figure, curve, anchor, self.drawn))
                        for figure in _AGAINST_CONTROL
                        if anchor is not None
                    ]
        return result

    def _tuned(self, first: JudgeResult, wanted, store) -> list[TunedResult]:
        """Every source that was measured at all QPs, judged by the fine-tuned task network."""
        if self.tuned is None:
            return []
        results = []
        for qps in self.settings.qp_sets:
            plain, comparisons = first.curves[ppen_inputs.PLAIN].at(qps), []
            for source, measured in wanted.items():
                if set(qps) <= set(measured):
                    curve = load(store, self.frames, source, self.tuned, qps, self.identity)
                    comparisons += [
                        compare(figure, curve, plain, self.drawn) for figure in _AGAINST_PLAIN
                    ]
            results.append(TunedResult(tuple(qps), self.tuned, comparisons))
        return results

    @staticmethod
    def _control_curve(curves: dict[str, Curve], choice: Choice, name: str) -> Curve | None:
        """A candidate's curve; None when this run did not measure all of its points."""
        by_qp = choice.candidates[name].by_qp
        measured = {(source, qp) for source, curve in curves.items() for qp in curve.qps}
        if not all((source, qp) in measured for qp, source in by_qp.items()):
            return None
        return combined(curves, by_qp, name)


def _merged(a: dict[Source, list[int]], b: dict[Source, list[int]]) -> dict[Source, list[int]]:
    """Union of QPs per source; sources are the same when their identity is."""
    known = {source.identity: source for source in a}
    merged = dict(a)
    for source, qps in b.items():
        source = known.get(source.identity, source)
        merged[source] = sorted({*merged.get(source, ()), *qps})
    return merged
