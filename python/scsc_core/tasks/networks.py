# SPDX-License-Identifier: GPL-3.0-or-later
"""Task networks by name: models of the zoo, and published networks whose weights the user has."""

from __future__ import annotations

from .. import zoo
from .segmentation import Segmenter

ESPNETV2 = "espnetv2-"
ESPNETV2_SCALES = ("0.5", "1.0", "1.5", "2.0")


def load_segmenter(name: str) -> Segmenter:
    """A frozen segmentation network.

    Args:
        name: of the zoo, a .safetensors file, or "espnetv2-<scale>".
    Raises:
        ModelError: no such network, or it does not segment pictures.
    """
    if name.startswith(ESPNETV2):
        from .espnetv2 import EspNetV2Segmenter

        scale = name.removeprefix(ESPNETV2)
        if scale not in ESPNETV2_SCALES:
            allowed = ", ".join(ESPNETV2 + s for s in ESPNETV2_SCALES)
            raise zoo.ModelError(f"task network must be one of {allowed}, got {name!r}")
        return EspNetV2Segmenter.load(float(scale))
    network = zoo.load(name)
    if not isinstance(network, Segmenter):
        raise zoo.ModelError(
            f"task network {name} does not segment pictures: it is a {type(network).__name__}"
        )
    return network
