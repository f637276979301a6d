# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of schemes on one picture within the same budget of channel uses, over the same fading.

The digital link of the paper switches its second stream off on many channels and still sends its
bits; `none` and `rank_adaptive` are the fair digital baselines that stand beside every figure. A
Gaussian low-pass in front of the codec saves bits too; it stands beside PPEN for the same reason.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from ..channels.symbol_channel import SymbolChannel
from ..config import LinkConfig
from ..link_parameters import total_power
from .equal_uses import LOW_PASS, Fitted, channel_use_budget, fit
from .panel import wilson_interval
from .picture_scores import PictureScore, PictureScorer, TaskScore, task_score


@dataclass(frozen=True)
class Scheme:
    """A scheme of the comparison.

    Attributes:
        name: for programs.
        precoder: of the link.
        preparation: of the picture, see equal_uses.fit.
        title, note: what it is, in a few words.
        in_panel: False for rows of the table alone.
    """

    name: str
    precoder: str
    preparation: str
    title: str
    note: str
    in_panel: bool = True


SCHEMES = (
    Scheme("digital", "svd_wf", "plain", "digital", "SVD-WF, the paper's digital link"),
    Scheme("digital_ml", "none", "plain", "digital, no precoding", "fair: joint ML", False),
    Scheme(
        "digital_fair",
        "rank_adaptive",
        "plain",
        "digital, rank adaptive",
        "fair precoder, no training",
    ),
    Scheme(
        "low_pass_fair",
        "rank_adaptive",
        "low_pass",
        "low-pass, rank adaptive",
        f"control: {LOW_PASS}",
    ),
    Scheme("scsc_without_ppen", "pcen", "plain", "SCSC w/o PPEN", "PCEN alone"),
    Scheme("scsc_without_pcen", "svd_wf", "ppen", "SCSC w/o PCEN", "PPEN + SVD-WF"),
    Scheme("scsc", "pcen", "ppen", "SCSC", "PPEN + PCEN"),
)


@dataclass(frozen=True)
class Received:
    """One picture of one scheme as it arrived; `image` only where it was asked for."""

    delivered: bool
    score: PictureScore
    channel_uses: int
    block_errors: int
    seconds: dict[str, float]
    image: np.ndarray | None = None


@dataclass(frozen=True)
class Summary:
    """A row of the table. Lost pictures are scored like any other (their mean-colour stand-in), and
    their confusion counts add to the sum; `undamaged` and `psnr_undamaged_db` are the scores of the
    picture that arrives when nothing is lost."""

    name: str
    precoder: str
    preparation: str
    ppen: str
    title: str
    note: str
    qp: float
    pictures: int
    delivered: int
    share: float
    interval: tuple[float, float]
    task: TaskScore
    undamaged: TaskScore
    psnr_db: float
    psnr_undamaged_db: float
    ms_ssim: float | None
    channel_uses: int
    n_blocks: int
    cbr_k: float
    cbr_l: float
    bits_per_use: float
    goodput_bits_per_use: float
    milliseconds: dict[str, float]


@dataclass(frozen=True)
class Row:
    """One scheme: its configuration and picture, its summary, and the pictures that are to be shown."""

    scheme: Scheme
    config: LinkConfig
    fitted: Fitted
    summary: Summary
    shown: list[Received]


@dataclass(frozen=True)
class Comparison:
    """All schemes and what they share.

    Attributes:
        base: configuration, before scheme and quality were put in.
        rows: one per scheme, in order.
        budget: channel uses that no row exceeds.
        judge: what the task is judged by, picture_scores.GROUND_TRUTH or CLEAN_PREDICTION.
        clean: task score of the picture itself, not sent: the ceiling.
        shown: name -> index of the transmissions whose pictures are kept.
        same_fading: False when rows span different numbers of fading blocks, and so meet channels
            that are drawn alike but are not the same.
    """

    base: LinkConfig
    rows: list[Row]
    budget: int
    judge: str
    clean: TaskScore
    shown: dict[str, int]
    same_fading: bool

    @property
    def summaries(self) -> list[Summary]:
        """The rows' summaries."""
        return [row.summary for row in self.rows]

    def to_dict(self) -> dict:
        """What JSON files hold of it."""
        return {
            "budget_channel_uses": self.budget,
            "task_judged_by": self.judge,
            "clean_picture": asdict(self.clean),
            "same_fading": self.same_fading,
            "schemes": [asdict(summary) for summary in self.summaries],
        }


