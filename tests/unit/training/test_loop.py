# SPDX-License-Identifier: GPL-3.0-or-later
"""The training loop on a toy stage: schedule, averaging, resumption, faults, two processes."""

import json
import math
import os
import signal
import subprocess
import sys

import pytest
import torch

from scsc_core.training import checkpoint, loop
from scsc_core.training.average import MovingAverage
from scsc_core.training.journal import read_records

STEPS = 8


@pytest.fixture(autouse=True)
def no_drawings(monkeypatch):
    """Curves and boards have a test of their own; importing what draws them takes seconds."""
    monkeypatch.setattr("scsc_core.training.journal._board", lambda folder: None)
    monkeypatch.setattr("scsc_core.training.journal.draw_curves", lambda records, path: None)


def make(toy, **values):
    options = {"steps": STEPS, "batch": 4, "learning_rate": 0.05, "validate_every": 3}
    return toy.ToyStage(toy.ToySettings(**(options | values)))


def folder(tmp_path, name="run"):
    (tmp_path / name).mkdir(exist_ok=True)
    return tmp_path / name


def final_state(run):
    found, state = checkpoint.load(checkpoint.latest(run))
    state.pop("seconds")
    return found, state


def assert_equal_runs(first, second):
    (tensors, state), (others, other_state) = final_state(first), final_state(second)
    assert state == other_state and tensors.keys() == others.keys()
    for group, values in tensors.items():
        assert values.keys() == others[group].keys()
        assert all(torch.equal(values[key], others[group][key]) for key in values), group
    assert (first / "metrics.jsonl").read_text() == (second / "metrics.jsonl").read_text()


# schedule and averaging ---------------------------------------------------------------------------
def test_learning_rate_rises_and_falls(toy):
    settings = toy.ToySettings(steps=100, learning_rate=0.5, power=0.9, warmup=4)

    rates = [loop.learning_rate(settings, step) for step in (0, 3, 4, 50, 99)]

    expected = [0.125, 0.5 * 0.97**0.9, 0.5 * 0.96**0.9, 0.5 * 0.5**0.9, 0.5 * 0.01**0.9]
    assert rates == pytest.approx(expected, rel=1e-12)


def test_average_follows_the_formula():
    network = torch.nn.BatchNorm1d(1)
    average = MovingAverage(network, 0.15)

    for step, value in enumerate((1.0, 3.0)):
        with torch.no_grad():
            network.weight.fill_(value + 1)
            network.num_batches_tracked.fill_(step + 5)
        average.update(network, step)

    # d_0 = .1 and d_1 = min(.15, 2 / 11): 1 -> .1 + .9 * 2 = 1.9 -> .15 * 1.9 + .85 * 4 = 3.685
    assert average.module.weight.item() == pytest.approx(3.685, rel=1e-6)
    assert average.module.num_batches_tracked.item() == 6
    assert not average.module.training and not average.module.weight.requires_grad


def test_optimiser_uses_the_schedule_and_the_average_is_validated(toy, tmp_path):
    stage = make(toy, steps=3, dropout=0.0, ema=0.0, clip_norm=0.0, weight_decay=0.0, warmup=2)
    reference = make(toy, steps=3).network
    reference[2].p = 0.0
    optimiser = torch.optim.AdamW(reference.parameters(), weight_decay=0.0)

    outcome = loop.train(stage, folder(tmp_path))

    for step in range(3):
        optimiser.param_groups[0]["lr"] = loop.learning_rate(stage.settings, step)
        optimiser.zero_grad()
        batch = stage.batch(step, 0, 1)
        (reference(batch)[:, 0] - batch.sum(1)).square().mean().backward()
        optimiser.step()
    for a, b in zip(outcome.network.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-6)


def test_gradient_norm_is_limited(toy, tmp_path):
    stage = make(toy, steps=1, clip_norm=1e-9, weight_decay=0.0, ema=0.0, dropout=0.0)
    before = [p.detach().clone() for p in stage.network.parameters()]

    outcome = loop.train(stage, folder(tmp_path))

    # Adam divides by |g| + 1e-8: with |g| <= 1e-9 a step is at most a tenth of the rate
    changes = [(a - b).abs().max() for a, b in zip(outcome.network.parameters(), before)]
    assert 0 < max(changes) <= 0.1 * stage.settings.learning_rate


