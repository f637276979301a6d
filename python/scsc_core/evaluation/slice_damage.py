# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lost frame costs a picture, in one stream or in slices, and what slices cost without loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import codecs, framing, link
from ..config import build
from ..radio.image_sources import SourcePicture
from ..radio.picture_feed import PictureEncoder
from ..waveform.configuration import WaveformConfig
from ..waveform.picture_output import PictureOutput
from ..waveform.reassembly import ReceivedPayload
from ..waveform.transport import PictureFrames, cut_payload
from .metrics import psnr_db

QUALITIES = {"bpg": 37.0, "jpeg": 30.0, "jpeg2000": 60.0}
SLICES = (1, 2, 4, 8)
PLACES = 8  # of the lost frame, from the first to the last
WHOLE_FILE = "whole file, zeros in the hole"


@dataclass(frozen=True)
class SliceRow:
    """One way to code and to show pictures of which one frame is missing.

    Attributes:
        codec: name.
        what: number of slices, or WHOLE_FILE: one stream, decoded across the hole.
        frames: of a picture, mean.
        extra_bytes: of the payload over that of one stream, share.
        trusted: share of the pixels that depend on nothing lost; None: nobody knows which they are.
        psnr_db: of the whole picture, the mean colour where nothing is known; mean over places.
    """

    codec: str
    what: str
    frames: float
    extra_bytes: float
    trusted: float | None
    psnr_db: float


def run(
    pictures: Sequence[Path],
    codec_names: Sequence[str],
    slices: Sequence[int] = SLICES,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[SliceRow]:
    """Rows of all codecs: one frame lost in turn at eight places of every picture.

    Args:
        pictures: picture files.
        codec_names: of QUALITIES.
        slices: numbers of slices; 1 is put in front if it is missing.
        progress: function (done, total).
    Raises:
        ValueError: an unknown codec, a picture that cannot be read.
    """
    wanted = (1, *(n for n in slices if n != 1))
    configs = {(name, count): _config(name, count) for name in codec_names for count in wanted}
    images = [codecs.load_image(path) for path in pictures]
    rows: list[SliceRow] = []
    single: dict[str, int] = {}  # bytes of a codec's payloads in one stream
    for done, ((codec, count), config) in enumerate(configs.items(), 1):
        coded = _encode(images, config)
        size = sum(len(frames.payload) for frames in coded)
        extra = size / single.setdefault(codec, size) - 1
        names = [WHOLE_FILE, "1 slice"] if count == 1 else [f"{count} slices"]
        rows += [_row(codec, name, images, coded, config, extra) for name in names]
        progress(done, len(configs))
    return rows


def _config(codec: str, count: int) -> WaveformConfig:
    if codec not in QUALITIES:
        raise ValueError(f"codec must be of {', '.join(QUALITIES)}, got {codec!r}")
    values = {"codec": codec, "qp": QUALITIES[codec], "precoder": "none", "slices": count}
    return build(WaveformConfig, values)


def _encode(images: Sequence[np.ndarray], config: WaveformConfig) -> list[PictureFrames]:
    encode = PictureEncoder(config)
    return [cut_payload(encode(SourcePicture(image, "")).payload, config) for image in images]


def _row(codec, what, images, coded, config, extra: float) -> SliceRow:
    show = _across_the_hole if what == WHOLE_FILE else PictureOutput(config).reconstruct
    trusted, scores = [], []
    for image, frames in zip(images, coded):
        for lost in lost_frames(frames.n_frames):
            picture, share = show(received(frames, lost))
            shown = picture.image if picture.image.shape == image.shape else _blank(image, config)
            trusted.append(share)
            scores.append(psnr_db(image, shown))
    known = None if what == WHOLE_FILE else float(np.mean(trusted))
    n_frames = float(np.mean([frames.n_frames for frames in coded]))
    return SliceRow(codec, what, n_frames, extra, known, float(np.mean(scores)))


def lost_frames(n_frames: int) -> list[int]:
    """Frames that are lost in turn: eight of them, evenly spread, or all where there are fewer."""
    return sorted(set(np.linspace(0, n_frames - 1, PLACES).round().astype(int).tolist()))


def received(frames: PictureFrames, lost: int) -> ReceivedPayload:
    """The payload of a picture one of whose frames is lost: zeros in its place."""
    payload, size = frames.payload, frames.block_bytes
    start, stop = lost * size, min((lost + 1) * size, len(payload))
    data = payload[:start] + bytes(stop - start) + payload[stop:]
    good = tuple(part for part in ((0, start), (stop, len(payload))) if part[0] < part[1])
    ok = np.arange(frames.n_frames) != lost
    return ReceivedPayload(0, data, False, good, ok, ok, ok, 0.0)


def _across_the_hole(payload: ReceivedPayload) -> tuple[link.Picture, float]:
    """What a decoder makes of a file with zeros in the hole; nothing marks what is wrong."""
    unpacked = framing.unpack(payload.data)
    image = np.zeros((0, 0, 3), np.uint8)
    if unpacked.header is not None:
        try:
            image = codecs.get(unpacked.header.codec).decode(unpacked.data)
        except codecs.DecodeError:
            pass  # no picture at all
    return link.Picture(image, False, unpacked.header, unpacked.problem), 0.0


def _blank(image: np.ndarray, config: WaveformConfig) -> np.ndarray:
    """The mean colour in the size of a picture."""
    return np.broadcast_to(np.uint8(config.mean_colour), image.shape)
