# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of frames with data: estimates, soft bits against a genie, coded loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..waveform import synchroniser
from ..waveform.demodulator import carriers
from ..waveform.detection import frame_llr
from ..waveform.estimation import ltf_estimate, smooth
from ..waveform.frame_code import FrameFormat, frame_code
from ..waveform.header import FrameHeader
from ..waveform.modulator import Modulator
from ..waveform.receiver import OfdmReceiver, ReceiverConfig
from . import waveform_trials as trials
from .benchmark import Row
from .waveform_trials import mean_row

# waveform.md section 12
_CFO_TARGETS = {0: 0.02, 6: 0.01, 12: 0.005}
_NMSE_TARGETS_DB = {0: (-1.8, -6.4, -9.6), 12: (-11.8, -15.2, -16.5)}
_LOSS_TARGETS = {3: 0.05, 6: 0.035, 9: 0.03, 12: 0.02}
_BER_SNR_DB = (6, 12)
_BER_TARGET = 1.2
_PRECODERS = ("svd_equal", "none")

_CODED_SNR_DB = 6.0
_CODED_TARGET_DB = 0.6
_CODE_RATE = "2/3"  # half of all frames or so fail: the share that tells most
# The genie's noise is raised in these steps until it loses as many frames as the receiver.
_OFFSETS_DB = (0.0, 0.2, 0.4, 0.6, 0.9)


@dataclass(frozen=True)
class DataTrial:
    """One frame with data whose header was right.

    Attributes:
        cfo_error: of the receiver's offset, in carrier spacings.
        snr_error_db: measured received SNR minus that of this channel.
        noise_ratio: noise variance that the receiver goes by, the error of its channel estimate
            included, over the true one.
        nmse: error power of the estimates (least squares, smoothed, with header) per entry of H,
            common phase removed; E|h|^2 = 1.
        mi, mi_genie: information of the LLRs per coded bit.
        ber, ber_genie: errors of their signs.
        extra_triggers, extra_frames: beside those of the frame.
    """

    cfo_error: float
    snr_error_db: float
    noise_ratio: float
    nmse: tuple[float, float, float]
    mi: float
    mi_genie: float
    ber: float
    ber_genie: float
    extra_triggers: int
    extra_frames: int


def data_trials(snr_db: float, precoder: str, n_frames: int, seed: int = 5) -> list[DataTrial]:
    """Frames through the whole receiver, and through one that knows everything.

    Flat Rayleigh; tables are made of the true channel; frames without a right header are left out.
    """
    n = trials.NUMEROLOGY
    air, modulator = trials.Air(snr_db, 0.0, seed), Modulator(n)
    receiver = OfdmReceiver(ReceiverConfig(rate_hz=n.n_fft))  # cfo_hz then counts spacings
    results, triggers = [], 0
    for number in range(n_frames):
        header = FrameHeader(frame=number % 1000, n_frames=1000, nsym=trials.NSYM)
        index, taps = trials.random_index(air.rng), air.draw()
        h = trials.carrier_channel(taps)[n.data_rows]
        tables = trials.tables_for(precoder, h, 2 * air.noise_var)
        reception = air.carry(modulator.modulate(header, index, tables), taps)
        first_sample = receiver.counters.get("samples", 0)
        received = receiver.push(reception.samples) + receiver.flush()
        new_triggers = receiver.counters.get("triggers", 0) - triggers
        triggers += new_triggers
        right = [frame for frame in received if frame.header == header]
        if right:
            at = right[0].sample_index - first_sample
            extra = new_triggers - 1, len(received) - 1
            results.append(_judge(right[0], at, reception, index, tables, extra))
    return results


def _judge(frame, at: int, reception, index, tables, extra) -> DataTrial:
    n = trials.NUMEROLOGY
    genie = trials.genie_frame(reception, trials.NSYM)
    llr, llr_genie = (frame_llr(f, tables, "exact") for f in (frame, genie))
    bits = trials.bits_of(index).reshape(-1)
    power = np.mean(np.abs(reception.taps) ** 2) * len(reception.taps)
    snr_db = 10 * np.log10(power / reception.noise_var)
    return DataTrial(
        cfo_error=frame.cfo_hz - reception.omega * n.n_fft / (2 * np.pi),
        snr_error_db=frame.snr_db - snr_db,
        noise_ratio=frame.noise_var / (2 * reception.noise_var),  # link units: two antennas' power
        nmse=(*_training_errors(reception), _error_power(frame.h, at, reception)),
        mi=trials.information(llr, index),
        mi_genie=trials.information(llr_genie, index),
        ber=float(np.mean((llr < 0) != bits)),
        ber_genie=float(np.mean((llr_genie < 0) != bits)),
        extra_triggers=extra[0],
        extra_frames=extra[1],
    )


