# SPDX-License-Identifier: GPL-3.0-or-later
"""The payload of one picture cut into transport blocks, one in each frame.

Frames 0 .. n-2 are full and of one format, the last has the smallest nsym that holds the rest: a header
alone tells the receiver where its bytes belong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .configuration import WaveformConfig
from .frame_code import FrameCode, FrameFormat, frame_code
from .header import MAX_FRAMES


@dataclass(frozen=True)
class PictureFrames:
    """One payload and the frames that carry it.

    Attributes:
        payload: bytes, framed by `framing.pack`.
        full: FrameFormat of every frame but the last.
        last: FrameFormat of the last frame.
        n_frames: 1..1023.
        block_bytes: payload bytes of a full frame.
        scheme: "table" (the precoder's, or plain tables), or "alamouti".
    """

    payload: bytes
    full: FrameFormat
    last: FrameFormat
    n_frames: int
    block_bytes: int
    scheme: str
    interleaver: str
    max_iterations: int

    def form(self, frame: int) -> FrameFormat:
        """Format of a frame."""
        return self.last if frame == self.n_frames - 1 else self.full

    def index(self, frame: int, rv: int = 0) -> np.ndarray:
        """Table rows uint16 [uses] of a frame in a redundancy version."""
        code = frame_code(self.form(frame), self.interleaver, self.max_iterations)
        start = frame * self.block_bytes
        return code.encode(self.payload[start : start + code.payload_bytes], rv)

    @property
    def uses(self) -> int:
        """k_payload: channel uses of all frames sent once, fill included."""
        return (self.n_frames - 1) * self.full.uses + self.last.uses


def cut_payload(payload: bytes, config: WaveformConfig, scheme: str = "table") -> PictureFrames:
    """Plan the frames of one payload.

    Args:
        payload: bytes, >= 1.
        config: WaveformConfig.
        scheme: "table", or "alamouti": one stream, an even number of symbols.
    Raises:
        ValueError: the payload is empty or needs more than 1023 frames.
    Source: waveform.md section 5.
    """
    if not payload:
        raise ValueError("payload must not be empty")
    streams, step = (1, 2) if scheme == "alamouti" else (config.streams, 1)
    nsym = config.full_nsym // step * step
    full = config.frame_format(streams, nsym)
    block_bytes = _code(full, config).payload_bytes
    n_frames = -(-len(payload) // block_bytes)
    if n_frames > MAX_FRAMES:
        raise ValueError(
            f"payload must fit into {MAX_FRAMES} frames of {block_bytes} bytes, got {len(payload)} "
            "bytes; raise nsym or code_rate, or the qp"
        )
    rest = len(payload) - (n_frames - 1) * block_bytes
    last = _smallest(rest, full, step, config)
    return PictureFrames(
        payload,
        full,
        last,
        n_frames,
        block_bytes,
        scheme,
        config.interleaver,
        config.max_iterations,
    )


def _smallest(n_bytes: int, full: FrameFormat, step: int, config: WaveformConfig) -> FrameFormat:
    """The format like `full` with the fewest symbols that holds n_bytes (bisection)."""
    low, high = 1, full.nsym // step
    while low < high:
        middle = (low + high) // 2
        if _holds(n_bytes, config.frame_format(full.streams, middle * step), config):
            high = middle
        else:
            low = middle + 1
    return config.frame_format(full.streams, low * step)


def _holds(n_bytes: int, form: FrameFormat, config: WaveformConfig) -> bool:
    try:
        return _code(form, config).payload_bytes >= n_bytes
    except ValueError:
        return False  # too few coded bits for any block


def _code(form: FrameFormat, config: WaveformConfig) -> FrameCode:
    return frame_code(form, config.interleaver, config.max_iterations)
