# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of precoding schemes on one picture at equal channel uses, over the same fading blocks.

The digital link of the paper switches its second stream off on many channels and still sends its
bits; `none` and `rank_adaptive` are the fair digital baselines that stand beside every figure.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..channels.symbol_channel import SymbolChannel
from ..config import LinkConfig
from ..link import Transmitter
from ..link_parameters import bits_per_use, total_power, transmit_tables, used_csi
from ..mimo import canonical_svd, combine
from .panel import Reception, SchemeColumn, draw, wilson_interval

_POINTS = 1500  # samples drawn in a constellation


@dataclass(frozen=True)
class Scheme:
    """A scheme of the comparison: its precoder and what it is, in a few words."""

    precoder: str
    title: str
    note: str


SCHEMES = (
    Scheme("svd_wf", "digital, SVD-WF", "the paper's digital link"),
    Scheme("none", "digital, no precoding", "fair baseline: joint ML detection"),
    Scheme("rank_adaptive", "digital, rank adaptive", "fair baseline: 2 x QPSK or 1 x 16QAM"),
    Scheme("pcen", "PCEN", "learned precoder and combiner"),
)


@dataclass(frozen=True)
class Received:
    """One picture of one scheme as the link reported it; `image` only where it was asked for."""

    delivered: bool
    psnr_db: float
    ms_ssim: float | None
    channel_uses: int
    block_errors: int
    seconds: dict[str, float]
    image: np.ndarray | None = None


@dataclass(frozen=True)
class Summary:
    """A row of the table. Lost pictures are scored like any other (their mean-colour stand-in);
    `psnr_delivered_db` is the mean over the delivered ones alone."""

    precoder: str
    title: str
    note: str
    pictures: int
    delivered: int
    share: float
    interval: tuple[float, float]
    psnr_db: float
    psnr_delivered_db: float | None
    ms_ssim: float | None
    cbr_k: float
    cbr_l: float
    bits_per_use: float
    goodput_bits_per_use: float
    milliseconds: dict[str, float]


