# SPDX-License-Identifier: GPL-3.0-or-later
"""SCSC over the link against the digital link at equal channel uses: `scsc evaluate scsc-link`.

Every scheme is a source (the codec alone, a control, PPEN) and a precoder. All sources are fitted to
one budget of channel uses, all schemes meet the same channels, lost pictures count like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import codecs, data
from ..config import LinkConfig
from ..runs import make_folder
from . import bootstrap, link_outcomes, ppen_inputs
from .checks import check_rising, check_workers
from .point_store import PointStore, key
from .ppen_experiment import VIDEO_BLOCK, VIDEOS
from .ppen_points import Frame, Judge, Source, codec_identity, one_torch_thread

PRECODERS = {
    "svd_wf": "SVD-WF",
    "none": "no precoding",
    "rank_adaptive": "rank adaptive",
    "pcen": "PCEN",
}
SNRS_DB = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0)


@dataclass(frozen=True)
class Settings:
    """What to measure.

    Attributes:
        output: folder of points and results.
        ppen: pre-processor of the SCSC schemes, a name of the zoo or a .safetensors file.
        control: a control of `evaluation.controls` that stands beside PPEN, or None.
        judge: task network.
        data, folder, split, frames: data set, its folder, split, at most so many frames.
        cbr_target: R_k, complex channel uses per source value, that no picture exceeds.
        code_rate: of the channel code.
        snrs_db: Pz / N0.
        draws: channels per picture, scheme and SNR; Rayleigh, one H per picture.
        block: frames of a bootstrap block; None means 5 for video and 1 otherwise.
        resamples: of the bootstrap; seed: of channels and bootstrap; workers: threads.
    """

    output: Path
    ppen: str
    control: str | None = None
    judge: str = "erf-pspnet-camvid-7"
    data: str = "camvid"
    folder: Path | None = None
    split: str = "test"
    frames: int | None = None
    cbr_target: float = 1 / 24
    code_rate: str = "1/2"
    snrs_db: tuple[float, ...] = SNRS_DB
    draws: int = 10
    block: int | None = None
    resamples: int = bootstrap.RESAMPLES
    seed: int = 1
    workers: int = 2

    def __post_init__(self) -> None:
        if self.split not in data.SPLITS:
            raise ValueError(f"split must be one of {', '.join(data.SPLITS)}, got {self.split!r}")
        check_rising("snr_db", self.snrs_db, -50, 100)
        check_workers(self.workers)
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, got {self.draws}")

    @property
    def block_length(self) -> int:
        """Frames of a bootstrap block."""
        if self.block is not None:
            return self.block
        return VIDEO_BLOCK if self.data in VIDEOS else 1

    def link(self, precoder: str = "none", snr_db: float = 0.0) -> LinkConfig:
        """The link of one scheme at one SNR; ConfigError for impossible values."""
        return LinkConfig().with_changes(
            mode="rate_matched",
            cbr_target=self.cbr_target,
            code_rate=self.code_rate,
            precoder=precoder,
            snr_db=snr_db,
            channel="rayleigh",
            fading="per_image",
        )


@dataclass(frozen=True)
class Scheme:
    """A source and a precoder, and what the table calls them."""

    source: Source
    precoder: str

    @property
    def title(self) -> str:
        """For example "digital, SVD-WF", "PPEN, SVD-WF (SCSC w/o PCEN)", "SCSC"."""
        name = PRECODERS[self.precoder]
        if self.source.kind == "plain":
            return "SCSC w/o PPEN" if self.precoder == "pcen" else f"digital, {name}"
        if self.source.kind == "control":
            return f"{self.source.name}, {name}"
        if self.precoder == "pcen":
            return "SCSC"
        return "SCSC w/o PCEN" if self.precoder == "svd_wf" else f"PPEN, {name}"


@dataclass(frozen=True, eq=False)
class Outcome:
    """A scheme over frames and SNRs; means over the channel draws inside each frame.

    Attributes:
        scheme.
        share: float [F, S], delivered share.
        psnr_db: float [F, S].
        confusion: float [F, S, C, C].
        delivered_confusion: float [F, C, C] and delivered_psnr_db [F]: of the delivered pictures.
        cbr_k: float [F], R_k that each frame took.
        qps: float [F]; over_budget: bool [F].
    """

    scheme: Scheme
    share: np.ndarray
    psnr_db: np.ndarray
    confusion: np.ndarray
    delivered_confusion: np.ndarray
    delivered_psnr_db: np.ndarray
    cbr_k: np.ndarray
    qps: np.ndarray
    over_budget: np.ndarray


@dataclass
class Result:
    """All that a run gave; `drawn` are the resamples [R, F] behind every interval."""

    settings: Settings
    frames: list[Frame]
    blocks: int
    drawn: np.ndarray
    judge: Judge
    sources: list[Source]
    outcomes: list[Outcome]


class Experiment:
    """One run; frames, PPEN and judge can be given directly instead of by the names in settings.

    Raises:
        ValueError, ModelError, DataError, ConfigError: a name or value that cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        frames: list[Frame] | None = None,
        ppen: Source | None = None,
        judge: Judge | None = None,
    ):
        self.settings = settings
        for snr_db in settings.snrs_db:
            settings.link(snr_db=snr_db)
        self.sources = [ppen_inputs.plain()]
        if settings.control is not None:
            if settings.control.startswith("downscale"):
                raise ValueError("control must keep the picture's size here, got a downscale")
            self.sources.append(ppen_inputs.control(settings.control))
        self.sources.append(ppen or ppen_inputs.model(settings.ppen))
        self.judge = judge or ppen_inputs.judge(settings.judge)
        self.frames = frames or ppen_inputs.frames(
            settings.data, settings.split, settings.frames, settings.folder
        )
        self.codec = codec_identity(codecs.get("bpg"))
        make_folder(settings.output)

    def run(self, progress: Callable[[int, int], None] = lambda done, total: None) -> Result:
        """Measure what is missing and combine; progress is called with (done, total) transmissions."""
        settings = self.settings
        names = [frame.name for frame in self.frames]
        groups = bootstrap.blocks(names, settings.block_length)
        drawn = bootstrap.counts(groups, settings.resamples, settings.seed)
        with PointStore(settings.output / "points.jsonl") as store:
            jobs = [(source, frame) for source in self.sources for frame in self.frames]
            with ThreadPoolExecutor(settings.workers, initializer=one_torch_thread) as pool:
                pending = [pool.submit(self._measure, *job, store) for job in jobs]
                try:
                    for done, future in enumerate(as_completed(pending), 1):
                        future.result()
                        progress(done, len(jobs))
                finally:
                    for future in pending:
                        future.cancel()
            schemes = [Scheme(s, precoder) for s in self.sources for precoder in PRECODERS]
            outcomes = [self._outcome(scheme, store) for scheme in schemes]
        return Result(settings, self.frames, len(groups), drawn, self.judge, self.sources, outcomes)

    def _key(self, stage: str, source: Source | None, frame: Frame, **more) -> str:
        description = {
            "experiment": f"scsc-link-{stage}",
            "frame": frame.digest,
            "source": source.identity if source else None,
            "judge": self.judge.identity,
            "codec": self.codec,
            "cbr_target": self.settings.cbr_target,
            "code_rate": self.settings.code_rate,
            **more,
        }
        return key(description)

    def _delivery_key(self, source: Source, frame: Frame, precoder: str, snr_db: float) -> str:
        draws = {"draws": self.settings.draws, "seed": self.settings.seed}
        return self._key(
            "delivery", source, frame, precoder=precoder, snr_db=snr_db, name=frame.name, **draws
        )

    def _measure(self, source: Source, frame: Frame, store: PointStore) -> None:
        """All points of one source and frame that the store lacks; the picture is coded once."""
        lost_key = self._key("lost", None, frame)
        if lost_key not in store:
            shown = link_outcomes.stand_in(self.settings.link(), frame.image.shape[:2])
            store.add([{"key": lost_key, **link_outcomes.scored(frame, self.judge, shown)}])
        sent_key = self._key("sent", source, frame)
        wanted = {
            (precoder, snr_db): self._delivery_key(source, frame, precoder, snr_db)
            for precoder in PRECODERS
            for snr_db in self.settings.snrs_db
        }
        lacking = {pair: name for pair, name in wanted.items() if name not in store}
        if sent_key in store and not lacking:
            return
        sent = link_outcomes.send(self.settings.link(), source, frame.image)
        if sent_key not in store:
            store.add([{"key": sent_key, **self._sent_point(source, frame, sent)}])
        for (precoder, snr_db), name in lacking.items():
            found = link_outcomes.delivery(
                self.settings.link(precoder, snr_db),
                sent.compressed.payload,
                frame.name,
                self.settings.draws,
                self.settings.seed,
            )
            store.add([{"key": name, "frame": frame.name, "delivered": found}])

    def _sent_point(self, source: Source, frame: Frame, sent: link_outcomes.Sent) -> dict:
        return {
            "frame": frame.name,
            "source": source.name,
            "qp": sent.compressed.header.qp,
            "codec_bytes": sent.compressed.codec_bytes,
            "channel_uses": sent.channel_uses,
            "over_budget": sent.compressed.over_budget,
            **link_outcomes.scored(frame, self.judge, sent.image),
        }

    def _shares(self, scheme: Scheme, frame: Frame, store: PointStore) -> list[float]:
        names = (
            self._delivery_key(scheme.source, frame, scheme.precoder, snr_db)
            for snr_db in self.settings.snrs_db
        )
        return [float(np.mean(store[name]["delivered"])) for name in names]

    def _outcome(self, scheme: Scheme, store: PointStore) -> Outcome:
        n = self.judge.classes
        sent = [store[self._key("sent", scheme.source, frame)] for frame in self.frames]
        lost = [store[self._key("lost", None, frame)] for frame in self.frames]
        share = np.array([self._shares(scheme, frame, store) for frame in self.frames])
        psnr = [_column(points, "psnr_db") for points in (sent, lost)]
        matrix = [_column(points, "confusion").reshape(-1, n, n) for points in (sent, lost)]
        by_snr = [
            link_outcomes.expected(column, (psnr[0], matrix[0]), (psnr[1], matrix[1]))
            for column in share.T
        ]
        values = np.array([frame.image.size for frame in self.frames])
        return Outcome(
            scheme,
            share,
            np.stack([p for p, _ in by_snr], 1),
            np.stack([m for _, m in by_snr], 1),
            matrix[0],
            psnr[0],
            _column(sent, "channel_uses") / values,
            _column(sent, "qp"),
            _column(sent, "over_budget").astype(bool),
        )


def _column(points: Sequence[dict], name: str) -> np.ndarray:
    return np.array([point[name] for point in points], float)
