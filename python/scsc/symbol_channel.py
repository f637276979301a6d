# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated channel y = H z + n with channel knowledge."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from scsc_core.channels.symbol_channel import SymbolChannel
from scsc_core.config import LinkConfig
from scsc_core.link_parameters import fading_blocks
from scsc_core.radio import keys

from .frame_meta import BadFrame, require
from .link_block import link_block

_SOUNDED_FRAMES = 64  # answers that may wait for their symbols before the oldest is forgotten


@dataclass(frozen=True)
class _Sounded:
    """What was drawn for a frame and must hold when its symbols come."""

    h: np.ndarray
    h_hat: np.ndarray
    block_uses: np.ndarray
    config: LinkConfig


class symbol_channel(link_block):
    """Carries transmit vectors over a flat MIMO fading channel with noise: y = H z + n.

    n ~ CN(0, N0 I), N0 = 10^(-snr_db/10) per receive antenna and channel use. H is drawn when the
    precoder announces a frame; both ends then know H_hat = H + E. Same seed, same fading.

    Message ports:
        sounding (in): dict from the precoder.
        csi (out): c64 [n_blocks, n_rx, n_tx], H_hat; keys csi_id, block_uses, noise_var, snr_db,
            snr_def, csi_error.
        symbols (in): c32 [n_tx, k].
        received (out): c32 [n_rx, k]; adds keys n_rx, noise_var, h (H_hat, flat), channel, fading.
        csi_true (out): c64 [n_blocks, n_rx, n_tx], H.
        status (out): dict of frames, dropped, snr_db.
        cmd (in): dict with snr_db, csi_error.

    Args:
        channel: "awgn" (H = I), "rayleigh", "rician", "tdl", "cdl", "nonstationary" or "file".
        fading: "per_image" (one H per picture, the paper's), "per_codeword" or "per_uses".
        fading_uses: int >= 1, channel uses of one H with per_uses.
        snr_db: float, -50..100.
        snr_def: "pz_n0" (one transmit antenna's power over N0) or "rx_ant" (received, all of them).
        n_tx, n_rx: int 1..8.
        rician_k_db: float, -60..60, K factor of rician.
        correlation_tx, correlation_rx: float in [0, 1), exponential correlation of antennas.
        csi_error: float 0..1, variance of an entry of E.
        channel_file: str, .npy with [b, n_rx, n_tx] for channel "file", else None.
        channel_profile: "A" to "E" of "tdl" and "cdl".
        channel_set, channel_split: set of matrices of "nonstationary" ("nonstationary-v1" or
            "nonstationary-track-v1") and its part ("train" or "test").
        seed: int >= 0.
    Raises:
        ValueError: an unknown name or a number out of range.
    Source: Han et al., Sec. II-B; link.md sections 1, 3 and 8.
    """

    def __init__(
        self,
        channel="rayleigh",
        fading="per_image",
        fading_uses=1000,
        snr_db=6.0,
        snr_def="pz_n0",
        n_tx=2,
        n_rx=2,
        rician_k_db=9.0,
        correlation_tx=0.0,
        correlation_rx=0.0,
        csi_error=0.0,
        channel_file=None,
        channel_profile="A",
        channel_set="nonstationary-v1",
        channel_split="test",
        seed=1,
    ):
        parameters = {
            "channel": channel,
            "fading": fading,
            "fading_uses": fading_uses,
            "snr_db": snr_db,
            "snr_def": snr_def,
            "n_tx": n_tx,
            "n_rx": n_rx,
            "rician_k_db": rician_k_db,
            "correlation_tx": correlation_tx,
            "correlation_rx": correlation_rx,
            "csi_error": csi_error,
            "channel_file": channel_file,
            "channel_profile": channel_profile,
            "channel_set": channel_set,
            "channel_split": channel_split,
            "seed": seed,
        }
        super().__init__(
            "symbol_channel",
            parameters,
            lambda config: config,
            pdus=(keys.SYMBOLS,),
            dicts=(keys.SOUNDING,),
            outputs=(keys.RECEIVED, keys.CSI, keys.CSI_TRUE),
            settable=("snr_db", "csi_error"),
        )
        self._channel = SymbolChannel(self.config)
        self._sounded: OrderedDict[int, _Sounded] = OrderedDict()
        self._csi_id = 0

    def set_snr_db(self, snr_db):
        """Signal-to-noise ratio from the next frame on."""
        self.set_parameter("snr_db", snr_db)

    def set_csi_error(self, csi_error):
        """Variance of the channel estimate's error from the next frame on."""
        self.set_parameter("csi_error", csi_error)

    def on_sounding(self, request):
        """Draw the channel of one frame and tell what both ends know of it."""
        require(request, (keys.FRAME, keys.BLOCK_BITS, keys.N_BITS))
        config = self.kernel_for(request)
        uses = fading_blocks(config, tuple(request[keys.BLOCK_BITS]), request[keys.N_BITS])
        self._channel.reconfigure(config)
        h, h_hat = self._channel.sound(len(uses))
        self._csi_id += 1
        self._sounded[self._csi_id] = _Sounded(h, h_hat, uses, config)
        if len(self._sounded) > _SOUNDED_FRAMES:
            self._sounded.popitem(last=False)
        meta = {
            keys.FRAME: request[keys.FRAME],
            keys.CSI_ID: self._csi_id,
            keys.N_BLOCKS: len(uses),
            keys.N_RX: config.n_rx,
            keys.N_TX: config.n_tx,
            keys.BLOCK_USES: uses,
            keys.NOISE_VAR: self._channel.noise_var,
            keys.SNR_DB: config.snr_db,
            keys.SNR_DEF: config.snr_def,
            keys.CSI_ERROR: config.csi_error,
        }
        if self.wanted(keys.CSI_TRUE):
            self.publish(keys.CSI_TRUE, h, meta)
        self.publish(keys.CSI, h_hat, meta)

    def on_symbols(self, z, meta):
        """Carry one frame over the channel that was drawn for it."""
        sounded = self._sounded.pop(meta.get(keys.CSI_ID), None)
        if sounded is None:
            raise BadFrame(f"no channel was drawn for csi_id {meta.get(keys.CSI_ID)}")
        shape = sounded.config.n_tx, int(sounded.block_uses.sum())
        if z.shape != shape:
            raise BadFrame(f"symbols must be n_tx x k = {shape} as announced, got {z.shape}")
        with self.timed(meta, "channel"):
            self._channel.reconfigure(sounded.config)
            y = self._channel.transmit(z, sounded.h, sounded.block_uses)
        meta[keys.H] = sounded.h_hat
        meta[keys.CHANNEL], meta[keys.FADING] = sounded.config.channel, sounded.config.fading
        self.counters["snr_db"] = sounded.config.snr_db
        self.publish(keys.RECEIVED, y, meta)
