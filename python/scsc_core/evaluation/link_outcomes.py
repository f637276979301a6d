# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture is worth over a fading link: scored once delivered, once lost, and how often which.

The picture that a digital link delivers does not depend on the channel. So a picture is decoded and
judged once as delivered and once as lost, and only the channel code and the detector run for every
draw: exactly what judging every received picture would give, at a fraction of its cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import codecs, framing
from ..channels.symbol_channel import SymbolChannel
from ..config import LinkConfig
from ..link import Compressed, Receiver, Transmitter
from ..link_parameters import bits_per_use
from ..tasks.scores import confusion
from ..training.seeds import seed_for
from .metrics import psnr_db
from .ppen_points import Frame, Judge, Source


@dataclass(frozen=True)
class Sent:
    """A frame that one source prepared and the codec fitted to the budget.

    Attributes:
        compressed: framed payload, header with the quality, over_budget.
        image: uint8 [H, W, 3], what arrives when nothing is lost.
        channel_uses: k of the transmission.
    """

    compressed: Compressed
    image: np.ndarray
    channel_uses: int


def send(config: LinkConfig, source: Source, image: np.ndarray) -> Sent:
    """Prepare, code and frame a picture: the best quality within `config.cbr_target`.

    The source runs anew for every quality that is tried. A picture that misses the budget even at
    the coarsest quality is sent so and flagged.
    """
    transmitter = Transmitter(config, source.preprocess)
    compressed = transmitter.compress(image)
    decoded = codecs.get(config.codec).decode(framing.unpack(compressed.payload).data)
    coded = transmitter.encode(compressed.payload)
    return Sent(compressed, decoded, len(coded.bits) // bits_per_use(config))


def delivery(config: LinkConfig, payload: bytes, picture: str, draws: int, seed: int) -> list[bool]:
    """Whether a payload arrives, for each channel draw.

    H and noise of draw i depend on seed, picture and i only: the same for every precoder, SNR and
    payload of equal length (paired).

    Args:
        config: link; its seed is replaced.
        payload: framed picture.
        picture: name that tells the pictures' channels apart.
        draws: >= 1.
        seed: of the experiment.
    """
    transmitter, receiver = Transmitter(config.with_changes(ppen="none")), Receiver(config)
    coded = transmitter.encode(payload)
    uses = transmitter.block_uses(coded)
    found = []
    for draw in range(draws):
        channel = SymbolChannel(draw_config(config, picture, draw, seed))
        h, h_hat = channel.sound(len(uses))
        y = channel.transmit(transmitter.modulate(coded, h_hat, uses), h, uses)
        llr = receiver.detect(y, h_hat, uses, coded.payload_bits)
        received = receiver.decode(llr, coded.payload_bits)
        found.append(receiver.reconstruct(received).delivered)
    return found


def draw_config(config: LinkConfig, picture: str, draw: int, seed: int) -> LinkConfig:
    """The configuration whose seed gives H and noise of one draw of one picture."""
    return config.with_changes(seed=seed_for(seed, "channel", picture, draw))


def stand_in(config: LinkConfig, size: tuple[int, int]) -> np.ndarray:
    """The picture uint8 [H, W, 3] that stands for a lost one: the configured colour."""
    return np.broadcast_to(np.array(config.mean_colour, np.uint8), (*size, 3)).copy()


def scored(frame: Frame, judge: Judge, shown: np.ndarray) -> dict:
    """PSNR in dB, mean square error and confusion matrix (a flat list) of a shown picture."""
    difference = frame.image.astype(np.int32) - shown
    matrix = confusion(frame.label, judge.segment(shown), judge.classes)
    return {
        "psnr_db": psnr_db(frame.image, shown),
        "mse": float(np.mean(difference**2)),
        "confusion": matrix.ravel().tolist(),
    }


def expected(
    share: np.ndarray, delivered: Sequence[np.ndarray], lost: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Means over the draws, value by value: share x delivered + (1 - share) x lost.

    Args:
        share: float [F], delivered share of each frame.
        delivered, lost: arrays [F, ...], additive per picture (PSNR in dB, confusion matrix).
    """
    results = []
    for arrived, missing in zip(delivered, lost):
        weight = share.reshape(-1, *[1] * (arrived.ndim - 1))
        results.append(weight * arrived + (1 - weight) * missing)
    return results
