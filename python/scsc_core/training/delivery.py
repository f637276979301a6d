# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures of a training batch arrive: the link's outage inside training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import framing, mimo
from ..config import LinkConfig
from ..link import Payload, Receiver, Transmitter
from .seeds import generator_for

# What a payload of 54 kbit needs beyond R_c m_u; `scsc evaluate delivery` compares it with the link.
GAP_BITS = 0.25


@dataclass(frozen=True)
class LinkDraw:
    """The channel of one picture: h complex [2, 2], SNR in dB (P_z / N0), code rate."""

    h: np.ndarray
    snr_db: float
    code_rate: str


def draw_link(
    seed: int, step: int, index: int, code_rates: tuple[str, ...], snr_db: tuple[float, float]
) -> LinkDraw:
    """Rayleigh channel, SNR and code rate of one sample of a step."""
    rng = generator_for(seed, "link", step, index)
    h = (rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))) / np.sqrt(2)
    return LinkDraw(h, float(rng.uniform(*snr_db)), code_rates[int(rng.integers(len(code_rates)))])


def abstract_delivery(draw: LinkDraw, precoder: str = "pcen") -> bool:
    """Whether the BICM information of the channel and its table carries the code rate.

    Delivered when I >= R_c m_u + `GAP_BITS`, I in bits a channel use.
    """
    config = _config(draw, precoder)
    noise_var = 10 ** (-draw.snr_db / 10)
    table = mimo.transmit_table(draw.h, noise_var, precoder=precoder, bits_per_symbol=2)
    information = float(mimo.mutual_information(draw.h, table, noise_var)[1])
    return information >= float(config.rate) * 4 + GAP_BITS


def full_delivery(
    draw: LinkDraw, data: bytes, size: tuple[int, int], qp: int, seed: int, precoder: str = "pcen"
) -> tuple[bool, np.ndarray]:
    """One picture's bytes through the product's link: (delivered, what the receiver shows).

    Args:
        data: of the codec. size: (height, width) of the picture. seed: of the noise.
    """
    header = framing.PayloadHeader(0, *size, "bpg", float(qp))
    payload, receiver = _carry(draw, framing.pack(data, header), seed, precoder)
    picture = receiver.reconstruct(payload, size)
    return picture.delivered, picture.image


def payload_delivered(draw: LinkDraw, payload: bytes, seed: int, precoder: str = "pcen") -> bool:
    """Whether the product's link carries these bytes without an error."""
    return _carry(draw, payload, seed, precoder)[0].ok


def _carry(draw: LinkDraw, payload: bytes, seed: int, precoder: str) -> tuple[Payload, Receiver]:
    """What the receiver decodes of a payload that crossed the drawn channel."""
    config = _config(draw, precoder)
    transmitter, receiver = Transmitter(config), Receiver(config)
    coded = transmitter.encode(payload)
    h, uses = draw.h[None], transmitter.block_uses(coded)
    z = transmitter.modulate(coded, h, uses)
    rng, deviation = np.random.default_rng(seed), np.sqrt(10 ** (-draw.snr_db / 10) / 2)
    noise = rng.standard_normal((2, *z.shape)) * deviation
    y = (draw.h @ z + noise[0] + 1j * noise[1]).astype(np.complex64)
    llr = receiver.detect(y, h, uses, coded.payload_bits)
    return receiver.decode(llr, coded.payload_bits), receiver


def _config(draw: LinkDraw, precoder: str) -> LinkConfig:
    return LinkConfig(
        code_rate=draw.code_rate,
        snr_db=draw.snr_db,
        precoder=precoder,
        lost_picture="damaged",
        fading="per_image",
    )
