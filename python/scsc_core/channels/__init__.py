# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel models of the symbol-level link, y = H z + n, and what the two ends know of H."""

from .csi_error import csi_estimate, effective
from .fading import CHANNELS, FADING_MODES, FadingChannel, block_lengths, load_channels
from .noise import SNR_DEFINITIONS, noise_variance, transmit

__all__ = [
    "CHANNELS",
    "FADING_MODES",
    "SNR_DEFINITIONS",
    "FadingChannel",
    "block_lengths",
    "csi_estimate",
    "effective",
    "load_channels",
    "noise_variance",
    "transmit",
]
