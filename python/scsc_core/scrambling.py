# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrambling and bit interleaving of coded bits, and their inverses on log-likelihood ratios.

Coded bits f [G] of all code blocks -> f ^ c (Gold sequence) -> a permutation inside every code block,
so that each codeword visits every bit position of the transmit table.
"""

from functools import lru_cache

import numpy as np

from . import _native

_OFFSET = 1600  # Nc of TS 38.211 5.2.1: the first values of the two m-sequences are not used
INTERLEAVERS = ("shuffle", "nr")


def _m_sequence(start: int, taps: tuple[int, ...], length: int) -> np.ndarray:
    """x(n + 31) = sum of x(n + tap) over GF(2), from the 31 bits of `start`, least significant first.

    Squaring the recursion doubles every index, x(n + 31 j) = sum x(n + tap j) for j = 1, 2, 4 ..., so
    each step can append as many values as are known, less the longest tap.
    """
    x = np.empty(length + 31, np.uint8)
    x[:31] = (start >> np.arange(31)) & 1
    known, j = 31, 1
    while known < length:
        while 62 * j <= known:
            j *= 2
        count = min((31 - max(taps)) * j, len(x) - known)
        base = known - 31 * j
        x[known : known + count] = np.bitwise_xor.reduce(
            [x[base + tap * j : base + tap * j + count] for tap in taps]
        )
        known += count
    return x[:length]


@lru_cache(maxsize=8)
def _gold_sequence(c_init: int, length: int) -> np.ndarray:
    total = length + _OFFSET
    c = _m_sequence(1, (0, 3), total) ^ _m_sequence(c_init, (0, 1, 2, 3), total)
    c = c[_OFFSET:]
    c.flags.writeable = False
    return c


def gold_sequence(c_init: int, length: int) -> np.ndarray:
    """Length-31 Gold sequence c(n), n < length, as uint8 of 0 and 1.

    Args:
        c_init: start value of the second m-sequence, 0 <= c_init < 2**31.
        length: number of values, >= 0.
    Source: TS 38.211 clause 5.2.1.
    """
    if not 0 <= c_init < 1 << 31:
        raise ValueError(f"c_init must be in 0..2147483647, got {c_init}")
    if length < 0:
        raise ValueError(f"length must be >= 0, got {length}")
    return _gold_sequence(c_init, 1 << max(int(length) - 1, 1).bit_length())[:length]


@lru_cache(maxsize=64)
def permutation(block_bits: int) -> np.ndarray:
    """int32 [block_bits]: out[i] = in[perm[i]] of the default interleaver, a shuffle seeded by its length."""
    perm = _native.shuffle_permutation(block_bits)
    perm.flags.writeable = False
    return perm


class BitScrambler:
    """Scrambling and interleaving of one transmission, both ways.

    out[i] = (f ^ c)[perm[i]] inside every code block; the inverse works on LLRs, whose sign a
    scrambling bit of 1 turns.

    Args:
        n_rnti, n_id: identities of TS 38.211 6.3.1.1, c_init = n_rnti 2**15 + n_id.
        interleaver: "shuffle", or "nr" for none beyond the rate matcher's own.
    Source: link.md section 4.1; TS 38.211 clauses 5.2.1 and 6.3.1.1.
    """

    def __init__(self, n_rnti: int = 1, n_id: int = 0, interleaver: str = "shuffle"):
        if not 0 <= n_rnti < 1 << 16:
            raise ValueError(f"n_rnti must be in 0..65535, got {n_rnti}")
        if not 0 <= n_id < 1024:
            raise ValueError(f"n_id must be in 0..1023, got {n_id}")
        if interleaver not in INTERLEAVERS:
            raise ValueError(
                f"interleaver must be one of {', '.join(INTERLEAVERS)}, got {interleaver}"
            )
        self._c_init = (n_rnti << 15) + n_id
        self._shuffle = interleaver == "shuffle"

    def scramble(self, bits: np.ndarray, block_bits: tuple[int, ...], n_uses_bits: int):
        """Coded bits uint8 [G] -> the uint8 [n_uses_bits] bits that select table rows.

        A last channel use that G does not fill takes the next values of the sequence.
        """
        _check_blocks(block_bits, len(bits))
        if n_uses_bits < len(bits):
            raise ValueError(f"n_uses_bits must be at least {len(bits)}, got {n_uses_bits}")
        c = gold_sequence(self._c_init, n_uses_bits)
        scrambled = bits ^ c[: len(bits)]
        out = np.concatenate([scrambled, c[len(bits) :]])
        if self._shuffle:
            for start, stop, perm in _blocks(block_bits):
                out[start:stop] = scrambled[start:stop][perm]
        return out

    def descramble(self, llr: np.ndarray, block_bits: tuple[int, ...], coded_bits: int):
        """LLRs float32 [>= coded_bits] in order of transmission -> float32 [coded_bits] of the coded bits."""
        _check_blocks(block_bits, coded_bits)
        if len(llr) < coded_bits:
            raise ValueError(f"llr must hold at least {coded_bits} values, got {len(llr)}")
        out = llr[:coded_bits].copy()
        if self._shuffle:
            for start, stop, perm in _blocks(block_bits):
                out[start:stop][perm] = llr[start:stop]
        out *= 1 - 2 * gold_sequence(self._c_init, coded_bits).astype(np.float32)
        return out


def _check_blocks(block_bits: tuple[int, ...], n_bits: int) -> None:
    if sum(block_bits) != n_bits:
        raise ValueError(f"block_bits must sum to the {n_bits} coded bits, got {sum(block_bits)}")


def _blocks(block_bits):
    start = 0
    for size in block_bits:
        yield start, start + size, permutation(size)
        start += size
