# SPDX-License-Identifier: GPL-3.0-or-later
"""The symbol-level channel of a link: fading, noise and channel knowledge from one seed."""

from typing import Protocol

import numpy as np

from ..config import LinkConfig
from . import FadingChannel, csi_estimate, load_channels, noise_variance, transmit
from .cdl import ClusterPaths
from .nonstationary_sets import SETS, channel_set
from .paths import FadingPaths, tapped_profile


class MatrixSource(Protocol):
    """Flat channel matrices, one per fading block."""

    def draw(self, n_blocks: int) -> np.ndarray:
        """The next n_blocks matrices, complex128 [n_blocks, n_rx, n_tx]."""


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
        self._fading = matrix_source(config, fading)
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


def matrix_source(config: LinkConfig, seed: np.random.SeedSequence) -> MatrixSource:
    """The matrices that `config.channel` names.

    tdl, cdl: what one narrow carrier sees, H = sum of all path gains, independent from block to
    block. Its phases are uniform, so that delay spread and carrier play no part: TDL-A, B, C are
    Rayleigh, TDL-D, E and CDL-D, E Rician, CDL correlated by its angles. nonstationary: matrices
    of the set's split, see `SetChannel`.

    Args:
        config: LinkConfig.
        seed: of the fading process.
    Raises:
        ValueError: the channel file cannot be used.
    """
    if config.channel == "file":
        return RecordedChannel(config)
    if config.channel == "nonstationary":
        return SetChannel(config.channel_set, config.channel_split, seed)
    sizes = {"n_tx": config.n_tx, "n_rx": config.n_rx, "seed": seed}
    correlation = {
        "correlation_tx": config.correlation_tx,
        "correlation_rx": config.correlation_rx,
    }
    if config.channel == "cdl":
        return NarrowbandChannel(ClusterPaths(config.channel_profile, 0.0, **sizes))
    if config.channel == "tdl":
        profile = tapped_profile(config.channel_profile, 0.0)
        return NarrowbandChannel(FadingPaths(profile, **sizes, **correlation))
    return FadingChannel(config.channel, rician_k_db=config.rician_k_db, **sizes, **correlation)


class NarrowbandChannel:
    """What one carrier sees of a path model: the sum of the paths' gains.

    Args:
        paths: FadingPaths or ClusterPaths.
    """

    def __init__(self, paths: FadingPaths | ClusterPaths):
        self._paths = paths

    def draw(self, n_blocks: int) -> np.ndarray:
        """The next n_blocks independent matrices, complex128 [n_blocks, n_rx, n_tx]."""
        return self._paths.draw(n_blocks).sum(1)


class SetChannel:
    """Matrices of a set, chosen by the fading seed.

    nonstationary-v1: every block is another scene, drawn with replacement. nonstationary-track-v1:
    blocks follow each other along the trajectory from a random instant, from its start again at
    its end.

    Args:
        name: of the set.
        split: "train" or "test".
        seed: SeedSequence of the fading process.
    """

    def __init__(self, name: str, split: str, seed: np.random.SeedSequence):
        self._h = channel_set(name).split(split).astype(complex)
        self._rng = np.random.default_rng(seed)
        self._independent = name == SETS[0]
        self._next = int(self._rng.integers(len(self._h)))

    def draw(self, n_blocks: int) -> np.ndarray:
        """The next n_blocks matrices, complex128 [n_blocks, 2, 2]."""
        if self._independent:
            return self._h[self._rng.integers(len(self._h), size=n_blocks)]
        index = (self._next + np.arange(n_blocks)) % len(self._h)
        self._next = int((self._next + n_blocks) % len(self._h))
        return self._h[index]


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
