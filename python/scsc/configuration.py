# SPDX-License-Identifier: GPL-3.0-or-later
"""One configuration for several blocks, from a file, from keywords or as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scsc_core.config import LinkConfig, load_config
from scsc_core.data import sample_image as _sample_image


def link_config(source: Any = None, **changes: Any) -> LinkConfig:
    """A checked LinkConfig, and the value of the GRC variable block `scsc_config`.

    Args:
        source: LinkConfig, path of a YAML file, list of such paths (later ones win), or None or ""
            for the defaults.
        changes: LinkConfig fields on top; None leaves a field as it is.
    Raises:
        ValueError: an unreadable file, an unknown key or an impossible value, in one line.
    Source: scsc_core.config.
    """
    changes = {name: value for name, value in changes.items() if value is not None}
    if isinstance(source, LinkConfig):
        return source.with_changes(**changes) if changes else source
    files = [source] if isinstance(source, (str, Path)) and str(source) else source or []
    return load_config(LinkConfig, files, changes)


def sample_image() -> str:
    """Path of a photograph that every installation has; the default picture of the flowgraphs."""
    return str(_sample_image())
