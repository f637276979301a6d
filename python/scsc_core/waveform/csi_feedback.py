# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantised channel reports, and the transmit tables that both ends derive from them.

H [carrier, n_rx, n_tx] -> int8 with one scale -> report -> Z [n_data, K, 2], rounded: a table depends
on H in jumps, so nobody ever builds one from an unquantised estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import mimo
from .numerology import TOTAL_POWER

CSI_IDS = 255  # 1..255, wraps to 1; 0 stands for tables that need no report
TABLE_STEPS = 1024  # table entries are multiples of 1 / 1024
FULL_SCALE = 127
# What a report may claim. Beyond lies nothing that a receiver measures: 200 dB of SNR and more.
MIN_VALUE, MAX_VALUE = 1e-10, 1e10
MAX_CARRIERS = 4096


@dataclass(frozen=True)
class SoundRef:
    """Which frame a report or an acknowledgement speaks of: fields of its header.

    Attributes:
        kind: type of the frame, "sounding", "data", "feedback" or "end".
        image_id, frame, csi_id, rv: as in the header.
    """

    kind: str
    image_id: int
    frame: int
    csi_id: int
    rv: int

    @classmethod
    def of_header(cls, header) -> SoundRef:
        """The reference of a FrameHeader."""
        return cls(header.type, header.image_id, header.frame, header.csi_id, header.rv)