def _training_errors(reception) -> tuple[float, float]:
    """Error power of the estimates of the long training field, raw and smoothed."""
    n, samples = trials.NUMEROLOGY, reception.samples
    at = synchroniser.synchronise(samples, *trials.detect(samples, reception.start), n)
    first = np.array(synchroniser.ltf_windows(n)) + at.start - n.window_advance
    raw, noise_var = ltf_estimate(carriers(samples, first, at.omega, at.start, n), n)
    smoothed = smooth(raw, noise_var / 2, noise_var, n).h
    return tuple(_error_power(h, at.start, reception) for h in (raw, smoothed))


def _error_power(h: np.ndarray, start: int, reception) -> float:
    """Mean |error|^2 per entry of an estimate made at sample `start`, common phase removed."""
    early = reception.start - start + trials.NUMEROLOGY.window_advance
    truth = trials.carrier_channel(reception.taps, early)
    phase = np.exp(1j * np.angle(np.vdot(truth, h)))
    return float(np.mean(np.abs(h - phase * truth) ** 2))


def data_rows(n_frames: int) -> list[Row]:
    """Estimates, soft bits and decisions at 0 .. 12 dB."""
    results = {
        (snr_db, precoder): data_trials(snr_db, precoder, n_frames)
        for precoder in _PRECODERS
        for snr_db in (0, 3, 6, 9, 12)
        if precoder == "svd_equal" or snr_db in _LOSS_TARGETS
    }
    equal = {snr_db: part for (snr_db, name), part in results.items() if name == "svd_equal"}
    rows = [_cfo_row(snr_db, equal[snr_db]) for snr_db in _CFO_TARGETS]
    for snr_db in _NMSE_TARGETS_DB:
        rows += _nmse_rows(snr_db, equal[snr_db])
    rows += [_noise_row(snr_db, equal[snr_db]) for snr_db in (0, 6, 12)]
    rows += [_snr_row(snr_db, equal[snr_db]) for snr_db in (0, 6, 12)]
    for precoder in _PRECODERS:
        rows += [_loss_row(s, precoder, results[s, precoder]) for s in _LOSS_TARGETS]
    rows += [_ber_row(snr_db, equal[snr_db]) for snr_db in _BER_SNR_DB]
    return rows + _after_frames_rows(equal[12])


def _column(part: list[DataTrial], name: str) -> np.ndarray:
    return np.array([getattr(trial, name) for trial in part])


def _cfo_row(snr_db, part) -> Row:
    errors = _column(part, "cfo_error")
    rms = np.sqrt(np.mean(errors**2))
    condition = f"flat, nsym {trials.NSYM}, largest {np.abs(errors).max():.2g}, {len(part)} frames"
    return Row(f"CFO rms at {snr_db} dB", rms, "spacings", _CFO_TARGETS[snr_db], False, condition)


def _nmse_rows(snr_db, part) -> list[Row]:
    means = 10 * np.log10(_column(part, "nmse").mean(0))
    names = ("least squares", "smoothed", "with header")
    condition = f"flat, common phase removed, {len(part)} frames"
    return [
        Row(f"H NMSE at {snr_db} dB, {name}", mean, "dB", target, False, condition)
        for name, mean, target in zip(names, means, _NMSE_TARGETS_DB[snr_db], strict=True)
    ]


def _noise_row(snr_db, part) -> Row:
    ratio = _column(part, "noise_ratio").mean()
    condition = f"mean ratio {ratio:.3f}, {len(part)} frames"
    name = f"noise variance at {snr_db} dB, deviation from truth"
    return Row(name, abs(ratio - 1), "", 0.03, False, condition)


def _snr_row(snr_db, part) -> Row:
    errors = _column(part, "snr_error_db")
    condition = f"mean {errors.mean():+.2f} dB, {len(part)} frames"
    name = f"measured SNR at {snr_db} dB, rms error"
    return Row(name, np.sqrt(np.mean(errors**2)), "dB", 0.4, False, condition)


