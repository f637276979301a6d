# SPDX-License-Identifier: GPL-3.0-or-later
"""Model folders with seeded random weights, for tests and trials of what loads models."""

from __future__ import annotations

from pathlib import Path

import torch

from ..nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from ..nets.inference import weights_of
from ..nets.ppen import Ppen, PpenConfig
from .publish import publish

_SHAPING = 0.02  # of the last convolution of PPEN: its picture differs by some levels


def publish_untrained(folder: Path, ppen: dict[str, dict], segmenters: tuple[str, ...]) -> Path:
    """Write models that were never trained into a folder that `SCSC_MODELS` may name.

    Args:
        folder: created if missing.
        ppen: name -> config entries on top of {"variant": "tiny", "qp_range": [28, 47]}.
        segmenters: names of ERF-PSPNets of the 7 categories.
    Returns:
        The folder.
    """
    for name, options in ppen.items():
        config = {"variant": "tiny", "qp_range": [28, 47], **options}
        with torch.random.fork_rng([]):
            torch.manual_seed(len(name))
            network = Ppen(PpenConfig(config["variant"]))
            torch.nn.init.normal_(network.output[-1].weight, std=_SHAPING)
            # without this the quality would change nothing
            torch.nn.init.normal_(network.upper.qa2.outer.weight, std=_SHAPING)
        _publish(folder, name, "ppen", config, network)
    for name in segmenters:
        with torch.random.fork_rng([]):
            torch.manual_seed(len(name))
            network = ErfPspNet(ErfPspNetConfig())
        _publish(folder, name, "erf_pspnet", {"classes": 7}, network)
    return folder


def _publish(folder: Path, name: str, network: str, config: dict, module: torch.nn.Module) -> None:
    entry = {
        "name": name,
        "network": network,
        "data": "none: seeded random weights",
        "licence": "GPL-3.0-or-later",
        "config": config,
    }
    publish(folder, entry, weights_of(module), f"# {name}\n\nNever trained.\n")
