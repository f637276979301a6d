# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame header: its fields, their bits, and the polar code and Alamouti map that carry them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from .. import _native, fec
from .fec_codes import CODE_RATES, FAMILIES
from .numerology import HEADER_CARRIERS, Numerology
from .sequences import PN9_PERIOD, pilots, pn9

VERSION = 1
TYPES = ("sounding", "data", "feedback", "end")
MODULATIONS = ("bpsk", "qpsk", "16qam", "64qam")
PRECODERS = (
    "none", "alamouti", "svd_equal", "svd_wf", "svd_codebook", "mercury", "rank_adaptive",
    "pcen_paper", "pcen", "pcen_lite", "pcen_unfolded",
)  # fmt: skip
# Fields in the order of transmission and their widths in bits, most significant bit first.
LAYOUT = (
    ("version", 4), ("type", 3), ("modulation", 3), ("precoder", 4), ("streams", 1), ("family", 2),
    ("code_rate", 4), ("nsym", 7), ("frame", 10), ("n_frames", 10), ("image_id", 8), ("csi_id", 8),
    ("table_crc", 8), ("last", 1), ("rv", 2),
)  # fmt: skip
FIELD_BITS = sum(width for _, width in LAYOUT)
_FIELD_BYTES = -(-FIELD_BITS // 8)
_FILL_BITS = 8 * _FIELD_BYTES - FIELD_BITS  # behind the fields in whole bytes
CRC_BITS = 16
CODED_BITS = 2 * HEADER_CARRIERS
LIST_SIZE = 8
MAX_FRAMES = 1023  # of one picture


class HeaderError(ValueError):
    """What was received is no header.

    Attributes:
        check: which check failed: "crc", or "fields" of bits that are no header of this version.
    """

    def __init__(self, message: str, check: str = "fields"):
        super().__init__(message)
        self.check = check


@dataclass(frozen=True)
class FrameHeader:
    """What the receiver must know of a frame.

    Args:
        type: "sounding" and "end" (no data symbols), "data", or "feedback".
        modulation: per stream, before the table: "bpsk", "qpsk", "16qam" or "64qam".
        precoder: one of `PRECODERS`.
        streams: 1 or 2.
        fec, code_rate: code family and nominal rate, of `fec_codes.FAMILIES` and `CODE_RATES`.
        nsym: data symbols, 0..127; 0 exactly for "sounding" and "end".
        frame, n_frames: index of this frame in its picture and their number, frame < n_frames <= 1023.
        image_id, csi_id, table_crc: 0..255.
        last: last frame of the transmission.
        rv: redundancy version, 0..3.
    Raises:
        ValueError: a field is out of range, or two disagree.
    Source: waveform.md section 4; widths ours.
    """

    type: str = "data"
    modulation: str = "qpsk"
    precoder: str = "none"
    streams: int = 2
    fec: str = "nr_ldpc"
    code_rate: str = "1/2"
    nsym: int = 54
    frame: int = 0
    n_frames: int = 1
    image_id: int = 0
    csi_id: int = 0
    table_crc: int = 0
    last: bool = False
    rv: int = 0

    def __post_init__(self) -> None:
        for name, allowed in _WORDS.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}"
                )
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if isinstance(value, float) or int(value) != value or not low <= value <= high:
                raise ValueError(f"{name} must be an integer {low}..{high}, got {value!r}")
        if self.frame >= self.n_frames:
            raise ValueError(f"frame must be < n_frames = {self.n_frames}, got {self.frame}")
        if (self.type in ("sounding", "end")) != (self.nsym == 0):
            raise ValueError(
                f"nsym must be 0 exactly for types sounding and end, got {self.nsym} with "
                f"type {self.type}"
            )


_WORDS = {
    "type": TYPES,
    "modulation": MODULATIONS,
    "precoder": PRECODERS,
    "fec": FAMILIES,
    "code_rate": CODE_RATES,
}
_RANGES = {
    "streams": (1, 2),
    "nsym": (0, 127),
    "frame": (0, MAX_FRAMES - 1),
    "n_frames": (1, MAX_FRAMES),
    "image_id": (0, 255),
    "csi_id": (0, 255),
    "table_crc": (0, 255),
    "last": (0, 1),
    "rv": (0, 3),
}
assert {f.name for f in fields(FrameHeader)} == set(_WORDS) | set(_RANGES)


