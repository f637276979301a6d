# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the proxy that a PPEN learns through still tells what the codec does to PPEN's pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..evaluation import proxy_check
from ..evaluation.proxy_check import ALL, Crop
from ..tasks.segmentation import Segmenter

LEAST_SPEARMAN = 0.8
_PATIENCE = 2  # validations in a row below it


class ProxyWatch:
    """The checks of `evaluation.proxy_check` on a few crops, after each validation.

    A PPEN finds pictures on which proxy and codec part; from then on it follows a gradient that
    means nothing.

    Args:
        crops: pictures with labels or None, fixed.
        proxy, task: module and network of the training.
        qps: lowest, middle and highest are checked.
        preset: of the BPG encoder.
    Attributes:
        problem: None, or what ends the run: Spearman's correlation of the proxy's bits and the
            codec's below 0.8 in two validations in a row.
        state: what `problem` depends on, float64 [2], for checkpoints: number of validations in a
            row below 0.8, correlation at the last one.
    Source: training.md section 4.
    """

    def __init__(
        self, crops: list[Crop], proxy, task: Segmenter, qps: tuple[int, ...], preset: str
    ):
        self._crops, self._proxy, self._task = crops, proxy, task
        chosen = tuple(dict.fromkeys((qps[0], qps[len(qps) // 2], qps[-1])))
        self._settings = proxy_check.Settings(chosen, preset)
        self._low, self._correlation = 0, 1.0

    @property
    def state(self) -> torch.Tensor:
        return torch.tensor([self._low, self._correlation], dtype=torch.float64)

    @state.setter
    def state(self, value: torch.Tensor) -> None:
        self._low, self._correlation = int(value[0]), float(value[1])

    @property
    def problem(self) -> str | None:
        if self._low < _PATIENCE:
            return None
        return (
            f"the proxy's bits follow the codec's no more: Spearman {self._correlation:.2f}, at "
            f"least {LEAST_SPEARMAN} is needed, {self._low} validations in a row"
        )

    def scores(self, preprocessor: Callable[[np.ndarray, float], np.ndarray]) -> dict[str, float]:
        """Of the proxy on PPEN's pictures: spearman, psnr_db, shares of right gradient signs.

        A figure that a proxy does not have (a rate that is constant) is left out.
        """
        shaped = [
            Crop(crop.name, preprocessor(crop.image, qp), crop.label)
            for crop, qp in zip(self._crops, self._spread(), strict=True)
        ]
        row = proxy_check.run(
            *(shaped, {"proxy": self._proxy}, self._task, "task", self._settings),
            device=str(self._task.runtime.device),
        ).find("proxy")
        self._judge(row.spearman)
        found = {
            "proxy_spearman": row.spearman,
            "proxy_psnr_db": row.psnr_db,
            "task_sign": row.task[ALL].share,
            "rate_sign": row.rate[ALL].share,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _spread(self) -> list[float]:
        """A QP for each crop, in turns."""
        qps = self._settings.qps
        return [float(qps[i % len(qps)]) for i in range(len(self._crops))]

    def _judge(self, correlation: float | None) -> None:
        if correlation is None:
            return
        self._correlation = correlation
        self._low = self._low + 1 if correlation < LEAST_SPEARMAN else 0
