# SPDX-License-Identifier: GPL-3.0-or-later
"""Two steps, an interruption and two steps equal four, bit for bit, with the real stages."""

import os
import signal

import pytest
import torch

from scsc_core.codecs import bpg_planes
from scsc_core.config import build
from scsc_core.training import checkpoint, loop
from scsc_core.training.ppen_settings import PpenSettings
from scsc_core.training.ppen_stage import PpenStage
from scsc_core.training.task_stage import TaskSettings, TaskStage

COMMON = {"steps": 4, "batch": 2, "warmup": 2, "ema": 0.9, "precision": "32-true"}
TASK = {"small_batch": 2, "small_crop": [32, 32], "crop": [32, 48]}
PPEN = {"variant": "tiny", "tasks": ["own-task"], "crop": [64, 64], "qps": [31, 41]}
PPEN |= {"validation_qps": [41], "proxy_crops": 2}
STAGES = {"task": (TaskStage, TaskSettings, TASK), "ppen": (PpenStage, PpenSettings, PPEN)}

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(autouse=True)
def no_drawings(monkeypatch):
    monkeypatch.setattr("scsc_core.training.journal._board", lambda folder: None)
    monkeypatch.setattr("scsc_core.training.journal.draw_curves", lambda records, path: None)


def stop_after_two(step, total, terms):
    if step == 2:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("name", STAGES)
def test_interrupted_and_resumed_stage_equals_uninterrupted(frames, tmp_path, name):
    if name == "ppen" and not bpg_planes.have_bpg():
        pytest.skip("this build has no BPG codec")
    kind, settings, values = STAGES[name]
    data = {"name": "camvid", "root": str(frames), "validation_count": 1}

    def train(folder, **more):
        folder.mkdir(exist_ok=True)
        stage = kind(build(settings, COMMON | values | {"data": data}))
        try:
            return loop.train(stage, folder, **more)
        finally:
            stage.close()

    train(tmp_path / "whole")
    with pytest.raises(loop.Interrupted, match="stopped after step 2"):
        train(tmp_path / "parts", progress=stop_after_two)
    train(tmp_path / "parts", resume=tmp_path / "parts")

    found = [checkpoint.load(checkpoint.latest(tmp_path / n)) for n in ("whole", "parts")]
    (whole, state), (parts, other) = found
    assert (state["step"], state["best"]) == (4, other["best"]) and whole.keys() == parts.keys()
    for group, tensors in whole.items():
        assert tensors.keys() == parts[group].keys()
        assert all(torch.equal(v, parts[group][k]) for k, v in tensors.items()), group
    records = [(tmp_path / n / "metrics.jsonl").read_text() for n in ("whole", "parts")]
    assert records[0] == records[1]
