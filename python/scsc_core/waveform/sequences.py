# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixed sequences of the frame: short and long training fields, cover code, pilots, PN9.

No generator of a numerical library is part of the format: everything follows from the lists here.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .numerology import N_TX, STF_PERIOD_SAMPLES, Numerology

# Bins of a 64-point transform that carry the STF; every fourth, hence a period of 16 samples.
STF_BINS = (-24, -20, -16, -12, -8, -4, 4, 8, 12, 16, 20, 24)
_STF_VALUES = (
    (1, -1), (-1, -1), (-1, -1), (-1, 1), (-1, -1), (-1, 1),
    (-1, -1), (1, -1), (1, 1), (-1, 1), (1, -1), (-1, -1),
)  # fmt: skip
# s_k; the products s_k s_(k+1) sum to +-1 (a tone is not seen) and have no large autocorrelation.
_COVER = "++---++-+--+-+++"
_LTF_64 = "+-----+--+-+-++---+-++---+" + "+++++-++-----+-+---+---+-+"
# Offsets into PN9 of the LTF signs at other sizes: the least peak of the time signal.
_LTF_PN_OFFSET = {128: 388, 256: 443}
PN9_PERIOD = 511


def _signs(text: str) -> np.ndarray:
    return np.array([1.0 if c == "+" else -1.0 for c in text])


@lru_cache(maxsize=1)
def pn9() -> np.ndarray:
    """PN9, uint8 [511]: x^9 + x^5 + 1, nine ones at the start, output of stage 9."""
    register, bits = [1] * 9, []
    for _ in range(PN9_PERIOD):
        bits.append(register[8])
        register = [register[8] ^ register[4]] + register[:8]
    return _read_only(np.array(bits, np.uint8))


@lru_cache(maxsize=1)
def stf_period() -> np.ndarray:
    """One period of the short training field, complex128 [16], unit rms."""
    spectrum = np.zeros(64, complex)
    spectrum[list(STF_BINS)] = [complex(*value) for value in _STF_VALUES]
    period = np.fft.ifft(spectrum)[:STF_PERIOD_SAMPLES]
    return _read_only(period / np.sqrt(np.mean(np.abs(period) ** 2)))


def cover() -> np.ndarray:
    """Signs s_k of the repeats of the STF, float [16]."""
    return _signs(_COVER)


def cover_products() -> np.ndarray:
    """b_k = s_k s_(k+1), float [15]: what the products of neighbouring repeats carry."""
    signs = cover()
    return signs[1:] * signs[:-1]


@lru_cache(maxsize=1)
def short_training() -> np.ndarray:
    """Short training field, complex128 [2, 256], power 1/2 per antenna.

    Antenna 2 sends what antenna 1 sends, turned by half a period: 8 samples later, its last 8 samples
    first. One filter therefore finds both, 8 samples apart.
    """
    first = np.kron(cover(), stf_period()) / np.sqrt(N_TX)
    return _read_only(np.stack([first, np.roll(first, STF_PERIOD_SAMPLES // 2)]))


@lru_cache(maxsize=16)
def ltf_signs(n: Numerology) -> np.ndarray:
    """Signs of the long training symbol on the used carriers, float [n_used]."""
    if n.n_fft == 64:
        return _read_only(_signs(_LTF_64))
    index = np.arange(n.n_used) + _LTF_PN_OFFSET[n.n_fft]
    return _read_only(1.0 - 2.0 * pn9()[index % PN9_PERIOD])


@lru_cache(maxsize=16)
def ltf_symbol(n: Numerology) -> np.ndarray:
    """Long training symbol without prefix, complex128 [n_fft], unit rms."""
    return _read_only(to_time(ltf_signs(n), n))


@lru_cache(maxsize=16)
def long_training(n: Numerology) -> np.ndarray:
    """LTF-A and LTF-B, complex128 [2, 2 ltf_block_samples], power 1/2 per antenna.

    Each block is a guard (the end of the symbol) and the symbol twice; antenna 1 sends (+A, -B),
    antenna 2 (+A, +B).
    """
    symbol = ltf_symbol(n) / np.sqrt(N_TX)
    block = np.concatenate([symbol[n.n_fft - 2 * n.n_cp :], symbol, symbol])
    return _read_only(np.stack([np.concatenate([block, -block]), np.concatenate([block, block])]))


@lru_cache(maxsize=16)
def pilots(n: Numerology, n_symbols: int) -> np.ndarray:
    """Pilots of both antennas, complex128 [n_symbols, n_pilots, 2], total power 1.

    Symbol t counts from the first header symbol, pilot j from the lowest frequency:
    p = 1 - 2 c_((n_pilots t + j) mod 511) of PN9; antenna 1 sends p / sqrt 2, antenna 2
    (-1)^(t + j) p / sqrt 2.
    """
    t, j = np.arange(n_symbols)[:, None], np.arange(n.n_pilots)[None, :]
    first = 1.0 - 2.0 * pn9()[(n.n_pilots * t + j) % PN9_PERIOD]
    second = first * (1.0 - 2.0 * ((t + j) % 2))
    return _read_only(np.stack([first, second], axis=-1).astype(complex) / np.sqrt(N_TX))


def to_time(carriers: np.ndarray, n: Numerology) -> np.ndarray:
    """Time signal of the used carriers, complex128 [..., n_fft] of [..., n_used].

    x = ifft(X) N / sqrt(n_used): unit power on every used carrier gives unit mean power.
    """
    spectrum = np.zeros(np.shape(carriers)[:-1] + (n.n_fft,), complex)
    spectrum[..., n.used] = carriers
    return np.fft.ifft(spectrum) * (n.n_fft / np.sqrt(n.n_used))


def to_carriers(samples: np.ndarray, n: Numerology) -> np.ndarray:
    """Used carriers, complex128 [..., n_used], of FFT windows [..., n_fft]; undoes `to_time`."""
    return np.fft.fft(samples)[..., n.used] * (np.sqrt(n.n_used) / n.n_fft)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
