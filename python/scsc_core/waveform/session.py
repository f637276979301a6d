# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of the link over the air: pictures to bursts, and samples to pictures.

    WaveformTransmitter:  pictures + feedback messages + clock -> frames, bursts
    WaveformReceiver:     samples + clock -> pictures, feedback messages

Neither waits, starts a thread or looks at a clock of its own: the caller gives the time.
"""

from .configuration import WaveformConfig
from .picture_receiver import ReceivedPicture, WaveformReceiver
from .picture_transmitter import Burst, OutgoingFrame, WaveformTransmitter

__all__ = [
    "Burst",
    "OutgoingFrame",
    "ReceivedPicture",
    "WaveformConfig",
    "WaveformReceiver",
    "WaveformTransmitter",
]
