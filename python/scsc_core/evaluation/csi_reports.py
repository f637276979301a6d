# SPDX-License-Identifier: GPL-3.0-or-later
"""What quantised channel reports cost: power between the streams, and information of their tables.

H of selective Rayleigh channels with an exponential delay profile; groups are those of
`csi_group`. SNR is Pz / N0 (`pz_n0`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import mimo
from ..waveform.csi_feedback import (
    SoundRef,
    channel_of_report,
    prepare_precoder,
    quantise_csi,
    tables_of_report,
)
from ..waveform.header import FrameHeader
from ..waveform.modulator import Modulator
from ..waveform.receiver import OfdmReceiver
from . import waveform_trials as trials

GROUPS = (1, 2, 4)
RMS_SAMPLES = (0.0, 1.0, 2.0, 4.0)
# precoder, SNR in dB, rms delay spread in samples
CASES = (
    ("svd_wf", 3.0, 0.0),
    ("svd_wf", 9.0, 2.0),
    ("pcen", 3.0, 0.0),
    ("pcen", 3.0, 2.0),
    ("pcen", 9.0, 2.0),
)
_RX_ANT_DB = 10 * np.log10(2)  # received SNR over Pz / N0
_CARRIERS = slice(3, None, 8)  # every eighth data carrier stands for its neighbours
_NOISE_DRAWS = 512
_HEADER = FrameHeader(type="sounding", nsym=0)
_REFERENCE = SoundRef.of_header(_HEADER)


@dataclass(frozen=True)
class Leakage:
    """Power between the streams over their own, dB, of one profile and one group size."""

    rms_samples: float
    group: int
    leakage_db: float


@dataclass(frozen=True)
class ReportedInformation:
    """BICM information of one case in bits per channel use: with tables of the true channel, of
    reports by group size, and of reports with group 1 of what the receiver estimates."""

    precoder: str
    snr_db: float
    rms_samples: float
    perfect: float
    reported: dict[int, float]
    estimated: float
    interval: float  # half of the 95 % interval of estimated - perfect


def leakage_db(h: np.ndarray, reported: np.ndarray) -> float:
    """Power between the streams when V comes from another channel matrix than H.

    H = U S V^H; A = U^H H V_reported; mean |A_12|^2 + |A_21|^2 over mean |A_11|^2 + |A_22|^2 in dB.

    Args:
        h, reported: complex [..., 2, 2]; the phases of `reported` may differ from those of h.
    """
    u = np.linalg.svd(h)[0]
    v = np.linalg.svd(reported)[2].conj().swapaxes(-1, -2)
    power = np.abs(u.conj().swapaxes(-1, -2) @ h @ v) ** 2
    own = np.einsum("...ii->...", power)
    return float(10 * np.log10((power.sum((-1, -2)) - own).mean() / own.mean()))


def leakages(n_channels: int, seed: int) -> list[Leakage]:
    """Leakage for all profiles and groups over the same channels."""
    n, rows = trials.NUMEROLOGY, []
    for rms in RMS_SAMPLES:
        air = trials.Air(0.0, rms, seed)
        channels = [_used(air.draw()) for _ in range(n_channels)]
        for group in GROUPS:
            reports = [quantise_csi(h, 1.0, 1, _REFERENCE, n.used, group) for h in channels]
            read = [channel_of_report(report, n.used) for report in reports]
            value = leakage_db(np.array(channels), np.array(read))
            rows.append(Leakage(rms, group, value))
    return rows


def information(
    n_channels: int, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[ReportedInformation]:
    """Information of all cases; joint detection with the true H.

    Channels whose sounding frame is not heard are left out of a case.
    """
    rows = []
    for number, (precoder, snr_db, rms) in enumerate(CASES):
        prepare_precoder(precoder, "qpsk")
        values = []
        air = trials.Air(snr_db + _RX_ANT_DB, rms, seed)
        for _ in range(n_channels):
            found = _one_channel(air, precoder, snr_db)
            if found is not None:
                values.append(found)
        progress(number + 1, len(CASES))
        perfect, *reported, estimated = np.mean(values, axis=0)
        difference = np.array(values)[:, -1] - np.array(values)[:, 0]
        half = 1.96 * difference.std() / np.sqrt(len(difference))
        rows.append(
            ReportedInformation(
                precoder,
                snr_db,
                rms,
                float(perfect),
                dict(zip(GROUPS, map(float, reported))),
                float(estimated),
                float(half),
            )
        )
    return rows


def _one_channel(air: trials.Air, precoder: str, snr_db: float) -> list[float] | None:
    """Information with tables of the true H, of its reports, and of the report of an estimate."""
    n = trials.NUMEROLOGY
    reception = air.carry(Modulator(n).sounding(_HEADER))
    receiver = OfdmReceiver()
    heard = receiver.push(reception.samples) + receiver.flush()
    if not heard:
        return None
    h, noise_var = _used(reception.taps), 10 ** (-snr_db / 10)
    reports = [quantise_csi(h, noise_var, 1, _REFERENCE, n.used, group) for group in GROUPS]
    reports.append(quantise_csi(heard[0].h, heard[0].noise_var, 1, _REFERENCE, n.used))
    data = n.data[_CARRIERS]
    h = h[np.searchsorted(n.used, data)]
    tables = [trials.tables_for(precoder, h, noise_var)]
    tables += [tables_of_report(report, n.used, data, precoder, "qpsk") for report in reports]
    return [
        float(np.mean(mimo.mutual_information(h, table, noise_var, _NOISE_DRAWS)[1]))
        for table in tables
    ]


def _used(taps: np.ndarray) -> np.ndarray:
    """H of all used carriers, as a receiver sees it whose windows begin early."""
    return trials.carrier_channel(taps, trials.NUMEROLOGY.window_advance)
