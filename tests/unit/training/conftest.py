# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny stages and models that training tests share."""

import importlib.util
import sys
from pathlib import Path

import pytest

TOY_PROGRAM = Path(__file__).with_name("toy_stage.py")


@pytest.fixture(scope="session")
def toy():
    """The module toy_stage.py beside this file; `toy.__file__` runs as a program."""
    spec = importlib.util.spec_from_file_location("toy_stage", TOY_PROGRAM)
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_stage"] = module
    spec.loader.exec_module(module)
    return module


def _publish_models(folder: Path) -> None:
    import torch

    from scsc_core.nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
    from scsc_core.nets.inference import weights_of
    from scsc_core.nets.ppen import Ppen, PpenConfig
    from scsc_core.nets.proxy import Proxy, ProxyConfig
    from scsc_core.training.publish import publish

    own, foreign = ("streets", "GPL-3.0-or-later"), ("camvid", "CC-BY-NC-4.0")
    described = [
        ("own-task", "erf_pspnet", {"classes": 7}, ErfPspNet(ErfPspNetConfig(7)), own),
        ("camvid-task", "erf_pspnet", {"classes": 7}, ErfPspNet(ErfPspNetConfig(7)), foreign),
        (
            "eleven-task",
            "erf_pspnet",
            {"classes": 11, "class_names": [f"class {i}" for i in range(11)]},
            ErfPspNet(ErfPspNetConfig(11)),
            own,
        ),
        ("own-ppen", "ppen", {"variant": "tiny"}, Ppen(PpenConfig("tiny")), own),
        ("own-proxy", "proxy", {"variant": "small"}, Proxy(ProxyConfig("small")), own),
    ]
    for name, network, config, module, (data, licence) in described:
        entry = {"name": name, "network": network, "config": config, "licence": licence}
        entry["data"] = [{"name": data, "split": "train", "licence": licence}]
        entry["commercial_use"] = licence == own[1]
        with torch.no_grad():
            publish(folder, entry, weights_of(module), f"# {name}\n")


@pytest.fixture(scope="session")
def _models_folder(tmp_path_factory) -> Path:
    import torch

    folder = tmp_path_factory.mktemp("models")
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        _publish_models(folder)
    return folder


@pytest.fixture
def models(_models_folder, monkeypatch) -> Path:
    """Folder that the zoo looks at: random task networks, a PPEN and a proxy."""
    monkeypatch.setenv("SCSC_MODELS", str(_models_folder))
    return _models_folder
