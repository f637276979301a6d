# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio blocks for standards-compatible semantic image communication."""

import sys

try:
    from scsc_core import _native as _native
    from scsc_core import config as _config  # noqa: F401  needs the libraries that apt has not
except ModuleNotFoundError as error:
    raise ImportError(
        f"Python library {error.name} is missing: install it for {sys.executable} "
        "(docs/install.md lists all), or use ./scsc"
    ) from error
except ImportError as error:
    raise ImportError(
        f"native module missing ({error}): run cmake --install, or ./scsc doctor"
    ) from error

from .burst_receiver import burst_receiver
from .burst_sender import burst_sender
from .channel_decoder import channel_decoder
from .channel_encoder import channel_encoder
from .configuration import link_config, sample_image
from .csi_link import csi_link
from .detector import detector
from .front_end import front_end
from .front_end_sink import front_end_sink
from .front_end_source import front_end_source
from .image_sink import image_sink
from .image_source import image_source
from .link import link
from .link_metrics import link_metrics
from .loopback import loopback
from .ofdm_modulator import ofdm_modulator
from .ppen import ppen
from .precoder import precoder
from .radio_channel import radio_channel
from .receiver import receiver
from .run_recorder import run_recorder
from .segmenter import segmenter
from .source_decoder import source_decoder
from .source_encoder import source_encoder
from .symbol_channel import symbol_channel
from .transmitter import transmitter
from .waveform_configuration import waveform_config
from .waveform_receiver import waveform_receiver
from .waveform_transmitter import waveform_transmitter

_VIEWS = (
    "channel_view",
    "constellation_view",
    "counter_view",
    "image_view",
    "live_view",
    "metrics_view",
    "radio_view",
    "segmentation_view",
    "spectrum_view",
)

__all__ = [
    "burst_receiver",
    "burst_sender",
    "channel_decoder",
    "channel_encoder",
    "csi_link",
    "detector",
    "front_end",
    "front_end_sink",
    "front_end_source",
    "image_sink",
    "image_source",
    "link",
    "link_config",
    "link_metrics",
    "loopback",
    "ofdm_modulator",
    "ppen",
    "precoder",
    "radio_channel",
    "receiver",
    "run_recorder",
    "sample_image",
    "segmenter",
    "source_decoder",
    "source_encoder",
    "symbol_channel",
    "transmitter",
    "waveform_config",
    "waveform_receiver",
    "waveform_transmitter",
    *_VIEWS,
]


def __getattr__(name):
    """Views are imported at first use: they need PyQt5."""
    if name not in _VIEWS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import PyQt5.QtWidgets  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{name} needs PyQt5: install python3-pyqt5 ({error})", name=name
        ) from error
    from importlib import import_module

    return getattr(import_module(f".qtgui.{name}", __name__), name)
