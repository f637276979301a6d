# SPDX-License-Identifier: GPL-3.0-or-later
"""One transport block in one frame: bytes to rows of the transmit table, LLRs back to bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..mimo import bits_per_symbol
from ..scrambling import BitScrambler
from .fec_codes import block_code


@dataclass(frozen=True)
class FrameFormat:
    """What the header says about the coding of a frame, and all that its block size depends on.

    Attributes:
        modulation: "bpsk", "qpsk", "16qam" or "64qam", per stream.
        streams: 1 or 2.
        fec, code_rate: names of `fec_codes.FAMILIES` and `CODE_RATES`.
        nsym: data symbols, >= 1.
        n_data: data carriers of a symbol.
    """

    modulation: str
    streams: int
    fec: str
    code_rate: str
    nsym: int
    n_data: int = 48

    @classmethod
    def of_header(cls, header, n_data: int) -> FrameFormat:
        """The format that a FrameHeader announces."""
        return cls(
            header.modulation, header.streams, header.fec, header.code_rate, header.nsym, n_data
        )

    @property
    def bits_per_use(self) -> int:
        """B, coded bits of one channel use."""
        return self.streams * bits_per_symbol(self.modulation)

    @property
    def uses(self) -> int:
        """Channel uses of the frame, n_data nsym."""
        return self.n_data * self.nsym


@dataclass(frozen=True)
class Block:
    """One decoded transport block.

    Attributes:
        data: bytes, hard decisions also when `ok` is false.
        ok: every check holds.
        valid_bytes: leading bytes in front of the first failed code block.
        block_ok: bool [C], outcome of each code block.
        iterations: mean iterations per code block.
    """

    data: bytes
    ok: bool
    valid_bytes: int
    block_ok: np.ndarray
    iterations: float


class FrameCode:
    """Channel code, scrambler and bit interleaver of frames of one format.

    Args:
        form: FrameFormat.
        interleaver: "shuffle" or "nr", as LinkConfig.
        max_iterations: cap of the iterative decoders.
    Raises:
        ValueError: a frame of this format holds no block.
    Attributes:
        payload_bytes: A / 8.  coded_bits: G.  versions: redundancy versions of the code, 4 or 1.
    Source: waveform.md section 5; link.md section 4.1.
    """

    def __init__(self, form: FrameFormat, interleaver: str = "shuffle", max_iterations: int = 12):
        self.form = form
        self.coded_bits = form.uses * form.bits_per_use
        m = bits_per_symbol(form.modulation)
        self._code = block_code(form.fec, form.code_rate, self.coded_bits, m, max_iterations)
        self.payload_bytes = self._code.payload_bits // 8
        self.versions = 4 if form.fec == "nr_ldpc" else 1
        self._scrambler = BitScrambler(interleaver=interleaver)

    def encode(self, data: bytes, rv: int = 0) -> np.ndarray:
        """Table rows uint16 [uses] of one block; data shorter than the block are filled with zeros.

        Channel use u = n_data n + d takes bits B u .. B u + B - 1, first bit = most significant. A code
        with one version sends the same bits whatever rv, for the receiver to add up.
        """
        if len(data) > self.payload_bytes:
            raise ValueError(f"data must hold at most {self.payload_bytes} bytes, got {len(data)}")
        bits = np.unpackbits(np.frombuffer(data.ljust(self.payload_bytes, b"\0"), np.uint8))
        coded = self._code.encode(bits, rv % self.versions)
        sent = self._scrambler.scramble(coded, self._code.block_bits, self.coded_bits)
        width = self.form.bits_per_use
        weights = 1 << np.arange(width - 1, -1, -1, dtype=np.uint16)
        return (sent.reshape(-1, width) @ weights).astype(np.uint16)

    def decode(self, llr: np.ndarray, rv: int = 0, soft_buffer: np.ndarray | None = None) -> Block:
        """The block of one frame's LLRs float32 [G], positive = bit 0; never raises on their content.

        soft_buffer: from `new_soft_buffer`, updated in place with every transmission of the same block.
        """
        coded = self._scrambler.descramble(llr, self._code.block_bits, self.coded_bits)
        decoded = self._code.decode(coded, rv % self.versions, soft_buffer)
        good = len(decoded.block_ok) if decoded.block_ok.all() else np.argmin(decoded.block_ok)
        valid = self.payload_bytes
        if not decoded.ok:
            # With all blocks right and a wrong CRC over them nothing can be trusted.
            trusted = good if good < len(decoded.block_ok) else 0
            valid = min(valid, trusted * self._code.block_payload_bits // 8)
        data = np.packbits(decoded.bits).tobytes()
        return Block(
            data, bool(decoded.ok), int(valid), decoded.block_ok, float(decoded.iterations)
        )

    def new_soft_buffer(self) -> np.ndarray:
        """Empty memory of one block for combining its transmissions."""
        return self._code.new_soft_buffer()


@lru_cache(maxsize=256)
def frame_code(
    form: FrameFormat, interleaver: str = "shuffle", max_iterations: int = 12
) -> FrameCode:
    """The FrameCode of a format (cached; immutable)."""
    return FrameCode(form, interleaver, max_iterations)
