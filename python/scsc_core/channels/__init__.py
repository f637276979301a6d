# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels: fading models on symbols and on samples, noise, channel knowledge, recordings."""

from .csi_error import CSI_LOCATIONS, csi_estimate, csi_views, effective
from .fading import (
    FADING_MODES,
    MODELS,
    SNR_DEFINITIONS,
    FadingChannel,
    block_lengths,
    complex_noise,
    noise_variance,
    transmit,
)
from .recorded import Recording, load_channels, load_recording, save_channels

__all__ = [
    "CSI_LOCATIONS",
    "FADING_MODES",
    "MODELS",
    "SNR_DEFINITIONS",
    "FadingChannel",
    "Recording",
    "block_lengths",
    "complex_noise",
    "csi_estimate",
    "csi_views",
    "effective",
    "load_channels",
    "load_recording",
    "noise_variance",
    "save_channels",
    "transmit",
]
