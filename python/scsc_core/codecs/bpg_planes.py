# SPDX-License-Identifier: GPL-3.0-or-later
"""From the NAL units of a BPG file to planes, and from planes to RGB (bpg.md sections 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .. import _native
from . import bpg_container as container
from . import hevc_parameter_sets as sets
from .base import DecodeError
from .bits import split_nals
from .bpg_container import Header

_FIRST_PICTURE_SLICES = range(16, 22)  # a picture that needs no other one: IDR, CRA, BLA
_REFUSED_NALS = (sets.VPS, sets.SPS, 48)


def have_bpg() -> bool:
    """Whether the native module was built with x265 and libde265."""
    return _native.have_bpg()


def require_bpg() -> None:
    """RuntimeError that says what to install when BPG was not built in."""
    if not have_bpg():
        raise RuntimeError(
            "this build has no BPG codec; install libx265-dev and libde265-dev and build again, "
            "or use the codec jpeg or jpeg2000"
        )


@dataclass
class Decoded:
    """A decoded BPG picture.

    Attributes:
        planes: list of uint16 [h,w] in the order Y (G), Cb (B), Cr (R), alpha or W where present.
        header: Header of the file.
        warnings: int, what libde265 complained about; 0 for an intact file.
        undecoded: bool [H,W], luma samples that no data reached; None unless decoded with
            safe=True.
        ok: bool, no warning and no undecoded sample.
    """

    planes: list[np.ndarray] = field(repr=False)
    header: Header = field(repr=False)
    warnings: int = 0
    undecoded: np.ndarray | None = field(default=None, repr=False)
    ok: bool = True


def picture_nals(body: bytes, alpha: bool = False, strict: bool = True) -> list[bytes]:
    """NAL units of the first colour (or alpha) picture, layer id set to 0.

    What the rebuilt headers forbid is a DecodeError (strict) or dropped: VPS and SPS would replace
    ours, and with them the bound on the memory that decoding takes.
    """
    kept, slices = [], 0
    for nal in split_nals(body):
        if len(nal) < 3 or nal[0] & 0x80:
            if strict:
                raise DecodeError("picture data hold a broken NAL unit")
            continue
        kind = sets.nal_type(nal)
        if strict and kind in _REFUSED_NALS:
            raise DecodeError(f"picture data hold a NAL unit of type {kind}")
        if sets.nal_layer(nal) != int(alpha):
            continue
        if kind in _FIRST_PICTURE_SLICES:
            slices += nal[2] >> 7
            if slices > 1:
                break
        elif kind < 32 and slices:
            break
        elif kind != sets.PPS:
            continue
        kept.append(bytes([nal[0] & 0xFE, nal[1] & 7]) + nal[2:])
    if strict and not slices:
        raise DecodeError("file holds no picture")
    return kept


def decode_planes(
    header: Header, alpha: bool = False, nals=None, loop_filters: bool = True, fill: int = -1
):
    """(planes cropped to the true size, warnings, complete) of the colour or the alpha picture."""
    hevc = header.alpha_hevc if alpha else header.hevc
    chroma = 0 if alpha else container.CHROMA_FORMAT_IDC[header.pixel_format]
    width, height = sets.coded_size(header.width, header.height, hevc)
    if nals is None:
        nals = picture_nals(header.body, alpha)
    stream = sets.parameter_sets(header, alpha) + b"".join(sets.START_CODE + nal for nal in nals)
    planes, warnings, complete = _native.hevc_decode(
        stream, width, height, chroma, header.depth, loop_filters, fill
    )
    for k, plane in enumerate(planes):
        h = -(-header.height // 2) if k and chroma == 1 else header.height
        w = -(-header.width // 2) if k and chroma in (1, 2) else header.width
        planes[k] = np.ascontiguousarray(plane[:h, :w])
    return planes, warnings, complete


def luma(image: np.ndarray) -> np.ndarray:
    """Luma plane uint16 [H,W] of uint8 [H,W,3], as the encoder gets it (BT.601, full range)."""
    rgb = np.ascontiguousarray(image)
    return _native.rgb_to_planes(rgb, container.GRAY, 8, container.YCBCR_BT601, False)[0]


def to_rgb(decoded: Decoded, bits: int = 8) -> np.ndarray:
    """Picture uint8 (bits 8) or uint16 (bits 16) [H,W,3], or [H,W,4] where the file has alpha.

    Alpha is straight in the result: a premultiplied file is divided by its alpha (white where
    alpha is 0, as in bpgdec). A W plane is applied (colour times W) and gives three channels.
    """
    header = decoded.header
    colour = decoded.planes[:3] if len(decoded.planes) > 2 else decoded.planes[:1]
    rgb = _native.planes_to_rgb(
        colour, header.pixel_format, header.depth, header.color_space, header.limited, bits
    )
    if not header.alpha:
        return rgb
    plane = np.ascontiguousarray(decoded.planes[-1])
    fourth = _native.planes_to_rgb([plane], container.GRAY, header.depth, 0, False, bits)[:, :, :1]
    top = (1 << bits) - 1
    wide = rgb.astype(np.uint32)
    if header.alpha == container.ALPHA_W_PLANE:
        return ((wide * fourth + top // 2) // top).astype(rgb.dtype)
    if header.alpha == container.ALPHA_PREMULTIPLIED:
        divisor = np.maximum(fourth, 1).astype(np.uint32)
        straight = np.minimum((wide * top + divisor // 2) // divisor, top)
        rgb = np.where(fourth == 0, top, straight).astype(rgb.dtype)
    return np.concatenate([rgb, fourth], axis=2)


def opaque(rgb: np.ndarray) -> np.ndarray:
    """uint8 [H,W,3]: a picture with alpha is laid over white."""
    if rgb.shape[2] == 3:
        return rgb
    colour, alpha = rgb[:, :, :3].astype(np.uint16), rgb[:, :, 3:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
