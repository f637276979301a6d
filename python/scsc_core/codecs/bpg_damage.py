# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be saved of a damaged BPG file, reproducibly (bpg.md section 7)."""

from __future__ import annotations

import numpy as np

from .base import DecodeError
from .bpg_container import Header, parse, parse_size
from .bpg_planes import Decoded, decode_planes, opaque, picture_nals, require_bpg, to_rgb
from .image_input import MAX_SIDE, nothing_saved, plausible_size
from .partial import CHROMA_REACH, LOOP_FILTER_REACH, from_first_block_on, grow

# Two continuations that differ in every byte and hold no start code: what depends on them was not
# received.
_TAILS = (b"\xb5" * 96, b"\x4a" * 96)


def to_luma_size(difference: np.ndarray, height: int, width: int) -> np.ndarray:
    """Mask of a (subsampled) plane at the size of the picture."""
    step_y = 1 if difference.shape[0] == height else 2
    step_x = 1 if difference.shape[1] == width else 2
    return difference.repeat(step_y, 0).repeat(step_x, 1)[:height, :width]


def decode_three_times(header: Header, valid_body: int | None = None) -> Decoded:
    """Planes with every sample that no trusted data reached set to mid-gray.

    The picture is decoded once as usual, and twice without loop filters into memory that holds 00
    and FF. With valid_body the NAL units are cut there and the three runs continue with different
    bytes, so that samples which depend on what was lost differ as well.

    Args:
        header: Header of the file, `body` as received.
        valid_body: int, leading bytes of body known to be right, or None.
    Raises:
        DecodeError: no run gives a picture of the header's size.
    """
    planes, warnings, unknown = _three(header, False, valid_body)
    if header.alpha:
        more, more_warnings, more_unknown = _three(header, True, valid_body)
        planes, warnings, unknown = planes + more, warnings + more_warnings, unknown | more_unknown
    # Deblocking and SAO of the first run mix in their neighbours.
    unknown = grow(unknown, LOOP_FILTER_REACH)
    gray = 1 << (header.depth - 1)
    for plane in planes:
        step_y = 1 if plane.shape[0] == header.height else 2
        step_x = 1 if plane.shape[1] == header.width else 2
        plane[unknown[::step_y, ::step_x]] = gray
    return Decoded(
        planes, header, warnings, grow(unknown, CHROMA_REACH), not (warnings or unknown.any())
    )


def _three(header: Header, alpha: bool, valid_body: int | None):
    if valid_body is None:
        nals = [picture_nals(header.body, alpha, strict=False)] * 3
    else:
        prefix = header.body[:valid_body]
        nals = [picture_nals(prefix + tail, alpha, strict=False) for tail in (_TAILS[0], *_TAILS)]
    runs = [
        decode_planes(header, alpha, nals[0]),
        decode_planes(header, alpha, nals[1], loop_filters=False, fill=0),
        decode_planes(header, alpha, nals[2], loop_filters=False, fill=255),
    ]
    if not all(complete for _, _, complete in runs):
        raise DecodeError("damaged data hold no picture of the size in the header")
    height, width = header.height, header.width
    unknown = np.zeros((height, width), bool)
    for zeros, ones in zip(runs[1][0], runs[2][0], strict=True):
        unknown |= to_luma_size(zeros != ones, height, width)
    if valid_body is not None:
        hevc = header.alpha_hevc if alpha else header.hevc
        unknown = from_first_block_on(unknown, 1 << hevc.log2_max_cb)
    return runs[0][0], runs[0][1], unknown


def decode_damaged(data: bytes, valid_bytes: int | None = None, size=None):
    """(image uint8 [H,W,3], mask bool [H,W]); see ImageCodec.decode_damaged."""

    require_bpg()
    data = bytes(data)
    wanted = plausible_size(size)
    try:
        found = parse_size(data, MAX_SIDE * MAX_SIDE)
    except DecodeError:
        return nothing_saved(wanted)
    if valid_bytes is not None and valid_bytes >= len(data):
        valid_bytes = None
    try:
        # The caller's size comes from outside the damaged data and wins over the header's.
        if wanted not in (None, found):
            return nothing_saved(wanted)
        header = parse(data, MAX_SIDE * MAX_SIDE)
        if valid_bytes is not None and valid_bytes <= header.body_offset:
            return nothing_saved(found)
        body = None if valid_bytes is None else valid_bytes - header.body_offset
        decoded = decode_three_times(header, body)
    except (DecodeError, MemoryError):
        return nothing_saved(wanted or plausible_size(found))
    return opaque(to_rgb(decoded)), ~decoded.undecoded
