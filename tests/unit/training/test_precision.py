# SPDX-License-Identifier: GPL-3.0-or-later
"""bfloat16 and CUDA, in frozen networks and in the loop."""

import numpy as np
import pytest
import torch

from scsc_core.nets import inference
from scsc_core.nets.inference import Runtime
from scsc_core.nets.ppen import Ppen, PpenConfig
from scsc_core.nets.preprocessor import Preprocessor
from scsc_core.training import loop
from scsc_core.training.journal import read_records

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture(autouse=True)
def no_drawings(monkeypatch):
    monkeypatch.setattr("scsc_core.training.journal._board", lambda folder: None)
    monkeypatch.setattr("scsc_core.training.journal.draw_curves", lambda records, path: None)


def shaping_network():
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        network = Ppen(PpenConfig("tiny"))
        torch.nn.init.normal_(network.output[-1].weight, std=0.02)
    return network


def note_types(network, seen):
    """Note the type of what each convolution gives."""
    for module in network.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            module.register_forward_hook(lambda m, x, out: seen.add(out.dtype))


def test_bf16_runtime_computes_in_bfloat16_and_stays_near_float32(monkeypatch):
    monkeypatch.setattr(inference, "has_bf16", lambda device="cpu": True)
    network, seen = shaping_network(), set()
    exact = Preprocessor(network)(IMAGE, 37)
    runtime = Preprocessor(network, runtime=Runtime(precision="bf16"))
    note_types(runtime.network, seen)

    rounded = runtime(IMAGE, 37)

    assert torch.bfloat16 in seen
    difference = np.abs(exact.astype(int) - rounded)
    # bfloat16 has 8 bits: some levels of the change that PPEN makes
    assert difference.mean() < 1 and 0 < difference.max() < 16


def test_bf16_is_refused_where_the_processor_has_none(monkeypatch):
    monkeypatch.setattr(inference, "has_bf16", lambda device="cpu": False)

    with pytest.raises(ValueError, match="precision must be float32"):
        Runtime(precision="bf16")


@pytest.mark.parametrize(
    ("precision", "has", "expected"),
    [
        ("bf16-mixed", False, torch.bfloat16),
        ("auto", True, torch.bfloat16),
        ("auto", False, torch.float32),
        ("32-true", True, torch.float32),
    ],
)
def test_loop_computes_in_the_precision_that_was_asked_for(
    toy, tmp_path, monkeypatch, precision, has, expected
):
    monkeypatch.setattr(loop, "has_bf16", lambda device: has)
    stage = toy.ToyStage(toy.ToySettings(steps=2, batch=4, precision=precision))
    seen, kept = set(), []
    note_types(stage.network, seen)
    real = stage.loss

    def loss(network, batch, step):
        kept.append(network(batch).dtype)
        return real(network, batch, step)

    monkeypatch.setattr(stage, "loss", loss)
    outcome = loop.train(stage, tmp_path)

    assert expected in seen and (expected == torch.bfloat16) == (torch.bfloat16 in seen)
    assert all(p.dtype == torch.float32 for p in outcome.network.parameters())
    losses = [r["loss"] for r in read_records(tmp_path / "metrics.jsonl") if "loss" in r]
    assert len(kept) == 2 and np.isfinite(losses).all()


@pytest.mark.gpu
def test_ppen_on_cuda_is_that_of_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is here")
    network = shaping_network()

    found = Preprocessor(network, runtime=Runtime("cuda"))(IMAGE, 37)

    expected = Preprocessor(network)(IMAGE, 37)
    assert np.abs(expected.astype(int) - found).max() <= 1
    assert not np.array_equal(found, IMAGE)


@pytest.mark.gpu
def test_training_step_on_cuda_follows_that_of_the_cpu(toy, tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is here")
    losses = []
    for device in ("cpu", "cuda"):
        settings = toy.ToySettings(
            steps=2, batch=4, dropout=0.0, accelerator=device, precision="32-true"
        )
        (tmp_path / device).mkdir()
        loop.train(toy.ToyStage(settings), tmp_path / device)
        records = read_records(tmp_path / device / "metrics.jsonl")
        losses.append([r["loss"] for r in records if "loss" in r])

    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
