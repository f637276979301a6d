# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages `ppen` and `joint`: what is trained, what the loss is made of, what is refused."""

import os
import signal
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scsc_core.codecs import bpg_planes
from scsc_core.config import build
from scsc_core.data.sample import IGNORE
from scsc_core.nets.layers import ste_round
from scsc_core.tasks.segmentation import segmentation_loss
from scsc_core.training import checkpoint, joint_stage, loop, ppen_stage, proxy_watch
from scsc_core.training.information import information_loss
from scsc_core.training.joint_stage import JointStage
from scsc_core.training.pictures import to_image, to_tensor
from scsc_core.training.ppen_settings import JointSettings, PpenSettings
from scsc_core.training.ppen_stage import PpenStage
from scsc_core.zoo import ModelError

pytestmark = [
    pytest.mark.skipif(not bpg_planes.have_bpg(), reason="this build has no BPG codec"),
    pytest.mark.usefixtures("models"),
]


def settings_of(frames, kind=PpenSettings, **options):
    values = {
        "variant": "tiny",
        "tasks": ["own-task"],
        "batch": 2,
        "crop": [64, 64],
        "qps": [31, 41],
        "validation_qps": [41],
        "proxy_crops": 0,
        "steps": 2,
        "precision": "32-true",
        "data": {"name": "camvid", "root": str(frames), "validation_count": 1},
    }
    return build(kind, values | options)


def make(frames, **options):
    """A stage whose PPEN is no identity: at the start only its last layer gets a gradient."""
    stage = PpenStage(settings_of(frames, **options))
    generator = torch.Generator().manual_seed(1)
    for parameter in stage.network.parameters():
        parameter.data += 0.01 * torch.randn(parameter.shape, generator=generator)
    return stage


def loss_of(stage, step=0):
    loss, terms = stage.loss(stage.network, stage.batch(step, 0, 1), step)
    return loss, terms


def test_gradient_reaches_ppen_and_nothing_else(frames):
    stage = make(frames, proxy="own-proxy")
    frozen = [stage.tasks[0].network, stage.proxy]
    before = [{k: v.clone() for k, v in m.state_dict().items()} for m in frozen]
    stage.network.train()

    loss_of(stage)[0].backward()
    torch.optim.SGD(stage.network.parameters(), 0.1).step()

    silent = [n for n, p in stage.network.named_parameters() if p.grad is None]
    assert silent == []
    assert all(p.grad.isfinite().all() for p in stage.network.parameters())
    assert sum(bool(p.grad.abs().sum() > 0) for p in stage.network.parameters()) > 10
    for module, kept in zip(frozen, before, strict=True):
        assert not module.training and not any(p.requires_grad for p in module.parameters())
        assert all(p.grad is None for p in module.parameters())
        # running statistics of BatchNorm are part of the state
        assert all(torch.equal(v, kept[k]) for k, v in module.state_dict().items())


@pytest.mark.parametrize("proxy", ["dct", "identity", "own-proxy"])
def test_task_network_sees_the_codecs_values(frames, monkeypatch, proxy):
    stage = make(frames, proxy=proxy)
    batch, seen = stage.batch(0, 0, 1), []
    monkeypatch.setattr(
        stage, "_task_loss", lambda received, *rest: seen.append(received) or received.mean()
    )

    _, terms = stage.loss(stage.network, batch, 0)

    shaped = ste_round(stage.network(batch.x, batch.q))
    images = [to_image(x) for x in shaped]
    codec = stage.pool.codec
    data = [codec.encode(i, int(q)) for i, q in zip(images, batch.q, strict=True)]
    decoded = to_tensor([codec.decode(d) for d in data])
    # proxy + (value - proxy) rounds twice: one unit in the last place of 1.0 for each
    assert torch.allclose(seen[0], decoded, atol=3e-7)
    bpp = [8 * len(d) / 64**2 for d in data]
    relative = np.mean([b / p for b, p in zip(bpp, batch.plain_bpp.tolist(), strict=True)])
    assert terms["rate"] == pytest.approx(relative, rel=1e-5)


def test_proxy_decides_the_gradient_not_the_value(frames):
    losses, gradients = [], []
    for proxy in ("dct", "identity"):
        stage = make(frames, proxy=proxy)
        loss, _ = loss_of(stage)
        loss.backward()
        losses.append(loss.item())
        gradients.append(stage.network.output[-1].weight.grad)

    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert not torch.allclose(*gradients, rtol=0.1)


