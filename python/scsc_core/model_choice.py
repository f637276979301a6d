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
ESPNETV2 = "espnetv2-"
ESPNETV2_SCALES = ("0.5", "1.0", "1.5", "2.0")
_WORDS = {PPEN: "PPEN", SEGMENTATION: "segmentation"}


def names(network: str) -> list[str]:
    """Names of the installed models of one network, a value of the index's field `network`."""
    return sorted(name for name, entry in zoo.index().items() if entry.get("network") == network)


def check(model: str, network: str) -> None:
    """ModelError unless `model` names an installed model of that network, or an existing file.

    Reads the index only; what is in a file shows when it is loaded.
    """
    zoo.refuse_pickle(model)
    if model.endswith(zoo.WEIGHTS_SUFFIX):
        if not Path(model).is_file():
            raise zoo.ModelError(f"model file {model} does not exist")
        return
    known = names(network)
    if model in zoo.index() and model not in known:
        raise _other_network(model, network)
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
    if zoo.describe(model)["network"] != network:
        raise _other_network(model, network)
    loaded = zoo.load(model)
    if (device, precision) != (loaded.runtime.device, loaded.runtime.precision):
        from .nets.inference import Runtime

        loaded.runtime = Runtime(device, precision)
        loaded.network = loaded.runtime.prepare(loaded.network)
    return loaded


def _other_network(model: str, network: str) -> zoo.ModelError:
    found = zoo.describe(model)["network"]
    return zoo.ModelError(f"{model} holds a network {found!r}, not a {_WORDS[network]} model")


def check_segmenter(model: str) -> None:
    """ModelError unless `model` may be a segmentation model; see `load_segmenter`."""
    if not model.startswith(ESPNETV2):
        check(model, SEGMENTATION)
    elif model.removeprefix(ESPNETV2) not in ESPNETV2_SCALES:
        allowed = ", ".join(ESPNETV2 + scale for scale in ESPNETV2_SCALES)
        raise zoo.ModelError(f"task network must be one of {allowed}, got {model!r}")


def load_segmenter(
    model: str,
    device: str = "cpu",
    precision: str = "float32",
    classes: tuple[str, ...] | None = CLASSES7,
) -> Any:
    """A frozen `tasks.segmentation.Segmenter`.

    Args:
        model: see `load`, or "espnetv2-<scale>", a published network whose weights the user has.
        device, precision: of nets.inference.Runtime.
        classes: what it must tell apart; None: anything.
    Raises:
        ModelError, ValueError: see `load`; ModelError for other classes, too.
    """
    check_segmenter(model)
    if model.startswith(ESPNETV2):
        from .nets.inference import Runtime
        from .tasks.espnetv2 import EspNetV2Segmenter

        scale = float(model.removeprefix(ESPNETV2))
        segmenter = EspNetV2Segmenter.load(scale, runtime=Runtime(device, precision))
    else:
        segmenter = load(model, SEGMENTATION, device, precision)
    if classes is not None and tuple(segmenter.classes) != tuple(classes):
        raise zoo.ModelError(
            f"{model} must tell the categories {', '.join(classes)} apart, "
            f"it has {', '.join(segmenter.classes)}"
        )
    return segmenter
