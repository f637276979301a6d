# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `joint`: PPEN and PCEN in turns, Algorithm 2 as corrected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from . import checkpoint
from .information import channel_gains, information_loss, sobol_noise
from .loop import check_finite
from .pcen_models import PcenModule
from .ppen_settings import JointSettings
from .ppen_stage import PpenStage
from .seeds import seed_for

_NOISE_SAMPLES = 32
_PCEN_SNR_DB = (-10.0, 12.0)
_PCEN, _ADAM = "pcen.", "adam."  # groups of further tensors


class JointStage(PpenStage):
    """As `PpenStage`, and every `pcen_every` steps one step of PCEN on fresh channels.

    The gradient of the picture does not reach PCEN through a digital codec, so the two networks
    meet in delivery alone: which pictures the receiver has to segment without.

    Args:
        settings: `JointSettings`.
    Source: training.md section 4, lines 9 to 11.
    """

    name = "joint"

    def __init__(self, settings: JointSettings):
        super().__init__(settings)
        torch.manual_seed(seed_for(settings.seed, "pcen"))
        self.pcen = PcenModule()
        self._adam = torch.optim.Adam(self.pcen.parameters(), lr=settings.pcen_rate)

    def beside(self, step: int) -> dict[str, float]:
        """One step of PCEN when it is its turn."""
        s = self.settings
        if step % s.pcen_every:
            return {}
        generator = torch.Generator().manual_seed(seed_for(s.seed, "channels", step))
        gains = channel_gains(s.pcen_batch, generator, _PCEN_SNR_DB)
        with torch.autocast("cpu", enabled=False):
            information = self.pcen.information(gains, sobol_noise(_NOISE_SAMPLES, seed=step))
            loss = s.pcen_weight * information_loss(information)
        self._adam.zero_grad()
        loss.backward()
        check_finite(loss, self.pcen, step, "PCEN's ")
        self._adam.step()
        return {"pcen": float(loss.detach())}

    def pcen_tensors(self) -> dict[str, np.ndarray]:
        """Weights of PCEN as `mimo.pcen.PcenNetwork` reads them."""
        return self.pcen.tensors(sobol_noise(512, seed=self.settings.steps))

    def extra_tensors(self) -> dict[str, torch.Tensor]:
        """PCEN and its optimiser too."""
        parts = {_PCEN: self.pcen.state_dict(), _ADAM: checkpoint.optimiser_tensors(self._adam)}
        own = {prefix + k: v for prefix, part in parts.items() for k, v in part.items()}
        return super().extra_tensors() | own

    def load_extra(self, tensors: dict[str, torch.Tensor]) -> None:
        """The inverse of `extra_tensors`."""
        super().load_extra(tensors)

        def part(prefix: str) -> dict[str, torch.Tensor]:
            return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

        self.pcen.load_state_dict(part(_PCEN))
        checkpoint.restore_optimiser(self._adam, part(_ADAM), Path("extra.safetensors"))
