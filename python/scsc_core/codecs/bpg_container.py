# SPDX-License-Identifier: GPL-3.0-or-later
"""The BPG container: header fields, extension blocks and the reduced HEVC header."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .base import DecodeError
from .bits import BitReader, BitWriter

MAGIC = b"BPG\xfb"
UE7_MAX = (1 << 30) - 1
MAX_PIXELS = 1 << 25
MAX_SIDE = 16384  # HEVC's highest level ends at 16888

GRAY, YUV420, YUV422, YUV444, YUV420_VIDEO, YUV422_VIDEO = range(6)
PIXEL_FORMATS = ("gray", "420", "422", "444", "420_video", "422_video")
CHROMA_FORMAT_IDC = (0, 1, 2, 3, 1, 2)
YCBCR_BT601, RGB, YCGCO, YCBCR_BT709, YCBCR_BT2020 = range(5)
COLOR_SPACES = ("ycbcr", "rgb", "ycgco", "ycbcr_bt709", "ycbcr_bt2020")
ALPHA_NONE, ALPHA_W_PLANE, ALPHA_STRAIGHT, ALPHA_PREMULTIPLIED = range(4)

RANGE_FLAGS = (
    "transform_skip_rotation",
    "transform_skip_context",
    "implicit_rdpcm",
    "explicit_rdpcm",
    "extended_precision",
    "intra_smoothing_disabled",
    "high_precision_offsets",
    "persistent_rice",
    "cabac_bypass_align",
)
_FORBIDDEN_RANGE_FLAGS = (3, 4, 6, 8)


@dataclass(frozen=True)
class PcmHeader:
    """PCM coding parameters of an HEVC header."""

    luma_depth: int
    chroma_depth: int
    log2_min: int
    log2_diff: int
    loop_filter_disabled: bool


@dataclass(frozen=True)
class HevcHeader:
    """The sequence parameters that a BPG file stores."""

    log2_min_cb: int
    log2_max_cb: int
    log2_min_tb: int
    log2_max_tb: int
    max_transform_depth_intra: int
    sao: bool
    strong_intra_smoothing: bool
    pcm: PcmHeader | None = None
    range_flags: tuple[bool, ...] | None = None

    def check(self) -> None:
        """DecodeError when the block sizes contradict HEVC (bpg.md section 5)."""
        legal = (
            3 <= self.log2_min_cb <= self.log2_max_cb
            and 4 <= self.log2_max_cb <= 6
            and 2 <= self.log2_min_tb < self.log2_min_cb
            and self.log2_min_tb <= self.log2_max_tb <= min(5, self.log2_max_cb)
            and self.max_transform_depth_intra <= self.log2_max_cb - self.log2_min_tb
        )
        if not legal:
            raise DecodeError("block sizes of the HEVC header are illegal")
        if self.range_flags and any(self.range_flags[i] for i in _FORBIDDEN_RANGE_FLAGS):
            raise DecodeError("HEVC header uses a range extension that BPG forbids")

    def pack(self) -> bytes:
        """Header bits padded to bytes, without the length in front."""
        w = BitWriter()
        w.ue(self.log2_min_cb - 3)
        w.ue(self.log2_max_cb - self.log2_min_cb)
        w.ue(self.log2_min_tb - 2)
        w.ue(self.log2_max_tb - self.log2_min_tb)
        w.ue(self.max_transform_depth_intra)
        w.u(1, self.sao)
        w.u(1, self.pcm is not None)
        if self.pcm:
            w.u(4, self.pcm.luma_depth - 1)
            w.u(4, self.pcm.chroma_depth - 1)
            w.ue(self.pcm.log2_min - 3)
            w.ue(self.pcm.log2_diff)
            w.u(1, self.pcm.loop_filter_disabled)
        w.u(1, self.strong_intra_smoothing)
        w.u(1, self.range_flags is not None)
        if self.range_flags is not None:
            w.u(1, 1)
            w.u(7, 0)
            for flag in self.range_flags:
                w.u(1, flag)
        return w.bytes()

    @classmethod
    def unpack(cls, data: bytes) -> HevcHeader:
        r = BitReader(data)
        min_cb = r.ue() + 3
        max_cb = min_cb + r.ue()
        min_tb = r.ue() + 2
        max_tb = min_tb + r.ue()
        depth, sao, pcm, flags = r.ue(), bool(r.u(1)), None, None
        if r.u(1):
            pcm = PcmHeader(r.u(4) + 1, r.u(4) + 1, r.ue() + 3, r.ue(), bool(r.u(1)))
        smoothing = bool(r.u(1))
        if r.u(1):
            has_range = r.u(1)
            if r.u(7):
                raise DecodeError("HEVC header has an unknown extension")
            if has_range:
                flags = tuple(bool(r.u(1)) for _ in RANGE_FLAGS)
        if r.bits_left >= 8 or r.u(r.bits_left):
            raise DecodeError("HEVC header is longer than its fields")
        header = cls(min_cb, max_cb, min_tb, max_tb, depth, sao, smoothing, pcm, flags)
        header.check()
        return header


@dataclass(frozen=True)
class Header:
    """Everything a BPG file says about its picture; `body` holds the NAL units."""

    width: int
    height: int
    pixel_format: int
    depth: int
    color_space: int
    limited: bool
    alpha: int
    hevc: HevcHeader
    alpha_hevc: HevcHeader | None = None
    animation: bool = False
    extensions: tuple[tuple[int, bytes], ...] = ()
    body: bytes = field(default=b"", repr=False)
    body_offset: int = 0


def pack_ue7(value: int) -> bytes:
    """Base-128 number, big-endian, bit 7 set on every byte but the last."""
    if not 0 <= value <= UE7_MAX:
        raise ValueError(f"ue7 holds 0 .. {UE7_MAX}, got {value}")
    out = [value & 127]
    while value := value >> 7:
        out.append(value & 127 | 128)
    return bytes(reversed(out))


def unpack_ue7(data: bytes, at: int) -> tuple[int, int]:
    """(value, offset behind it); DecodeError unless it is the shortest form and complete."""
    value = 0
    for i in range(at, at + 5):
        if i >= len(data):
            raise DecodeError("header ends too early")
        if i == at and data[i] == 0x80:
            raise DecodeError("number in the header is not in its shortest form")
        value = value << 7 | data[i] & 127
        if not data[i] & 128:
            if value > UE7_MAX:
                break
            return value, i + 1
    raise DecodeError("number in the header is too large")


def pack(header: Header) -> bytes:
    """Bytes of a BPG file; picture_data_length is written as 0 (to the end of the file)."""
    out = bytearray(MAGIC)
    out.append(header.pixel_format << 5 | (header.alpha >> 1) << 4 | (header.depth - 8))
    out.append(
        header.color_space << 4
        | bool(header.extensions) << 3
        | (header.alpha & 1) << 2
        | header.limited << 1
    )
    out += pack_ue7(header.width) + pack_ue7(header.height) + pack_ue7(0)
    if header.extensions:
        block = b"".join(pack_ue7(t) + pack_ue7(len(d)) + d for t, d in header.extensions)
        out += pack_ue7(len(block)) + block
    for hevc in (header.alpha_hevc, header.hevc):
        if hevc is not None:
            bits = hevc.pack()
            out += pack_ue7(len(bits)) + bits
    return bytes(out) + header.body


def parse(data: bytes, max_pixels: int = MAX_PIXELS) -> Header:
    """Header of a BPG file with every check; DecodeError on anything illegal or too large."""
    fixed = _parse_fixed(data, max_pixels)
    width, at = unpack_ue7(data, 6)
    height, at = unpack_ue7(data, at)
    length, at = unpack_ue7(data, at)
    extensions: tuple[tuple[int, bytes], ...] = ()
    if data[5] >> 3 & 1:
        extensions, at = _parse_extensions(data, at)
    end = len(data) if length == 0 else at + length
    if end > len(data):
        raise DecodeError("file is shorter than its picture data")
    alpha_hevc = None
    if fixed.alpha:
        alpha_hevc, at = _parse_hevc(data, at, end)
    hevc, at = _parse_hevc(data, at, end)
    return replace(
        fixed,
        width=width,
        height=height,
        hevc=hevc,
        alpha_hevc=alpha_hevc,
        extensions=extensions,
        body=bytes(data[at:end]),
        body_offset=at,
    )


def parse_size(data: bytes, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """(height, width) when the fixed part of the header is legal; DecodeError otherwise."""
    fixed = _parse_fixed(data, max_pixels)
    return fixed.height, fixed.width


def _parse_fixed(data: bytes, max_pixels: int) -> Header:
    if len(data) < 6 or data[:4] != MAGIC:
        raise DecodeError("not a BPG file")
    pixel_format, color_space = data[4] >> 5, data[5] >> 4
    depth = 8 + (data[4] & 15)
    alpha = (data[4] >> 4 & 1) * 2 + (data[5] >> 2 & 1)
    if pixel_format > YUV422_VIDEO:
        raise DecodeError(f"pixel format {pixel_format} is illegal")
    if depth > 14:
        raise DecodeError(f"bit depth {depth} is illegal")
    if color_space > YCBCR_BT2020 or (pixel_format == GRAY and color_space != YCBCR_BT601):
        raise DecodeError(f"color space {color_space} is illegal")
    if pixel_format == GRAY and alpha == ALPHA_W_PLANE:
        raise DecodeError("a W plane is illegal for gray")
    width, at = unpack_ue7(data, 6)
    height, at = unpack_ue7(data, at)
    if width == 0 or height == 0:
        raise DecodeError("picture is empty")
    if max(width, height) > MAX_SIDE:
        raise DecodeError(f"picture of {width} x {height} exceeds the limit of {MAX_SIDE} a side")
    if width * height > max_pixels:
        raise DecodeError(f"picture of {width} x {height} exceeds the limit of {max_pixels} pixels")
    not_read_yet = HevcHeader(3, 4, 2, 3, 0, False, False)
    return Header(
        width=width,
        height=height,
        pixel_format=pixel_format,
        depth=depth,
        color_space=color_space,
        limited=bool(data[5] >> 1 & 1),
        alpha=alpha,
        hevc=not_read_yet,
        animation=bool(data[5] & 1),
    )


def _parse_extensions(data: bytes, at: int) -> tuple[tuple[tuple[int, bytes], ...], int]:
    length, at = unpack_ue7(data, at)
    end = at + length
    if end > len(data):
        raise DecodeError("file is shorter than its extension block")
    blocks = []
    while at < end:
        tag, at = unpack_ue7(data, at)
        size, at = unpack_ue7(data, at)
        if at + size > end:
            raise DecodeError("extension is longer than its block")
        blocks.append((tag, bytes(data[at : at + size])))
        at += size
    if at != end:
        raise DecodeError("extension block has a wrong length")
    return tuple(blocks), end


def _parse_hevc(data: bytes, at: int, end: int) -> tuple[HevcHeader, int]:
    length, at = unpack_ue7(data, at)
    if at + length > end:
        raise DecodeError("file is shorter than its HEVC header")
    return HevcHeader.unpack(bytes(data[at : at + length])), at + length
