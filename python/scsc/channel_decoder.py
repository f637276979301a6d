# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-likelihood ratios to framed bytes."""

from __future__ import annotations

import numpy as np

from scsc_core.link import Receiver
from scsc_core.link_parameters import coded_bits
from scsc_core.radio import keys

from .frame_meta import BadFrame, require
from .link_block import link_block


class channel_decoder(link_block):
    """Decodes log-likelihood ratios to bytes and says which code blocks failed.

    Message ports:
        frames (in): f32 LLRs, positive means bit 0; keys n_info, fec, code_rate, modulation.
        bytes (out): u8, right or not; adds keys crc_ok, block_errors, n_code_blocks, iterations,
            valid_bytes.
        status (out): dict of frames, dropped, block_errors.
        cmd (in): dict with max_iterations.

    Args:
        max_iterations: int 1..100, of the iterative decoders.
    Raises:
        ValueError: max_iterations out of range.
    Source: 3GPP TS 38.212; link.py Receiver.decode.
    """

    def __init__(self, max_iterations=12):
        super().__init__(
            "channel_decoder",
            {"max_iterations": max_iterations},
            Receiver,
            pdus=(keys.FRAMES,),
            outputs=(keys.BYTES,),
            settable=("max_iterations",),
        )
        self.counters["block_errors"] = 0

    def set_max_iterations(self, max_iterations):
        """Iteration limit from the next frame on."""
        self.set_parameter("max_iterations", max_iterations)

    def on_frames(self, llr, meta):
        """Decode one frame."""
        require(meta, (keys.N_INFO,))
        receiver = self.kernel_for(meta)
        expected = coded_bits(receiver.config, meta[keys.N_INFO])
        if len(llr) != expected:
            raise BadFrame(f"frame must hold {expected} LLRs, got {len(llr)}")
        with self.timed(meta, "decode"):
            payload = receiver.decode(llr, meta[keys.N_INFO])
        self.counters["block_errors"] += payload.block_errors
        meta.update(
            {
                keys.CRC_OK: payload.ok,
                keys.BLOCK_ERRORS: payload.block_errors,
                keys.N_CODE_BLOCKS: len(payload.block_ok),
                keys.ITERATIONS: payload.iterations,
                keys.VALID_BYTES: payload.valid_bytes,
            }
        )
        self.publish(keys.BYTES, np.frombuffer(payload.data, np.uint8), meta)
