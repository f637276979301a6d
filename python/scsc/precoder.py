# SPDX-License-Identifier: GPL-3.0-or-later
"""Coded bits to transmit vectors."""

from __future__ import annotations

from collections import deque

import numpy as np

from scsc_core.link import Coded, Transmitter
from scsc_core.radio import keys

from .frame_meta import BadFrame, require
from .link_block import link_block


class precoder(link_block):
    """Maps coded bits to transmit vectors through the precoder's table (mapper, precoder, PEN).

    z_t = Z(H, N0)[i_t]: every precoder is a table with one row per combination of bits. It is built
    from the channel, so a frame is sent in two steps: this block announces it on `sounding`, the
    channel answers on `csi` with what both ends know of H, and then the symbols go out.

    Message ports:
        bits (in): u8 from the channel encoder.
        csi (in): c64 [n_blocks, n_rx, n_tx]; keys csi_id, block_uses, noise_var, snr_db, snr_def,
            csi_error.
        sounding (out): dict frame, n_tx, n_bits, block_bits, modulation, n_streams.
        symbols (out): c32 [n_tx, k]; adds keys precoder, csi_id and those of `csi`.
        status (out): dict of frames, dropped.
        cmd (in): dict with precoder.

    Args:
        precoder: "none", "svd_wf", "svd_equal", "svd_codebook", "mercury", "rank_adaptive", "pcen",
            "pcen_lite", "pcen_unfolded" or "pcen_paper".
        n_tx, n_rx: int 1..8, antennas.
        csi_handling: "aware" takes the variance csi_error of the channel knowledge into account,
            "naive" does not.
    Raises:
        ValueError: an unknown name, a number of antennas out of range.
    Source: Han et al., Sec. II-B; link.md sections 4 and 5.
    """

    def __init__(self, precoder="pcen", n_tx=2, n_rx=2, csi_handling="aware"):
        super().__init__(
            "precoder",
            {"precoder": precoder, "n_tx": n_tx, "n_rx": n_rx, "csi_handling": csi_handling},
            Transmitter,
            pdus=(keys.BITS, keys.CSI),
            outputs=(keys.SYMBOLS, keys.SOUNDING),
            settable=("precoder",),
        )
        self._waiting: deque[tuple[np.ndarray, dict]] = deque()

    def set_precoder(self, precoder):
        """Precoder from the next frame on; the frame tells the receiver."""
        self.set_parameter("precoder", precoder)

    def start(self):
        """Forget frames of a run before this one: their channel is not asked for again."""
        self._waiting.clear()
        return super().start()

    def on_bits(self, bits, meta):
        """Announce a frame; its symbols follow when the channel has answered."""
        require(meta, (keys.FRAME, *_NEEDED))
        self._waiting.append((bits, meta))
        request = {key: meta[key] for key in (keys.FRAME, *_NEEDED)}
        self.publish_dict(
            keys.SOUNDING,
            {**request, keys.N_BITS: len(bits), keys.N_TX: self.config.n_tx},
        )

    def on_csi(self, h_hat, csi):
        """Send the frame that waits for this answer; answers come in the order of the requests."""
        require(csi, (keys.FRAME, keys.BLOCK_USES))
        if not self._waiting or self._waiting[0][1][keys.FRAME] != csi.get(keys.FRAME):
            self.drop("csi for a frame that does not wait", csi, keys.CSI)
            return
        bits, meta = self._waiting.popleft()
        meta.update({key: csi[key] for key in _TAKEN if key in csi})
        meta[keys.PRECODER] = self.config.precoder
        try:
            transmitter = self.kernel_for(meta)
        except BadFrame as error:
            self.drop(str(error), meta, keys.BITS)
            return
        coded = Coded(bits, bits[:0], meta[keys.N_INFO], tuple(meta[keys.BLOCK_BITS]))
        with self.timed(meta, "precode"):
            z = transmitter.modulate(coded, h_hat, np.asarray(csi[keys.BLOCK_USES]))
        meta[keys.N_TX], meta[keys.K] = z.shape
        self.publish(keys.SYMBOLS, z, meta)

    def idle(self):
        """True when no frame waits for its channel."""
        return not self._waiting


_NEEDED = (keys.BLOCK_BITS, keys.N_INFO, keys.MODULATION, keys.N_STREAMS)
_TAKEN = (
    keys.CSI_ID,
    keys.N_RX,
    keys.N_TX,
    keys.N_BLOCKS,
    keys.BLOCK_USES,
    keys.NOISE_VAR,
    keys.SNR_DB,
    keys.SNR_DEF,
    keys.CSI_ERROR,
)
