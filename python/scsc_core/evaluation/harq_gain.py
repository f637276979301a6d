# SPDX-License-Identifier: GPL-3.0-or-later
"""What HARQ delivers and costs over fading channels, with lost frames and lost feedback.

Both ends in turn in one thread over the simulated front end: samples, synchronisation, feedback
messages. SNR is Pz / N0 (`pz_n0`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..channels.stream_channel import StreamChannel
from ..channels.stream_config import StreamChannelConfig
from ..radio.air_link import receive_station
from ..radio.feedback import FeedbackQueue
from ..radio.front_end import open_front_end
from ..radio.image_sources import SourcePicture
from ..radio.picture_feed import EncodedPicture
from ..radio.station_clock import AirClock, WaitingTime
from ..radio.transmit_station import TransmitStation
from ..waveform.configuration import WaveformConfig
from ..waveform.picture_transmitter import WaveformTransmitter

SNRS_DB = (-2.0, 0.0, 2.0, 4.0, 6.0)
PAYLOAD_BYTES = 4000
RMS_NS = 200.0  # of the exponential profile: one sample
RATE_HZ = 5e6
PICTURES_PER_CHANNEL = 2
_STANDS = "samples:1000000000"  # the channel is the same for a run
_READS_BEHIND = 20  # of silence, so that the receiver is done with the last burst
_MAX_STEPS = 200_000


@dataclass(frozen=True)
class Case:
    """How the link runs: with HARQ or without, shares of frames and of messages that are lost."""

    name: str
    harq: bool
    frames_lost: float = 0.0
    messages_lost: float = 0.0


CASES = (
    Case("without HARQ", False),
    Case("HARQ", True),
    Case("HARQ, 10 % of frames and 20 % of messages lost", True, 0.1, 0.2),
)


@dataclass(frozen=True)
class HarqPoint:
    """One case at one SNR: pictures delivered of those sent, and k_total / k_payload."""

    case: str
    snr_db: float
    delivered: int
    pictures: int
    cost: float


class PayloadFeed:
    """A PictureFeed of payloads that are there already."""

    def __init__(self, payloads: list[bytes]):
        self.counters: Counter[str] = Counter()
        self._waiting = deque(payloads)

    @property
    def exhausted(self) -> bool:
        """Nothing more comes."""
        return not self._waiting

    def take(self) -> EncodedPicture | None:
        """The next payload; None behind the last."""
        if not self._waiting:
            return None
        picture = SourcePicture(np.zeros((1, 1, 3), np.uint8), "payload")
        return EncodedPicture(picture, self._waiting.popleft(), False, 0.0)

    def close(self) -> None:
        """Nothing to release."""


class LossyQueue(FeedbackQueue):
    """A FeedbackQueue that loses a share of the messages."""

    def __init__(self, share: float, rng: np.random.Generator):
        super().__init__()
        self._share, self._rng = share, rng

    def send(self, payload: bytes) -> bool:
        """Queue a payload, or lose it."""
        return self._rng.random() >= self._share and super().send(payload)


class LossyFrames:
    """An OfdmReceiver of whose frames a share is lost."""

    def __init__(self, receiver, share: float, rng: np.random.Generator):
        self._receiver, self._share, self._rng = receiver, share, rng

    def __getattr__(self, name: str):
        return getattr(self._receiver, name)

    def push(self, samples: np.ndarray) -> list:
        """Frames that are left of those found in the samples."""
        found = self._receiver.push(samples)
        return [frame for frame in found if self._rng.random() >= self._share]


def link_config(harq: bool) -> WaveformConfig:
    """Rate 2/3, 27 symbols, two QPSK streams, no precoder."""
    return WaveformConfig(precoder="none", code_rate="2/3", nsym=27, harq=harq)


def points(
    n_channels: int, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[HarqPoint]:
    """All cases at all SNRs over the same channels."""
    found, total = [], len(SNRS_DB) * len(CASES)
    for snr_db in SNRS_DB:
        for case in CASES:
            delivered = payload_uses = all_uses = 0
            for channel in range(n_channels):
                arrived, cost = deliver(case, snr_db, (seed, channel))
                delivered += arrived
                payload_uses += cost.k_payload
                all_uses += cost.k_total
            pictures = n_channels * PICTURES_PER_CHANNEL
            ratio = all_uses / payload_uses
            found.append(HarqPoint(case.name, snr_db, delivered, pictures, ratio))
            progress(len(found), total)
    return found


def deliver(case: Case, snr_db: float, seed: tuple[int, int]):
    """(pictures whose bytes arrived, AirCost) of two payloads over one channel."""
    config = link_config(case.harq)
    payloads = [
        np.random.default_rng((*seed, k)).bytes(PAYLOAD_BYTES) for k in range(PICTURES_PER_CHANNEL)
    ]
    draws = np.random.default_rng((*seed, 77))
    air = StreamChannelConfig(
        model="exp",
        delay_spread_ns=RMS_NS,
        sample_rate_hz=RATE_HZ,
        snr_db=snr_db,
        block=_STANDS,
        seed=1000 * seed[0] + seed[1],
    )
    front_end = open_front_end("sim", {"rate_hz": RATE_HZ}, channel=StreamChannel(air))
    queue = LossyQueue(case.messages_lost, draws)
    clock = AirClock(
        front_end,
        front_end.options.gap_samples,
        0.0,
        WaitingTime(lambda seconds: None, lambda: 0.0),
    )
    arrived: set[int] = set()

    def take(picture) -> None:
        payload = picture.payload
        if payload.complete and payload.data.startswith(payloads[payload.image_id]):
            arrived.add(payload.image_id)

    transmit = TransmitStation(
        WaveformTransmitter(config, clock), front_end, PayloadFeed(payloads), clock, queue
    )
    receive = receive_station(config, front_end, take, queue, simulated=True)
    receive.ofdm = LossyFrames(receive.ofdm, case.frames_lost, draws)
    _run(transmit, receive)
    front_end.close()
    return len(arrived), transmit.transmitter.cost


def _run(transmit: TransmitStation, receive) -> None:
    """Both ends in turn until everything was sent, and some silence for the receiver."""
    for _ in range(_MAX_STEPS):
        if transmit.done:
            break
        transmit.step()
        receive.step()
    for _ in range(_READS_BEHIND):
        receive.step()
    receive.finish()