@pytest.mark.parametrize("picture_weight", [0.02, [0.002, 0.2]])
def test_loss_is_the_sum_of_its_weighted_terms(frames, picture_weight):
    options = {"picture_weight": picture_weight, "pre_scale": 100, "task_weight": 0.5}
    stage = make(frames, rate_weight=[0.03, 3], l_pre="input", qps=[37, 38], **options)
    batch = stage.batch(0, 0, 1)
    batch = replace(batch, q=torch.full_like(batch.q, 37.5))

    loss, terms = stage.loss(stage.network, batch, 0)

    shaped = ste_round(stage.network(batch.x, batch.q))
    error = (shaped - batch.x).square().mean().item()
    expected = 0.5 * terms["task"] + 2.0 * error + 0.3 * terms["rate"]
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_each_task_network_has_its_own_weight(frames):
    off = {"picture_weight": 0, "rate_weight": [0, 0]}
    stage = make(frames, tasks=["own-task", "own-task"], task_weight=[0.5, 3], **off)
    found = {}
    for step in range(8):
        loss, terms = stage.loss(stage.network, stage.batch(0, 0, 1), step)
        found[stage._drawn_task(step)[0]] = loss.item() / terms["task"]

    assert found == pytest.approx({0: 0.5, 1: 3.0})


@pytest.mark.parametrize(
    ("ends", "expected"),
    [((0.1, 10.0), [0.1, 1.0, 10.0]), (0.3, [0.3, 0.3, 0.3]), ((0.0, 0.0), [0, 0, 0])],
)
def test_weight_of_a_term_is_geometric_between_its_ends(ends, expected):
    weights = ppen_stage._weights(ends, torch.tensor([28.0, 37.5, 47.0]))

    assert weights.tolist() == pytest.approx(expected, rel=1e-5)


# outage -------------------------------------------------------------------------------------------
def lose(monkeypatch, *lost):
    """The link loses the samples with these numbers in their turn."""
    delivered = iter([number not in lost for number in range(100)])
    monkeypatch.setattr(ppen_stage, "abstract_delivery", lambda draw: next(delivered))


def test_lost_picture_counts_like_an_undamaged_one_with_clean(frames, monkeypatch):
    whole, _ = loss_of(make(frames))
    lose(monkeypatch, 0)

    loss, terms = loss_of(make(frames, outage="clean"))

    assert loss.item() == pytest.approx(whole.item(), rel=1e-6)
    assert terms["delivered"] == 0.5


def test_lost_picture_is_left_out_of_the_task_with_zero(frames, monkeypatch):
    lose(monkeypatch, 1)
    stage = make(frames, outage="zero")
    batch, seen = stage.batch(0, 0, 1), []
    monkeypatch.setattr(
        ppen_stage, "segmentation_loss", lambda x, y: seen.append(y) or segmentation_loss(x, y)
    )

    stage.loss(stage.network, batch, 0)

    assert torch.equal(seen[0][0], batch.y[0]) and (seen[0][1] == IGNORE).all()


def test_batch_without_any_delivery_still_trains_on_the_rate(frames, monkeypatch):
    lose(monkeypatch, 0, 1)
    stage = make(frames, outage="zero")

    loss, terms = loss_of(stage)
    loss.backward()

    assert (terms["task"], terms["delivered"]) == (0, 0) and loss.isfinite()
    assert stage.network.output[-1].weight.grad.abs().sum() > 0


def test_damaged_picture_takes_the_place_of_a_lost_one_with_real(frames, monkeypatch):
    grey = np.full((64, 64, 3), 128, np.uint8)
    monkeypatch.setattr(ppen_stage, "full_delivery", lambda *args: (False, grey))
    stage = make(frames, outage="real", chain="full")
    seen = []
    monkeypatch.setattr(
        stage, "_task_loss", lambda received, *rest: seen.append(received) or received.mean()
    )

    loss, terms = loss_of(stage)
    loss.backward()

    assert torch.allclose(seen[0], torch.full_like(seen[0], 128 / 255), atol=3e-7)
    assert terms["delivered"] == 0 and stage.network.output[-1].weight.grad.abs().sum() > 0


# batches ------------------------------------------------------------------------------------------
def test_sample_depends_on_neither_batch_size_nor_processes(frames):
    one, four = PpenStage(settings_of(frames)), PpenStage(settings_of(frames, batch=4))

    whole, large = one.batch(5, 0, 1), four.batch(5, 0, 1)
    parts = [one.batch(5, rank, 2) for rank in (0, 1)]

    for name in ("x", "y", "q"):
        joined = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(joined, getattr(whole, name))
        assert torch.equal(getattr(large, name)[:2], getattr(whole, name))
    assert not torch.equal(large.x[0], one.batch(6, 0, 1).x[0])


def test_teacher_is_the_networks_answer_on_the_original(frames, monkeypatch):
    stage, seen = make(frames, task_target="teacher"), []
    batch = stage.batch(0, 0, 1)
    monkeypatch.setattr(
        ppen_stage, "segmentation_loss", lambda x, y: seen.append(y) or segmentation_loss(x, y)
    )

    stage.loss(stage.network, batch, 0)

    assert torch.equal(seen[0], stage.tasks[0].logits(batch.x).argmax(1))


def test_picture_is_seen_at_another_scale_and_scored_at_its_own(frames):
    stage = make(frames, task_scales=[0.5])

    loss, _ = loss_of(stage)

    assert loss.isfinite() and loss.item() != pytest.approx(loss_of(make(frames))[0].item())


