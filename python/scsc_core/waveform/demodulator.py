# SPDX-License-Identifier: GPL-3.0-or-later
"""Demodulator: header, channel, noise and received vectors of one frame that was found.

Every step is a function of arrays; carriers are [symbol, used carrier, receive antenna] with a total
transmit power of 1 per carrier until `Demodulated` gives them in link units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import _native
from .estimation import ChannelEstimate, known_estimate, ltf_estimate, smooth
from .header import (
    FrameHeader,
    HeaderError,
    decode_header,
    encode_header,
    header_llr,
    unpack,
)
from .numerology import N_RX, TOTAL_POWER, Numerology
from .sequences import pilots
from .synchroniser import Synchronisation, ltf_windows

_LEAST_SNR = 1e-3  # of a measured SNR: noise alone gives 0 and less
_LEAST_NOISE = 1e-30
# Residual carrier offset that is searched behind the synchroniser, in cycles per symbol, and steps.
_DRIFT_RANGE, _DRIFT_STEPS = 0.06, 97
# Symbols that the common phase is averaged over, and the slope of the sampling clock.
PHASE_SYMBOLS, SLOPE_SYMBOLS = 11, 31


@dataclass(frozen=True, eq=False)
class Start:
    """What the head of a frame tells.

    Attributes:
        header: FrameHeader.
        estimate: channel, from training fields and header.
        noise_var: variance of a carrier, total transmit power 1.
        power: mean |H|^2 per antenna pair and carrier, the estimate's error taken out.
        drift: radians per sample left after the synchroniser's offset.
        known: complex [header_symbols, n_used, 2], what was sent in the header.
        y: complex64 [header_symbols, n_used, n_rx], turned back by the whole carrier offset.
    """

    header: FrameHeader
    estimate: ChannelEstimate
    noise_var: float
    power: float
    drift: float
    known: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Demodulated:
    """A frame's received vectors in link units: y = H z + n, mean energy of z is 2.

    Attributes:
        y: complex64 [n_data, n_rx, nsym], phases tracked.
        h: complex128 [n_used, n_rx, 2].
        noise_var: N0, with the share of the estimation error.
        snr_db: received SNR, total transmit power x E|h|^2 / noise variance.
        omega: carrier offset, radians per sample.
        clock: sampling clock offset, received over sent duration minus 1.
    """

    y: np.ndarray
    h: np.ndarray
    noise_var: float
    snr_db: float
    omega: float
    clock: float


def carriers(
    samples: np.ndarray, starts: np.ndarray, omega: float, origin: int, n: Numerology
) -> np.ndarray:
    """Used carriers complex64 [n_windows, n_used, n_rx] of FFT windows, turned by -omega (t - origin)."""
    return _native.ofdm_windows(
        samples,
        starts,
        omega,
        origin,
        n.n_fft,
        n.bins,
        math.sqrt(n.n_used) / n.n_fft,
    )


def symbol_starts(count: int, n: Numerology) -> np.ndarray:
    """First samples of the FFT windows of a frame's first `count` symbols, int64, from its start."""
    symbols = np.arange(count, dtype=np.int64) * n.symbol_samples
    return symbols + (n.preamble_samples + n.n_cp - n.window_advance)


def read_start(samples: np.ndarray, at: Synchronisation, n: Numerology) -> Start:
    """Channel, noise and header from the head of a frame.

    Args:
        samples: complex64 [n_rx, >= at.start + overhead_samples].
        at: where the frame was found; start >= window_advance.
        n: numerology.
    Raises:
        HeaderError: a check of the header fails.
    """
    training = np.array(ltf_windows(n), np.int64) + (at.start - n.window_advance)
    centre = at.start + training_middle(n)
    windows = carriers(samples, training, at.omega, centre, n)
    h_ls, noise_var = ltf_estimate(windows, n)
    noise_var = max(noise_var, _LEAST_NOISE)
    estimate = smooth(h_ls, noise_var / 2, noise_var, n)
    starts = at.start + symbol_starts(n.header_symbols, n)
    y = carriers(samples, starts, at.omega, centre, n)
    times = starts + (n.n_fft / 2 - centre)
    drift, turned = _drift(y, estimate.h, pilots(n, n.header_symbols), n.pilot_rows, times, n)
    bits, ok = decode_header(
        header_llr(turned, estimate.h, noise_var * (1 + estimate.error_share), n)
    )
    if not ok:
        raise HeaderError("the checks of the header fail", "crc")
    header = unpack(bits)
    known = encode_header(bits, n)
    drift, turned = _drift(y, estimate.h, known, n.used_rows, times, n)
    return Start(header, *_with_header(h_ls, noise_var, turned, known, n), drift, known, turned)


