# SPDX-License-Identifier: GPL-3.0-or-later
"""The level plan: how strong bursts leave, when they clip, and which gain to change at the receiver.

Nothing adapts within a burst: gains are fixed, and a person (or the calibration) changes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TX_RMS = 0.30  # of full scale, per antenna
CLIP = 0.95  # magnitude; converters clip real and imaginary part, which are never larger
# A burst has unit total mean power: an antenna that carries half of it leaves at TX_RMS.
FULL_SCALE = TX_RMS * np.sqrt(2)
RX_RMS = (0.1, 0.3)  # aim for a burst at the receiver, of full scale
RX_CLIP = 0.98  # a converter at its end shows itself as values at full scale
MAX_IMBALANCE_DB = 10.0  # between two antennas over many bursts; fading alone gives less
MAX_DC_DB = -20.0  # of the power


@dataclass(frozen=True)
class ScaledBurst:
    """A burst as it leaves.

    Attributes:
        samples: complex64 [2, n], magnitude <= 0.95.
        clip_count: samples that were clipped, both antennas together.
        peak: largest magnitude before clipping.
    """

    samples: np.ndarray
    clip_count: int
    peak: float


def scale_burst(x: np.ndarray, backoff_db: float = 0.0) -> ScaledBurst:
    """The burst at rms 0.30 of full scale per antenna, clipped at 0.95 with its phase kept.

    x' = 0.30 sqrt(2) 10^(-backoff/20) x, |x'| <= 0.95. The plan counts on E||x||^2 = 1 over both
    antennas, as the modulator gives; a precoder may put all of it on one antenna (rms 0.42, 7 dB
    below the clip).

    Args:
        x: complex [2, n], unit total mean power.
        backoff_db: float, lowers the level; for tables with a long tail.
    Source: waveform.md section 5, Levels.
    """
    gain = np.float32(FULL_SCALE * 10 ** (-backoff_db / 20))
    samples = np.asarray(x, np.complex64) * gain
    power = samples.real**2 + samples.imag**2
    peak = float(np.sqrt(power.max(initial=0.0)))
    over = power > np.float32(CLIP**2)
    clip_count = int(np.count_nonzero(over))
    if clip_count:
        samples[over] *= CLIP / np.sqrt(power[over])
    return ScaledBurst(samples, clip_count, peak)


@dataclass(frozen=True)
class Levels:
    """Levels of received samples, full scale 1.

    Attributes:
        rms: float [2], per antenna.
        peak: float [2], largest magnitude.
        clip_count: int [2], samples whose real or imaginary part is at the end of the scale.
        dc_db: float [2], power of the mean over mean power.
    """

    rms: tuple[float, float]
    peak: tuple[float, float]
    clip_count: tuple[int, int]
    dc_db: tuple[float, float]


def measure_levels(samples: np.ndarray) -> Levels:
    """Levels of complex [2, n]; zeros for n = 0."""
    samples = np.asarray(samples)
    if samples.ndim != 2 or samples.shape[0] != 2:
        raise ValueError(f"samples must be complex [2, n], got {list(samples.shape)}")
    if samples.shape[1] == 0:
        return Levels((0.0, 0.0), (0.0, 0.0), (0, 0), (-np.inf, -np.inf))
    power = np.abs(samples).astype(float) ** 2
    ends = np.maximum(np.abs(samples.real), np.abs(samples.imag)) >= RX_CLIP
    mean = np.mean(samples, axis=1, dtype=complex)
    tiny = np.finfo(float).tiny
    dc_db = 10 * np.log10(np.maximum(np.abs(mean) ** 2, tiny) / np.maximum(power.mean(1), tiny))
    return Levels(
        rms=tuple(map(float, np.sqrt(power.mean(1)))),
        peak=tuple(map(float, np.sqrt(power.max(1)))),
        clip_count=tuple(map(int, ends.sum(1))),
        dc_db=tuple(map(float, dc_db)),
    )


def receive_gain_change_db(levels: Levels) -> float:
    """dB by which to change the receive gain for bursts at 0.1..0.3 rms; 0 when all is well.

    One gain serves both antennas: the stronger one decides. A clipped burst says nothing about its
    true level, so the gain falls by at least 10 dB.
    """
    rms = max(levels.rms)
    if rms == 0:
        return 0.0
    aim = np.sqrt(RX_RMS[0] * RX_RMS[1])
    change = float(20 * np.log10(aim / rms))
    if sum(levels.clip_count):
        return min(change, -10.0)
    return 0.0 if RX_RMS[0] <= rms <= RX_RMS[1] else change


def advice(levels: Levels, tx_clip_count: int = 0) -> list[str]:
    """What to change, one sentence each; empty when the levels of received bursts are good.

    Args:
        levels: of the samples inside bursts.
        tx_clip_count: clipped transmit samples since the last look.
    """
    lines = []
    rms, change = max(levels.rms), receive_gain_change_db(levels)
    if tx_clip_count:
        lines.append(f"{tx_clip_count} transmit samples clipped: raise backoff_db by 1 to 3 dB")
    if rms == 0:
        return [*lines, "no signal at all: check that the receive antennas are connected"]
    if sum(levels.clip_count):
        lines.append(
            f"{sum(levels.clip_count)} received samples at full scale: "
            f"lower rx_gain_db by {-change:.0f} dB or add attenuation"
        )
    elif change:
        word = "raise" if change > 0 else "lower"
        reason = f"bursts at {rms:.3f} rms, {RX_RMS[0]} to {RX_RMS[1]} wanted"
        lines.append(f"{reason}: {word} rx_gain_db by {abs(change):.0f} dB")
    weaker = min(levels.rms)
    if weaker * 10 ** (MAX_IMBALANCE_DB / 20) < rms:
        antenna = int(np.argmin(levels.rms)) + 1
        gap = "silent" if weaker == 0 else f"{20 * np.log10(rms / weaker):.0f} dB weaker"
        lines.append(f"receive antenna {antenna} is {gap}: check its cable, port and antenna")
    for antenna, dc_db in enumerate(levels.dc_db, 1):
        if dc_db > MAX_DC_DB:
            lines.append(
                f"DC of {dc_db:.0f} dB at receive antenna {antenna}: tune with lo_offset_hz"
            )
    return lines
