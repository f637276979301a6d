# SPDX-License-Identifier: GPL-3.0-or-later
"""Models chosen by name or file where only one kind of network will do: PPEN, task network."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from . import zoo
from .tasks.categories import CLASSES7

NONE = "none"  # no pre-processing

PPEN = "ppen"
SEGMENTATION = "erf_pspnet"
_WORDS = {PPEN: "PPEN", SEGMENTATION: "segmentation"}


def names(network: str) -> list[str]:
    """Names of the installed models of one network, a value of the index's field `network`."""
    return sorted(name for name, entry in zoo.index().items() if entry.get("network") == network)


def check(model: str, network: str) -> None:
    """ModelError unless `model` names an installed model of that network, or an existing file.

    Reads the index only; what is in a file shows when it is loaded.
    """
    if model.endswith(zoo.WEIGHTS_SUFFIX):
        if not Path(model).is_file():
            raise zoo.ModelError(f"model file {model} does not exist")
        return
    known = names(network)
    if model not in known:
        close = difflib.get_close_matches(model, known, 1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise zoo.ModelError(
            f"no {_WORDS[network]} model {model!r}{hint}; there are: {', '.join(known) or 'none'}; "
            f"or give a {zoo.WEIGHTS_SUFFIX} file"
        )


def load(model: str, network: str, device: str = "cpu", precision: str = "float32") -> Any:
    """The network of a model, by name or file.

    Args:
        model: a name of `names(network)`, or the path of a .safetensors file with its metadata.
        network: `PPEN` or `SEGMENTATION`.
        device, precision: of nets.inference.Runtime.
    Raises:
        ModelError: unknown, missing or damaged, or a model of another network.
        ValueError: weights of another architecture, a device or precision that is not here.
    """
    check(model, network)
    found = zoo.describe(model)["network"]
    if found != network:
        raise zoo.ModelError(f"{model} holds a network {found!r}, not a {_WORDS[network]} model")
    loaded = zoo.load(model)
    if (device, precision) != (loaded.runtime.device, loaded.runtime.precision):
        from .nets.inference import Runtime

        loaded.runtime = Runtime(device, precision)
        loaded.network = loaded.runtime.prepare(loaded.network)
    return loaded


def check_segmenter(model: str) -> None:
    """ModelError unless `model` may be a segmentation model; see `check`."""
    check(model, SEGMENTATION)


def load_segmenter(model: str, device: str = "cpu", precision: str = "float32") -> Any:
    """A `tasks.segmentation.Segmenter` of the 7 categories; see `load`."""
    segmenter = load(model, SEGMENTATION, device, precision)
    if tuple(segmenter.classes) != CLASSES7:
        raise zoo.ModelError(
            f"{model} must tell the categories {', '.join(CLASSES7)} apart, "
            f"it has {', '.join(segmenter.classes)}"
        )
    return segmenter