def _loss_row(snr_db, precoder, part) -> Row:
    ours, genie = _column(part, "mi"), _column(part, "mi_genie")
    condition = (
        f"receiver {ours.mean():.3f}, genie {genie.mean():.3f}, exact LLRs, {len(part)} frames"
    )
    return mean_row(
        f"information lost to genie at {snr_db} dB, {precoder}",
        genie - ours,
        "bit per coded bit",
        _LOSS_TARGETS[snr_db],
        False,
        condition,
    )


def _ber_row(snr_db, part) -> Row:
    ours, genie = _column(part, "ber").mean(), _column(part, "ber_genie").mean()
    condition = f"{ours:.4f} / {genie:.4f}, svd_equal, ML, {len(part)} frames"
    name = f"uncoded BER over genie's at {snr_db} dB"
    return Row(name, ours / genie, "", _BER_TARGET, False, condition)


def _after_frames_rows(part) -> list[Row]:
    triggers, frames = (
        int(_column(part, f"extra_{what}").sum()) for what in ("triggers", "frames")
    )
    condition = f"flat, 12 dB, {len(part)} frames"
    # at most 2 of 300 frames
    target = -(-2 * len(part) // 300)
    return [
        Row("false triggers beside good frames", triggers, "", target, False, condition),
        Row("false frames beside good frames", frames, "", 0, False, condition),
    ]


# coded loss --------------------------------------------------------------------------------------
def coded_failures(n_frames: int, seed: int = 6) -> tuple[int, list[int]]:
    """Frames that fail of the receiver, and of a genie whose noise is `_OFFSETS_DB` stronger.

    The same channels and the same noise; no precoder, joint detection, NR LDPC. A frame that is not
    found has failed.
    """
    n = trials.NUMEROLOGY
    air, modulator, receiver = trials.Air(_CODED_SNR_DB, 0.0, seed), Modulator(n), OfdmReceiver()
    code = frame_code(FrameFormat("qpsk", 2, "nr_ldpc", _CODE_RATE, trials.NSYM))
    tables = trials.tables_for("none")
    header = FrameHeader(code_rate=_CODE_RATE, nsym=trials.NSYM)
    failed, genie_failed = 0, np.zeros(len(_OFFSETS_DB), int)
    for _ in range(n_frames):
        payload = air.rng.bytes(code.payload_bytes)
        reception = air.carry(modulator.modulate(header, code.encode(payload), tables))

        def decodes(frame, payload=payload) -> bool:
            block = code.decode(frame_llr(frame, tables, "exact"))
            return block.ok and block.data == payload

        received = receiver.push(reception.samples) + receiver.flush()
        failed += not any(decodes(frame) for frame in received if frame.header == header)
        genie_failed += [
            not decodes(trials.genie_frame(reception, trials.NSYM, offset))
            for offset in _OFFSETS_DB
        ]
    return failed, genie_failed.tolist()


def equal_offset_db(failed: float, genie_failed: list[int]) -> float:
    """How much noise a genie bears for `failed` failures, linear between the offsets tried.

    Between 0 and the largest offset, which stands for "at least".
    """
    rising = np.maximum.accumulate(np.asarray(genie_failed, float))
    # of equal counts the smallest offset counts
    counts, first = np.unique(rising, return_index=True)
    return float(np.interp(failed, counts, np.asarray(_OFFSETS_DB)[first]))


def coded_row(n_frames: int) -> Row:
    """Loss of coded frames to a genie, in dB of noise."""
    failed, genie_failed = coded_failures(n_frames)
    # Both see the same channels: only frames on which they differ make the loss uncertain.
    spread = 1.96 * np.sqrt(max(failed - genie_failed[0], 1))
    condition = (
        f"NR LDPC {_CODE_RATE}, no precoder + ML, flat; failed: receiver {failed}, genie at "
    )
    condition += ", ".join(f"+{o:g} dB {c}" for o, c in zip(_OFFSETS_DB, genie_failed))
    return Row(
        f"coded loss to genie at {_CODED_SNR_DB:g} dB",
        equal_offset_db(failed, genie_failed),
        "dB",
        _CODED_TARGET_DB,
        False,
        f"{condition}; {n_frames} frames",
        tuple(equal_offset_db(failed + sign * spread, genie_failed) for sign in (-1, 1)),
    )
