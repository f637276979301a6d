# SPDX-License-Identifier: GPL-3.0-or-later
"""HEVC parameter sets around the reduced BPG header: rebuilding them, and reading those of x265.

A BPG file keeps the PPS and drops VPS and SPS; a decoder rebuilds both (bpg.md section 5), an
encoder must therefore only use what the rebuilt SPS says (bpg.md section 3).
"""

from __future__ import annotations

from .base import DecodeError
from .bits import BitReader, BitWriter, protect, unprotect
from .bpg_container import CHROMA_FORMAT_IDC, RANGE_FLAGS, Header, HevcHeader, PcmHeader

VPS, SPS, PPS = 32, 33, 34
START_CODE = b"\0\0\0\1"
_PROFILE_RANGE_EXTENSIONS = 4
_LEVEL_UNLIMITED = 255
_LOG2_MAX_POC_LSB = 8
_EXTENDED_SAR = 255


def nal_type(nal: bytes) -> int:
    return nal[0] >> 1 & 63


def nal_layer(nal: bytes) -> int:
    return (nal[0] & 1) << 5 | nal[1] >> 3


def coded_size(width: int, height: int, hevc: HevcHeader) -> tuple[int, int]:
    """(width, height) rounded up to the smallest coding block."""
    step = 1 << hevc.log2_min_cb
    return -(-width // step) * step, -(-height // step) * step


def parameter_sets(header: Header, alpha: bool = False) -> bytes:
    """VPS and SPS with start codes for the colour picture, or for the alpha picture."""
    hevc = header.alpha_hevc if alpha else header.hevc
    chroma = 0 if alpha else CHROMA_FORMAT_IDC[header.pixel_format]
    width, height = coded_size(header.width, header.height, hevc)
    sps = _sps(hevc, width, height, chroma, header.depth)
    return b"".join(
        START_CODE + bytes([t << 1, 1]) + protect(p) for t, p in ((VPS, _vps()), (SPS, sps))
    )


def _profile_tier_level(w: BitWriter) -> None:
    w.u(3, 0)
    w.u(5, _PROFILE_RANGE_EXTENSIONS)
    w.u(32, 1 << (31 - _PROFILE_RANGE_EXTENSIONS))
    w.u(4, 0b1001)  # progressive source, frames only
    w.u(44, 0)
    w.u(8, _LEVEL_UNLIMITED)


def _sub_layer_ordering(w: BitWriter) -> None:
    w.u(1, 1)
    for _ in range(3):
        w.ue(0)


def _vps() -> bytes:
    w = BitWriter()
    w.u(4, 0)
    w.u(2, 3)  # base layer internal and available
    w.u(6, 0)
    w.u(3, 0)
    w.u(1, 1)
    w.u(16, 0xFFFF)
    _profile_tier_level(w)
    _sub_layer_ordering(w)
    w.u(6, 0)
    w.ue(0)
    w.u(2, 0)
    w.stop()
    return w.bytes()


def _sps(hevc: HevcHeader, width: int, height: int, chroma: int, depth: int) -> bytes:
    w = BitWriter()
    w.u(7, 0)
    w.u(1, 1)
    _profile_tier_level(w)
    w.ue(0)
    w.ue(chroma)
    if chroma == 3:
        w.u(1, 0)
    w.ue(width)
    w.ue(height)
    w.u(1, 0)
    w.ue(depth - 8)
    w.ue(depth - 8)
    w.ue(_LOG2_MAX_POC_LSB - 4)
    _sub_layer_ordering(w)
    w.ue(hevc.log2_min_cb - 3)
    w.ue(hevc.log2_max_cb - hevc.log2_min_cb)
    w.ue(hevc.log2_min_tb - 2)
    w.ue(hevc.log2_max_tb - hevc.log2_min_tb)
    w.ue(hevc.max_transform_depth_intra)
    w.ue(hevc.max_transform_depth_intra)
    w.u(1, 0)  # scaling lists
    w.u(1, 1)  # asymmetric motion partitions
    w.u(1, hevc.sao)
    w.u(1, hevc.pcm is not None)
    if hevc.pcm:
        w.u(4, hevc.pcm.luma_depth - 1)
        w.u(4, hevc.pcm.chroma_depth - 1)
        w.ue(hevc.pcm.log2_min - 3)
        w.ue(hevc.pcm.log2_diff)
        w.u(1, hevc.pcm.loop_filter_disabled)
    w.ue(0)  # reference picture sets
    w.u(1, 0)  # long-term references
    w.u(1, 1)  # temporal motion vectors
    w.u(1, hevc.strong_intra_smoothing)
    w.u(1, 0)  # VUI
    w.u(1, hevc.range_flags is not None)
    if hevc.range_flags is not None:
        w.u(8, 0x80)
        for flag in hevc.range_flags:
            w.u(1, flag)
    w.stop()
    return w.bytes()


def reduced_header(sps_nal: bytes, chroma: int, depth: int, width: int, height: int) -> HevcHeader:
    """The reduced header of an encoder's SPS.

    Args:
        sps_nal: bytes, NAL unit with its two header bytes.
        chroma, depth, width, height: what the SPS must say; the size is the padded one.
    Raises:
        ValueError: the SPS uses something that a BPG decoder would not rebuild.
    """

    def must(ok: bool, what: str) -> None:
        if not ok:
            raise ValueError(f"the encoder wrote a stream that BPG cannot represent: {what}")

    r = BitReader(unprotect(sps_nal[2:]))
    must(r.u(4) == 0, "VPS id")
    must(r.u(3) == 0, "more than one sub-layer")
    r.u(1)
    r.u(88)
    r.u(8)
    must(r.ue() == 0, "SPS id")
    must(r.ue() == chroma, "chroma format")
    must(chroma != 3 or r.u(1) == 0, "separate colour planes")
    must((r.ue(), r.ue()) == (width, height), "picture size")
    must(r.u(1) == 0, "conformance window")
    must((r.ue(), r.ue()) == (depth - 8, depth - 8), "bit depth")
    must(r.ue() == _LOG2_MAX_POC_LSB - 4, "length of the picture order count")
    r.u(1)
    for _ in range(3):
        r.ue()
    min_cb = r.ue() + 3
    max_cb = min_cb + r.ue()
    min_tb = r.ue() + 2
    max_tb = min_tb + r.ue()
    depth_inter, depth_intra = r.ue(), r.ue()
    must(depth_inter == depth_intra, "transform depths differ")
    must(r.u(1) == 0, "scaling lists")
    must(r.u(1) == 1, "no asymmetric motion partitions")
    sao, pcm, flags = bool(r.u(1)), None, None
    if r.u(1):
        pcm = PcmHeader(r.u(4) + 1, r.u(4) + 1, r.ue() + 3, r.ue(), bool(r.u(1)))
    must(r.ue() == 0, "reference picture sets in the SPS")
    must(r.u(1) == 0, "long-term references")
    must(r.u(1) == 1, "no temporal motion vectors")
    smoothing = bool(r.u(1))
    if r.u(1):
        must(_skip_vui(r), "VUI with timing")
    if r.u(1):
        has_range = r.u(1)
        must(r.u(7) == 0, "unknown SPS extension")
        flags = tuple(bool(r.u(1)) for _ in RANGE_FLAGS) if has_range else None
    header = HevcHeader(min_cb, max_cb, min_tb, max_tb, depth_intra, sao, smoothing, pcm, flags)
    try:
        header.check()
    except DecodeError as error:
        must(False, str(error))
    return header


def _skip_vui(r: BitReader) -> bool:
    """Reads over the VUI; False when it holds timing, which the encoder is told to leave out."""
    if r.u(1) and r.u(8) == _EXTENDED_SAR:
        r.u(32)
    if r.u(1):
        r.u(1)
    if r.u(1):
        r.u(4)
        if r.u(1):
            r.u(24)
    if r.u(1):
        r.ue()
        r.ue()
    r.u(3)
    if r.u(1):
        for _ in range(4):
            r.ue()
    if r.u(1):
        return False
    if r.u(1):
        r.u(3)
        for _ in range(5):
            r.ue()
    return True


def slice_qp(pps_nal: bytes, slice_nal: bytes, sao: bool, chroma: int) -> int:
    """QP of the first slice of an IDR picture, read from PPS and slice header."""
    pps = BitReader(unprotect(pps_nal[2:]))
    pps.ue()
    pps.ue()
    pps.u(1)
    output_flag_present, extra_bits = pps.u(1), pps.u(3)
    pps.u(2)
    pps.ue()
    pps.ue()
    init_qp = 26 + pps.se()

    if nal_type(slice_nal) not in (19, 20):
        raise DecodeError("the slice QP is only read from IDR pictures")
    r = BitReader(unprotect(slice_nal[2:66]))
    if r.u(1) != 1:
        raise DecodeError("the slice QP is only read from the first slice")
    r.u(1)
    r.ue()
    r.u(extra_bits)
    if r.ue() != 2:
        raise DecodeError("the slice is not intra")
    if output_flag_present:
        r.u(1)
    if sao:
        r.u(2 if chroma else 1)
    return init_qp + r.se()
