# SPDX-License-Identifier: GPL-3.0-or-later
"""One budget of channel uses for every way to prepare a picture, and the quality that fits it.

A pre-processor changes what a picture costs at a given quality, so at equal quality it would send more
or less than the codec alone. Here the budget is equal and the quality follows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .. import codecs, framing
from ..config import LinkConfig
from ..link import Compressed, Transmitter
from ..link_parameters import bits_per_use
from . import controls

PREPARATIONS = ("plain", "low_pass", "ppen")
LOW_PASS = "gaussian-0.7"  # of evaluation.controls: what a blur alone gives, blind to the task
# Quality of the codec alone that sets the budget when none is given: coarse enough that the task suffers.
TIGHT_QP = {"bpg": 45.0, "jpeg": 10.0, "jpeg2000": 100.0}


@dataclass(frozen=True)
class Fitted:
    """A picture made to fit.

    Attributes:
        config: mode "fixed" at the quality found; its precoder is still to be chosen.
        source: uint8 [H, W, 3], what the transmitter gets: filtered for "low_pass", else the picture.
        payload: framed bytes that are sent.
        decoded: uint8 [H, W, 3], what arrives when nothing is lost.
        channel_uses: k, at most the budget.
        codec_bytes: of the compressed picture, header and CRCs left out.
        n_blocks: fading blocks of one transmission.
    """

    config: LinkConfig
    source: np.ndarray
    payload: bytes
    decoded: np.ndarray
    channel_uses: int
    codec_bytes: int
    n_blocks: int

    @property
    def qp(self) -> float:
        """Quality on the codec's own scale."""
        return self.config.qp


def channel_use_budget(config: LinkConfig, image: np.ndarray) -> int:
    """Channel uses that no scheme may exceed.

    Mode "rate_matched": floor(cbr_target * samples). Mode "fixed": what the codec alone needs at
    `qp` (None: `TIGHT_QP`), which fills the budget with the plain picture and favours it a little.

    Raises:
        ValueError: mode "adaptive", whose schemes would not share one code rate.
    """
    if config.mode == "adaptive":
        raise ValueError("mode must be fixed or rate_matched: schemes share one code rate")
    if config.mode == "rate_matched":
        return math.floor(config.cbr_target * image.size)
    qp = TIGHT_QP[config.codec] if config.qp is None else config.qp
    transmitter = Transmitter(config.with_changes(ppen="none", qp=qp))
    return _channel_uses(transmitter, transmitter.compress(image))


def fit(
    config: LinkConfig, image: np.ndarray, budget: int, preparation: str, ppen: str = "none"
) -> Fitted:
    """The best quality of a picture whose transmission takes at most `budget` channel uses.

    Args:
        config: link; its mode, quality and PPEN are replaced.
        image: uint8 [H, W, 3].
        budget: int >= 1.
        preparation: "plain", "low_pass" (`LOW_PASS`) or "ppen".
        ppen: model of "ppen"; it runs anew for each quality that is tried.
    Raises:
        ValueError: unknown preparation, or not even the coarsest quality fits.
    """
    if preparation not in PREPARATIONS:
        raise ValueError(
            f"preparation must be one of {', '.join(PREPARATIONS)}, got {preparation!r}"
        )
    source = controls.get(LOW_PASS)(image, 0) if preparation == "low_pass" else image
    matched = config.with_changes(
        mode="rate_matched",
        cbr_target=(budget + 0.5)
        / image.size,  # half a use above, so that rounding takes none away
        ppen=ppen if preparation == "ppen" else "none",
    )
    transmitter = Transmitter(matched)
    compressed = transmitter.compress(source)
    uses = _channel_uses(transmitter, compressed)
    if compressed.over_budget or uses > budget:
        raise ValueError(
            f"budget of {budget} channel uses is too small: {preparation} needs {uses} at the "
            f"coarsest quality of {config.codec}; raise cbr_target"
        )
    coded = transmitter.encode(compressed.payload)
    data = framing.unpack(compressed.payload).data
    return Fitted(
        matched.with_changes(mode="fixed", cbr_target=None, qp=compressed.header.qp),
        source,
        compressed.payload,
        codecs.get(config.codec).decode(data),
        uses,
        compressed.codec_bytes,
        len(transmitter.block_uses(coded)),
    )


def _channel_uses(transmitter: Transmitter, compressed: Compressed) -> int:
    coded = transmitter.encode(compressed.payload)
    return len(coded.bits) // bits_per_use(transmitter.config)
