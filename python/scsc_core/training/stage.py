# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training stage gives to the loop."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch

from .. import configs, zoo
from .pictures import Samples
from .settings import StageSettings


class Stage(Protocol):
    """One thing to train. Its draws depend on seed, purpose and step alone, never on history.

    Attributes:
        name: of the stage, for example "ppen".
        settings: its `StageSettings`.
        network: the module that is trained; called through its forward only, so that it can be
            wrapped for several devices.
        training: the pictures it learns from.
        problem: why the run must end, found by a validation; None while all is well.
    """

    name: str
    settings: StageSettings
    network: torch.nn.Module
    training: Samples
    problem: str | None

    def place(self, device: torch.device) -> None:
        """Move what the stage holds besides `network` to the device; called once, first."""
        ...

    def batch(self, step: int, rank: int, world: int) -> Any:
        """The part of step's batch that belongs to one of `world` processes."""
        ...

    def loss(
        self, network: torch.nn.Module, batch: Any, step: int
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """Loss to minimise, and the terms to show."""
        ...

    def beside(self, step: int) -> dict[str, float]:
        """Work besides the main optimiser (other networks in turns), before its step; terms to show.

        Where a loss or gradient is not finite it raises `loop.TrainingFailed`, nothing changed.
        """
        ...

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Scores of the averaged network; "score", higher is better, decides which is best."""
        ...

    def pictures(self, network: torch.nn.Module) -> dict[str, np.ndarray]:
        """Pictures uint8 [H, W, 3] that show what the network does, by name."""
        ...

    def extra_tensors(self) -> dict[str, torch.Tensor]:
        """Further state for checkpoints."""
        ...

    def load_extra(self, tensors: dict[str, torch.Tensor]) -> None:
        """The inverse of `extra_tensors`."""
        ...

    def close(self) -> None:
        """End what works in the background; called once, last."""
        ...


class StageBase:
    """Defaults of the optional parts of a `Stage`."""

    device = torch.device("cpu")
    problem: str | None = None
    labels = True  # whether pictures must have labels

    def place(self, device: torch.device) -> None:
        """Take a device for batches."""
        self.device = device

    def beside(self, step: int) -> dict[str, float]:
        """Nothing."""
        return {}

    def pictures(self, network: torch.nn.Module) -> dict[str, np.ndarray]:
        """None."""
        return {}

    def extra_tensors(self) -> dict[str, torch.Tensor]:
        """None."""
        return {}

    def load_extra(self, tensors: dict[str, torch.Tensor]) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to end."""


def start_tensors(start: str, stage: str, network: str, config: dict) -> dict[str, np.ndarray]:
    """Weights to begin with, a name or a .safetensors file.

    Args:
        stage: that trains such weights, for the error's line.
        network: kind of network, a key of `zoo.NETWORKS`.
        config: what the start must have been built with, where it tells it: weights that merely
            fit may belong to other layers.
    Raises:
        ModelError: see `zoo.tensors`; it names the recipe that makes the start where there is one.
    """
    recipe = f"train/{start}.yaml"
    if start.endswith("-start") and start not in zoo.index():
        if (configs.folder() / recipe).is_file():
            raise zoo.ModelError(
                f"no model {start!r}: `scsc train {stage} -c configs/{recipe}` makes it, then "
                "give its file, start=FILE.safetensors"
            )
    described = zoo.describe(start)
    if described["network"] != network:
        raise zoo.ModelError(f"start {start} must be a {network}, it is a {described['network']}")
    own = described.get("config") or {}
    for key in config.keys() & own.keys():
        if own[key] != config[key]:
            raise zoo.ModelError(
                f"start {start} was made with {key} {own[key]!r}, here it is {config[key]!r}"
            )
    return zoo.tensors(start)
