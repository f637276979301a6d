# SPDX-License-Identifier: GPL-3.0-or-later
"""BPG files without libbpg: our container around pictures that x265 codes and libde265 decodes."""

from __future__ import annotations

import numpy as np

from .. import _native
from . import bpg_container as container
from . import hevc_parameter_sets as sets
from .base import DecodeError
from .bits import split_nals
from .bpg_container import MAX_PIXELS, Header, parse
from .bpg_damage import decode_three_times
from .bpg_planes import (
    Decoded,
    decode_planes,
    have_bpg,
    luma,
    picture_nals,
    require_bpg,
    to_rgb,
)

__all__ = [
    "Decoded",
    "Header",
    "decode",
    "encode",
    "have_bpg",
    "luma",
    "parse",
    "picture_nals",
    "require_bpg",
    "slice_qp",
    "to_rgb",
]

ENCODER_FORMATS = ("gray", "420", "422", "444")
DEPTHS = (8, 10, 12)
PRESETS = ("veryslow", "slower", "slow", "medium")


def encode(
    img: np.ndarray,
    qp: int,
    fmt: str = "420",
    depth: int = 8,
    alpha: np.ndarray | None = None,
    preset: str = "veryslow",
    chroma_qp: int = 0,
    color: str = "ycbcr",
    limited: bool = False,
    *,
    premultiplied: bool = False,
    lossless: bool = False,
    extensions: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """A BPG file that any BPG decoder reads.

    Args:
        img: uint8 or uint16 (full range) [H,W,3], [H,W] or [H,W,1] gray, or [H,W,4] with alpha
            last.
        qp: int 0..51, the QP of the slice header (x265 with ipratio 1.0).
        fmt: "420", "422", "444" or "gray".
        depth: 8, 10 or 12 bits per sample.
        alpha: uint8 or uint16 [H,W] of the type of img, or None.
        preset: "veryslow", "slower", "slow" or "medium".
        chroma_qp: int -12..12, QP offset of both chroma planes.
        color: "ycbcr" (BT.601), "rgb", "ycgco", "ycbcr_bt709" or "ycbcr_bt2020".
        limited: bool, 16..235 instead of the full range.
        premultiplied: bool, the colour is already multiplied by alpha.
        lossless: bool, exact planes; exact RGB with fmt "444" and color "rgb".
        extensions: (tag, bytes) blocks, for instance (1, exif).
    Returns:
        bytes.
    Raises:
        ValueError: an argument outside the above. RuntimeError: built without x265.
    """
    require_bpg()
    for name, value, allowed in (
        ("fmt", fmt, ENCODER_FORMATS),
        ("depth", depth, DEPTHS),
        ("preset", preset, PRESETS),
        ("color", color, container.COLOR_SPACES),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}, got {value!r}")
    if isinstance(qp, bool) or qp != int(qp) or not 0 <= qp <= 51:
        raise ValueError(f"qp must be an integer in 0 .. 51, got {qp!r}")
    if isinstance(chroma_qp, bool) or chroma_qp != int(chroma_qp) or not -12 <= chroma_qp <= 12:
        raise ValueError(f"chroma_qp must be an integer in -12 .. 12, got {chroma_qp!r}")
    rgb, alpha = _checked_input(img, alpha)
    pixel_format = container.PIXEL_FORMATS.index(fmt)
    color_space = container.COLOR_SPACES.index(color)
    if pixel_format == container.GRAY and color_space != container.YCBCR_BT601:
        raise ValueError(f"color must be ycbcr for gray, got {color!r}")

    planes = _native.rgb_to_planes(rgb, pixel_format, depth, color_space, limited)
    hevc, nals = _code(planes, pixel_format, depth, int(qp), preset, int(chroma_qp), lossless)
    alpha_hevc, alpha_kind = None, container.ALPHA_NONE
    if alpha is not None:
        plane = np.repeat(alpha[:, :, None], 3, axis=2)
        gray = _native.rgb_to_planes(plane, container.GRAY, depth, 0, False)
        alpha_hevc, alpha_nals = _code(gray, 0, depth, int(qp), preset, 0, lossless)
        alpha_kind = container.ALPHA_PREMULTIPLIED if premultiplied else container.ALPHA_STRAIGHT
        nals = _interleaved(alpha_nals, nals)
    header = Header(
        width=rgb.shape[1],
        height=rgb.shape[0],
        pixel_format=pixel_format,
        depth=depth,
        color_space=color_space,
        limited=bool(limited),
        alpha=alpha_kind,
        hevc=hevc,
        alpha_hevc=alpha_hevc,
        extensions=tuple(extensions),
        body=b"\0\0\1".join(nals),
    )
    return container.pack(header)


def _checked_input(img: np.ndarray, alpha: np.ndarray | None):
    if not isinstance(img, np.ndarray) or img.dtype not in (np.uint8, np.uint16):
        kind = getattr(img, "dtype", type(img).__name__)
        raise ValueError(f"image must be a uint8 or uint16 array, got {kind}")
    if img.ndim == 2:
        img = img[:, :, None]
    if img.ndim != 3 or img.shape[2] not in (1, 3, 4):
        raise ValueError(f"image must be [H,W], [H,W,1], [H,W,3] or [H,W,4], got {list(img.shape)}")
    height, width = img.shape[:2]
    if not (1 <= height <= 8192 and 1 <= width <= 8192):
        raise ValueError(f"image sides must be 1 .. 8192, got {height} x {width}")
    if img.shape[2] == 4:
        if alpha is not None:
            raise ValueError("alpha must be None when the image has four channels")
        alpha = img[:, :, 3]
    if alpha is not None and (alpha.dtype != img.dtype or alpha.shape != (height, width)):
        raise ValueError(
            f"alpha must be {img.dtype} [{height},{width}], got {alpha.dtype} {alpha.shape}"
        )
    rgb = np.repeat(img, 3, axis=2) if img.shape[2] == 1 else img[:, :, :3]
    return np.ascontiguousarray(rgb), alpha


def _code(planes, pixel_format, depth, qp, preset, chroma_qp, lossless):
    """Reduced header and NAL units (PPS, slices) of one picture."""
    chroma = container.CHROMA_FORMAT_IDC[pixel_format]
    stream = _native.hevc_encode(planes, chroma, depth, qp, preset, chroma_qp, lossless)
    nals = split_nals(stream)
    parameters = [nal for nal in nals if sets.nal_type(nal) == sets.SPS]
    if len(parameters) != 1:
        raise ValueError(
            f"the encoder wrote {len(parameters)} sequence parameter sets instead of one"
        )
    height, width = planes[0].shape
    step = 16 if min(width, height) <= 8 else 8
    padded = (-(-width // step) * step, -(-height // step) * step)
    hevc = sets.reduced_header(parameters[0], chroma, depth, *padded)
    return hevc, [nal for nal in nals if sets.nal_type(nal) not in (sets.VPS, sets.SPS)]


def _interleaved(alpha_nals: list[bytes], nals: list[bytes]) -> list[bytes]:
    if len(alpha_nals) != len(nals):
        raise ValueError("colour and alpha pictures have different numbers of NAL units")
    layer_one = [bytes([nal[0], nal[1] | 1 << 3]) + nal[2:] for nal in alpha_nals]
    return [nal for pair in zip(layer_one, nals, strict=True) for nal in pair]


def decode(data: bytes, safe: bool = False, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Planes of a BPG file.

    Args:
        data: bytes of the file.
        safe: bool, decode three times so that samples which no data reached are known (mid-gray,
            undecoded).
        max_pixels: int, larger pictures are refused before anything is allocated.
    Raises:
        DecodeError: illegal header, or no picture. Warnings do not raise: see Decoded.ok.
    """
    require_bpg()
    header = parse(data, max_pixels)
    if safe:
        return decode_three_times(header)
    planes, warnings, complete = decode_planes(header)
    if complete and header.alpha:
        alpha_planes, alpha_warnings, complete = decode_planes(header, alpha=True)
        planes, warnings = planes + alpha_planes, warnings + alpha_warnings
    if not complete:
        raise DecodeError("file holds no picture of the size in its header")
    return Decoded(planes, header, warnings, None, warnings == 0)


def slice_qp(data: bytes) -> int:
    """Slice QP of the colour picture of a BPG file."""
    header = parse(data)
    nals = picture_nals(header.body)
    pps = next((nal for nal in nals if sets.nal_type(nal) == sets.PPS), None)
    if pps is None:
        raise DecodeError("file holds no picture parameter set")
    first = next(nal for nal in nals if sets.nal_type(nal) != sets.PPS)
    chroma = container.CHROMA_FORMAT_IDC[header.pixel_format]
    return sets.slice_qp(pps, first, header.hevc.sao, chroma)