def test_best_weights_are_kept_not_the_last(toy, tmp_path, monkeypatch):
    scores, seen = iter([0.2, 0.9, float("nan")]), []
    stage = make(toy, steps=6, validate_every=2)

    def validate(network):
        seen.append({k: v.clone() for k, v in network.state_dict().items()})
        return {"score": next(scores)}

    monkeypatch.setattr(stage, "validate", validate)
    outcome = loop.train(stage, folder(tmp_path))

    assert (outcome.best_step, outcome.scores, outcome.steps) == (4, {"score": 0.9}, 6)
    for name, value in outcome.network.state_dict().items():
        assert torch.equal(value, seen[1][name])
    assert not torch.equal(seen[1]["0.weight"], seen[2]["0.weight"])


def test_training_lowers_the_loss(toy, tmp_path):
    loop.train(make(toy, steps=60, dropout=0.0), folder(tmp_path))

    losses = [r["loss"] for r in read_records(tmp_path / "run" / "metrics.jsonl") if "loss" in r]
    assert len(losses) == 60 and sum(losses[-10:]) < 0.5 * sum(losses[:10])


# resumption ---------------------------------------------------------------------------------------
def stop_after(step):
    def progress(now, total, terms):
        if now == step:
            os.kill(os.getpid(), signal.SIGINT)

    return progress


def test_interrupted_and_resumed_equals_uninterrupted(toy, tmp_path):
    loop.train(make(toy), folder(tmp_path, "whole"))

    with pytest.raises(loop.Interrupted, match="stopped after step 5"):
        loop.train(make(toy), folder(tmp_path, "parts"), progress=stop_after(5))
    stage = make(toy)
    outcome = loop.train(stage, tmp_path / "parts", resume=tmp_path / "parts")

    assert_equal_runs(tmp_path / "whole", tmp_path / "parts")
    assert stage.counted.item() == sum(range(STEPS)) and outcome.steps == STEPS


