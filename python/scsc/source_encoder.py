# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture to framed bytes."""

from __future__ import annotations

import numpy as np

from scsc_core.link import Transmitter
from scsc_core.model_choice import NONE
from scsc_core.radio import keys

from .link_block import link_block


class source_encoder(link_block):
    """Compresses pictures with BPG, JPEG or JPEG 2000 and frames them with header and CRC-32.

    In mode "fixed" a picture that carries the key `qp` is coded at that quality. One that carries
    `ppen` and no `ppen_qp` was handed over by the block ppen: the model runs here, at the quality
    in use, and anew for every quality that rate matching tries.

    Message ports:
        image (in): u8 [height, width, 3]; keys qp, ppen, ppen_qp are heeded.
        bytes (out): u8, header | compressed picture | CRC-32; adds keys codec, qp, n_bytes,
            over_budget, and ppen_qp when PPEN ran here.
        status (out): dict of frames, dropped.
        cmd (in): dict with qp.

    Args:
        codec: "bpg", "jpeg" or "jpeg2000".
        qp: number on the codec's own scale (BPG 1..51, lower is better; JPEG 1..95, higher is
            better; JPEG 2000 compression ratio), or None for the codec's default.
        mode: "fixed" uses qp; "rate_matched" takes the best quality whose R_k stays under
            cbr_target with this code rate, modulation and number of streams.
        cbr_target: float, R_k = channel uses per source sample, None in mode fixed.
        code_rate, modulation, n_streams: of the blocks behind, read in mode rate_matched.
    Raises:
        ValueError: a name or number that the codec does not know.
    Source: link.py Transmitter.compress.
    """

    frame_fields = (keys.PPEN, keys.QP)

    def __init__(
        self,
        codec="bpg",
        qp=37,
        mode="fixed",
        cbr_target=None,
        code_rate="1/2",
        modulation="qpsk",
        n_streams=2,
    ):
        super().__init__(
            "source_encoder",
            {
                "codec": codec,
                "qp": qp,
                "mode": mode,
                "cbr_target": cbr_target,
                "code_rate": code_rate,
                "modulation": modulation,
                "n_tx": n_streams,
                "n_rx": n_streams,
            },
            Transmitter,
            pdus=(keys.IMAGE,),
            outputs=(keys.BYTES,),
            settable=("qp",),
        )

    def set_qp(self, qp):
        """Quality from the next picture on."""
        self.set_parameter("qp", qp)

    def on_image(self, image, meta):
        """Compress one picture."""
        said = {key: meta[key] for key in self.frame_fields if key in meta}
        if keys.PPEN_QP in meta or meta.get(keys.PPEN) == NONE:
            said.pop(keys.PPEN, None)  # the block ppen has run it
        kernel = self.kernel_for(said)
        with self.timed(meta, "compress"):
            compressed = kernel.compress(image, meta.get(keys.IMAGE_ID, 0))
        meta[keys.CODEC] = compressed.header.codec
        meta[keys.QP] = float(compressed.header.qp)
        if keys.PPEN in said:
            meta[keys.PPEN_QP] = meta[keys.QP]
            meta[keys.time_key("ppen")] = 1e3 * compressed.ppen_s
            meta[keys.time_key("compress")] -= 1e3 * compressed.ppen_s
        meta[keys.N_BYTES] = compressed.codec_bytes
        meta[keys.OVER_BUDGET] = compressed.over_budget
        self.publish(keys.BYTES, np.frombuffer(compressed.payload, np.uint8), meta)
