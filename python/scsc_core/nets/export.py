# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as ONNX files, for run-times without torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from .erf_pspnet import ErfPspNet
from .espnetv2 import EspNetV2
from .ppen import Ppen

# network -> names of inputs, name of the output
EXPORTED = {
    Ppen: (("picture", "qp"), "shaped"),
    ErfPspNet: (("picture",), "logits"),
    EspNetV2: (("picture",), "logits"),
}
OPSET = 18  # the first with antialiased resizing and every operator used here
_SMALLEST_SIDE = 16


def export_onnx(
    network: nn.Module,
    path: str | Path,
    height: int,
    width: int,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a network as an ONNX file for pictures of one size.

    Inputs: picture float32 [1, 3, height, width] in [0, 1], and for PPEN qp float32 [1]. Output:
    shaped picture in [0, 1], not rounded, or logits; both as `forward` gives them in eval mode.

    Args:
        network: `Ppen`, `ErfPspNet` or `EspNetV2`; left as it was.
        path: file to write; its folder must exist.
        height, width: sides of the picture >= 16.
        metadata: texts that go into the file, such as name and licence of the model.
    Returns:
        The path.
    Raises:
        ValueError: another network, a side too small, no such folder, or the packages onnx and
            onnxscript (extra `onnx`) are not installed.
    Note:
        Padding, pooling grids and sampling positions are constants of the size; a graph for any
        size is not offered, as its pooling would depend on the run-time's rounding.
    Source: networks.md section 1.
    """
    path = Path(path)
    if type(network) not in EXPORTED:
        known = ", ".join(kind.__name__ for kind in EXPORTED)
        raise ValueError(f"network must be one of {known}, got {type(network).__name__}")
    for name, side in (("height", height), ("width", width)):
        if side < _SMALLEST_SIDE:
            raise ValueError(f"{name} must be >= {_SMALLEST_SIDE}, got {side}")
    if not path.parent.is_dir():
        raise ValueError(f"folder {path.parent} of {path} does not exist")
    _require_packages()
    inputs, output = EXPORTED[type(network)]
    example = (torch.full((1, 3, height, width), 0.5), torch.tensor([37.0]))[: len(inputs)]
    training = network.training
    with torch.no_grad(), _quiet():
        try:
            program = torch.onnx.export(
                network.eval(),
                example,
                input_names=list(inputs),
                output_names=[output],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        finally:
            network.train(training)
    program.model.metadata_props.update(metadata or {})
    program.save(path, external_data=False)
    return path


def _require_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise ValueError(f"ONNX export needs {error.name}: pip install onnx onnxscript") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on packages and functions that play no part here."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