@dataclass(frozen=True, eq=False)
class CsiReport:
    """The channel of one frame as the receiver tells it.

    Attributes:
        csi_id: 1..255.
        sound_ref: SoundRef of the frame heard.
        n_carriers: used carriers of the numerology.
        group: carriers that share one matrix.
        scale: value of one step of `h`, a float32 number.
        noise_var: N0 in link units, a float32 number.
        h: int8 [ceil(n_carriers / group), n_rx, n_tx, 2], real and imaginary part in steps.
    Raises:
        ValueError: a field is out of range, or `h` has another shape or holds zeros only.
    """

    csi_id: int
    sound_ref: SoundRef
    n_carriers: int
    group: int
    scale: float
    noise_var: float
    h: np.ndarray

    def __post_init__(self) -> None:
        for name, low, high in (
            ("csi_id", 1, CSI_IDS),
            ("n_carriers", 1, MAX_CARRIERS),
            ("group", 1, self.n_carriers),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be in {low}..{high}, got {getattr(self, name)}")
        for name in ("scale", "noise_var"):
            value = getattr(self, name)
            if not MIN_VALUE <= value <= MAX_VALUE:
                raise ValueError(f"{name} must be in {MIN_VALUE}..{MAX_VALUE}, got {value}")
        n_groups = -(-self.n_carriers // self.group)
        if self.h.dtype != np.int8 or self.h.shape != (n_groups, 2, 2, 2):
            raise ValueError(
                f"h must be int8 [{n_groups}, 2, 2, 2], got {self.h.dtype} {list(self.h.shape)}"
            )
        if not self.h.any():
            raise ValueError("h must not be all zeros")


def next_csi_id(csi_id: int) -> int:
    """The id after this one: 1..255, wraps to 1."""
    return csi_id % CSI_IDS + 1


def quantise_csi(
    h: np.ndarray,
    noise_var: float,
    csi_id: int,
    sound_ref: SoundRef,
    used: np.ndarray,
    group: int = 1,
) -> CsiReport:
    """The report of one channel estimate.

    scale = max(|re|, |im|) / 127 over the report. With group > 1 the common phase ramp over frequency
    (timing, to which every table is blind) is taken out before neighbours are averaged.

    Args:
        h: complex [n_used, 2, 2], row = receive antenna.
        noise_var: N0 > 0 in link units.
        csi_id: 1..255.
        sound_ref: the frame the estimate comes from.
        used: int [n_used], carrier numbers in ascending order, 0 = DC.
        group: carriers that share one matrix, >= 1.
    Raises:
        ValueError: shapes disagree, an estimate that is not finite, or one that is zero.
    Source: waveform.md section 7.
    """
    h = np.asarray(h, complex)
    used = np.asarray(used)
    if h.shape != (len(used), 2, 2):
        raise ValueError(f"h must be [{len(used)}, 2, 2], got {list(h.shape)}")
    if not np.isfinite(h).all():
        raise ValueError("h must be finite, got nan or infinity")
    if group > 1:
        h = _group_means(_without_ramp(h, used), group)
    parts = np.stack([h.real, h.imag], axis=-1)
    scale = np.float32(np.abs(parts).max() / FULL_SCALE)
    if not scale > 0:
        raise ValueError("h must not be all zeros")
    # The largest value may round to 127.0001 steps of a scale that was rounded down.
    steps = np.clip(np.rint(parts / float(scale)), -FULL_SCALE, FULL_SCALE).astype(np.int8)
    return CsiReport(
        csi_id, sound_ref, len(used), group, float(scale), float(np.float32(noise_var)), steps
    )


def _without_ramp(h: np.ndarray, used: np.ndarray) -> np.ndarray:
    """h without the phase ramp that neighbouring carriers agree on."""
    neighbours = np.flatnonzero(np.diff(used) == 1)
    slope = np.angle(np.sum(h[neighbours + 1] * h[neighbours].conj()))
    return h * np.exp(-1j * slope * used)[:, None, None]


def _group_means(h: np.ndarray, group: int) -> np.ndarray:
    starts = np.arange(0, len(h), group)
    sizes = np.diff(np.append(starts, len(h)))
    return np.add.reduceat(h, starts, axis=0) / sizes[:, None, None]


def channel_of_report(report: CsiReport, used: np.ndarray) -> np.ndarray:
    """complex128 [n_used, 2, 2] of a report: linear between the centres of groups, and beyond them."""
    values = report.h.astype(float) * report.scale
    h = values[..., 0] + 1j * values[..., 1]
    if report.group == 1:
        return h
    used = np.asarray(used, float)
    centres = _group_means(used[:, None, None], report.group)[:, 0, 0]
    if len(centres) == 1:
        return np.broadcast_to(h, (len(used), 2, 2)).copy()
    left = np.clip(np.searchsorted(centres, used, side="right") - 1, 0, len(centres) - 2)
    weight = ((used - centres[left]) / (centres[left + 1] - centres[left]))[:, None, None]
    return h[left] * (1 - weight) + h[left + 1] * weight


def tables_of_report(
    report: CsiReport,
    used: np.ndarray,
    data: np.ndarray,
    precoder: str,
    modulation: str,
    streams: int = 2,
) -> np.ndarray:
    """Transmit tables of the data carriers, equal to the last bit at both ends.

    Args:
        report: CsiReport.
        used: int [n_used], carrier numbers of the report, ascending.
        data: int [n_data], carrier numbers of the data carriers, a subset of `used`.
        precoder, modulation, streams: as LinkConfig.
    Returns:
        complex128 [n_data, K, 2], link units (mean row energy Ptot = 2), entries multiples of 1/1024.
    Raises:
        ValueError: another number of carriers, or a channel for which the precoder has no finite table.
    Source: waveform.md section 7.
    """
    if report.n_carriers != len(used):
        raise ValueError(f"n_carriers must be {len(used)}, got {report.n_carriers}")
    h = channel_of_report(report, used)[np.searchsorted(used, data)]
    try:
        with np.errstate(all="ignore"):
            tables = mimo.transmit_table(
                h,
                report.noise_var,
                precoder=precoder,
                bits_per_symbol=mimo.bits_per_symbol(modulation),
                total_power=TOTAL_POWER,
                n_streams=streams,
            )
    except np.linalg.LinAlgError as error:
        raise ValueError(f"precoder {precoder} has no table for this channel: {error}") from None
    return rounded(tables)


@lru_cache(maxsize=64)
def prepare_precoder(precoder: str, modulation: str, streams: int = 2) -> None:
    """Let a precoder load and compute what it keeps: its first tables may take seconds, others < 1 ms."""
    rng = np.random.default_rng(0)
    h = rng.normal(size=(48, 2, 2)) + 1j * rng.normal(size=(48, 2, 2))
    m = mimo.bits_per_symbol(modulation)
    for noise_var in (0.01, 1.0):
        mimo.transmit_table(h, noise_var, precoder, m, TOTAL_POWER, streams)


@lru_cache(maxsize=16)
def plain_tables(modulation: str, streams: int) -> np.ndarray:
    """Tables [1, K, 2] without channel knowledge: stream i on antenna i, for all carriers alike."""
    tables = mimo.transmit_table(
        np.eye(2)[None],
        1.0,
        precoder="none",
        bits_per_symbol=mimo.bits_per_symbol(modulation),
        total_power=TOTAL_POWER,
        n_streams=streams,
    )
    tables.flags.writeable = False
    return tables


def rounded(tables: np.ndarray) -> np.ndarray:
    """Every entry as the nearest multiple of 1/1024; ValueError when one is not finite or above 31."""
    if not (np.abs(tables) < 31).all():
        raise ValueError("the tables must be finite")
    steps = np.rint(tables.real * TABLE_STEPS) + 1j * np.rint(tables.imag * TABLE_STEPS)
    return steps / TABLE_STEPS


def table_crc(tables: np.ndarray) -> int:
    """CRC-8 of rounded tables: polynomial 0x07 over int16 little-endian (re, im) in C order."""
    steps = np.stack([tables.real, tables.imag], axis=-1) * TABLE_STEPS
    return crc8(np.rint(steps).astype("<i2").tobytes())


def crc8(data: bytes) -> int:
    """CRC-8, polynomial 0x07, start 0; "123456789" gives 0xF4.

    The register after byte b at distance n from the end is T_n[b]; T_n repeats after 127, the order of
    x^8 modulo x^8 + x^2 + x + 1.
    """
    values = np.frombuffer(data, np.uint8)
    tables = _crc8_tables()
    distance = np.arange(len(values) - 1, -1, -1) % len(tables)
    return int(np.bitwise_xor.reduce(tables[distance, values], initial=0))


@lru_cache(maxsize=1)
def _crc8_tables() -> np.ndarray:
    register = np.arange(256)
    tables = np.empty((127, 256), np.uint8)
    for row in tables:
        for _ in range(8):
            register = (register << 1 & 0xFF) ^ np.where(register & 0x80, 0x07, 0)
        row[:] = register
    return tables
