# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular Gallager codes (pyldpc's construction) and user-defined parity-check matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import _native
from .parity_check import code_of_matrix, gallager_code, read_matrix
from .segmented import CRC_BITS, SegmentedCode, checked_sizes

# Coded bits per block that we aim at: the matrix is built in half a second, once per size.
_AIM_BLOCK_BITS = 1008
# d_c = 30 gives rate .9 at d_v = 3; beyond, the codes are too weak to be of use.
_MAX_CHECK_WEIGHT = 30
# Mother rates below 1/4 gain little over repetition.
_MAX_PARITY_PER_BIT = 3
_KNOWN_ZERO = np.float32(127 / 4)


class Gallager(SegmentedCode):
    """Encoder and decoder of one payload size over a regular or a user-defined LDPC code.

    Without `h`, blocks of about 1008 coded bits: the parity of a block is what is left of E_r after its
    information bits (at most three per bit), d_c the smallest weight that holds the information bits.
    Information bits that the code has and the block does not need are zeros that are not sent
    (shortening); coded bits beyond the code word repeat it from its start. With `h`, blocks of its k
    information bits, shortened and repeated in the same way. Decoded by layered min-sum.

    Args:
        payload_bits: A >= 1.
        coded_bits: G, bits on the air; the error names the least per block.
        bits_per_symbol: qm >= 1; every block fills whole symbols.
        rate: accepted for the common interface of the codes, not used: A and G decide.
        d_v: checks per bit, 3..8, without `h`.
        d_c: bits per check, d_v + 1..30; None: chosen from A and G.
        seed: of the construction, 0..2^32 - 1.
        h: [m, n] matrix of 0 and 1 (dense or scipy), or the path of an .alist, .npy or .npz file;
            2..256 ones per row. Needs no pyldpc.
        max_iterations: cap of the decoder, 1..1000.
    Raises:
        ValueError: a size or the matrix is out of range.
        ModuleNotFoundError: pyldpc is missing and `h` is None.
    Attributes:
        block_bits: tuple of E_r, coded bits of each code block in the order in which they lie in G.
        n_blocks: C.  block_payload_bits: payload, CRC24A and fill of one block.
        code: the ParityCheckCode of every block.  decodable: true.
    Note: far from NR LDPC in performance and speed; for teaching, comparison and own matrices.
    Source: Gallager 1962; channel_coding.md section 10; segmentation and shortening ours.
    """

    name = "gallager"

    def __init__(
        self,
        payload_bits: int,
        coded_bits: int,
        bits_per_symbol: int,
        rate: float | None = None,
        d_v: int = 3,
        d_c: int | None = None,
        seed: int = 0,
        h: np.ndarray | str | Path | None = None,
        max_iterations: int = 20,
    ):
        payload_bits, coded_bits, bits_per_symbol = checked_sizes(
            payload_bits, coded_bits, bits_per_symbol
        )
        _check_integer("max_iterations", max_iterations, 1, 1000)
        _check_integer("d_v", d_v, 3, 8)
        _check_integer("seed", seed, 0, 2**32 - 1)
        if d_c is not None:
            _check_integer("d_c", d_c, d_v + 1, _MAX_CHECK_WEIGHT)
        if h is None:
            n_blocks = -(-coded_bits // _AIM_BLOCK_BITS)
            # Very low rates: more blocks would only make them short; repetition fills the rest.
            n_blocks = min(n_blocks, max(1, (payload_bits + CRC_BITS) // (_AIM_BLOCK_BITS // 4)))
        else:
            code = code_of_matrix(read_matrix(h) if isinstance(h, (str, Path)) else h)
            n_blocks = -(-(payload_bits + CRC_BITS) // len(code.information))
        super().__init__(payload_bits, coded_bits, bits_per_symbol, n_blocks)
        if h is None:
            n, d_c = _regular_size(self.block_payload_bits, min(self.block_bits), d_v, d_c)
            code = gallager_code(n, d_v, d_c, seed)
        self.code = code
        self.max_iterations = max_iterations
        self._sent = np.concatenate([code.information[: self.block_payload_bits], code.parity])
        self._shortened = code.information[self.block_payload_bits :]
        if min(self.block_bits) < len(self._sent):
            raise ValueError(
                f"coded_bits must give each of the {n_blocks} code blocks at least "
                f"{len(self._sent)} bits, got {coded_bits} ({min(self.block_bits)} per block)"
            )
        # Refuses a matrix that the decoder cannot take, before any data arrives.
        _native.decode_generic(code.indptr, code.indices, np.zeros((0, code.code_bits), np.int8), 1)

    def _encode_blocks(self, blocks, n_coded):
        words = np.zeros((len(blocks), len(self.code.information)), np.uint8)
        words[:, : self.block_payload_bits] = blocks
        codewords = np.concatenate([blocks, self.code.encode(words)], axis=1)
        return codewords[:, np.arange(n_coded) % len(self._sent)]

    def _decode_blocks(self, llr):
        n_sent = len(self._sent)
        rounds = -(-llr.shape[1] // n_sent)
        padded = np.zeros((len(llr), rounds * n_sent), np.float32)
        padded[:, : llr.shape[1]] = np.nan_to_num(llr, nan=0.0, posinf=1e4, neginf=-1e4)
        full = np.empty((len(llr), self.code.code_bits), np.float32)
        full[:, self._sent] = padded.reshape(len(llr), rounds, n_sent).sum(axis=1)
        full[:, self._shortened] = _KNOWN_ZERO
        bits, ok, iterations = _native.decode_generic(
            self.code.indptr, self.code.indices, full, self.max_iterations
        )
        information = bits[:, self.code.information]
        ok = ok & ~information[:, self.block_payload_bits :].any(axis=1)
        return information[:, : self.block_payload_bits], ok, iterations


def _regular_size(n_information: int, n_coded: int, d_v: int, d_c: int | None) -> tuple[int, int]:
    """n and d_c of the regular code for a block of n_information bits in n_coded."""
    parity = min(n_coded - n_information, _MAX_PARITY_PER_BIT * n_information + d_v)
    rows_per_layer = parity // d_v
    weights = range(d_v + 1, _MAX_CHECK_WEIGHT + 1) if d_c is None else (d_c,)
    for weight in weights:
        # n - d_v * rows_per_layer information bits at least: dependent rows only add to them.
        if rows_per_layer >= 1 and rows_per_layer * (weight - d_v) >= n_information:
            return rows_per_layer * weight, weight
    least = n_information + d_v * -(-n_information // (max(weights) - d_v))
    raise ValueError(
        f"coded_bits must give each code block of {n_information} bits at least {least} coded bits "
        f"with d_v = {d_v} and d_c = {max(weights)}, got {n_coded} per block"
    )


def _check_integer(name: str, value: int, low: int, high: int) -> None:
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_integer or not low <= value <= high:
        raise ValueError(f"{name} must be an integer {low}..{high}, got {value!r}")