def interesting_draws(config: LinkConfig, count: int, blocks_each: int = 1) -> dict[str, int]:
    """Which of the run's pictures to show, chosen by its channel and not by its result.

    The pictures at the median and the lower quartile in Gaussian capacity, averaged over the picture's blocks.

    Args:
        config: link whose seed decides the fading.
        count: pictures sent, >= 1.
        blocks_each: fading blocks of one picture.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    channel = SymbolChannel(config)
    h, _ = channel.sound(count * blocks_each)
    gram = h @ np.conj(np.swapaxes(h, -1, -2))
    snr = total_power(config) / config.n_tx / channel.noise_var
    _, log_det = np.linalg.slogdet(np.eye(config.n_rx) + snr * gram)
    order = np.argsort((log_det / math.log(2)).reshape(count, blocks_each).mean(1))
    return {
        "median channel": int(order[count // 2]),
        "lower quartile of channels": int(order[count // 4]),
    }


def summarise(
    scheme: Scheme, fitted: Fitted, undamaged: PictureScore, results: list[Received]
) -> Summary:
    """Means over the pictures of one scheme; `undamaged` scores what arrives when nothing is lost."""
    delivered = sum(result.delivered for result in results)
    share = delivered / len(results)
    uses = float(np.mean([result.channel_uses for result in results]))
    similarities = [r.score.ms_ssim for r in results if r.score.ms_ssim is not None]
    stages = {stage for result in results for stage in result.seconds}
    n_samples, payload_bits = fitted.source.size, 8 * fitted.codec_bytes
    return Summary(
        name=scheme.name,
        precoder=scheme.precoder,
        preparation=scheme.preparation,
        ppen=fitted.config.ppen,
        title=scheme.title,
        note=scheme.note,
        qp=float(fitted.qp),
        pictures=len(results),
        delivered=delivered,
        share=share,
        interval=wilson_interval(delivered, len(results)),
        task=task_score(sum(result.score.confusion for result in results)),
        undamaged=task_score(undamaged.confusion),
        psnr_db=float(np.mean([result.score.psnr_db for result in results])),
        psnr_undamaged_db=undamaged.psnr_db,
        ms_ssim=float(np.mean(similarities)) if similarities else None,
        channel_uses=round(uses),
        n_blocks=fitted.n_blocks,
        cbr_k=uses / n_samples,
        cbr_l=fitted.config.streams * uses / n_samples,
        bits_per_use=payload_bits / uses,
        goodput_bits_per_use=share * payload_bits / uses,
        milliseconds={
            stage: 1e3 * float(np.mean([result.seconds.get(stage, 0.0) for result in results]))
            for stage in sorted(stages)
        },
    )


def compare(
    base: LinkConfig,
    scorer: PictureScorer,
    count: int,
    send: Callable[[Scheme, LinkConfig, np.ndarray, int, set[int]], list[Received]],
    ppen: str = "none",
    schemes: tuple[Scheme, ...] = SCHEMES,
    on_fit: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Send one picture `count` times by every scheme and summarise.

    Args:
        base: configuration; precoder, PPEN and quality are changed from scheme to scheme.
        scorer: holds the picture and judges what arrives.
        count: transmissions per scheme.
        send: carries `count` copies of a picture over a link (flowgraph or SymbolLink), scores each,
            and keeps the received pictures whose index is in the set.
        ppen: model of the schemes with PPEN; "none" leaves them out.
        on_fit: called with (done, total) when a preparation of the picture has its quality.
    Raises:
        ValueError: the budget is too small for the picture, or the link cannot be built.
        RuntimeError: pictures are missing, or a scheme used more than the budget.
    """
    schemes = tuple(s for s in schemes if ppen != "none" or s.preparation != "ppen")
    budget = channel_use_budget(base, scorer.image)
    preparations = list(dict.fromkeys(scheme.preparation for scheme in schemes))
    fits: dict[str, Fitted] = {}
    for done, preparation in enumerate(preparations, start=1):
        fits[preparation] = fit(base, scorer.image, budget, preparation, ppen)
        if on_fit is not None:
            on_fit(done, len(preparations))
    shown = interesting_draws(base, count, fits[preparations[0]].n_blocks)
    rows = []
    for scheme in schemes:
        fitted = fits[scheme.preparation]
        config = fitted.config.with_changes(precoder=scheme.precoder)
        results = send(scheme, config, fitted.source, count, set(shown.values()))
        if len(results) != count:
            raise RuntimeError(f"{scheme.title}: {len(results)} of {count} pictures came back")
        most = max(result.channel_uses for result in results)
        if most > budget:
            raise RuntimeError(f"{scheme.title}: {most} channel uses, the budget is {budget}")
        summary = summarise(scheme, fitted, scorer.score(fitted.decoded), results)
        rows.append(Row(scheme, config, fitted, summary, [results[i] for i in shown.values()]))
    return Comparison(
        base,
        rows,
        budget,
        scorer.judge,
        task_score(scorer.clean.confusion),
        shown,
        same_fading=base.fading == "per_image" or len({f.n_blocks for f in fits.values()}) == 1,
    )
