# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames over a fading channel whose truth is known, for the figures of the waveform.

All signal-to-noise ratios here are received SNR: total transmit power x E|h|^2 / noise variance, per
receive antenna and used carrier (`rx_ant`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import _native, mimo
from ..channels.paths import FadingPaths, exponential_profile
from ..waveform import synchroniser
from ..waveform.csi_feedback import TOTAL_POWER, plain_tables
from ..waveform.demodulator import carriers, symbol_starts
from ..waveform.numerology import numerology
from ..waveform.sequences import cover_products, stf_period
from .benchmark import Row
from .panel import wilson_interval

NUMEROLOGY = numerology()
BITS_PER_USE = 4  # two QPSK streams
NSYM = 54
DELAY_SAMPLES = 500, 3000
CFO_SPACINGS = 0.2  # uniform within +- this
TAIL_SAMPLES = 600  # of noise behind a frame: triggers at its end are seen
FOUND_WITHIN_SAMPLES = 330
_RETRY_SAMPLES = 64  # the search goes on so far behind a false peak


@dataclass(frozen=True, eq=False)
class Reception:
    """One frame as two antennas receive it.

    Attributes:
        clean, noise: complex64 [2, n]; the samples are their sum.
        start: sample at which the frame begins over the first path.
        omega: carrier offset, radians per sample; the phase it adds is 0 at sample 0.
        taps: complex128 [L, 2, 2] at sample spacing.
        noise_var: variance of a carrier, total transmit power 1.
    """

    clean: np.ndarray
    noise: np.ndarray
    start: int
    omega: float
    taps: np.ndarray
    noise_var: float

    @property
    def samples(self) -> np.ndarray:
        """What the receiver gets, complex64 [2, n]."""
        return self.clean + self.noise


def carrier_channel(taps: np.ndarray, early: int = 0) -> np.ndarray:
    """True H complex128 [n_used, 2, 2] of FFT windows that begin `early` samples too soon."""
    n = NUMEROLOGY
    turns = np.exp(-2j * np.pi / n.n_fft * np.outer(n.used, np.arange(len(taps)) + early))
    return np.tensordot(turns, taps, 1)


class Air:
    """A new channel, delay, carrier offset and noise for every frame.

    y[t] = exp(j w t) sum_l G_l x[t - delay - l] + noise, E sum_l |G_l|^2 = 1 per antenna pair.

    Args:
        snr_db: received SNR.
        rms_samples: of the exponential delay profile; 0 is a flat channel.
        seed: of everything that is drawn.
    """

    def __init__(self, snr_db: float, rms_samples: float = 0.0, seed: int = 1):
        fading, other = np.random.SeedSequence(seed).spawn(2)
        self.noise_var = 10 ** (-snr_db / 10)
        self._paths = FadingPaths(exponential_profile(rms_samples, 1.0), seed=fading)
        self.rng = np.random.default_rng(other)

    def draw(self) -> np.ndarray:
        """Taps complex128 [L, 2, 2] of a new channel."""
        return self._paths.draw(1)[0]

    def carry(self, frame: np.ndarray, taps: np.ndarray | None = None) -> Reception:
        """Send one frame, complex64 [2, n], from silence into silence, over a new channel or `taps`."""
        n = NUMEROLOGY
        taps = self.draw() if taps is None else taps
        start = int(self.rng.integers(*DELAY_SAMPLES))
        omega = self.rng.uniform(-CFO_SPACINGS, CFO_SPACINGS) * 2 * np.pi / n.n_fft
        length = frame.shape[1]
        clean = np.zeros((2, start + length + len(taps) - 1 + TAIL_SAMPLES), np.complex64)
        for delay, gains in enumerate(taps.astype(np.complex64)):
            clean[:, start + delay : start + delay + length] += gains @ frame
        clean *= np.exp(1j * omega * np.arange(clean.shape[1])).astype(np.complex64)
        # the noise of a used carrier is spread over all carriers of a sample
        deviation = np.sqrt(self.noise_var * n.n_fft / n.n_used / 2)
        noise = white_noise(self.rng, clean.shape[1]) * np.float32(deviation)
        return Reception(clean, noise, start, omega, taps, self.noise_var)


def white_noise(rng: np.random.Generator, n_samples: int) -> np.ndarray:
    """complex64 [2, n], variance 1 of real and of imaginary part."""
    return rng.standard_normal((2, n_samples, 2), np.float32).view(np.complex64)[..., 0]


@dataclass(frozen=True, eq=False)
class CarrierFrame:
    """What `frame_llr` needs of a frame: y [n_data, 2, nsym], h_data [n_data, 2, 2] and N0."""

    y: np.ndarray
    h_data: np.ndarray
    noise_var: float


def genie_frame(reception: Reception, nsym: int, noise_db: float = 0.0) -> CarrierFrame:
    """The same frame with true timing, carrier offset, H and N0.

    Args:
        reception: what was received.
        nsym: data symbols.
        noise_db: the noise is made stronger by so much.
    """
    n = NUMEROLOGY
    symbols = symbol_starts(n.header_symbols + nsym, n)[n.header_symbols :]
    starts = reception.start + symbols
    samples = reception.clean + np.float32(10 ** (noise_db / 20)) * reception.noise
    y = carriers(samples, starts, reception.omega, 0, n)[:, n.data_rows]
    y = np.sqrt(TOTAL_POWER) * y.transpose(1, 2, 0)
    h = carrier_channel(reception.taps, n.window_advance)[n.data_rows]
    noise_var = TOTAL_POWER * reception.noise_var * 10 ** (noise_db / 10)
    return CarrierFrame(y.astype(np.complex64), h, noise_var)


def detect(samples: np.ndarray, start: int) -> tuple[int, complex] | None:
    """The trigger of a frame that begins at `start`: the detector's peak and its value P there.

    Triggers before it count for nothing, as in the receiver; None when none is within 330 samples.
    """
    p, metric = _native.detect_training(
        np.ascontiguousarray(samples),
        stf_period().astype(np.complex64),
        cover_products().astype(np.float32),
    )
    above = np.flatnonzero(metric > synchroniser.DETECTOR_THRESHOLD)
    while len(above):
        first = int(above[0])
        peak = first + int(np.abs(p[first : first + synchroniser.PEAK_SAMPLES]).argmax())
        if abs(peak - start) <= FOUND_WITHIN_SAMPLES:
            return peak, complex(p[peak])
        above = above[above >= peak + _RETRY_SAMPLES]
    return None


def random_index(rng: np.random.Generator, nsym: int = NSYM) -> np.ndarray:
    """Table rows uint16 [nsym n_data] of a frame."""
    uses = nsym * NUMEROLOGY.n_data
    return rng.integers(0, 1 << BITS_PER_USE, uses, dtype=np.uint16)


def bits_of(index: np.ndarray) -> np.ndarray:
    """Coded bits uint8 [uses, 4] of table rows, most significant first."""
    return (index[:, None] >> np.arange(BITS_PER_USE - 1, -1, -1)).astype(np.uint8) & 1


def tables_for(precoder: str, h: np.ndarray | None = None, noise_var: float = 1.0) -> np.ndarray:
    """Tables [n, 16, 2] for channels h [n, 2, 2] and N0 in link units; "none": [1, 16, 2] for all."""
    if precoder == "none":
        return plain_tables("qpsk", 2)
    return mimo.transmit_table(h, noise_var, precoder, 2, TOTAL_POWER)


def information(llr: np.ndarray, index: np.ndarray) -> float:
    """Mutual information of LLRs with the bits that were sent, per coded bit."""
    values = llr.reshape(-1, BITS_PER_USE)
    return mimo.gmi_from_llr(values, bits_of(index)) / BITS_PER_USE


def share_row(name: str, hits: int, n_trials: int, target: float | None, condition: str) -> Row:
    """A share in per cent with its 95 % Wilson interval."""
    interval = tuple(100 * bound for bound in wilson_interval(hits, n_trials))
    target = None if target is None else 100 * target
    share = 100 * hits / max(n_trials, 1)
    return Row(name, share, "%", target, True, f"{condition}, {n_trials} frames", interval)


def mean_row(name, values, unit, target, higher, condition) -> Row:
    """A mean with its 95 % interval."""
    values = np.asarray(values, float)
    half = 1.96 * values.std() / np.sqrt(len(values))
    mean = values.mean()
    return Row(name, mean, unit, target, higher, condition, (mean - half, mean + half))
