# SPDX-License-Identifier: GPL-3.0-or-later
"""Measurements with sounding frames from a front end back to itself: levels, channel, delay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .front_end import FrontEnd, FrontEndError
from .levels import RX_RMS, Levels, measure_levels, receive_gain_change_db

# Two known waveforms explain (ln n + some) / 1000 of the energy of noise at the best of n positions.
MIN_EXPLAINED = 0.05
_WINDOW_S = 0.02  # behind a burst, in which its arrival is looked for
_MARGIN_S = 0.002  # in front of it: delays come out negative where clocks differ
_CHUNK = 8192
_LONG_CHUNK = 1 << 16  # silence of a simulation passes one read at a time
_PATIENCE_S = 2.0  # of the computer's clock, without samples or behind a burst's time
_MAX_LOSSES = 20  # of samples, in one stretch that should have none
_DB_FLOOR = -200.0


@dataclass(frozen=True)
class SoundingFit:
    """A sounding frame found in received samples.

    y_r[n + delay] = sum_t H[r, t] x_t[n] + noise, by least squares at the delay that explains most.

    Attributes:
        delay_samples: int, of the first sample of the frame, from the start of the samples.
        h: complex [2, 2], row = receive antenna, in units of full scale.
        noise_power: float [2], per receive antenna.
        snr_db: float [2], per receive antenna.
        condition_db: 20 log10 of the ratio of H's singular values.
        levels: Levels of the samples of the frame.
    """

    delay_samples: int
    h: np.ndarray
    noise_power: tuple[float, float]
    snr_db: tuple[float, float]
    condition_db: float
    levels: Levels


def find_sounding(samples: np.ndarray, burst: np.ndarray) -> SoundingFit | None:
    """The burst in received samples, None when it is not there.

    Frequency offsets must be small against the inverse of the burst's length: both sides of one
    device share a clock.

    Args:
        samples: complex [2, n], n >= m.
        burst: complex [2, m], as it was sent.
    Raises:
        ValueError: wrong shapes.
    """
    samples, burst = np.asarray(samples, complex), np.asarray(burst, complex)
    if samples.ndim != 2 or burst.ndim != 2 or samples.shape[0] != 2 or burst.shape[0] != 2:
        raise ValueError(
            f"samples and burst must be complex [2, n], got {list(samples.shape)} and "
            f"{list(burst.shape)}"
        )
    n, m = samples.shape[1], burst.shape[1]
    if n < m:
        raise ValueError(f"samples must be at least as many as the burst's {m}, got {n}")
    size = 1 << (n + m - 1).bit_length()
    spectra = np.fft.fft(samples, size)[:, None] * np.conj(np.fft.fft(burst, size))[None]
    power = np.abs(np.fft.ifft(spectra)[:, :, : n - m + 1]) ** 2
    delay = int(np.argmax(power.sum((0, 1))))
    y = samples[:, delay : delay + m]
    h = y @ burst.conj().T @ np.linalg.inv(burst @ burst.conj().T)
    total = np.mean(np.abs(y) ** 2, axis=1)
    noise = np.mean(np.abs(y - h @ burst) ** 2, axis=1)
    if total.sum() == 0 or 1 - noise.sum() / total.sum() < MIN_EXPLAINED:
        return None
    values = np.linalg.svd(h, compute_uv=False)
    return SoundingFit(
        delay,
        h,
        tuple(map(float, noise)),
        tuple(_db((total - noise) / np.maximum(noise, 1e-20)).tolist()),
        float(_db(values[0] ** 2 / max(values[1] ** 2, 1e-20))),
        measure_levels(y),
    )


def capture(
    front_end: FrontEnd, n: int, now: Callable[[], float] = time.monotonic
) -> np.ndarray | None:
    """The next n samples complex64 [2, n] without a loss; None when 2 s pass without any, or when some
    are lost again and again."""
    parts: list[np.ndarray] = []
    missing, losses, last_s = n, 0, now()
    while missing > 0:
        chunk = front_end.read(min(_LONG_CHUNK, missing), 0.1)
        if chunk.discontinuity:
            parts, missing, losses = [], n, losses + 1
        if chunk.samples.shape[1]:
            last_s = now()
        parts.append(chunk.samples[:, :missing])
        missing -= chunk.samples.shape[1]
        given_up = losses > _MAX_LOSSES or now() - last_s > _PATIENCE_S
        if missing > 0 and (chunk.end or given_up):
            return None
    return np.concatenate(parts, axis=1)


def sound(
    front_end: FrontEnd,
    burst: np.ndarray,
    lead_s: float,
    now: Callable[[], float] = time.monotonic,
) -> SoundingFit | None:
    """Send one sounding frame at a device time and find it; None when it is not found.

    Args:
        front_end: FrontEnd with "tx" and "rx".
        burst: complex64 [2, m] of unit mean power.
        lead_s: from now to the burst.
        now: the computer's clock.
    Returns:
        SoundingFit whose delay_samples count from the device time of the burst.
    """
    rate = front_end.rate_hz
    at = front_end.now() + lead_s
    front_end.tx_burst(burst, at)
    first_s, last_s = at - _MARGIN_S, at + burst.shape[1] / rate + _WINDOW_S
    parts: list[np.ndarray] = []
    start_s, end_s, deadline = None, -np.inf, now() + lead_s + _WINDOW_S + _PATIENCE_S
    while end_s < last_s and now() <= deadline:
        chunk = front_end.read(_CHUNK, 0.05)
        n = chunk.samples.shape[1]
        if n == 0 or chunk.time_s + n / rate < first_s:
            continue
        if chunk.discontinuity or start_s is None:
            parts, start_s = [], chunk.time_s
        parts.append(chunk.samples)
        end_s = chunk.time_s + n / rate
    samples = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0))
    if samples.shape[1] < burst.shape[1]:
        return None
    fit = find_sounding(samples, burst)
    if fit is None:
        return None
    delay = fit.delay_samples - round((at - start_s) * rate)
    return SoundingFit(**{**fit.__dict__, "delay_samples": delay})


@dataclass(frozen=True)
class GainPoint:
    """What one receive gain gave.

    Attributes:
        rx_gain_db: float.
        rms, peak: largest of both antennas, of full scale.
        clip_count: samples at full scale, both antennas.
        snr_db: smaller one of both antennas.
    """

    rx_gain_db: float
    rms: float
    peak: float
    clip_count: int
    snr_db: float


def recommend_gain(points: list[GainPoint]) -> float | None:
    """The receive gain to use: of those without clipping and with 0.1 to 0.3 rms the one of best SNR.

    Where none is in the range, the nearest point and the change of the level plan. None without points.
    """
    if not points:
        return None
    low, high = RX_RMS
    good = [p for p in points if p.clip_count == 0 and low <= p.rms <= high]
    if good:
        return max(good, key=lambda p: p.snr_db).rx_gain_db
    aim = np.log(np.sqrt(low * high))
    best = min(points, key=lambda p: (p.clip_count > 0, abs(np.log(max(p.rms, 1e-9)) - aim)))
    levels = Levels((best.rms,) * 2, (best.peak,) * 2, (best.clip_count, 0), (_DB_FLOOR,) * 2)
    return round(best.rx_gain_db + receive_gain_change_db(levels), 1)


def sweep_gain(
    front_end: FrontEnd, burst: np.ndarray, tx_gain_db: float, gains_db: list[float], lead_s: float
) -> list[GainPoint]:
    """Levels and SNR at each receive gain; gains that the device refuses, or that hear nothing, are
    left out."""
    points = []
    for gain in gains_db:
        try:
            front_end.set_gain(tx_gain_db, gain)
        except FrontEndError:
            continue
        fit = sound(front_end, burst, lead_s)
        if fit is not None:
            levels = fit.levels
            points.append(
                GainPoint(
                    gain, max(levels.rms), max(levels.peak), sum(levels.clip_count), min(fit.snr_db)
                )
            )
    return points


def level_values(levels: Levels) -> dict[str, Any]:
    """Levels as JSON has them, powers in dB of full scale."""
    values = asdict(levels)
    values["rms_dbfs"] = [round(float(_db(rms**2)), 2) for rms in levels.rms]
    return values


def _db(power: Any) -> Any:
    return 10 * np.log10(np.maximum(power, 10 ** (_DB_FLOOR / 10)))
