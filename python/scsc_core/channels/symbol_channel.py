# SPDX-License-Identifier: GPL-3.0-or-later
"""The symbol-level channel of a link: fading, noise and channel knowledge from one seed."""

import numpy as np

from ..config import LinkConfig
from . import FadingChannel, csi_estimate, load_channels, noise_variance, transmit


class SymbolChannel:
    """y = H z + n with seeded fading, noise and CSI error, in two steps as on the air.

    `sound` draws the next fading blocks and gives what both ends know of them; `transmit` carries
    vectors over them. One SeedSequence per run is spawned in the order fading, noise, phase, CSI
    error, so two links with the same seed see the same fading whatever else differs.

    Args:
        config: LinkConfig; `snr_db` and `csi_error` may be changed later by `reconfigure`.
    """

    def __init__(self, config: LinkConfig):
        fading, noise, _phase, csi = np.random.SeedSequence(config.seed).spawn(4)
        self._noise = np.random.default_rng(noise)
        self._csi = np.random.default_rng(csi)
        if config.channel == "file":
            self._fading = RecordedChannel(config)
        else:
            self._fading = FadingChannel(
                config.channel,
                config.n_tx,
                config.n_rx,
                rician_k_db=config.rician_k_db,
                correlation_tx=config.correlation_tx,
                correlation_rx=config.correlation_rx,
                seed=fading,
            )
        self.reconfigure(config)

    def reconfigure(self, config: LinkConfig) -> None:
        """Take over SNR and CSI error of another configuration; the random processes go on."""
        self.noise_var = noise_variance(config.snr_db, config.snr_def, config.n_tx)
        self._csi_error = config.csi_error

    def sound(self, n_blocks: int) -> tuple[np.ndarray, np.ndarray]:
        """True channels and the estimate that both ends share, complex128 [n_blocks, n_rx, n_tx]."""
        h = self._fading.draw(n_blocks)
        if self._csi_error == 0:
            return h, h
        return h, csi_estimate(h, self._csi_error, self._csi)

    def transmit(self, z: np.ndarray, h: np.ndarray, block_uses: np.ndarray) -> np.ndarray:
        """y complex64 [n_rx, k] for z complex64 [n_tx, k], block b of h during block_uses[b] uses."""
        return transmit(z, h, block_uses, self.noise_var, self._noise)


class RecordedChannel:
    """Fading blocks from a file of matrices [b, n_rx, n_tx], in order, from the start again at its end."""

    def __init__(self, config: LinkConfig):
        self._h = load_channels(config.channel_file)
        if self._h.shape[1:] != (config.n_rx, config.n_tx):
            raise ValueError(
                f"channel_file {config.channel_file} holds {self._h.shape[1]}x{self._h.shape[2]} "
                f"matrices (n_rx x n_tx), the link wants {config.n_rx}x{config.n_tx}"
            )
        self._next = 0

    def draw(self, n_blocks: int) -> np.ndarray:
        """The next n_blocks matrices, complex128 [n_blocks, n_rx, n_tx]."""
        index = (self._next + np.arange(n_blocks)) % len(self._h)
        self._next = int((self._next + n_blocks) % len(self._h))
        return self._h[index]
