# SPDX-License-Identifier: GPL-3.0-or-later
"""What the radio side of the library shares: metadata keys, and the front ends."""

from .events import EVENT_KINDS, Event, EventLog
from .feedback import FeedbackError, FeedbackQueue, pack_feedback, unpack_feedback
from .front_end import (
    FRONT_ENDS,
    FrontEnd,
    FrontEndError,
    RxChunk,
    SampleChannel,
    create_front_end,
    open_front_end,
)
from .options import OPTIONS, FrontEndOptions, front_end_options

__all__ = [
    "EVENT_KINDS",
    "Event",
    "EventLog",
    "FRONT_ENDS",
    "FeedbackError",
    "FeedbackQueue",
    "FrontEnd",
    "FrontEndError",
    "FrontEndOptions",
    "OPTIONS",
    "RxChunk",
    "SampleChannel",
    "create_front_end",
    "front_end_options",
    "open_front_end",
    "pack_feedback",
    "unpack_feedback",
]
