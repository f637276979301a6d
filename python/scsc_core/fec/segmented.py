# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads of any size over a code of short blocks: CRC24A, equal blocks, zero fill."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from .. import _native
from .crc import as_bits
from .decoded import Decoded

CRC_BITS = 24


class SegmentedCode(ABC):
    """What `Polar` and `Gallager` share: the framing of a payload into code blocks.

    The payload of A bits and its CRC24A are cut into C blocks of the same size, the last filled with
    zeros (coded, never reported). Block r gets E_r coded bits: G is cut to a multiple of
    bits_per_symbol and shared out in whole symbols, larger shares last; the few bits left over are sent
    as 0 and ignored. The framing is ours, not NR's.

    Args:
        payload_bits, coded_bits, bits_per_symbol: A, G, qm, checked by `checked_sizes`.
        n_blocks: C >= 1.
    """

    def __init__(self, payload_bits: int, coded_bits: int, bits_per_symbol: int, n_blocks: int):
        self.payload_bits = payload_bits
        self.coded_bits = coded_bits
        self.bits_per_symbol = bits_per_symbol
        self.n_blocks = n_blocks
        self.block_payload_bits = block_size(payload_bits, n_blocks)
        self.block_bits = split_evenly(coded_bits, bits_per_symbol, n_blocks)
        self.decodable = True

    @abstractmethod
    def _encode_blocks(self, blocks: np.ndarray, n_coded: int) -> np.ndarray:
        """uint8 [n, block_payload_bits] -> uint8 [n, n_coded]."""

    @abstractmethod
    def _decode_blocks(self, llr: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """float32 [n, E_r] -> bits [n, block_payload_bits], ok [n], iterations [n]."""

    def encode(self, bits: np.ndarray, rv: int = 0) -> np.ndarray:
        """Coded bits of a payload [A] -> uint8 [G], or of a batch [F, A] -> uint8 [F, G].

        Raises:
            ValueError: wrong type, shape or values; rv other than 0 (there is one version only).
        """
        _check_version(rv)
        array = as_bits(bits, "bits", (1, 2))
        if array.shape[-1] != self.payload_bits:
            raise ValueError(f"bits must have {self.payload_bits} columns, got {array.shape[-1]}")
        if array.size and array.max() > 1:
            raise ValueError(f"bits must be 0 or 1, got {array.max()}")
        frames = np.atleast_2d(array)
        blocks = np.zeros((len(frames), self.n_blocks * self.block_payload_bits), np.uint8)
        blocks[:, : self.payload_bits] = frames
        for frame, block in zip(frames, blocks):
            block[self.payload_bits : self.payload_bits + CRC_BITS] = _native.crc("24a", frame)
        blocks = blocks.reshape(len(frames), self.n_blocks, self.block_payload_bits)
        coded = np.zeros((len(frames), self.coded_bits), np.uint8)
        for first, last, start, size in self._groups():
            part = np.ascontiguousarray(blocks[:, first:last])
            rows = self._encode_blocks(part.reshape(-1, self.block_payload_bits), size)
            stop = start + (last - first) * size
            coded[:, start:stop] = rows.reshape(len(frames), -1)
        return coded.reshape(array.shape[:-1] + (self.coded_bits,))

    def decode(
        self, llr: np.ndarray, rv: int = 0, soft_buffer: np.ndarray | None = None
    ) -> Decoded:
        """Payload from log-likelihood ratios, positive means 0.

        Args:
            llr: [G] or [F, G]; float32 (float64 is converted; NaN counts as an erasure), or int8
                holding round(4 LLR).
            rv: 0, the only version.
            soft_buffer: float32 of llr's shape from `new_soft_buffer`; the LLRs are added to it and
                the sum is decoded (chase combining of repeated transmissions). None: no memory.
        Returns:
            Decoded, with a leading frame axis everywhere if llr has one. `ok` needs every block and
            the CRC24A.
        Raises:
            ValueError: wrong type or shape, rv other than 0; the soft buffer is then untouched.
        """
        _check_version(rv)
        values = np.atleast_2d(self._combined(llr, soft_buffer))
        n_frames = len(values)
        bits = np.empty((n_frames, self.n_blocks, self.block_payload_bits), np.uint8)
        block_ok = np.empty((n_frames, self.n_blocks), bool)
        iterations = np.empty((n_frames, self.n_blocks), np.float32)
        for first, last, start, size in self._groups():
            part = values[:, start : start + (last - first) * size]
            rows, row_ok, row_iterations = self._decode_blocks(
                np.ascontiguousarray(part).reshape(-1, size)
            )
            shape = (n_frames, last - first)
            bits[:, first:last] = rows.reshape(shape + (self.block_payload_bits,))
            block_ok[:, first:last] = row_ok.reshape(shape)
            iterations[:, first:last] = row_iterations.reshape(shape)
        words = bits.reshape(n_frames, -1)[:, : self.payload_bits + CRC_BITS]
        passed = [not _native.crc("24a", np.ascontiguousarray(word)).any() for word in words]
        ok = np.array(passed, bool) & block_ok.all(axis=1)
        payload = np.ascontiguousarray(words[:, : self.payload_bits])
        mean = iterations.mean(axis=1)
        if np.ndim(llr) == 1:
            return Decoded(payload[0], bool(ok[0]), float(mean[0]), block_ok[0])
        return Decoded(payload, ok, mean, block_ok)

    def new_soft_buffer(self, n_frames: int | None = None) -> np.ndarray:
        """Empty soft buffer: float32 [G], or [F, G] for a batch of n_frames."""
        shape = (self.coded_bits,) if n_frames is None else (n_frames, self.coded_bits)
        return np.zeros(shape, np.float32)

    def _combined(self, llr: np.ndarray, soft_buffer: np.ndarray | None) -> np.ndarray:
        array = np.asarray(llr)
        if array.dtype not in (np.float32, np.float64, np.int8):
            raise ValueError(f"llr must be float32, float64 or int8, got {array.dtype}")
        if array.ndim not in (1, 2) or array.shape[-1] != self.coded_bits:
            raise ValueError(
                f"llr must have shape [{self.coded_bits}] or [F, {self.coded_bits}], "
                f"got {list(array.shape)}"
            )
        scale = 0.25 if array.dtype == np.int8 else 1.0
        values = array.astype(np.float32) * np.float32(scale)
        if soft_buffer is None:
            return values
        if not isinstance(soft_buffer, np.ndarray) or soft_buffer.dtype != np.float32:
            raise ValueError("soft_buffer must be a float32 array from new_soft_buffer")
        if soft_buffer.shape != values.shape:
            raise ValueError(
                f"soft_buffer must have llr's shape {list(values.shape)}, "
                f"got {list(soft_buffer.shape)}"
            )
        soft_buffer += np.where(np.isnan(values), np.float32(0), values)
        return soft_buffer

    def _groups(self):
        """Runs of blocks of equal E_r: (first block, end block, first coded bit, E_r)."""
        first, start = 0, 0
        while first < self.n_blocks:
            size = self.block_bits[first]
            last = first + self.block_bits[first:].count(size)
            yield first, last, start, size
            start += (last - first) * size
            first = last


def checked_sizes(payload_bits: int, coded_bits: int, bits_per_symbol: int) -> tuple[int, int, int]:
    """The three sizes as int; ValueError when one is no integer or below 1."""
    sizes = {
        "payload_bits": payload_bits,
        "coded_bits": coded_bits,
        "bits_per_symbol": bits_per_symbol,
    }
    for name, value in sizes.items():
        is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not is_integer or value < 1:
            raise ValueError(f"{name} must be an integer >= 1, got {value!r}")
    return tuple(int(value) for value in sizes.values())


def block_size(payload_bits: int, n_blocks: int) -> int:
    """Bits of each of n_blocks equal blocks that hold the payload and its CRC24A."""
    return -(-(payload_bits + CRC_BITS) // n_blocks)


def split_evenly(coded_bits: int, bits_per_symbol: int, n_blocks: int) -> tuple[int, ...]:
    """E_r of each block in whole symbols, smaller shares first (as TS 38.212 section 5.4.2.1)."""
    share, rest = divmod(coded_bits // bits_per_symbol, n_blocks)
    return tuple(bits_per_symbol * (share + (r >= n_blocks - rest)) for r in range(n_blocks))


def _check_version(rv: int) -> None:
    if rv != 0:
        raise ValueError(f"rv must be 0, this code has one redundancy version only, got {rv!r}")
