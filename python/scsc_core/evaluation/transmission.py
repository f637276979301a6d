# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmissions as samples, without a front end: for recordings that tests and benchmarks read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..channels.stream_channel import StreamChannel
from ..channels.stream_config import StreamChannelConfig
from ..radio.levels import scale_burst
from ..radio.sigmf_file import SigmfWriter
from ..radio.sim import through
from ..waveform.picture_transmitter import Burst, WaveformTransmitter

GAP_SAMPLES = 128  # as front ends leave between bursts


def bursts_of(transmitter: WaveformTransmitter, payloads: Sequence[bytes]) -> list[Burst]:
    """All bursts that a transmitter makes of payloads, up to its queue's length of them.

    Nobody answers: with a precoder that wants reports these would be soundings without end.

    Raises:
        ValueError: the transmitter waits for reports, or more payloads than it takes.
    """
    if transmitter.config.closed_loop:
        raise ValueError(f"precoder must be none, got {transmitter.config.precoder}")
    for payload in payloads:
        if transmitter.offer_payload(payload) is None:
            raise ValueError(
                f"payloads must be at most {transmitter.config.queue_pictures}, got {len(payloads)}"
            )
    found = []
    while (burst := transmitter.next_burst()) is not None:
        found.append(burst)
    return found


def received_samples(
    bursts: Sequence[Burst], channel: StreamChannelConfig, tail_samples: int = 0
) -> np.ndarray:
    """Bursts with a gap behind each as two antennas receive them, complex64 [2, n], full scale 1.

    Levels are those of the front ends: a receiver that gets all power has an rms of 0.30.

    Args:
        bursts: of `bursts_of`.
        channel: StreamChannelConfig.
        tail_samples: zeros behind the last gap, for what the channel delays.
    """
    gap, tail = (np.zeros((2, n), np.complex64) for n in (GAP_SAMPLES, tail_samples))
    parts = [part for burst in bursts for part in (scale_burst(burst.samples).samples, gap)]
    parts.append(tail)
    return through(StreamChannel(channel), np.concatenate(parts, axis=1))


def write_recording(
    name: str | Path, samples: np.ndarray, rate_hz: float, description: str = ""
) -> None:
    """A SigMF recording of samples complex64 [2, n], replacing one of that name."""
    with SigmfWriter(name, rate_hz, 2.45e9, description, overwrite=True) as writer:
        writer.write(samples)
