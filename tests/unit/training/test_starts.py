# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights that a stage begins with: taken, missing, or of another network."""

import importlib
import json
import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from scsc_core import zoo
from scsc_core.nets.inference import weights_of
from scsc_core.nets.ppen import Ppen, PpenConfig
from scsc_core.training.joint_stage import JointStage
from scsc_core.training.ppen_settings import JointSettings, PpenSettings
from scsc_core.training.ppen_stage import PpenStage
from scsc_core.training.proxy_stage import FitSettings, FitStage
from scsc_core.training.task_stage import TaskSettings, TaskStage
from scsc_core.zoo import ModelError

pytestmark = pytest.mark.usefixtures("models")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(PpenStage, PpenSettings), (TaskStage, TaskSettings), (FitStage, FitSettings)],
)
def test_missing_start_is_told_before_any_picture_is_read(monkeypatch, kind, settings):
    def read(*args, **options):
        raise AssertionError("pictures are read")

    monkeypatch.setattr(importlib.import_module(kind.__module__), "open_samples", read)

    with pytest.raises(ModelError, match="no model 'nothing'; there are: "):
        kind(settings(start="nothing"))


@pytest.mark.parametrize(
    ("kind", "settings", "start"),
    [
        (PpenStage, PpenSettings, "ppen-small-streets-start"),
        (JointStage, JointSettings, "ppen-small-streets-start"),
        (TaskStage, TaskSettings, "erf-pspnet-camvid-7-start"),
    ],
)
def test_recipe_of_a_missing_start_is_named(root, kind, settings, start):
    stage = "task" if kind is TaskStage else "ppen"
    told = f"no model '{start}': `scsc train {stage} -c configs/train/{start}.yaml` makes it"

    with pytest.raises(ModelError, match=re.escape(told)):
        kind(settings(start=start))
    assert (root / "configs" / "train" / f"{start}.yaml").is_file()


def test_start_takes_the_weights_of_a_model():
    network = PpenStage.started(PpenSettings(variant="tiny", start="own-ppen"))

    fresh = PpenStage.started(PpenSettings(variant="tiny"))
    wanted = zoo.tensors("own-ppen")
    found, other = weights_of(network), weights_of(fresh)
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[key], wanted[key]) for key in wanted)
    assert any(not np.array_equal(other[key], wanted[key]) for key in wanted)
    assert isinstance(fresh, Ppen) and fresh.config == PpenConfig("tiny")


def test_start_of_other_layers_is_refused_even_where_its_weights_fit(tmp_path):
    tensors, described = zoo.read_weights(zoo.path("own-ppen"))
    file = tmp_path / "a.safetensors"
    changed = described | {"config": {"variant": "tiny", "strip": "mean"}}
    save_file(tensors, file, {"model": json.dumps(changed)})

    with pytest.raises(ModelError, match="was made with strip 'mean', here it is 'max'"):
        PpenStage.started(PpenSettings(variant="tiny", start=str(file)))
