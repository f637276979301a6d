# SPDX-License-Identifier: GPL-3.0-or-later
"""ONNX files give what the networks give."""

import sys

import numpy as np
import pytest
import torch

from scsc_core.nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from scsc_core.nets.espnetv2 import EspNetV2, EspNetV2Config
from scsc_core.nets.export import export_onnx
from scsc_core.nets.ppen import Ppen, PpenConfig

HEIGHT, WIDTH = 45, 64  # 45: padded inside
NETWORKS = {
    "ppen": lambda: Ppen(PpenConfig("tiny")),
    "erf_pspnet": lambda: ErfPspNet(ErfPspNetConfig(7)),
    "erfnet": lambda: ErfPspNet(ErfPspNetConfig(7, decoder="erfnet")),
    "espnetv2": lambda: EspNetV2(EspNetV2Config(0.5)),
}


def seeded(build):
    """The network with weights off their start, so that no branch is zero or the identity."""
    torch.manual_seed(0)
    network = build().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.03 * torch.randn_like(parameter))
    return network


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_run_time_agrees_with_torch(name, tmp_path):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra onnx)")
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime (extra onnx)")
    network = seeded(NETWORKS[name])
    picture = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
    inputs = {"picture": picture} | ({"qp": torch.tensor([31.0])} if name == "ppen" else {})

    path = export_onnx(network, tmp_path / "net.onnx", HEIGHT, WIDTH, {"licence": "none"})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {key: value.numpy() for key, value in inputs.items()})

    with torch.no_grad():
        expected = network(*inputs.values()).numpy()
    # relative to the largest value: random weights make logits of some hundred
    assert np.abs(found - expected).max() < 1e-4 * max(1, np.abs(expected).max())
    assert np.ptp(expected) > 0.1
    assert session.get_modelmeta().custom_metadata_map["licence"] == "none"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.nn.ReLU(), "x.onnx", 64, 64), "network must be one of Ppen, .* got ReLU"),
        ((NETWORKS["ppen"](), "x.onnx", 64, 8), "width must be >= 16, got 8"),
        ((NETWORKS["ppen"](), "no/such/x.onnx", 64, 64), "folder no/such of .* does not exist"),
    ],
)
def test_bad_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        export_onnx(*arguments)


def test_missing_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)

    with pytest.raises(ValueError, match="ONNX export needs onnx: pip install"):
        export_onnx(NETWORKS["ppen"](), tmp_path / "x.onnx", 64, 64)