def pack(header: FrameHeader) -> np.ndarray:
    """Bits of a header without check, uint8 [75], fields in the order of `LAYOUT`."""
    values = {name: getattr(header, name) for name in _RANGES}
    values |= {name: allowed.index(getattr(header, name)) for name, allowed in _WORDS.items()}
    values |= {"version": VERSION, "streams": header.streams - 1, "family": values["fec"]}
    word = 0
    for name, width in LAYOUT:
        word = word << width | int(values[name])
    packed = (word << _FILL_BITS).to_bytes(_FIELD_BYTES, "big")
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=FIELD_BITS)


def unpack(bits: np.ndarray) -> FrameHeader:
    """The header of 75 bits.

    Args:
        bits: uint8 [75] of 0 and 1.
    Raises:
        HeaderError: unknown version or code, or fields that disagree.
        ValueError: another number of bits.
    """
    bits = np.asarray(bits)
    if bits.shape != (FIELD_BITS,):
        raise ValueError(f"bits must be [{FIELD_BITS}], got shape {bits.shape}")
    word = int.from_bytes(np.packbits(bits).tobytes(), "big") >> _FILL_BITS
    values = {}
    for name, width in reversed(LAYOUT):
        values[name] = word & (1 << width) - 1
        word >>= width
    if values.pop("version") != VERSION:
        raise HeaderError("version is unknown")
    values["streams"] += 1
    values["last"] = bool(values["last"])
    values["fec"] = values.pop("family")
    for name, allowed in _WORDS.items():
        if values[name] >= len(allowed):
            raise HeaderError(f"{name} has no code {values[name]}")
        values[name] = allowed[values[name]]
    try:
        return FrameHeader(**values)
    except ValueError as error:
        raise HeaderError(str(error)) from None


def code_bits(bits: np.ndarray) -> np.ndarray:
    """Transmitted bits of a header, uint8 [768].

    CRC16 (TS 38.212, 0x1021) is appended; the 91 bits go through the NR polar code with CRC11 and
    rate matching to 768 bits; bit t is added to c_(t mod 511) of PN9.

    Args:
        bits: uint8 [75].
    """
    word = np.concatenate([bits, fec.crc("16", bits)]).astype(np.uint8)
    return _native.polar_encode(word[None], CODED_BITS)[0] ^ _scrambling()


def encode_header(bits: np.ndarray, n: Numerology) -> np.ndarray:
    """Header symbols of both antennas, complex128 [header_symbols, n_used, 2], total power 1.

    Bit pairs become QPSK symbols ((1 - 2 b0) + j (1 - 2 b1)) / sqrt 2, filled symbol by symbol over
    the data carriers; of two neighbouring symbols (a, b) on a carrier the antennas send (a, b), then
    (-b*, a*), over sqrt 2. Pilots are set.

    Args:
        bits: uint8 [75] of `pack`.
    """
    sent = pilots(n, n.header_symbols)
    return _native.alamouti_grid(code_bits(bits), n.data_rows, sent, n.pilot_rows, n.n_used)


def header_llr(y: np.ndarray, h: np.ndarray, noise_var: float, n: Numerology) -> np.ndarray:
    """LLRs of the transmitted header bits, float32 [768]; positive means bit 0.

    Alamouti combining: a = sum_r h1* y0 + h2 y1*, b = sum_r h2* y0 - h1 y1*.

    Args:
        y: complex64 [header_symbols, n_used, n_rx], received carriers, total transmit power 1.
        h: complex128 [n_used, n_rx, 2].
        noise_var: variance of a carrier of y.
    """
    # a = (|h1|^2 + |h2|^2) s / sqrt 2 + noise, s = (+-1 +-j) / sqrt 2
    return _native.alamouti_llr(y, h, n.data_rows, 2 / noise_var)


def decode_header(llr: np.ndarray) -> tuple[np.ndarray, bool]:
    """Decides the 75 bits of a header.

    Args:
        llr: float [768], positive means transmitted bit 0.
    Returns:
        uint8 [75], and whether both checks (CRC11 inside the polar code, CRC16) hold.
    """
    values = np.where(_scrambling(), -llr, llr).astype(np.float32)
    words, ok = _native.polar_decode(values[None], FIELD_BITS + CRC_BITS, LIST_SIZE)
    word = np.asarray(words[0], np.uint8)
    return word[:FIELD_BITS], bool(ok[0]) and not fec.crc("16", word).any()


@lru_cache(maxsize=1)
def _scrambling() -> np.ndarray:
    sequence = pn9()[np.arange(CODED_BITS) % PN9_PERIOD]
    sequence.setflags(write=False)
    return sequence
