# SPDX-License-Identifier: GPL-3.0-or-later
"""NR polar code (uplink control flavour) with CRC-aided list decoding, for payloads of any size."""

from __future__ import annotations

import numpy as np

from .. import _native
from .segmented import CRC_BITS, SegmentedCode, block_size, checked_sizes

# Longest block that has an own CRC11; two of them reach the rates of a mother code of 1024 bits.
_MAX_BLOCK_BITS = 500
_BLOCK_CRC_BITS = 11
# Largest E_r that the native code takes (TS 38.212 section 5.4.1: rate matching output).
_MAX_BLOCK_CODED_BITS = 8192
_LIST_SIZES = (1, 2, 4, 8)


class Polar(SegmentedCode):
    """Encoder and decoder of one payload size: CRC24A, blocks of at most 500 bits with CRC11, polar.

    Mother codes of 32 to 1024 bits, sub-block interleaver, puncturing, shortening or repetition, and
    the triangular interleaver of TS 38.212; successive cancellation list decoder. A code for short
    payloads: LDPC of 8448 bits needs about 1 dB less. Objects are immutable and may be used by several
    threads at once.

    Args:
        payload_bits: A >= 1.
        coded_bits: G, bits on the air; the error names the limits for A and bits_per_symbol.
        bits_per_symbol: qm >= 1; every block fills whole symbols.
        rate: accepted for the common interface of the codes, not used: A and G decide.
        list_size: 1 (plain successive cancellation), 2, 4 or 8 paths.
    Raises:
        ValueError: a size is out of range.
    Attributes:
        block_bits: tuple of E_r, coded bits of each code block in the order in which they lie in G.
        n_blocks: C.  block_payload_bits: payload, CRC24A and fill of one block, without CRC11.
        decodable: true; sizes that cannot be decoded are refused.
    Source: TS 38.212 sections 5.3.1.2 and 5.4.1; channel_coding.md section 9; segmentation ours.
    """

    name = "polar"

    def __init__(
        self,
        payload_bits: int,
        coded_bits: int,
        bits_per_symbol: int,
        rate: float | None = None,
        list_size: int = 8,
    ):
        payload_bits, coded_bits, bits_per_symbol = checked_sizes(
            payload_bits, coded_bits, bits_per_symbol
        )
        if list_size not in _LIST_SIZES:
            raise ValueError(f"list_size must be one of {_LIST_SIZES}, got {list_size!r}")
        n_blocks = -(-(payload_bits + CRC_BITS) // _MAX_BLOCK_BITS)
        low, high = _coded_limits(payload_bits, bits_per_symbol, n_blocks)
        if not low <= coded_bits <= high:
            raise ValueError(
                f"coded_bits must be {low}..{high} for {payload_bits} payload bits and "
                f"{bits_per_symbol} bits per symbol, got {coded_bits}"
            )
        super().__init__(payload_bits, coded_bits, bits_per_symbol, n_blocks)
        self.list_size = list_size

    def _encode_blocks(self, blocks, n_coded):
        return _native.polar_encode(blocks, n_coded)

    def _decode_blocks(self, llr):
        bits, ok = _native.polar_decode(llr, self.block_payload_bits, self.list_size)
        return bits, ok, np.zeros(len(ok), np.float32)


def _coded_limits(payload_bits: int, bits_per_symbol: int, n_blocks: int) -> tuple[int, int]:
    """Smallest and largest G that give every block a legal E_r."""
    least = block_size(payload_bits, n_blocks) + _BLOCK_CRC_BITS
    low = n_blocks * -(-least // bits_per_symbol) * bits_per_symbol
    high = n_blocks * (_MAX_BLOCK_CODED_BITS // bits_per_symbol) * bits_per_symbol
    return low, high + bits_per_symbol - 1
