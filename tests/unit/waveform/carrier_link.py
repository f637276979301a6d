# SPDX-License-Identifier: GPL-3.0-or-later
"""A channel that works on data carriers, and a schedule that loses, repeats and delays frames."""

from dataclasses import dataclass

import numpy as np

from scsc_core.waveform.numerology import Numerology


class Clock:
    """A clock that tests set by hand."""

    def __init__(self, now: float = 100.0):
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, eq=False)
class CarrierFrame:
    """What OfdmReceiver gives of a frame, with the true channel in place of an estimate."""

    header: object
    y: np.ndarray
    h: np.ndarray
    h_data: np.ndarray
    noise_var: float
    snr_db: float


class CarrierChannel:
    """y = H_d z + n on every data carrier, H from a few delay taps.

    Args:
        numerology: Numerology.
        snr_db: Pz / N0.
        rms: of the exponential delay profile in samples; 0 is a flat channel.
        seed: of taps and noise.
    """

    def __init__(self, numerology: Numerology, snr_db: float, rms: float = 1.0, seed: int = 1):
        self.numerology = numerology
        self.noise_var = 10 ** (-snr_db / 10)
        self.snr_db = snr_db
        self._rms = rms
        self._rng = np.random.default_rng(seed)
        self.new_channel()

    def new_channel(self) -> None:
        """Draw another channel."""
        taps = np.arange(8)
        power = np.exp(-taps / self._rms) if self._rms else (taps == 0).astype(float)
        gains = self._normal(2, 2, 8) * np.sqrt(power / power.sum())
        used = np.asarray(self.numerology.used)
        ramp = np.exp(-2j * np.pi * np.outer(used, taps + 4) / self.numerology.n_fft)
        self.h = np.einsum("abt,kt->kab", gains, ramp)

    def carry(self, frame) -> CarrierFrame:
        """The received frame of an OutgoingFrame."""
        n = self.numerology
        h_data = self.h[np.searchsorted(n.used, n.data)]
        y = np.zeros((n.n_data, 2, 0), np.complex64)
        if frame.index is not None:
            tables = np.broadcast_to(frame.tables, (n.n_data, *frame.tables.shape[1:]))
            index = frame.index.reshape(-1, n.n_data).T
            z = np.take_along_axis(tables, index[:, :, None].astype(int), axis=1)
            noise = self._normal(n.n_data, 2, index.shape[1]) * np.sqrt(self.noise_var)
            y = (h_data @ z.swapaxes(1, 2) + noise).astype(np.complex64)
        return CarrierFrame(frame.header, y, self.h, h_data, self.noise_var, self.snr_db)

    def _normal(self, *shape) -> np.ndarray:
        parts = self._rng.normal(size=(2, *shape)) / np.sqrt(2)
        return parts[0] + 1j * parts[1]


class Schedule:
    """Items that arrive, with losses, duplicates and delays of whole items, from a seed."""

    def __init__(self, lost=0.0, duplicated=0.0, delayed=0.0, max_delay=3, seed=1):
        self._lost, self._duplicated, self._delayed = lost, duplicated, delayed
        self._max_delay = max_delay
        self._rng = np.random.default_rng(seed)
        self._waiting: list[tuple[int, object]] = []
        self._count = 0

    def pass_on(self, item) -> list:
        """What arrives when one item is sent."""
        self._count += 1
        copies = 1 + int(self._rng.random() < self._duplicated)
        copies *= int(self._rng.random() >= self._lost)
        for _ in range(copies):
            late = self._rng.random() < self._delayed
            delay = int(self._rng.integers(1, self._max_delay + 1)) if late else 0
            self._waiting.append((self._count + delay, item))
        ready = [entry for entry in self._waiting if entry[0] <= self._count]
        self._waiting = [entry for entry in self._waiting if entry[0] > self._count]
        return [item for _, item in ready]
