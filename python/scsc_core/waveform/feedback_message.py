# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages from the receiver back to the transmitter, as bytes.

    [ "SF", version, kind ][ body ][ CRC-32 of all before ]        all numbers little-endian

Received bytes are hostile: `unpack_message` never raises on them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, fields

import numpy as np

from .csi_feedback import CsiReport, SoundRef
from .header import MAX_FRAMES, TYPES

VERSION = 1
MAX_MESSAGE_BYTES = 1 << 16

_MAGIC = b"SF"
_KIND_CSI, _KIND_HARQ, _KIND_STATE = 1, 2, 3
_HEAD = struct.Struct("<2sBB")
_REF = struct.Struct("<BBHBB")  # kind, image_id, frame, csi_id, rv
_CSI = struct.Struct("<BHBBBff")  # csi_id, n_carriers, group, n_rx, n_tx, scale, noise_var
_HARQ = struct.Struct("<BH")  # image_id, n_frames
_CRC = struct.Struct("<I")


@dataclass(frozen=True)
class HarqStatus:
    """What the receiver has of one picture: a state, not an event, so any message may be lost.

    Attributes:
        image_id: 0..255.
        ref: SoundRef of the last frame heard, of whatever picture: frames sent before it that are
            not `decoded` have failed.
        decoded: bool [n_frames], blocks that are right.
        heard: uint8 [n_frames], bit rv is set when that redundancy version was heard.
        closed: the picture is finished at the receiver, nothing more is wanted.
    """

    image_id: int
    ref: SoundRef
    decoded: np.ndarray
    heard: np.ndarray
    closed: bool = False


@dataclass(frozen=True)
class ReceiverState:
    """Counters of the receiver, and what it is.

    Attributes: SNR of the last frame in dB, versions of the software, counters since its start.
    """

    snr_db: float = 0.0
    version: str = ""
    frames: int = 0
    block_errors: int = 0
    frames_lost: int = 0
    duplicates: int = 0
    pictures_delivered: int = 0
    pictures_damaged: int = 0
    pictures_lost: int = 0
    csi_unknown: int = 0
    table_mismatch: int = 0


_COUNTERS = tuple(field.name for field in fields(ReceiverState))[2:]
_STATE = struct.Struct(f"<f24s{len(_COUNTERS)}Q")

Message = CsiReport | HarqStatus | ReceiverState


@dataclass(frozen=True)
class UnpackedMessage:
    """One received message, or why there is none.

    Attributes:
        content: CsiReport, HarqStatus or ReceiverState, or None.
        problem: None, else one word for a counter: "length", "crc", "version", "kind" or "content".
    """

    content: Message | None
    problem: str | None


def pack_message(content: Message) -> bytes:
    """The bytes of one message."""
    if isinstance(content, CsiReport):
        kind, body = _KIND_CSI, _pack_csi(content)
    elif isinstance(content, HarqStatus):
        kind, body = _KIND_HARQ, _pack_harq(content)
    else:
        kind, body = _KIND_STATE, _pack_state(content)
    message = _HEAD.pack(_MAGIC, VERSION, kind) + body
    return message + _CRC.pack(zlib.crc32(message))


def unpack_message(message: bytes) -> UnpackedMessage:
    """The content of one received message; never raises on it."""
    message = bytes(message[: MAX_MESSAGE_BYTES + 1])
    if not _HEAD.size + _CRC.size <= len(message) <= MAX_MESSAGE_BYTES:
        return UnpackedMessage(None, "length")
    body, (crc,) = message[: -_CRC.size], _CRC.unpack(message[-_CRC.size :])
    if crc != zlib.crc32(body):
        return UnpackedMessage(None, "crc")
    magic, version, kind = _HEAD.unpack_from(body)
    if (magic, version) != (_MAGIC, VERSION):
        return UnpackedMessage(None, "version")
    readers = {_KIND_CSI: _read_csi, _KIND_HARQ: _read_harq, _KIND_STATE: _read_state}
    if kind not in readers:
        return UnpackedMessage(None, "kind")
    try:
        return UnpackedMessage(readers[kind](body[_HEAD.size :]), None)
    except (ValueError, struct.error, UnicodeDecodeError):
        return UnpackedMessage(None, "content")


def _pack_ref(ref: SoundRef) -> bytes:
    return _REF.pack(TYPES.index(ref.kind), ref.image_id, ref.frame, ref.csi_id, ref.rv)


def _read_ref(body: bytes) -> SoundRef:
    kind, image_id, frame, csi_id, rv = _REF.unpack_from(body)
    if kind >= len(TYPES) or frame >= MAX_FRAMES or rv > 3:
        raise ValueError("the frame reference is out of range")
    return SoundRef(TYPES[kind], image_id, frame, csi_id, rv)


def _pack_csi(report: CsiReport) -> bytes:
    n_rx, n_tx = report.h.shape[1:3]
    numbers = _CSI.pack(
        report.csi_id, report.n_carriers, report.group, n_rx, n_tx, report.scale, report.noise_var
    )
    return _pack_ref(report.sound_ref) + numbers + report.h.tobytes()


def _read_csi(body: bytes) -> CsiReport:
    ref = _read_ref(body)
    csi_id, n_carriers, group, n_rx, n_tx, scale, noise_var = _CSI.unpack_from(body, _REF.size)
    values = np.frombuffer(body[_REF.size + _CSI.size :], np.int8)
    n_groups = -(-n_carriers // max(group, 1))
    if (n_rx, n_tx) != (2, 2) or values.size != n_groups * n_rx * n_tx * 2:
        raise ValueError("the channel has another size than announced")
    h = values.reshape(n_groups, n_rx, n_tx, 2)
    return CsiReport(csi_id, ref, n_carriers, group, scale, noise_var, h)


def _pack_harq(status: HarqStatus) -> bytes:
    n_frames = len(status.decoded)
    heard = status.heard[:, None] >> np.arange(4) & 1
    flags = np.concatenate([[status.closed], status.decoded, heard.reshape(-1)]).astype(np.uint8)
    numbers = _HARQ.pack(status.image_id, n_frames)
    return _pack_ref(status.ref) + numbers + np.packbits(flags).tobytes()


def _read_harq(body: bytes) -> HarqStatus:
    ref = _read_ref(body)
    image_id, n_frames = _HARQ.unpack_from(body, _REF.size)
    packed = np.frombuffer(body[_REF.size + _HARQ.size :], np.uint8)
    n_flags = 1 + 5 * n_frames
    if not 1 <= n_frames <= MAX_FRAMES or packed.size != -(-n_flags // 8):
        raise ValueError("the list of frames has another size than announced")
    flags = np.unpackbits(packed)[:n_flags]
    decoded = flags[1 : 1 + n_frames].astype(bool)
    heard = flags[1 + n_frames :].reshape(n_frames, 4) @ np.array([1, 2, 4, 8], np.uint8)
    return HarqStatus(image_id, ref, decoded, heard, bool(flags[0]))


def _pack_state(state: ReceiverState) -> bytes:
    version = state.version.encode("ascii", "replace")[:24]
    counters = (getattr(state, name) for name in _COUNTERS)
    return _STATE.pack(state.snr_db, version, *counters)


def _read_state(body: bytes) -> ReceiverState:
    if len(body) != _STATE.size:
        raise ValueError("the state has another size than announced")
    snr_db, version, *counters = _STATE.unpack(body)
    if not np.isfinite(snr_db):
        raise ValueError("the SNR is not finite")
    text = version.rstrip(b"\0").decode("ascii")
    if not text.isprintable():
        raise ValueError("the version is not printable")
    return ReceiverState(snr_db, text, *counters)
