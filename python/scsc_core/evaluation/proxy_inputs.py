# SPDX-License-Identifier: GPL-3.0-or-later
"""What `proxy_check` works on: proxies and task networks by name, crops of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import zoo
from .proxy_check import Crop

if TYPE_CHECKING:
    from ..data import Dataset

BUILT_IN = ("dct", "identity")
_ESPNETV2 = "espnetv2-"


def load_proxy(name: str) -> Any:
    """A codec proxy: "dct", "identity", or the name or .safetensors file of a learned one.

    Raises:
        ModelError: no such model, or a model that is no proxy.
    """
    from ..nets.dct_proxy import DctProxy, IdentityProxy
    from ..nets.proxy import Proxy

    if name in BUILT_IN:
        return DctProxy() if name == "dct" else IdentityProxy()
    found = zoo.load(name)
    if not isinstance(found, Proxy):
        raise zoo.ModelError(f"{name} is no codec proxy; give one, or {' or '.join(BUILT_IN)}")
    return found


def load_task(name: str) -> Any:
    """A frozen task network with a differentiable loss: of the zoo, or "espnetv2-<scale>".

    Raises:
        ModelError: no such model or weights, or one without `logits`, `loss` and `segment`.
    """
    if name.startswith(_ESPNETV2):
        from ..tasks.espnetv2 import EspNetV2Segmenter

        scales = [f"{scale:.1f}" for scale in (0.5, 1, 1.5, 2)]
        scale = name.removeprefix(_ESPNETV2)
        if scale not in scales:
            raise zoo.ModelError(f"{_ESPNETV2}<scale> needs one of {', '.join(scales)}, got {name}")
        return EspNetV2Segmenter.load(float(scale))
    found = zoo.load(name)
    missing = [part for part in ("logits", "loss", "segment") if not hasattr(found, part)]
    if missing:
        raise zoo.ModelError(f"{name} is no task network: it has no {', '.join(missing)}")
    return found


def draw_crops(dataset: Dataset, count: int, side: int, seed: int = 0) -> list[Crop]:
    """Random square windows, one of each picture, the pictures spread evenly over the data set.

    More crops than pictures: several of a picture.

    Args:
        dataset: labelled or not.
        count: >= 1.
        side: px.
        seed: of the windows.
    Raises:
        ValueError: an empty data set, count < 1, or a picture smaller than the window.
    """
    if count < 1 or not len(dataset):
        raise ValueError(f"crops must be at least 1 of at least 1 picture, got {count}")
    rng = np.random.default_rng(seed)
    crops = []
    for number, index in enumerate(np.linspace(0, len(dataset) - 1, count).round().astype(int)):
        sample = dataset[int(index)]
        height, width = sample.image.shape[:2]
        if min(height, width) < side:
            raise ValueError(
                f"side must be at most {min(height, width)} ({sample.name}), got {side}"
            )
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        window = (slice(top, top + side), slice(left, left + side))
        label = None if sample.label is None else np.ascontiguousarray(sample.label[window])
        image = np.ascontiguousarray(sample.image[window])
        crops.append(Crop(f"{sample.name}#{number}", image, label))
    return crops
