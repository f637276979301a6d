# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of a comparison: pictures, what the task sees in them, and constellations."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..channels.symbol_channel import SymbolChannel
from ..config import LinkConfig
from ..link import Transmitter
from ..link_parameters import bits_per_use, transmit_tables, used_csi
from ..mimo import canonical_svd, combine
from ..tasks.categories import CLASSES7, PALETTE7, overlay
from .comparison import Comparison, Received, Row
from .panel import Reception, SchemeColumn, SentColumn, draw
from .picture_scores import PictureScorer, task_score

_POINTS = 1500  # samples drawn in a constellation
_OVERLAY = 0.6  # share of the class colour; the rest is the picture


def draw_comparison(path: Path, comparison: Comparison, scorer: PictureScorer) -> Path:
    """Write the panel of a comparison as PNG.

    Args:
        path: of the PNG.
        comparison: as `comparison.compare` gave it.
        scorer: that judged it.
    """
    clean = comparison.clean
    caption = "predicted"
    pictures = [("sent", scorer.image)]
    if scorer.truth is not None:
        pictures.append((scorer.judge, overlay(scorer.image, scorer.truth, _OVERLAY)))
        caption += f": mIoU {clean.miou:.3f}, {100 * clean.pixel_accuracy:.1f} %"
    pictures.append((caption, overlay(scorer.image, scorer.clean.labels, _OVERLAY)))
    columns = [_column(row, comparison.shown) for row in comparison.rows if row.scheme.in_panel]
    legend = [(name, tuple(colour)) for name, colour in zip(CLASSES7, PALETTE7.tolist())]
    return draw(
        path, SentColumn(pictures, legend), columns, list(comparison.shown), _title(comparison)
    )


def _column(row: Row, shown: dict[str, int]) -> SchemeColumn:
    picture = next(iter(shown.values()))
    before, after = constellations(row.config, row.fitted.payload, picture, row.fitted.n_blocks)
    summary = row.summary
    return SchemeColumn(
        summary.title,
        summary.note,
        f"QP {summary.qp:.4g}, R_k {summary.cbr_k:.4f}",
        summary.share,
        summary.interval,
        [_reception(received) for received in row.shown],
        before,
        after,
    )


def _reception(received: Received) -> Reception:
    score = task_score(received.score.confusion)
    return Reception(
        received.image,
        overlay(received.image, received.score.labels, _OVERLAY),
        received.delivered,
        received.score.psnr_db,
        score.miou,
        score.pixel_accuracy,
    )


def _title(comparison: Comparison) -> str:
    config = comparison.base
    share = comparison.budget / comparison.rows[0].fitted.source.size
    return (
        f"{config.codec.upper()}, R = {config.code_rate}, {config.modulation.upper()}, "
        f"{config.n_tx}x{config.n_rx} {config.channel}, SNR {config.snr_db:g} dB ({config.snr_def}), "
        f"fading {config.fading}: at most {comparison.budget} channel uses a picture "
        f"(R_k {share:.4f})\n{comparison.summaries[0].pictures} pictures a scheme, "
        f"mIoU and pixels judged by the {comparison.judge}"
    )


def constellations(
    config: LinkConfig, payload: bytes, picture: int, blocks_each: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Received samples of antenna 1, and of stream 1 behind CEN, for one picture of the run.

    CEN gives the transmit domain; stream 1 is its component along the strongest direction v1, or
    antenna 1 without precoding. The picture's first fading block is drawn again from the seed; the
    noise is fresh.
    """
    channel = SymbolChannel(config)
    h, h_hat = channel.sound((picture + 1) * blocks_each)
    h, h_hat = h[-blocks_each:][:1], h_hat[-blocks_each:][:1]
    transmitter = Transmitter(config.with_changes(ppen="none"))  # the payload is made already
    coded = transmitter.encode(payload)
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