def interesting_draws(config: LinkConfig, count: int, blocks_each: int = 1) -> dict[str, int]:
    """Which of the run's pictures to show, chosen by its channel and not by its result.

    The median and the worst-quartile picture in Gaussian capacity, averaged over the picture's blocks.

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
    return {"median channel": int(order[count // 2]), "worst quartile": int(order[count // 4])}


def summarise(
    scheme: Scheme, config: LinkConfig, n_samples: int, payload_bits: int, results: list[Received]
) -> Summary:
    """Means over the pictures of one scheme.

    Args:
        n_samples: 3 h w of the picture.
        payload_bits: bits of the compressed picture, header and CRCs left out.
    """
    delivered = [result for result in results if result.delivered]
    share = len(delivered) / len(results)
    uses = float(np.mean([result.channel_uses for result in results]))
    scores = [result.ms_ssim for result in results if result.ms_ssim is not None]
    stages = {stage for result in results for stage in result.seconds}
    return Summary(
        precoder=scheme.precoder,
        title=scheme.title,
        note=scheme.note,
        pictures=len(results),
        delivered=len(delivered),
        share=share,
        interval=wilson_interval(len(delivered), len(results)),
        psnr_db=float(np.mean([result.psnr_db for result in results])),
        psnr_delivered_db=float(np.mean([r.psnr_db for r in delivered])) if delivered else None,
        ms_ssim=float(np.mean(scores)) if scores else None,
        cbr_k=uses / n_samples,
        cbr_l=config.streams * uses / n_samples,
        bits_per_use=payload_bits / uses,
        goodput_bits_per_use=share * payload_bits / uses,
        milliseconds={
            stage: 1e3 * float(np.mean([result.seconds.get(stage, 0.0) for result in results]))
            for stage in sorted(stages)
        },
    )


def constellations(
    config: LinkConfig, image: np.ndarray, picture: int, blocks_each: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Received samples of antenna 1, and of stream 1 behind CEN, for one picture of the run.

    CEN gives the transmit domain; stream 1 is its component along the strongest direction v1, or
    antenna 1 without precoding. The picture's first fading block is drawn again from the seed; the
    noise is fresh.
    """
    channel = SymbolChannel(config)
    h, h_hat = channel.sound((picture + 1) * blocks_each)
    h, h_hat = h[-blocks_each:][:1], h_hat[-blocks_each:][:1]
    transmitter = Transmitter(config)
    coded = transmitter.encode(transmitter.compress(image).payload)
    uses = np.array([len(coded.bits) // bits_per_use(config)])
    z = transmitter.modulate(coded, h_hat, uses)[:, :_POINTS]
    uses = np.array([z.shape[1]])
    y = channel.transmit(np.ascontiguousarray(z), h, uses)
    h_used, noise_var = used_csi(config, h_hat)
    r = combine(y, h_used, transmit_tables(config, h_hat), noise_var, block_uses=uses)
    if config.precoder == "none":
        return y[0], r[0]
    _, _, v = canonical_svd(h_hat[0])
    return y[0], v[:, 0].conj() @ r


def compare(
    base: LinkConfig,
    image: np.ndarray,
    count: int,
    send: Callable[[LinkConfig, np.ndarray, int, set[int]], list[Received]],
    panel: Path | None = None,
    schemes: tuple[Scheme, ...] = SCHEMES,
) -> list[Summary]:
    """Send one picture `count` times by every scheme and summarise; optionally draw the panel.

    Args:
        base: configuration; only its precoder is changed from scheme to scheme.
        image: uint8 [H, W, 3].
        count: transmissions per scheme.
        send: carries `count` copies of the picture over a link (flowgraph or SymbolLink) and keeps the
            received pictures whose index is in the set.
        panel: PNG to write, None for none.
    """
    transmitter = Transmitter(base)
    compressed = transmitter.compress(image)
    coded = transmitter.encode(compressed.payload)
    blocks_each = len(transmitter.block_uses(coded))
    shown = interesting_draws(base, count, blocks_each)
    summaries, columns = [], []
    for scheme in schemes:
        config = base.with_changes(precoder=scheme.precoder)
        results = send(config, image, count, set(shown.values()))
        if len(results) != count:
            raise RuntimeError(f"{scheme.title}: {len(results)} of {count} pictures came back")
        summary = summarise(scheme, config, image.size, 8 * compressed.codec_bytes, results)
        summaries.append(summary)
        if panel is not None:
            columns.append(_column(config, image, summary, results, shown, blocks_each))
    uses = {round(summary.cbr_k * image.size) for summary in summaries}
    if len(uses) != 1:
        raise RuntimeError(f"schemes used different numbers of channel uses: {sorted(uses)}")
    if panel is not None:
        draw(panel, image, columns, list(shown), _title(base, compressed, uses.pop(), count))
    return summaries


def _column(config, image, summary, results, shown, blocks_each) -> SchemeColumn:
    before, after = constellations(config, image, next(iter(shown.values())), blocks_each)
    receptions = [
        Reception(results[i].image, results[i].delivered, results[i].psnr_db)
        for i in shown.values()
    ]
    return SchemeColumn(
        summary.title.replace(", ", "\n", 1),
        summary.share,
        summary.interval,
        receptions,
        before,
        after,
    )


def _title(config: LinkConfig, compressed, uses: int, count: int) -> str:
    qp = f"{compressed.header.qp:g}"
    return (
        f"{config.codec.upper()} at QP {qp}, R = {config.code_rate}, {config.modulation.upper()}, "
        f"{config.n_tx}x{config.n_rx} {config.channel}, SNR {config.snr_db:g} dB ({config.snr_def}), "
        f"fading {config.fading}: {uses} channel uses a picture, {count} pictures a scheme"
    )
