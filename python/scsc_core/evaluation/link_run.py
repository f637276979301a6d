# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures over the virtual radio, each accounted for: `scsc evaluate link`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import codecs, data
from ..channels.stream_config import StreamChannelConfig
from ..config import build
from ..radio.image_sources import SourcePicture, resizer
from ..radio.options import ZmqOptions
from ..radio.picture_feed import PictureEncoder
from ..radio.received_pictures import MAX_REFERENCES
from ..waveform.configuration import WaveformConfig
from ..waveform.picture_output import PictureOutput
from ..waveform.reassembly import ReceivedPayload
from . import link_account, virtual_radio
from .link_account import LinkAccount, Sent
from .metrics import psnr_db

MAX_PICTURES = 100_000


@dataclass(frozen=True)
class Settings:
    """What is sent over what.

    Attributes:
        images: picture files and folders, at most 64 pictures, sent in turn.
        count: pictures to be sent, 1..100000.
        config: WaveformConfig; `harq` is set by each run.
        channel: StreamChannelConfig.
        size: "WIDTHxHEIGHT" that pictures are brought to; None: as they are.
        timeout_s: an end gives up when nothing gets on for so long, > 0.
    Raises:
        ValueError: out of range, or a picture that does not exist.
    """

    images: Sequence[Path]
    count: int
    config: WaveformConfig
    channel: StreamChannelConfig
    size: str | None = None
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_PICTURES:
            raise ValueError(f"pictures must be in 1..{MAX_PICTURES}, got {self.count}")
        if not self.timeout_s > 0:
            raise ValueError(f"timeout must be > 0, got {self.timeout_s}")
        found = data.list_pictures(list(self.images))
        if not 1 <= len(found) <= MAX_REFERENCES:
            raise ValueError(f"image must name 1..{MAX_REFERENCES} pictures, got {len(found)}")
        resizer(self.size)


def channel_config(
    name: str, config: WaveformConfig, doppler_hz: float, **values: Any
) -> StreamChannelConfig:
    """The simulated air between the two ends.

    Args:
        name: a model of StreamChannelConfig, with its profile behind a dash where it has one:
            "tdl-a", "cdl-d", "rayleigh", "awgn".
        config: WaveformConfig, for the share of used carriers.
        doppler_hz: > 0: the channel fades; 0: it is drawn anew for every burst.
        values: other keys.
    Raises:
        ConfigError: one that cannot be.
    """
    model, _, profile = name.partition("-")
    carriers = config.carriers
    values |= {"model": model, "carrier_share": carriers.n_used / carriers.n_fft}
    if profile:
        values["profile"] = profile.upper()
    if doppler_hz:
        values |= {"block": "doppler", "doppler_hz": doppler_hz}
    return build(StreamChannelConfig, values)


def run(
    settings: Settings,
    harq: bool,
    programs: Mapping[str, Path],
    on_picture: Callable[[dict[str, Any]], None] = lambda values: None,
) -> LinkAccount:
    """One run with or without retransmissions, as three processes.

    Args:
        programs, on_picture: see virtual_radio.run.
    Raises:
        ValueError: a picture that cannot be read or is too large.
        ProgramError: a program failed.
    """
    config = settings.config.with_changes(harq=harq)
    with tempfile.TemporaryDirectory() as folder:
        pictures = _prepare(settings, Path(folder))
        expected = _expect(pictures, config)
        radio = virtual_radio.VirtualRadio(
            config, settings.channel, list(pictures), settings.count, settings.timeout_s
        )
        transcript = virtual_radio.run(radio, programs, on_picture)
    sent = [expected[number % len(expected)] for number in range(settings.count)]
    rate_hz, gap = settings.channel.sample_rate_hz, ZmqOptions().gap_samples
    return link_account.account(transcript, sent, harq, rate_hz, gap)


def _prepare(settings: Settings, folder: Path) -> dict[Path, np.ndarray]:
    """Files of the pictures as they are sent: what the receiver compares with has the same size."""
    resize = resizer(settings.size) or (lambda image: image)
    found = {}
    for number, path in enumerate(data.list_pictures(list(settings.images))):
        target = folder / f"{number:02d}-{path.stem}.png"
        found[target] = codecs.check_image(resize(codecs.load_image(path)))
        codecs.save_image(target, found[target])
    return found


def _expect(pictures: Mapping[Path, np.ndarray], config: WaveformConfig) -> list[Sent]:
    """Size of each payload, and the PSNR of what a receiver without any loss shows of it."""
    encode, output = PictureEncoder(config), PictureOutput(config)
    nothing = np.zeros(0, bool)
    expected = []
    for path, image in pictures.items():
        payload = encode(SourcePicture(image, path.stem)).payload
        whole = ((0, len(payload)),)
        received = ReceivedPayload(0, payload, True, whole, nothing, nothing, nothing, 0.0)
        shown = output.reconstruct(received)[0].image
        score = max(psnr_db(shown, other) for other in pictures.values() if _alike(shown, other))
        expected.append(Sent(len(payload), score))
    return expected


def _alike(image: np.ndarray, other: np.ndarray) -> bool:
    return image.shape == other.shape
