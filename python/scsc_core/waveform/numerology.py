# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of an OFDM frame: carriers, cyclic prefix, parts of the frame in samples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

N_TX = N_RX = 2
TOTAL_POWER = 2.0  # Ptot of link units: mean energy of a table's rows
# The short training field is the same at every FFT size, and so is the detector.
STF_PERIOD_SAMPLES = 16
STF_REPEATS = 16
STF_SAMPLES = STF_PERIOD_SAMPLES * STF_REPEATS
# Data carriers that a header fills, whatever the number of symbols they are spread over.
HEADER_CARRIERS = 384
_PILOTS = {64: (7, 21), 128: (7, 21, 35, 49), 256: (6, 19, 32, 45, 58, 71, 84, 97)}
# The drift of the sampling clock within a frame bounds its data part: 100 symbols of the 64-point one.
_MAX_DATA_SAMPLES = 8000


@dataclass(frozen=True)
class Numerology:
    """One OFDM numerology: N-point FFT, cyclic prefix, used carriers -26 N/64 .. 26 N/64 without 0.

    Args:
        n_fft: FFT size N, 64, 128 or 256.
        n_cp: cyclic prefix in samples, a multiple of 4, N/16 .. N/2.
    Raises:
        ValueError: a size is out of range.
    Note:
        The channel must fit into n_cp - n_cp/4 samples: a quarter of the prefix is kept in front of
        the first path.
    Source: waveform.md section 2; 128 and 256 points ours.
    """

    n_fft: int = 64
    n_cp: int = 16

    def __post_init__(self) -> None:
        if self.n_fft not in _PILOTS:
            raise ValueError(
                f"n_fft must be one of {', '.join(map(str, _PILOTS))}, got {self.n_fft}"
            )
        if self.n_cp % 4 or not self.n_fft // 16 <= self.n_cp <= self.n_fft // 2:
            raise ValueError(
                f"n_cp must be a multiple of 4 in {self.n_fft // 16}..{self.n_fft // 2} for "
                f"n_fft {self.n_fft}, got {self.n_cp}"
            )

    @property
    def name(self) -> str:
        """The name that `numerology` takes."""
        plain = self.n_cp == self.n_fft // 4
        return f"{self.n_fft}" if plain else f"{self.n_fft}-cp{self.n_cp}"

    @cached_property
    def used(self) -> np.ndarray:
        """Used carriers, int32 [n_used], ascending frequency, 0 and the guards left out."""
        half = 13 * self.n_fft // 32
        return np.concatenate([np.arange(-half, 0), np.arange(1, half + 1)]).astype(np.int32)

    @cached_property
    def pilots(self) -> np.ndarray:
        """Pilot carriers, int32 [n_pilots], ascending."""
        positive = np.array(_PILOTS[self.n_fft], np.int32)
        return np.concatenate([-positive[::-1], positive])

    @cached_property
    def data(self) -> np.ndarray:
        """Data carriers, int32 [n_data], ascending; d = 0 .. n_data - 1 counts them."""
        return np.setdiff1d(self.used, self.pilots)

    @cached_property
    def pilot_rows(self) -> np.ndarray:
        """Positions of the pilots among the used carriers, int32 [n_pilots]."""
        return np.searchsorted(self.used, self.pilots).astype(np.int32)

    @cached_property
    def data_rows(self) -> np.ndarray:
        """Positions of the data carriers among the used carriers, int32 [n_data]."""
        return np.searchsorted(self.used, self.data).astype(np.int32)

    @cached_property
    def used_rows(self) -> np.ndarray:
        """Positions of all used carriers, int32 [n_used]: 0 .. n_used - 1."""
        return np.arange(self.n_used, dtype=np.int32)

    @cached_property
    def bins(self) -> np.ndarray:
        """Places of the used carriers in a transform, int32 [n_used], 0 .. n_fft - 1."""
        return self.used % np.int32(self.n_fft)

    @property
    def n_used(self) -> int:
        """Used carriers: 52, 104 or 208."""
        return 13 * self.n_fft // 16

    @property
    def n_pilots(self) -> int:
        """Pilots of a symbol: 4, 8 or 16."""
        return self.n_fft // 16

    @property
    def n_data(self) -> int:
        """Data carriers: 48, 96 or 192."""
        return self.n_used - self.n_pilots

    @property
    def symbol_samples(self) -> int:
        """Samples of one OFDM symbol with its prefix."""
        return self.n_fft + self.n_cp

    @property
    def header_symbols(self) -> int:
        """OFDM symbols of the header: 8, 4 or 2."""
        return HEADER_CARRIERS // self.n_data

    @property
    def ltf_block_samples(self) -> int:
        """Samples of LTF-A and of LTF-B: a guard of two prefixes and twice the symbol."""
        return 2 * self.symbol_samples

    @property
    def preamble_samples(self) -> int:
        """Samples in front of the header."""
        return STF_SAMPLES + 2 * self.ltf_block_samples

    @property
    def overhead_samples(self) -> int:
        """Samples in front of the data: the length of a sounding frame."""
        return self.preamble_samples + self.header_symbols * self.symbol_samples

    @property
    def window_advance(self) -> int:
        """Samples by which FFT windows begin before the first path."""
        return self.n_cp // 4

    @property
    def max_nsym(self) -> int:
        """Data symbols that a frame may have: 100, 50 or 25 with the default prefix."""
        return min(127, _MAX_DATA_SAMPLES // self.symbol_samples)

    def frame_samples(self, nsym: int) -> int:
        """Samples of a frame with nsym data symbols."""
        return self.overhead_samples + nsym * self.symbol_samples

    def data_share(self, nsym: int) -> float:
        """Part of a frame's samples that lies in data symbols."""
        return nsym * self.symbol_samples / self.frame_samples(nsym)


@lru_cache(maxsize=16)
def numerology(name: str = "64") -> Numerology:
    """The numerology of a name: "64", "128", "256" (prefix of a quarter), or "64-cp8" and the like.

    Raises:
        ValueError: not such a name, or sizes that `Numerology` refuses.
    """
    match = re.fullmatch(r"(\d{1,4})(?:-cp(\d{1,4}))?", str(name))
    if match is None:
        raise ValueError(f'numerology must be a name such as "64" or "128-cp16", got {name!r}')
    n_fft = int(match[1])
    return Numerology(n_fft, int(match[2]) if match[2] else n_fft // 4)
