# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames in samples: a few taps, offsets of carrier and sampling clock, noise."""

import numpy as np

from scsc_core import mimo
from scsc_core.waveform.header import FrameHeader
from scsc_core.waveform.modulator import Modulator
from scsc_core.waveform.numerology import Numerology

TABLE = mimo.product_alphabet(2, 2)[0].copy()  # two streams of QPSK, four bits
TABLE *= np.sqrt(2 / np.mean((np.abs(TABLE) ** 2).sum(1)))


def normal(rng, *shape) -> np.ndarray:
    """CN(0, 1)."""
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)


def data_frame(rng, n: Numerology, nsym: int, **fields) -> tuple[np.ndarray, np.ndarray]:
    """Samples complex64 [2, n] of a data frame with random rows of TABLE, and the rows' numbers."""
    index = rng.integers(0, len(TABLE), nsym * n.n_data).astype(np.uint16)
    header = FrameHeader(nsym=nsym, **fields)
    return Modulator(n).modulate(header, index, TABLE[None]), index


def bits_of(index) -> np.ndarray:
    """Bits that chose rows of TABLE, most significant first."""
    return (np.asarray(index)[:, None] >> np.arange(3, -1, -1) & 1).reshape(-1)


def taps(rng, rms_samples: float) -> np.ndarray:
    """Impulse responses [taps, 2, 2] with an exponential profile of total power 1 per pair."""
    count = int(5 * rms_samples) + 1
    power = np.exp(-np.arange(count) / max(rms_samples, 1e-9))
    return normal(rng, count, 2, 2) * np.sqrt(power / power.sum())[:, None, None]


def through(x: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Samples after the taps, [2, n + taps - 1]."""
    y = np.zeros((2, x.shape[1] + len(gains) - 1), complex)
    for delay, gain in enumerate(gains):
        y[:, delay : delay + x.shape[1]] += gain @ x
    return y


def resample(x: np.ndarray, ppm: float) -> np.ndarray:
    """Sample t as it is at time t (1 + ppm 1e-6); the shift is held over 64 samples."""
    size = 1 << (x.shape[1] - 1).bit_length()
    frequency, spectrum = np.fft.fftfreq(size), np.fft.fft(x, size)
    out = np.empty(x.shape, complex)
    for first in range(0, x.shape[1], 64):
        shift = (first + 32) * ppm * 1e-6
        moved = np.fft.ifft(spectrum * np.exp(2j * np.pi * frequency * shift))
        part = slice(first, min(first + 64, x.shape[1]))
        out[:, part] = moved[:, part]
    return out


def received(
    rng,
    x: np.ndarray,
    n: Numerology,
    snr_db: float = 20.0,
    cfo: float = 0.0,
    gains: np.ndarray | None = None,
    before: int = 700,
    after: int = 700,
) -> np.ndarray:
    """Stream complex64 [2, m] of both antennas.

    Args:
        snr_db: total transmit power x E|h|^2 over the noise of a carrier.
        cfo: in carrier spacings.
        gains: [taps, 2, 2]; None draws a flat channel.
        before, after: samples of noise alone.
    """
    y = through(x, taps(rng, 0.0) if gains is None else gains)
    y = np.pad(y, ((0, 0), (before, after)))
    y *= np.exp(2j * np.pi * cfo / n.n_fft * np.arange(y.shape[1]))
    return with_noise(rng, y, snr_db, n)


def with_noise(rng, y: np.ndarray, snr_db: float, n: Numerology) -> np.ndarray:
    """y and noise, complex64."""
    variance = 10 ** (-snr_db / 10) * n.n_fft / n.n_used
    return (y + normal(rng, *y.shape) * np.sqrt(variance)).astype(np.complex64)
