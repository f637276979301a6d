# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the closed loop: reports of estimates against the true channel, and precoders."""

from __future__ import annotations

import numpy as np

from .. import mimo
from ..waveform.csi_feedback import SoundRef, prepare_precoder, quantise_csi, tables_of_report
from ..waveform.header import FrameHeader
from ..waveform.modulator import Modulator
from ..waveform.receiver import OfdmReceiver
from . import waveform_trials as trials
from .benchmark import Row
from .waveform_trials import mean_row

PRECODERS = ("pcen", "svd_wf", "none")
SNR_DB = (0, 6, 12)
_RMS_SAMPLES = 1.0
_LOSS_TARGET_DB = 0.1
_SLOPE_STEP_DB = 0.5
_CARRIERS = slice(3, None, 8)  # every eighth data carrier stands for its neighbours
_NOISE_DRAWS = 128  # of the information; the same for every table


def loop_information(snr_db: float, n_channels: int, seed: int = 7) -> dict[str, np.ndarray]:
    """Information per coded bit of tables for reported and for true channels, selective Rayleigh.

    A sounding frame goes through the receiver; its H is reported with 8 bits, and tables of the
    report meet the true channel. Joint detection with the true H.

    Returns:
        Of "pcen" and "svd_wf": float [n_channels, 3] with the report, with the true channel, and
        with the true channel at `_SLOPE_STEP_DB` less SNR; of "none" the last two. Channels whose
        sounding frame is lost are left out.
    """
    n = trials.NUMEROLOGY
    air = trials.Air(snr_db, _RMS_SAMPLES, seed)
    modulator, receiver = Modulator(n), OfdmReceiver()
    data = n.data[_CARRIERS]
    rows = np.searchsorted(n.used, data)
    noise_var = 2 * air.noise_var
    lower = noise_var * 10 ** (_SLOPE_STEP_DB / 10)
    header = FrameHeader(type="sounding", nsym=0)
    results = {precoder: [] for precoder in PRECODERS}
    for _ in range(n_channels):
        reception = air.carry(modulator.sounding(header))
        frames = receiver.push(reception.samples) + receiver.flush()
        if not frames:
            continue
        sound_ref = SoundRef.of_header(header)
        report = quantise_csi(frames[0].h, frames[0].noise_var, 1, sound_ref, n.used)
        h = trials.carrier_channel(reception.taps)[rows]
        for precoder, values in results.items():
            cases = [(trials.tables_for(precoder, h, var), var) for var in (noise_var, lower)]
            if precoder != "none":
                reported = tables_of_report(report, n.used, data, precoder, "qpsk")
                cases.insert(0, (reported, noise_var))
            values.append([_information(h, tables, var) for tables, var in cases])
    return {precoder: np.array(values) for precoder, values in results.items()}


def _information(h: np.ndarray, tables: np.ndarray, noise_var: float) -> float:
    tables = np.broadcast_to(tables, (len(h), *tables.shape[1:]))
    _, bicm = mimo.mutual_information(h, tables, noise_var, _NOISE_DRAWS)
    return float(np.mean(bicm)) / trials.BITS_PER_USE


def loop_rows(n_channels: int) -> list[Row]:
    """Loss of 8-bit reports in dB, and what each precoder carries on this channel."""
    for precoder in PRECODERS:
        if precoder != "none":
            prepare_precoder(precoder, "qpsk")
    rows = []
    for snr_db in SNR_DB:
        results = loop_information(snr_db, n_channels)
        for precoder in ("svd_wf", "pcen"):
            rows.append(_loss_row(snr_db, precoder, results[precoder]))
        for precoder, values in results.items():
            name = f"information at {snr_db} dB, {precoder}"
            tables = "plain table" if precoder == "none" else "8-bit reports"
            condition = f"{tables}, exp rms {_RMS_SAMPLES:g} sample, ML, {len(values)} channels"
            rows.append(mean_row(name, values[:, 0], "bit per coded bit", None, True, condition))
        gain = results["pcen"][:, 0] - results["svd_wf"][:, 0]
        name = f"gain of pcen over svd_wf at {snr_db} dB"
        rows.append(mean_row(name, gain, "bit per coded bit", 0.0, True, "the same channels"))
    return rows


def _loss_row(snr_db: float, precoder: str, values: np.ndarray) -> Row:
    """Information lost by reports, as the SNR that perfect knowledge could do without."""
    reported, perfect, lower = values.T
    per_db = (perfect - lower).mean() / _SLOPE_STEP_DB
    loss = (perfect - reported) / per_db
    condition = f"{precoder}: report {reported.mean():.4f}, true H {perfect.mean():.4f}, "
    condition += f"{len(values)} channels, exp rms {_RMS_SAMPLES:g} sample"
    name = f"closed-loop loss to perfect CSI at {snr_db} dB, {precoder}"
    return mean_row(name, loss, "dB", _LOSS_TARGET_DB, False, condition)
