# SPDX-License-Identifier: GPL-3.0-or-later
"""The 5G NR LDPC transport channel for payloads of any size, with HARQ."""

from __future__ import annotations

from functools import cache

import numpy as np

from .. import _native
from .crc import as_bits
from .decoded import Decoded

# Largest block without CRC24A, TS 38.212 section 6.2.1.
_SHORT_BITS = 3824
_LONG_CRC_BITS = 24
# Largest code block less its own CRC, TS 38.214 section 5.1.3.2, for rates above 1/4 and below.
_BLOCK_DATA_BITS = 8424
_LOW_RATE_BLOCK_DATA_BITS = 3816
_LOW_RATE = 0.25

_BLOCK_CRC_BITS = 24


def legal_size(n_bits: int, rate: float) -> int:
    """Smallest legal transport block size that holds n_bits >= 1 bits at a nominal rate.

    All code blocks of a legal size are equal and hold whole bytes.

    Source: TS 38.214 section 5.1.3.2; channel_coding.md section 3.
    """
    short = max(24, 8 * -(-n_bits // 8))
    if short <= _SHORT_BITS:
        return short
    with_crc = n_bits + _LONG_CRC_BITS
    n_blocks = -(
        -with_crc // (_LOW_RATE_BLOCK_DATA_BITS if rate <= _LOW_RATE else _BLOCK_DATA_BITS)
    )
    return 8 * n_blocks * -(-with_crc // (8 * n_blocks)) - _LONG_CRC_BITS


class NrLdpc:
    """Encoder and decoder of one payload size: CRC, segmentation, LDPC, rate matching, HARQ.

    The payload is filled with zeros to the next legal transport block size; the fill is coded
    but never reported. The largest multiple of n_layers * bits_per_symbol in coded_bits is used,
    the few bits left over are sent as 0 and ignored. Objects are immutable and may be used by
    several threads at once.

    Args:
        payload_bits: A >= 1.
        coded_bits: G >= A, bits on the air of one transmission.
        bits_per_symbol: qm, 1..16, depth of the bit interleaver.
        rate: nominal code rate in (0, 1] of the modulation and coding scheme, chooses the base
            graph; None: A / G. Both ends must use the same.
        n_layers: spatial layers, 1..8; every code block fills whole uses of all layers.
        max_iterations: cap of the decoder, >= 1.
        buffer_limit: Nref, length of the limited circular buffer in bits; 0: the whole buffer.
        normalise: rescale the float LLRs of each code block before quantising so that they are
            consistent (see `consistent_scale`); for receivers whose noise estimate is off by
            more than about 1 dB.
        wide_soft_buffer: soft buffers are int16 instead of int8, and their sums are exact. An
            int8 sum is clipped to +-127 (an LLR of 32) by 3 - 4 strong retransmissions, after
            which one that is strongly wrong, from an interferer say, outweighs all of them.
    Raises:
        ValueError: a size is out of range.
    Attributes:
        block_bits: tuple of E_r, coded bits of each code block in the order in which they lie in G.
        n_blocks: C.  base_graph: 1 or 2.  lifting_size: Z.
        block_payload_bits: payload, fill and CRC24A of one code block, without its own CRC.
        transport_bits: payload with its fill.  soft_bits: N, soft buffer length of one code block.
        decodable: false when a single transmission has fewer bits than the code block holds.
    Source: TS 38.212 sections 5.1 - 5.5; channel_coding.md sections 2 - 7.
    """

    name = "nr_ldpc"

    def __init__(
        self,
        payload_bits: int,
        coded_bits: int,
        bits_per_symbol: int,
        rate: float | None = None,
        n_layers: int = 1,
        max_iterations: int = 12,
        buffer_limit: int = 0,
        normalise: bool = False,
        wide_soft_buffer: bool = False,
    ):
        payload_bits = _integer("payload_bits", payload_bits, 1)
        coded_bits = _integer("coded_bits", coded_bits, 1)
        bits_per_symbol = _integer("bits_per_symbol", bits_per_symbol, 1)
        n_layers = _integer("n_layers", n_layers, 1)
        if coded_bits < payload_bits:
            raise ValueError(
                f"coded_bits must be >= payload_bits = {payload_bits}, got {coded_bits}"
            )
        rate = payload_bits / coded_bits if rate is None else float(rate)
        if not 0.0 < rate <= 1.0:
            raise ValueError(f"rate must be in (0, 1], got {rate}")
        self.payload_bits = payload_bits
        self.coded_bits = coded_bits
        self.bits_per_symbol = bits_per_symbol
        self.rate = rate
        self.normalise = bool(normalise)
        self.wide_soft_buffer = bool(wide_soft_buffer)
        self.transport_bits = legal_size(payload_bits, rate)
        unit = n_layers * bits_per_symbol
        self._native = _native.LdpcTb(
            self.transport_bits,
            coded_bits // unit * unit,
            bits_per_symbol,
            nl=n_layers,
            rate=rate,
            nref=_integer("buffer_limit", buffer_limit, 0),
            max_iter=_integer("max_iterations", max_iterations, 1),
        )
        self.block_bits = tuple(self._native.E)
        self.n_blocks = self._native.C
        self.block_payload_bits = self._native.Kp - (_BLOCK_CRC_BITS if self.n_blocks > 1 else 0)
        self.base_graph = self._native.bg
        self.lifting_size = self._native.Z
        self.soft_bits = self._native.N
        self.decodable = min(self.block_bits) >= self._native.Kp

    def encode(self, bits: np.ndarray, rv: int = 0) -> np.ndarray:
        """Coded bits of a payload [A] -> uint8 [G], or of a batch [F, A] -> uint8 [F, G].

        rv: redundancy version 0..3. Send 0 first, then 2, 3, 1.
        """
        array = as_bits(bits, "bits", (1, 2))
        frames = np.atleast_2d(array)
        _check_columns("bits", array, self.payload_bits)
        if self.transport_bits != self.payload_bits:
            fill = self.transport_bits - self.payload_bits
            frames = np.pad(frames, ((0, 0), (0, fill)))
        coded = self._native.encode(frames, rv)
        if coded.shape[1] != self.coded_bits:
            coded = np.pad(coded, ((0, 0), (0, self.coded_bits - coded.shape[1])))
        return coded.reshape(array.shape[:-1] + (self.coded_bits,))

    def decode(
        self, llr: np.ndarray, rv: int = 0, soft_buffer: np.ndarray | None = None
    ) -> Decoded:
        """Payload from the log-likelihood ratios of one transmission, combined with earlier ones.

        Args:
            llr: [G] or [F, G], log P(0)/P(1), positive means bit 0. float32 (float64 is
                converted; NaN counts as an erasure), or int8 holding round(4 LLR).
            rv: redundancy version that was sent.
            soft_buffer: array from `new_soft_buffer`, updated in place; keep it for the
                retransmissions of the same payload, feed it by one kind of LLR only. None: this
                transmission alone.
        Returns:
            Decoded, with a leading frame axis everywhere if llr has one.
        Raises:
            ValueError: wrong type or shape; the soft buffer is then untouched.
        """
        array = np.asarray(llr)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        if array.dtype not in (np.float32, np.int8):
            raise ValueError(f"llr must be float32, float64 or int8, got {array.dtype}")
        if array.ndim not in (1, 2):
            raise ValueError(f"llr must have 1 or 2 axes, got shape {array.shape}")
        _check_columns("llr", array, self.coded_bits)
        used = sum(self.block_bits)
        frames = np.ascontiguousarray(np.atleast_2d(array)[:, :used])
        if self.normalise and frames.dtype == np.float32:
            frames = self._normalised(frames)
        soft = soft_buffer
        if soft is not None and soft.dtype != self._soft_type:
            raise ValueError(
                f"soft_buffer must be {np.dtype(self._soft_type)} with wide_soft_buffer = "
                f"{self.wide_soft_buffer}, got {soft.dtype}"
            )
        if soft is not None and array.ndim == 1 and soft.ndim == 2:
            soft = soft[None]
        bits, block_ok, ok, iterations = self._native.decode(frames, soft, rv)
        bits = bits[:, : self.payload_bits]
        if array.ndim == 1:
            return Decoded(bits[0], bool(ok[0]), float(iterations[0]), block_ok[0])
        return Decoded(bits, ok, iterations, block_ok)

    def new_soft_buffer(self, n_frames: int | None = None) -> np.ndarray:
        """Empty soft buffer: [C, N], or [F, C, N] for a batch of n_frames; int8, or int16 (wide)."""
        shape = (self.n_blocks, self.soft_bits)
        return np.zeros(shape if n_frames is None else (n_frames, *shape), self._soft_type)

    @property
    def _soft_type(self) -> type:
        return np.int16 if self.wide_soft_buffer else np.int8

    def _normalised(self, frames: np.ndarray) -> np.ndarray:
        frames = frames.copy()
        start = 0
        for length in self.block_bits:
            block = frames[:, start : start + length]
            block *= consistent_scale(block)[:, None]
            start += length
        return frames


def consistent_scale(llr: np.ndarray) -> np.ndarray:
    """Factor per row that makes LLRs of a wrong noise variance consistent again.

    Consistent Gaussian LLRs are +-N(m, 2 m). The ratio (E|x|)^2 / E x^2 of the row does not depend
    on its scale and gives m from a table; the factor is sqrt((m^2 + 2 m) / E x^2). Exact for BPSK
    and QPSK over AWGN, approximate elsewhere. Rows without energy get 1.

    Args:
        llr: float32 [n, k], NaN and infinity are left out.
    Returns:
        float32 [n], limited to 1/16 .. 16.
    Source: ours.
    """
    finite = np.where(np.isfinite(llr), llr, 0.0).astype(np.float64)
    power = np.mean(finite**2, axis=1)
    ratio = np.mean(np.abs(finite), axis=1) ** 2 / np.maximum(power, 1e-30)
    mean = np.interp(ratio, *_ratio_table())
    scale = np.sqrt((mean**2 + 2 * mean) / np.maximum(power, 1e-30))
    return np.where(power > 0, np.clip(scale, 1 / 16, 16), 1.0).astype(np.float32)


@cache
def _ratio_table() -> tuple[np.ndarray, np.ndarray]:
    """(E|x|)^2 / E x^2 of x ~ N(m, 2 m) for a range of m; it rises with m from 2/pi to 1."""
    mean = np.geomspace(1e-3, 300.0, 200)
    x = np.linspace(-8.0, 8.0, 4001)
    weight = np.exp(-(x**2) / 2)
    weight /= weight.sum()
    absolute = np.abs(mean[:, None] + np.sqrt(2 * mean)[:, None] * x) @ weight
    return absolute**2 / (mean**2 + 2 * mean), mean


def _integer(name: str, value: int, lowest: int) -> int:
    if isinstance(value, bool) or int(value) != value or value < lowest:
        raise ValueError(f"{name} must be an integer >= {lowest}, got {value!r}")
    return int(value)


def _check_columns(name: str, array: np.ndarray, n_columns: int) -> None:
    if array.shape[-1] != n_columns or array.shape[0] == 0:
        raise ValueError(f"{name} must have {n_columns} values per frame, got shape {array.shape}")
