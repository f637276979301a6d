# SPDX-License-Identifier: GPL-3.0-or-later
"""Training checkpoints: whole or not at all, and what is refused."""

import pytest
import torch

from scsc_core.training import checkpoint
from scsc_core.training.checkpoint import CheckpointError


def tensors(value=1.0):
    return {"model": {"w": torch.full((2,), value)}, "optim": {"0.step": torch.tensor(3.0)}}


def save(run, step, value=1.0, **options):
    return checkpoint.save(run, step, tensors(value), {"stage": "toy"}, **options)


def test_loaded_state_is_the_saved_one(tmp_path):
    folder = save(tmp_path, 7)

    found, state = checkpoint.load(folder)

    assert state == {"step": 7, "groups": ["model", "optim"], "stage": "toy"}
    assert torch.equal(found["model"]["w"], torch.ones(2)) and found["optim"]["0.step"] == 3


def test_only_the_last_and_every_nth_are_kept(tmp_path):
    for step in (2, 4, 5, 6, 7):
        save(tmp_path, step, keep_every=4)

    assert sorted(p.name for p in (tmp_path / "ckpt").iterdir()) == ["step-4", "step-7"]
    assert checkpoint.latest(tmp_path).name == "step-7"


def test_latest_is_by_number_not_by_name(tmp_path):
    for step in (9, 10):
        save(tmp_path, step, keep_every=1)

    assert checkpoint.latest(tmp_path).name == "step-10"


def test_half_written_folder_is_ignored(tmp_path, monkeypatch):
    save(tmp_path, 1)
    written = []

    def fail_at_the_second(values, path):
        written.append(path)
        if len(written) == 2:
            raise OSError("no space")
        path.write_bytes(b"half")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", fail_at_the_second)
        with pytest.raises(OSError, match="no space"):
            save(tmp_path, 2)

    assert checkpoint.latest(tmp_path).name == "step-1"
    assert checkpoint.load(save(tmp_path, 2, value=5.0))[0]["model"]["w"][0] == 5


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda f: (f / "state.json").write_text("{"), "is damaged"),
        (lambda f: (f / "state.json").write_text("[]"), "state.json has no step"),
        (lambda f: (f / "state.json").write_text('{"step": "x"}'), "state.json has no step"),
        (lambda f: (f / "state.json").unlink(), "is damaged"),
        (lambda f: (f / "optim.safetensors").unlink(), "optim.safetensors is missing"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x80\x04pickle"), "is damaged"),
        (
            lambda f: (f / "model.safetensors").write_bytes(
                (f / "model.safetensors").read_bytes()[:-3]
            ),
            "is damaged",
        ),
    ],
    ids=["cut json", "no table", "no number", "no state", "no optimiser", "pickle", "cut tensors"],
)
def test_damage_is_told_in_one_line(tmp_path, damage, told):
    folder = save(tmp_path, 3)
    damage(folder)

    with pytest.raises(CheckpointError, match=told) as caught:
        checkpoint.load(folder)

    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["old.ckpt", "old.pth"])
def test_pickle_is_refused_with_the_reason(tmp_path, name):
    file = tmp_path / name
    file.write_bytes(b"\x80\x04.")

    with pytest.raises(CheckpointError, match="pickled checkpoints are refused, .* can run code"):
        checkpoint.latest(file)


def test_folder_without_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        checkpoint.latest(tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        checkpoint.latest(tmp_path / "none")


@pytest.mark.parametrize("other", [torch.nn.Linear(2, 4), torch.nn.Conv2d(2, 3, 1)])
def test_weights_of_another_architecture_are_refused(tmp_path, other):
    network = torch.nn.Sequential(torch.nn.Linear(2, 3))
    before = network[0].weight.detach().clone()

    with pytest.raises(CheckpointError, match=r"of another architecture: 0.\w+ differs"):
        checkpoint.load_into(network, torch.nn.Sequential(other).state_dict(), tmp_path)

    assert torch.equal(network[0].weight, before)


def stepped(network):
    optimiser = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    return optimiser


def test_optimiser_goes_through_tensors_and_back(tmp_path):
    first, second = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    saved = checkpoint.optimiser_tensors(stepped(first))
    fresh = torch.optim.AdamW(second.parameters())

    checkpoint.restore_optimiser(fresh, saved, tmp_path)

    restored = checkpoint.optimiser_tensors(fresh)
    assert restored.keys() == saved.keys()
    assert all(torch.equal(restored[key], saved[key]) for key in saved)


def test_optimiser_of_another_architecture_is_refused(tmp_path):
    saved = checkpoint.optimiser_tensors(
        stepped(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)))
    )
    optimiser = torch.optim.AdamW(torch.nn.Linear(2, 1).parameters())

    with pytest.raises(CheckpointError, match="of another architecture: its optimiser"):
        checkpoint.restore_optimiser(optimiser, saved, tmp_path)
