# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the feedback path between two processes: the transmitter binds, the receiver connects."""

from __future__ import annotations

import importlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ..config import build
from .front_end import FrontEndError
from .options import Address

DEFAULT_ADDRESS = "tcp://127.0.0.1:5557"
NONE = "none"
# Behind gnuradio.scsc, imported when it is opened.
_MODULE = "gnuradio.scsc.front_ends.zmq_feedback"
_CLASSES = {"tx": "FeedbackReceiver", "rx": "FeedbackSender"}


class FeedbackOptions(BaseModel):
    """Where feedback passes; "none": the transmitter hears nothing and sends open loop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feedback: Literal["none"] | Address = DEFAULT_ADDRESS


def check_feedback(address: str) -> str:
    """The address; ValueError when it is neither an address nor "none"."""
    if address == NONE:
        return address
    return build(FeedbackOptions, {"feedback": address}).feedback


def open_feedback(side: str, address: str) -> Any:
    """The end of the feedback path for side "tx" or "rx"; None for the address "none".

    Raises:
        ValueError: no such side, no address.
        FrontEndError: the address is taken, or a package is missing.
    """
    if side not in _CLASSES:
        raise ValueError(f"side must be tx or rx, got {side!r}")
    if check_feedback(address) == NONE:
        return None
    try:
        factory = getattr(importlib.import_module(_MODULE), _CLASSES[side])
    except ImportError as error:
        raise FrontEndError(
            "feedback",
            f"cannot be loaded: {error}",
            "apt-get install python3-zmq, or --feedback none",
        ) from error
    return factory(address)