def test_records_after_the_checkpoint_are_dropped_on_resumption(toy, tmp_path):
    loop.train(make(toy, save_every=3, keep_every=3), folder(tmp_path, "whole"))
    killed = folder(tmp_path, "killed")
    loop.train(make(toy, save_every=3, keep_every=3), killed)
    (killed / "ckpt" / f"step-{STEPS}").rename(tmp_path / "lost")
    with (killed / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9, "ki')  # cut by the kill

    loop.train(make(toy, save_every=3, keep_every=3), killed, resume=killed)

    assert_equal_runs(tmp_path / "whole", killed)


def test_signal_after_the_last_step_leaves_a_finished_run(toy, tmp_path):
    with pytest.raises(loop.Interrupted):
        loop.train(make(toy), folder(tmp_path), progress=stop_after(STEPS))

    outcome = loop.train(make(toy), tmp_path / "run", resume=tmp_path / "run")

    assert outcome.steps == STEPS and outcome.scores


def test_signal_handlers_are_put_back(toy, tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    loop.train(make(toy, steps=1), folder(tmp_path))

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize(
    ("values", "told"),
    [({"steps": 9}, "made with another configuration"), ({"seed": 3}, "another configuration")],
)
def test_checkpoint_of_another_configuration_is_refused(toy, tmp_path, values, told):
    loop.train(make(toy), folder(tmp_path))

    with pytest.raises(checkpoint.CheckpointError, match=told):
        loop.train(make(toy, **values), tmp_path / "run", resume=tmp_path / "run")


def test_checkpoint_of_another_stage_is_refused(toy, tmp_path):
    loop.train(make(toy), folder(tmp_path))
    stage = make(toy)
    stage.name = "other"

    with pytest.raises(checkpoint.CheckpointError, match="is of stage 'toy', not 'other'"):
        loop.train(stage, tmp_path / "run", resume=tmp_path / "run")


def test_checkpoint_of_another_architecture_is_refused(toy, tmp_path):
    loop.train(make(toy), folder(tmp_path))
    stage = make(toy)
    stage.network = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Linear(5, 1))

    with pytest.raises(checkpoint.CheckpointError, match="of another architecture"):
        loop.train(stage, tmp_path / "run", resume=tmp_path / "run")


def test_folder_of_a_run_is_not_used_again(toy, tmp_path):
    loop.train(make(toy), folder(tmp_path))

    with pytest.raises(ValueError, match="holds a run already: resume it"):
        loop.train(make(toy), tmp_path / "run")


# faults -------------------------------------------------------------------------------------------
def test_problem_that_a_validation_finds_stops_with_the_state_saved(toy, tmp_path, monkeypatch):
    stage = make(toy, steps=STEPS, validate_every=2)
    validate = stage.validate

    def found(network):
        stage.problem = "the proxy is wrong"
        return validate(network)

    monkeypatch.setattr(stage, "validate", found)

    with pytest.raises(loop.TrainingFailed, match="the proxy is wrong; the state was saved"):
        loop.train(stage, folder(tmp_path))

    assert checkpoint.load(checkpoint.latest(tmp_path / "run"))[1]["step"] == 2


@pytest.mark.parametrize("event", ["loss", "gradient"])
def test_number_that_is_not_finite_stops_with_the_state_before_it(toy, tmp_path, event):
    loop.train(make(toy, steps=STEPS, save_every=5, keep_every=5), folder(tmp_path, "good"))
    stage = make(toy, event=event, event_step=5)

    with pytest.raises(
        loop.TrainingFailed, match=f"{event} is not finite at step 5; the state was"
    ):
        loop.train(stage, folder(tmp_path))

    tensors, state = checkpoint.load(checkpoint.latest(tmp_path / "run"))
    good, _ = checkpoint.load(tmp_path / "good" / "ckpt" / "step-5")
    assert state["step"] == 5
    for group in ("model", "ema", "optim"):
        assert all(torch.equal(v, good[group][k]) for k, v in tensors[group].items()), group


@pytest.mark.parametrize(
    ("event", "told"),
    [("input", "loss is not"), ("gradient", "gradient is not"), ("beside", "another loss is not")],
)
def test_running_statistics_are_saved_as_before_the_fault(toy, tmp_path, event, told):
    def train(name, **values):
        stage = make(toy, **values)
        layers = (torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1))
        torch.manual_seed(0)
        for layer in layers:
            layer.reset_parameters()
        stage.network = torch.nn.Sequential(*layers)
        loop.train(stage, folder(tmp_path, name))

    train("good", save_every=5, keep_every=5)
    with pytest.raises(loop.TrainingFailed, match=f"{told} finite.*; the state was saved"):
        train("bad", event=event, event_step=5)

    tensors, state = checkpoint.load(checkpoint.latest(tmp_path / "bad"))
    good, _ = checkpoint.load(tmp_path / "good" / "ckpt" / "step-5")
    assert state["step"] == 5 and tensors["model"]["1.num_batches_tracked"] == 5
    assert tensors.keys() == good.keys() >= {"model", "ema", "optim", "best", "extra"}
    for group, values in tensors.items():
        for key, value in values.items():
            assert value.isfinite().all() and torch.equal(value, good[group][key]), (group, key)


def test_losses_and_gradients_of_other_networks_are_checked():
    module = torch.nn.Linear(2, 1)
    loop.check_finite(torch.ones(()), module, 3)
    module.weight.grad = torch.zeros(1, 2)
    loop.check_finite(torch.ones(()), module, 3)

    with pytest.raises(loop.TrainingFailed, match="^its loss is not finite at step 3$"):
        loop.check_finite(torch.tensor(float("inf")), module, 3, "its ")
    module.weight.grad[0, 1] = float("nan")
    with pytest.raises(loop.TrainingFailed, match="^gradient is not finite at step 3$"):
        loop.check_finite(torch.ones(()), module, 3)


