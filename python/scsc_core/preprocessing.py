# SPDX-License-Identifier: GPL-3.0-or-later
"""PPEN in front of a codec: it is told the quality that the codec will use."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from . import codecs, model_choice, zoo
from .codecs.equivalent_qp import Nodes, bpg_qp
from .model_choice import NONE, PPEN


class CodecPreprocessor:
    """PPEN that takes a quality on the scale of the codec behind it.

    The network knows BPG's slice QP; another codec's quality becomes the QP of the same mean bits
    per pixel. The network clamps it to the range that it was trained for.

    Args:
        network: function (image uint8 [H, W, 3], BPG QP) -> image of the same shape.
        codec: str, name of the codec whose scale is meant.
        nodes: pairs (quality, BPG QP) of this codec from the model's metadata; None takes those of
            `codecs.equivalent_qp`.
    Raises:
        ValueError: unknown codec, nodes that are no such pairs.
    Source: networks.md section 2.3.
    """

    def __init__(self, network, codec: str = "bpg", nodes: Nodes | None = None):
        bpg_qp(codec, codecs.get(codec).default_qp, nodes)
        self.network = network
        self.codec = codec
        self._nodes = nodes

    def __call__(self, image: np.ndarray, qp: float) -> np.ndarray:
        """The picture to code at quality `qp`, uint8 [H, W, 3]."""
        return self.network(image, bpg_qp(self.codec, qp, self._nodes))


def check(model: str) -> None:
    """ModelError unless `model` is "none", an installed PPEN model or an existing file."""
    if model != NONE:
        model_choice.check(model, PPEN)


def load(
    model: str, codec: str = "bpg", device: str = "cpu", precision: str = "float32"
) -> CodecPreprocessor | None:
    """PPEN for a codec, or None for the model "none". The first model loads torch.

    Args:
        model: "none", the name of an installed PPEN model, or a .safetensors file.
        codec: str, the codec behind it.
        device, precision: where and how it runs, see nets.inference.Runtime.
    Raises:
        ModelError: unknown, missing or damaged model, or one that is no PPEN.
        ValueError: unknown codec, a device or precision that this machine lacks.
    """
    check(model)
    if model == NONE:
        return None
    file = Path(model) if model.endswith(zoo.WEIGHTS_SUFFIX) else zoo.path(model)
    return _load(model, codec, device, precision, file, file.stat().st_mtime_ns)


@lru_cache(maxsize=4)  # a sweep makes a transmitter for every point
def _load(
    model: str, codec: str, device: str, precision: str, file: Path, stamp: int
) -> CodecPreprocessor:
    config = zoo.describe(model).get("config") or {}
    nodes = config.get("equivalent_qp") or {}
    if not isinstance(nodes, dict):
        raise zoo.ModelError(
            f"model {model}: equivalent_qp must be a table by codec, got {nodes!r}"
        )
    network = model_choice.load(model, PPEN, device, precision)
    return CodecPreprocessor(network, codec, nodes.get(codec))
