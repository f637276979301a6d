# SPDX-License-Identifier: GPL-3.0-or-later
"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch


class MovingAverage:
    """theta_avg <- d theta_avg + (1 - d) theta with d = min(decay, (1 + t) / (10 + t)).

    Buffers (running statistics) are averaged too, counters copied. The small d of the first steps
    forgets the random start.

    Args:
        module: the network that is trained.
        decay: 0 <= decay < 1; 0 follows the network.
    Attributes:
        module: a copy of the network with the averaged weights, frozen and in evaluation mode.
    """

    def __init__(self, module: torch.nn.Module, decay: float):
        self.decay = decay
        self.module = copy.deepcopy(module).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        """Take the weights after optimiser step `step` (0, 1, ...)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        current = module.state_dict()
        for name, value in self.module.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])