def test_device_that_is_not_here_is_refused(toy):
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")

    with pytest.raises(ValueError, match="accelerator must be cpu"):
        loop.make_fabric(toy.ToySettings(accelerator="cuda"))


def test_processes_of_torchrun_must_be_the_devices(toy, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")

    with pytest.raises(ValueError, match="devices must be 2 under torchrun, got 1"):
        loop.make_fabric(toy.ToySettings())


# processes ----------------------------------------------------------------------------------------
def start(toy, runs, tmp_path, *launcher):
    """Trains the runs in a process of their own, or in several with a launcher."""
    for described in runs:
        folder(tmp_path, described["folder"].name)
        described["folder"] = str(described["folder"])
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(runs))
    words = [sys.executable, *launcher, toy.__file__, str(path)]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    # far above the seconds that it takes: only a hang gets there
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]


def values_of(toy, **values):
    kept = make(toy, **values).settings.model_dump(mode="json")
    return {key: value for key, value in kept.items() if key != "data"}


def test_run_stopped_by_sigterm_in_its_own_process_resumes_exactly(toy, tmp_path):
    stopped = values_of(toy, event="signal", event_step=4)
    runs = [{"folder": tmp_path / "parts", "settings": stopped}]
    start(toy, runs, tmp_path)
    assert json.loads((tmp_path / "parts" / "result-0.json").read_text())["status"] == "interrupted"
    assert checkpoint.latest(tmp_path / "parts").name == "step-5"

    loop.train(toy.ToyStage(toy.ToySettings(**stopped)), tmp_path / "parts", tmp_path / "parts")
    loop.train(make(toy), folder(tmp_path, "whole"))

    tensors, _ = final_state(tmp_path / "parts")
    whole, _ = final_state(tmp_path / "whole")
    for group, values in tensors.items():
        assert all(torch.equal(value, whole[group][key]) for key, value in values.items()), group
    records = [read_records(tmp_path / name / "metrics.jsonl") for name in ("parts", "whole")]
    assert records[0] == records[1]


@pytest.fixture(scope="module")
def two_processes(toy, tmp_path_factory):
    """Runs of two processes under torchrun: whole, then faults of the second process alone."""
    root = tmp_path_factory.mktemp("two")
    common = {"devices": 2, "dropout": 0.0, "event_rank": 1}
    runs = [
        {"folder": root / "whole", "settings": values_of(toy, **common)},
        {
            "folder": root / "loss",
            "settings": values_of(toy, event="loss", event_step=3, **common),
        },
        {
            "folder": root / "gradient",
            "settings": values_of(toy, event="gradient", event_step=3, **common),
        },
        {
            "folder": root / "signal",
            "settings": values_of(toy, event="signal", event_step=3, **common),
        },
    ]
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    start(toy, runs, root, *launcher)
    return root


def test_two_processes_give_the_losses_of_one(toy, tmp_path, two_processes):
    loop.train(make(toy, dropout=0.0), folder(tmp_path))

    one = read_records(tmp_path / "run" / "metrics.jsonl")
    two = read_records(two_processes / "whole" / "metrics.jsonl")
    assert [(r["step"], r["kind"]) for r in one] == [(r["step"], r["kind"]) for r in two]
    # equal parts of a batch: the mean of their means is its mean, up to the order of sums
    for key in ("loss", "half", "score"):
        values = [[r[key] for r in records if key in r] for records in (one, two)]
        assert values[0] and values[0] == pytest.approx(values[1], rel=1e-4), key


@pytest.mark.parametrize(
    ("event", "status", "saved"),
    [("loss", "failed", 3), ("gradient", "failed", 3), ("signal", "interrupted", 4)],
)
def test_both_processes_stop_when_one_has_a_reason(two_processes, event, status, saved):
    results = [
        json.loads((two_processes / event / f"result-{rank}.json").read_text()) for rank in (0, 1)
    ]

    assert [result["status"] for result in results] == [status, status]
    assert checkpoint.latest(two_processes / event).name == f"step-{saved}"
    assert all(
        math.isfinite(value.sum())
        for value in checkpoint.load(checkpoint.latest(two_processes / event))[0]["model"].values()
    )
