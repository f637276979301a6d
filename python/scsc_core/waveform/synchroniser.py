# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds frames in samples: detector on the short training field, then timing and carrier offset.

All positions are relative to the samples given; frequencies are in radians per sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .. import _native
from .numerology import STF_PERIOD_SAMPLES, STF_REPEATS, STF_SAMPLES, Numerology
from .sequences import cover, cover_products, ltf_symbol, stf_period

PERIOD = STF_PERIOD_SAMPLES
HALF_PERIOD = PERIOD // 2
# Neighbouring outputs of the filter that are added: a path between two samples falls on both.
DETECTOR_TAPS = 2
# Samples that one value of the metric looks at, from its position on.
DETECTOR_SPAN = STF_SAMPLES + HALF_PERIOD + DETECTOR_TAPS - 1 + PERIOD - 1
# |P|^2 / E^2 has a mean of 4.4e-4 in noise, and a tail heavier than exponential: 134 false triggers in
# 2e8 samples, 6.7e-7 a sample (95 %: 5.6e-7 .. 7.9e-7). The gate left one of them, the header none.
DETECTOR_THRESHOLD = 0.007
# From a crossing, the largest |P| of so many positions is the start: the field and two repeats.
PEAK_SAMPLES = STF_SAMPLES + 2 * PERIOD
# LTF correlation over its energy; noise reaches 0.03, a frame at -6 dB about 0.2.
GATE_Q = 0.035
# Starts that are tried around the detector's, in samples.
TIMING_SEARCH = 32
# A path this much weaker than the strongest one, and in front of it, is the first.
_FIRST_PATH = 0.35
# Paths whose correlation is at least this part of the strongest take part in the frequency estimate.
_PATH_SHARE = 0.25
_MAX_PATHS = 8
# Fine frequency search: +-0.4 of a 64-point spacing in 81 steps, then a parabola.
_FINE_RANGE = 0.4 * 2 * np.pi / 64
_FINE_STEPS = 81
# Beyond this coarse value (1.6 spacings at 64 points) its sign may have wrapped: both are tried.
_WRAP_FROM = 1.6 * 2 * np.pi / 64
_WRAP = 2 * np.pi / PERIOD


@dataclass(frozen=True)
class Synchronisation:
    """Where a frame lies and how fast it turns.

    Attributes:
        start: first sample of the frame's STF as received over its first path.
        omega: carrier frequency offset, radians per sample.
        q: correlation with the long training field over its energy, 0..1.
    """

    start: int
    omega: float
    q: float

    def moved(self, samples: int) -> Synchronisation:
        """The same in samples that begin so much earlier."""
        return replace(self, start=self.start + samples)


def detection_metric(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Detector of the short training field at every position.

    m_r[n] = sum_i conj(p_i) y_r[n+i] (p: one period), c[n] = sum_r m_r[n+16] conj(m_r[n]),
    d[n] = c[n] + c[n+1] + c[n+8] + c[n+9], P[n] = sum_k b_k d[n+16 k] with the products b_k of the
    cover code; E1, E2: sums of sum_r |m_r|^2 over positions n .. n+127 and n+128 .. n+255;
    M = |P|^2 / max(E1+E2, 2 E1, 2 E2)^2.

    Args:
        samples: complex64 [n_rx, n].
    Returns:
        P complex64 and M float32, both [n - 280], empty for fewer samples. The angle of P over 16 is
        the carrier offset in radians per sample.
    Source: ours. Halves in E: a frame that ends is no start.
    """
    return _native.detect_training(np.ascontiguousarray(samples), *_training())


@lru_cache(maxsize=1)
def _training() -> tuple[np.ndarray, np.ndarray]:
    return stf_period().astype(np.complex64), cover_products().astype(np.float32)


def synchronise(samples: np.ndarray, near: int, p: complex, n: Numerology) -> Synchronisation:
    """Timing, carrier offset and gate value of a frame whose detector peaked.

    The detector's angle gives the offset within +-2 spacings of the 64-point transform; near its ends
    the wrapped value is tried too and the larger q decides. Timing and fine offset: FrameTiming in
    frame_timing.h.

    Args:
        samples: complex64 [2, >= near + preamble_samples + TIMING_SEARCH].
        near: position of the peak, >= TIMING_SEARCH.
        p: value P of the detector there.
        n: numerology.
    """
    coarse = float(np.angle(p)) / PERIOD
    candidates = [coarse]
    if abs(coarse) > _WRAP_FROM:
        candidates.append(coarse - np.copysign(_WRAP, coarse))
    begin = near - TIMING_SEARCH
    part = samples[:, begin : near + n.preamble_samples + TIMING_SEARCH]
    start, omega, q = _native.time_frame(
        np.ascontiguousarray(part, np.complex64), np.array(candidates), _preamble(n)
    )
    return Synchronisation(begin + start, omega, q)


@lru_cache(maxsize=16)
def _preamble(n: Numerology) -> dict:
    """What `_native.time_frame` looks for: members of FrameTiming in frame_timing.h."""
    times, known = _segments(n)
    grid = np.linspace(-_FINE_RANGE, _FINE_RANGE, _FINE_STEPS)
    return {
        "n_starts": 2 * TIMING_SEARCH + 1,
        "symbol": ltf_symbol(n).astype(np.complex64),
        "windows": np.array(ltf_windows(n), np.int32),
        "first_path": _FIRST_PATH,
        "look_back": 10 * n.n_cp // 16,
        "period": stf_period().astype(np.complex64),
        "segments": (HALF_PERIOD * np.arange(2 * STF_REPEATS - 1)).astype(np.int32),
        "known": known.astype(np.float32),
        "steer": np.exp(-1j * times[:, None] * grid).astype(np.complex64),
        "grid_first": float(grid[0]),
        "grid_step": float(grid[1] - grid[0]),
        "path_share": _PATH_SHARE,
        "reach_before": 1,
        "reach_after": 3 * n.n_cp // 4,
        "max_paths": _MAX_PATHS,
    }


def ltf_windows(n: Numerology) -> tuple[int, int, int, int]:
    """Samples from a frame's start to the four long training symbols A1, A2, B1, B2."""
    first = STF_SAMPLES + 2 * n.n_cp
    second = first + n.ltf_block_samples
    return first, first + n.n_fft, second, second + n.n_fft


@lru_cache(maxsize=16)
def _segments(n: Numerology) -> tuple[np.ndarray, np.ndarray]:
    """Centres [35] of the preamble's segments in samples, and what each antenna sends there [2, 35].

    The STF is cut every half period: antenna 1 fills the even segments, antenna 2 the odd ones.
    """
    short = np.arange(2 * STF_REPEATS - 1) * HALF_PERIOD + (PERIOD - 1) / 2
    long = np.array(ltf_windows(n)) + (n.n_fft - 1) / 2
    known = np.zeros((2, len(short) + 4))
    known[0, 0 : len(short) : 2] = cover()
    known[1, 1 : len(short) : 2] = cover()[:-1]
    known[0, -4:], known[1, -4:] = (1, 1, -1, -1), 1
    return np.concatenate([short, long]), known
