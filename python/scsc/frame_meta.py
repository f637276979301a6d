# SPDX-License-Identifier: GPL-3.0-or-later
"""What a message says of its frame: bad, lost, last."""

from __future__ import annotations

from typing import Any

import pmt

from scsc_core.radio import keys

from .pdu import from_dict

COMMON = (keys.FRAME, keys.IMAGE_ID, keys.N_FRAMES, keys.LAST)  # told of a lost frame, too


class BadFrame(ValueError):
    """A frame whose content cannot be used; it is dropped and counted, the flowgraph goes on."""


def require(meta: dict[str, Any], wanted: tuple[str, ...]) -> None:
    """BadFrame that names the first key that is missing."""
    for key in wanted:
        if key not in meta:
            raise BadFrame(f"message lacks the key {key!r}; it has {sorted(meta)}")


def meta_of(message: Any) -> dict[str, Any]:
    """Metadata of a PDU; empty for what is none."""
    return from_dict(pmt.car(message)) if pmt.is_pair(message) else {}


def is_empty(message: Any) -> bool:
    """Whether a message is a PDU without content: its frame was lost, or nothing follows."""
    return (
        pmt.is_pair(message)
        and pmt.is_uniform_vector(pmt.cdr(message))
        and pmt.length(pmt.cdr(message)) == 0
    )


def is_last(meta: dict[str, Any]) -> bool:
    """Whether nothing follows."""
    return bool(meta.get(keys.LAST))
