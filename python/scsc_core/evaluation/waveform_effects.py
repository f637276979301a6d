# SPDX-License-Identifier: GPL-3.0-or-later
"""What faults of front ends and channels cost: error vectors of received frames, one effect a time."""

from __future__ import annotations

import numpy as np

from ..channels.stream_channel import StreamChannel
from ..channels.stream_config import StreamChannelConfig
from ..waveform.header import FrameHeader
from ..waveform.modulator import Modulator
from ..waveform.receiver import OfdmReceiver, ReceiverConfig
from . import waveform_trials as trials
from .benchmark import Row

_RATE_HZ = 1e6
_SPACING_HZ = _RATE_HZ / trials.NUMEROLOGY.n_fft
_SNR_DB = 20.0
_GAP_SAMPLES = 400
_LOST_DB = 30.0  # what a lost frame counts as
# Name, options of the channel, dB of error that the effect may add (waveform.md section 9).
EFFECTS = (
    ("sampling clock off by 20 ppm", {"sfo_ppm": 20}, 1.2),
    ("phase noise 0.003 rad per sample", {"phase_noise": 0.003}, 0.7),
    ("phase noise 0.01 rad per sample", {"phase_noise": 0.01}, 4.2),
    ("receiver's IQ 0.5 dB and 2 degrees", {"rx_iq_gain_db": 0.5, "rx_iq_phase_deg": 2}, 1.3),
    ("DC -20 dBc", {"dc_dbc": -20}, 0.4),
    ("DC -10 dBc, no carrier offset", {"dc_dbc": -10, "cfo_hz": 0.0}, 0.4),
    ("CFO +1.5 spacings", {"cfo_hz": 1.5 * _SPACING_HZ}, 0.4),
    ("CFO -1.5 spacings", {"cfo_hz": -1.5 * _SPACING_HZ}, 0.4),
    ("CFO +2 spacings", {"cfo_hz": 2 * _SPACING_HZ}, 0.4),
    ("CFO -2 spacings", {"cfo_hz": -2 * _SPACING_HZ}, 0.4),
    ("selective, rms 2 samples", {"model": "exp", "delay_spread_ns": 2e9 / _RATE_HZ}, 1.4),
)


def error_vectors(n_frames: int, seed: int = 8, **options) -> np.ndarray:
    """Error power of the received vectors of each frame over the noise variance, float [n_frames].

    mean |y - H z|^2 / N0 with the H that the receiver estimated; NaN for frames that it lost. The
    frames follow each other in one stream; every one has a channel of its own.

    Args:
        n_frames: 1..1000.
        seed: of the channel: the same fading and noise whatever the options.
        options: of StreamChannelConfig.
    """
    options = {"cfo_hz": 0.1 * _SPACING_HZ} | options
    config = StreamChannelConfig(
        sample_rate_hz=_RATE_HZ, snr_db=_SNR_DB, snr_def="rx_ant", seed=seed, **options
    )
    channel, rng = StreamChannel(config), np.random.default_rng(seed)
    modulator = Modulator(trials.NUMEROLOGY)
    receiver = OfdmReceiver(ReceiverConfig(rate_hz=_RATE_HZ))
    table = trials.tables_for("none")
    gap = np.zeros((2, _GAP_SAMPLES), np.complex64)
    sent, received = [], []
    for number in range(n_frames):
        header = FrameHeader(frame=number, n_frames=n_frames, nsym=trials.NSYM)
        index = trials.random_index(rng)
        sent.append(table[0, index].reshape(trials.NSYM, -1, 2))
        burst = np.concatenate([gap, modulator.modulate(header, index, table)], axis=1)
        received += receiver.push(channel.apply(burst))
    received += receiver.push(channel.apply(gap)) + receiver.flush()
    errors = np.full(n_frames, np.nan)
    for frame in received:
        if frame.header.n_frames == n_frames and frame.header.nsym == trials.NSYM:
            expected = np.einsum("dra,tda->drt", frame.h_data, sent[frame.header.frame])
            errors[frame.header.frame] = np.mean(np.abs(frame.y - expected) ** 2)
    return errors / config.link_noise_var


def effect_rows(n_frames: int) -> list[Row]:
    """Error power with each effect over that without, and frames that were lost."""
    clean = error_vectors(n_frames)
    median = 10 * np.log10(np.nanmedian(clean))
    condition = f"{_SNR_DB:g} dB, no precoder, {_arrived(clean)}"
    rows = [Row("error vectors over noise, clean", median, "dB", None, False, condition)]
    for name, options, target in EFFECTS:
        errors = error_vectors(n_frames, **options)
        growth = np.nan_to_num(10 * np.log10(errors / clean), nan=_LOST_DB)
        low, value, high = np.percentile(growth, (5, 50, 95))
        condition = f"median, 5 and 95 % of frames; {_arrived(errors)}"
        rows.append(
            Row(f"error growth, {name}", value, "dB", target, False, condition, (low, high))
        )
    return rows


def _arrived(errors: np.ndarray) -> str:
    return f"{np.count_nonzero(np.isfinite(errors))} of {len(errors)} frames arrived"
