# SPDX-License-Identifier: GPL-3.0-or-later
"""PPEN as the transmitter uses it: picture and QP in, picture out."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..codecs import check_image
from .inference import Runtime, load_weights
from .layers import ste_round
from .ppen import Ppen, PpenConfig

if TYPE_CHECKING:
    from .strips import TileStrips


class Preprocessor:
    """x' = round8(PPEN(x, Q)) for one picture.

    Args:
        network: `Ppen` with weights.
        qp_range: (lowest, highest) slice QP it was trained for; others are clamped.
        runtime: where and how it runs.
    """

    def __init__(
        self,
        network: Ppen,
        qp_range: tuple[float, float] = (28.0, 47.0),
        runtime: Runtime | None = None,
    ):
        low, high = (float(bound) for bound in qp_range)
        if not 0 <= low <= high <= 51:
            raise ValueError(f"qp_range must be 0 <= low <= high <= 51, got {(low, high)}")
        self.runtime = runtime or Runtime()
        self.network = self.runtime.prepare(network)
        self.qp_range = (low, high)

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], config: dict) -> Preprocessor:
        """The network of an index entry; see `zoo.load`."""
        known = {field.name for field in fields(PpenConfig)}
        network = Ppen(PpenConfig(**{k: v for k, v in config.items() if k in known}))
        load_weights(network, tensors)
        return cls(network, tuple(config.get("qp_range", (28.0, 47.0))))

    def __call__(self, image: np.ndarray, qp: float) -> np.ndarray:
        """Picture uint8 [H, W, 3] shaped for the codec at a slice QP.

        Raises:
            ValueError: no such picture, or a qp that is not finite.
        """
        image = check_image(image)
        if not math.isfinite(qp):
            raise ValueError(f"qp must be a finite number, got {qp}")
        low, high = self.qp_range
        q = torch.tensor([min(max(float(qp), low), high)], device=self.runtime.device)

        def shape(x: torch.Tensor, *strips: TileStrips) -> torch.Tensor:
            return ste_round(self.network(x, q, *strips).float()).mul(255)

        pixels = self.runtime.run(shape, image, self.network)
        return np.ascontiguousarray(np.rint(pixels).astype(np.uint8).transpose(1, 2, 0))
