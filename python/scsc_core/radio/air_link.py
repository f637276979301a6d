# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the ends of the link together: configuration and front end to stations that can run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..waveform.configuration import WaveformConfig
from ..waveform.detection import frame_llr
from ..waveform.receiver import OfdmReceiver, ReceiverConfig
from ..waveform.session import WaveformReceiver, WaveformTransmitter
from .counters_board import CountersBoard
from .front_end import FrontEnd
from .image_sources import PictureSource
from .picture_feed import PictureEncoder, PictureFeed, ThreadedFeed
from .receive_station import END_WAIT_S, ReceiveStation
from .sample_recorder import RecordedFrontEnd
from .station_clock import AirClock, ArrivalClock, WaitingTime
from .transmit_station import AHEAD_S, AHEAD_UNCLOCKED_S, TransmitStation

# Without a clock of samples: 20 ms for feedback are 100 ms for processes that share two processor cores.
_SLOW_PEER_SHARE = 0.2


def _waiting(front_end: FrontEnd, simulated: bool, share: float = 1.0) -> WaitingTime:
    """In a simulation only samples make time pass: nobody sleeps, and equal runs are equal."""
    if simulated:
        return WaitingTime(lambda seconds: None, lambda: 0.0)
    return WaitingTime(follows_clock=front_end.options.follows_clock, share=share)


def transmit_station(
    config: WaveformConfig,
    front_end: FrontEnd,
    source: PictureSource,
    feedback: Any = None,
    board: CountersBoard | None = None,
    interval_s: float = 0.0,
    simulated: bool = False,
    first_image_id: int | None = None,
    feedback_wait_s: float = 0.0,
) -> TransmitStation:
    """The transmitting end over an open front end.

    Args:
        config: WaveformConfig; where samples follow a clock, one of `loop_timing.with_loop_limits`.
        source: PictureSource; closing `station.feed` closes it.
        feedback: see TransmitStation.
        interval_s: shortest time between two pictures.
        simulated: both ends take turns in one thread, and time is that of the samples.
        first_image_id: 0..255; None: from the computer's clock, so that a transmitter that starts
            again is not taken for a repetition of itself.
        feedback_wait_s: see TransmitStation; without effect where nothing depends on feedback.
    Raises:
        ValueError: as PictureEncoder and PictureFeed.
    """
    options = front_end.options
    clock = AirClock(
        front_end,
        options.gap_samples,
        getattr(options, "lead_s", 0.0),
        _waiting(front_end, simulated, _SLOW_PEER_SHARE),
    )
    if first_image_id is None:
        first_image_id = 0 if simulated else int(10 * time.time()) % 256
    # It is given payloads: PPEN is loaded once, by the encoder.
    transmitter = WaveformTransmitter(
        config, clock, preprocess=lambda image, qp: image, first_image_id=first_image_id
    )
    encoder = PictureEncoder(config)
    if simulated:
        feed = PictureFeed(source, encoder, interval_s, clock)
    else:
        feed = ThreadedFeed(source, encoder, interval_s)
    needs_feedback = feedback is not None and (config.harq or config.closed_loop)
    return TransmitStation(
        transmitter,
        front_end,
        feed,
        clock,
        feedback,
        board,
        AHEAD_S if options.follows_clock else AHEAD_UNCLOCKED_S,
        feedback_wait_s=feedback_wait_s if needs_feedback and not simulated else 0.0,
    )


def receive_station(
    config: WaveformConfig,
    front_end: FrontEnd,
    on_picture: Callable[[Any], None],
    feedback: Any = None,
    board: CountersBoard | None = None,
    max_images: int = 0,
    stay: bool = False,
    simulated: bool = False,
    on_frame: Callable[[Any, Any, Any], None] = lambda frame, tables, samples: None,
    sender_done: Callable[[], bool] = lambda: False,
    end_wait_s: float = END_WAIT_S,
) -> ReceiveStation:
    """The receiving end over an open front end; a recording of it gets the frames as annotations.

    Args:
        on_frame: function of a ReceivedFrame, the tables it was detected with (None without), and the
            samples read last.
        on_picture, feedback, board, max_images, stay, sender_done, end_wait_s: see ReceiveStation.
        simulated: as `transmit_station`.
    """
    clock = ArrivalClock(front_end.rate_hz, _waiting(front_end, simulated))
    first_csi_id = 1 if simulated else 1 + int(10 * time.time()) % 255
    detected: list[Any] = [None, None]  # the newest frame and its tables

    def detect(frame: Any, tables: Any) -> Any:
        detected[:] = frame, tables
        return frame_llr(frame, tables)

    def hear(frame: Any) -> None:
        if isinstance(front_end, RecordedFrontEnd):
            front_end.annotate(frame)
        on_frame(frame, detected[1] if detected[0] is frame else None, station.newest)

    receiver = WaveformReceiver(config, clock, first_csi_id, detect)
    ofdm = OfdmReceiver(ReceiverConfig(numerology=config.carriers, rate_hz=front_end.rate_hz))
    station = ReceiveStation(
        receiver,
        ofdm,
        front_end,
        clock,
        on_picture,
        hear,
        feedback,
        board,
        max_images,
        stay,
        sender_done,
        end_wait_s=end_wait_s,
        **({"read_s": 0.0} if simulated else {}),
    )
    return station