# what is refused ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tasks": ["eleven-task"]}, "task network eleven-task has 11 classes, the data 7"),
        (
            {"tasks": ["own-ppen"]},
            "own-ppen holds a network 'ppen', not a segmentation model",
        ),
        ({"tasks": ["nothing"]}, "no segmentation model 'nothing'; there are: .*own-task"),
        ({"tasks": ["espnetv2-3.0"]}, "must be one of .*got 'espnetv2-3.0'"),
        ({"proxy": "own-task"}, "proxy own-task is no codec proxy"),
        ({"proxy": "nothing"}, "no model 'nothing'"),
        ({"start": "own-task"}, "start own-task must be a ppen, it is a erf_pspnet"),
        (
            {"start": "own-ppen", "variant": "small"},
            "start own-ppen was made with variant 'tiny', here it is 'small'",
        ),
        ({"start": "mine.pth"}, "mine.pth is a pickle"),
    ],
)
def test_model_that_does_not_fit_is_refused(frames, options, told):
    with pytest.raises(ModelError, match=told):
        PpenStage(settings_of(frames, **options))


# joint --------------------------------------------------------------------------------------------
def test_joint_trains_pcen_in_its_turns_and_resumes_it(frames, tmp_path):
    options = {"pcen_every": 2, "pcen_batch": 4, "outage": "zero", "steps": 3, "save_every": 1}
    settings = settings_of(frames, JointSettings, **options)
    stage = JointStage(settings)
    start = {k: v.clone() for k, v in stage.pcen.state_dict().items()}

    assert stage.beside(1) == {} and set(stage.beside(2)) == {"pcen"}
    assert any(not torch.equal(v, start[k]) for k, v in stage.pcen.state_dict().items())
    other = JointStage(settings)
    # as from a file: the optimiser would share tensors that are handed over
    other.load_extra({key: value.clone() for key, value in stage.extra_tensors().items()})

    assert other.beside(4) == stage.beside(4)
    for key, value in stage.extra_tensors().items():
        assert torch.equal(value, other.extra_tensors()[key]), key


def test_joint_with_a_faulty_pcen_saves_the_state_before_it(frames, tmp_path, monkeypatch):
    options = {"pcen_every": 2, "pcen_batch": 4, "outage": "none", "steps": 3}

    def train(name, **more):
        (tmp_path / name).mkdir()
        loop.train(
            JointStage(settings_of(frames, JointSettings, **options, **more)), tmp_path / name
        )

    train("good", save_every=2, keep_every=2)
    faults = iter([1.0, float("nan")])
    monkeypatch.setattr(
        joint_stage, "information_loss", lambda found: next(faults) * information_loss(found)
    )
    with pytest.raises(loop.TrainingFailed, match="^PCEN's loss is not finite at step 2; the stat"):
        train("bad")

    tensors, state = checkpoint.load(checkpoint.latest(tmp_path / "bad"))
    good, _ = checkpoint.load(tmp_path / "good" / "ckpt" / "step-2")
    assert state["step"] == 2 and tensors.keys() == good.keys()
    for group, values in tensors.items():
        for key, value in values.items():
            assert value.isfinite().all() and torch.equal(value, good[group][key]), (group, key)


# the proxy's checks -------------------------------------------------------------------------------
def stop_at_once(step, total, terms):
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("kind", "values"), [(PpenStage, PpenSettings), (JointStage, JointSettings)]
)
def test_wrong_proxy_ends_a_resumed_run_at_the_second_validation(
    frames, tmp_path, monkeypatch, kind, values
):
    row = SimpleNamespace(spearman=0.5, psnr_db=30.0, task={"all": SimpleNamespace(share=0.9)})
    row.rate = row.task
    found = SimpleNamespace(find=lambda name: row)
    monkeypatch.setattr(proxy_watch.proxy_check, "run", lambda *args, **options: found)

    def train(**more):
        settings = settings_of(
            frames, values, proxy_crops=2, validate_every=1, steps=2, outage="none"
        )
        loop.train(kind(settings), tmp_path, **more)

    with pytest.raises(loop.Interrupted, match="after step 1"):
        train(progress=stop_at_once)
    # resumed once more it ends so again: a finished run that failed is not published
    for _ in range(2):
        with pytest.raises(loop.TrainingFailed, match="Spearman 0.50, .* 2 validations in a row"):
            train(resume=tmp_path)


def test_stage_runs_validates_and_shows_pictures(frames, tmp_path):
    stage = PpenStage(settings_of(frames))
    run = tmp_path / "run"
    run.mkdir()

    outcome = loop.train(stage, run)

    assert set(outcome.scores) >= {"score", "saving", "bits", "iou_gain", "psnr_loss_db"}
    assert sorted(p.name for p in (run / "pictures").iterdir()) == [
        "frame-qp41-000002.png",
        "truth-000002.png",
    ]
