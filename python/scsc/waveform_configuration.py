# SPDX-License-Identifier: GPL-3.0-or-later
"""One configuration of the link over the air for several blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scsc_core.config import load_config
from scsc_core.waveform.configuration import WaveformConfig


def waveform_config(source: Any = None, **changes: Any) -> WaveformConfig:
    """A checked WaveformConfig from a file, from keywords or as it is; for variables of flowgraphs.

    Args:
        source: WaveformConfig, path of a YAML file, list of such paths (later ones win), or None or
            "" for the defaults.
        changes: WaveformConfig fields on top; None leaves a field as it is.
    Raises:
        ValueError: an unreadable file, an unknown key or an impossible value, in one line.
    Source: scsc_core.waveform.configuration.
    """
    changes = {name: value for name, value in changes.items() if value is not None}
    if isinstance(source, WaveformConfig):
        return source.with_changes(**changes) if changes else source
    files = [source] if isinstance(source, (str, Path)) and str(source) else source or []
    return load_config(WaveformConfig, files, changes)
