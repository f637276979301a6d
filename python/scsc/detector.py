# SPDX-License-Identifier: GPL-3.0-or-later
"""Received vectors to log-likelihood ratios."""

from __future__ import annotations

import numpy as np

from scsc_core import mimo
from scsc_core.config import ConfigError
from scsc_core.link import Receiver
from scsc_core.link_parameters import transmit_tables, used_csi
from scsc_core.radio import keys

from .frame_meta import BadFrame, require
from .link_block import link_block


class detector(link_block):
    """Combines received vectors (CEN) and gives the log-likelihood ratios of the coded bits.

    r = U2 y, then soft detection over the rows of the same transmit table that was sent from.
    Precoder, modulation, code and channel knowledge come with the frame.

    Message ports:
        received (in): c32 [n_rx, k]; keys h, n_blocks, block_uses, snr_db, n_info and those of the
            transmitter.
        frames (out): f32 LLRs, positive means bit 0.
        combined (out): c32 [n_tx, k], r, made only when something listens.
        status (out): dict of frames, dropped.
        cmd (in): dict with detector, cen.

    Args:
        detector: "ml", "mmse", "zf" or "mf".
        llr: "exact" (log-sum-exp) or "maxlog".
        cen: bool, combine before detection; no effect on an ML detector.
        csi_handling: "aware" or "naive", as in the precoder.
    Raises:
        ValueError: an unknown name.
    Source: Han et al., Sec. II-C; link.md sections 6 and 7.
    """

    def __init__(self, detector="ml", llr="exact", cen=True, csi_handling="aware"):
        super().__init__(
            "detector",
            {"detector": detector, "llr": llr, "cen": cen, "csi_handling": csi_handling},
            Receiver,
            pdus=(keys.RECEIVED,),
            outputs=(keys.FRAMES, keys.COMBINED),
            settable=("detector", "cen"),
        )

    def set_detector(self, detector):
        """Detector from the next frame on."""
        self.set_parameter("detector", detector)

    def set_cen(self, cen):
        """Combiner on or off from the next frame on."""
        self.set_parameter("cen", bool(cen))

    def on_received(self, y, meta):
        """Detect one frame."""
        require(meta, _NEEDED)
        receiver = self.kernel_for(meta)
        h = meta.pop(keys.H).reshape(meta[keys.N_BLOCKS], meta[keys.N_RX], meta[keys.N_TX])
        uses = meta[keys.BLOCK_USES].astype(np.int64)
        if uses.sum() != y.shape[1] or len(uses) != len(h):
            raise BadFrame(f"block_uses {uses.sum()} in {len(h)} blocks do not fit k {y.shape[1]}")
        try:
            with self.timed(meta, "detect"):
                llr = receiver.detect(y, h, uses, meta[keys.N_INFO])
        except ConfigError as error:  # this detector and the frame's precoder do not go together
            raise BadFrame(str(error)) from None
        meta[keys.DETECTOR] = receiver.config.detector
        if self.wanted(keys.COMBINED):
            self.publish(keys.COMBINED, self._combine(receiver.config, y, h, uses), meta)
        self.publish(keys.FRAMES, llr, meta)

    def _combine(self, config, y, h, uses):
        h_used, noise_var = used_csi(config, h)
        tables = transmit_tables(config, h)
        r = mimo.combine(y, h_used, tables, noise_var, block_uses=uses)
        return np.ascontiguousarray(r, np.complex64)


_NEEDED = (keys.H, keys.N_BLOCKS, keys.N_TX, keys.BLOCK_USES, keys.N_INFO)
