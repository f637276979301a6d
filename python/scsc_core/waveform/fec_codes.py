# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel codes of transport blocks, one block per frame, named by family and nominal rate."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from .. import fec
from ..fec.nr_ldpc import legal_size
from ..fec.segmented import SegmentedCode, checked_sizes

FAMILIES = ("nr_ldpc", "polar", "gallager", "none")
CODE_RATES = ("1/6", "1/5", "1/4", "1/3", "2/5", "1/2", "3/5", "2/3", "3/4", "5/6", "8/9")
CRC_BITS = 24  # what a block leaves free of its nominal rate, whatever the code


class Uncoded(SegmentedCode):
    """Payload, CRC24A and repetition to fill the frame: no code at all, for tests.

    Args:
        payload_bits, coded_bits, bits_per_symbol: A, G, qm; G >= A + 24.
    Raises:
        ValueError: a size is out of range.
    """

    name = "none"

    def __init__(self, payload_bits: int, coded_bits: int, bits_per_symbol: int):
        super().__init__(*checked_sizes(payload_bits, coded_bits, bits_per_symbol), 1)
        if self.block_bits[0] < self.block_payload_bits:
            raise ValueError(
                f"coded_bits must be at least {self.block_payload_bits}, got {coded_bits}"
            )

    def _encode_blocks(self, blocks: np.ndarray, n_coded: int) -> np.ndarray:
        return blocks[:, np.arange(n_coded) % self.block_payload_bits]

    def _decode_blocks(self, llr: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n_rounds = -(-llr.shape[1] // self.block_payload_bits)
        padded = np.zeros((len(llr), n_rounds * self.block_payload_bits), np.float32)
        padded[:, : llr.shape[1]] = np.nan_to_num(llr)
        total = padded.reshape(len(llr), n_rounds, -1).sum(axis=1)
        # Nothing received is not the word of zeros, whose CRC would hold.
        ok = (total != 0).all(axis=1)
        return (total < 0).astype(np.uint8), ok, np.zeros(len(llr), np.float32)


def block_code(
    family: str, code_rate: str, coded_bits: int, bits_per_symbol: int, max_iterations: int = 12
):
    """The code that fills coded_bits at a nominal rate, with the largest payload A it can take.

    A is the largest legal transport block size with A + 24 <= Rc G; both ends derive it from the frame
    header alone.

    Args:
        family: one of `FAMILIES`.
        code_rate: one of `CODE_RATES`.
        coded_bits: G >= 1.
        bits_per_symbol: qm, bits of one QAM symbol.
        max_iterations: cap of the iterative decoders.
    Returns:
        An object with the interface of `fec`: payload_bits, block_bits, encode, decode,
        new_soft_buffer.
    Raises:
        ValueError: unknown name, or G too small for any payload.
    Source: waveform.md section 5; channel_coding.md section 3.
    """
    if family not in FAMILIES:
        raise ValueError(f"fec must be one of {', '.join(FAMILIES)}, got {family!r}")
    if code_rate not in CODE_RATES:
        raise ValueError(f"code_rate must be one of {', '.join(CODE_RATES)}, got {code_rate!r}")
    rate = Fraction(code_rate)
    largest = (int(rate * coded_bits) - CRC_BITS) // 8 * 8
    for payload_bits in range(largest, 0, -8):
        if family == "nr_ldpc" and legal_size(payload_bits, float(rate)) != payload_bits:
            continue
        code = _create(family, payload_bits, coded_bits, bits_per_symbol, rate, max_iterations)
        if code is not None:
            return code
    raise ValueError(
        f"nsym must be larger: {coded_bits} coded bits hold no block of code {family} {code_rate}"
    )


def _create(family, payload_bits, coded_bits, bits_per_symbol, rate, max_iterations):
    sizes = payload_bits, coded_bits, bits_per_symbol
    if family == "none":
        return Uncoded(*sizes)
    options: dict[str, Any] = {} if family == "polar" else {"max_iterations": max_iterations}
    if family == "nr_ldpc":
        # Many transmissions of one block add up at the receiver: no clipping of their sum.
        options["wide_soft_buffer"] = True
    try:
        code = fec.create(family, *sizes, float(rate), **options)
    except ValueError:
        return None  # short blocks of some families take fewer bits than the rate promises
    return code if code.decodable else None