def _with_header(h_ls, noise_var: float, y, known, n: Numerology):
    """Estimate, noise variance and power from training fields and header, as in `Start`."""
    h_header, residual = known_estimate(y, known)
    # 2 degrees of freedom of each carrier and antenna are in noise_var, header_symbols - 2 in residual
    noise_var = (2 * noise_var + residual / (n.n_used * N_RX)) / n.header_symbols
    noise_var = max(noise_var, _LEAST_NOISE)
    share = _header_share(n)
    h = (1 - share) * h_ls + share * h_header
    error_var = (1 - share) * noise_var / 2
    power = np.vdot(h, h).real / h.size - error_var
    return smooth(h, error_var, noise_var, n), noise_var, power


def read_data(samples: np.ndarray, at: Synchronisation, start: Start, n: Numerology) -> Demodulated:
    """Received vectors of a frame whose header is right.

    Phases come from the pilots and from the header: the common phase is a mean over 11 symbols; the
    sampling clock one slope over carriers that grows with time.

    Args:
        samples: complex64 [n_rx, >= at.start + frame_samples(nsym)].
    """
    header, h = start.header, start.estimate.h
    omega, centre = at.omega + start.drift, at.start + training_middle(n)
    starts = at.start + symbol_starts(n.header_symbols + header.nsym, n)
    vectors, slope, rest = _native.track_phases(
        start.y,
        start.known,
        n.used_rows,
        carriers(samples, starts[n.header_symbols :], omega, centre, n),
        pilots(n, len(starts))[n.header_symbols :],
        n.pilot_rows,
        h,
        starts + (n.n_fft / 2 - centre - channel_time(n)),
        n.used,
        PHASE_SYMBOLS,
        SLOPE_SYMBOLS,
        n.data_rows,
        math.sqrt(TOTAL_POWER),
    )
    share = start.estimate.error_share
    return Demodulated(
        y=vectors,
        h=h,
        noise_var=TOTAL_POWER * start.noise_var * (1 + share),
        snr_db=10 * math.log10(max(start.power / start.noise_var, _LEAST_SNR)),
        omega=omega + rest if header.nsym else omega,
        clock=-slope * n.n_fft / (2 * math.pi),
    )


def training_middle(n: Numerology) -> int:
    """Samples from a frame's start to the middle of its long training fields: phases are zero there."""
    windows = ltf_windows(n)
    return (windows[0] + windows[-1] + n.n_fft) // 2 - n.window_advance


@lru_cache(maxsize=16)
def channel_time(n: Numerology) -> float:
    """Samples from `training_middle` to the mean time of what the channel estimate was taken from.

    A sampling clock that is off has turned the carriers of H by what it had gained until then.
    """
    header = symbol_starts(n.header_symbols, n).mean() + n.n_fft / 2 - training_middle(n)
    return _header_share(n) * header


def _header_share(n: Numerology) -> float:
    """Weight of the header in the channel estimate: 1 / error variance, of 2 + header_symbols / 2."""
    return n.header_symbols / (4 + n.header_symbols)


def _drift(y, h, sent, rows, times, n: Numerology) -> tuple[float, np.ndarray]:
    """Carrier offset of y against known carriers, radians per sample, and y turned back by it."""
    limit = _DRIFT_RANGE * 2 * math.pi / n.symbol_samples
    return _native.find_drift(y, h, sent, rows, times, limit, _DRIFT_STEPS)
