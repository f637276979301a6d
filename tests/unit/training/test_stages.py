# SPDX-License-Identifier: GPL-3.0-or-later
"""Every stage end to end through `scsc train smoke`, and chains of stages."""

import contextlib
import math
import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from scsc_core import cli, zoo
from scsc_core.codecs import bpg_planes
from scsc_core.config import ConfigError
from scsc_core.training import checkpoint, loop, stages, unfinished
from scsc_core.training.journal import read_records

needs_bpg = pytest.mark.skipif(not bpg_planes.have_bpg(), reason="this build has no BPG codec")
SMOKE = Path(__file__).resolve().parents[3] / "configs" / "train" / "smoke.yaml"
MODELS = {
    "smoke-task": "erf_pspnet",
    "smoke-proxy-pretrained": "proxy",
    "smoke-proxy": "proxy",
    "pcen": "pcen",
    "smoke-ppen": "ppen",
    "smoke-scsc": "ppen",
    "smoke-scsc-pcen": "pcen",
}


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """(runs, models) of one call of `scsc train smoke`."""
    root = tmp_path_factory.mktemp("smoke")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        status = cli.main(["train", "smoke", "--run-root", "runs", "--output", "models"])
    assert status == 0
    return root / "runs", root / "models"


@needs_bpg
def test_smoke_runs_every_stage(smoke):
    entries = yaml.safe_load((smoke[1] / "index.yaml").read_text())

    assert {e["name"]: e["network"] for e in entries} == MODELS
    trained = {e["trained_with"]["stage"] for e in entries}
    assert trained == {*stages.STAGES, stages.PRECODERS}


@needs_bpg
def test_smoke_leaves_finite_losses_and_scores(smoke):
    runs = sorted(smoke[0].glob("*-train-*"))

    assert len(runs) == len(stages.STAGES)
    for run in runs:
        records = read_records(run / "metrics.jsonl")
        assert [r["step"] for r in records if r["kind"] == "train"] == list(range(1, 21))
        assert all(
            math.isfinite(value)
            for record in records
            for key, value in record.items()
            if key in ("loss", "score")
        )
        assert (run / "curves.png").is_file() and (run / "config.yaml").is_file()


@needs_bpg
def test_smoke_lowers_the_losses_of_task_and_proxy(smoke):
    for model, key in (("smoke-task", "auxiliary"), ("smoke-proxy-pretrained", "mse")):
        (run,) = smoke[0].glob(f"*-train-{model}")
        losses = [r[key] for r in read_records(run / "metrics.jsonl") if r["kind"] == "train"]
        half = len(losses) // 2
        assert sum(losses[half:]) < sum(losses[:half]), model


@needs_bpg
@pytest.mark.parametrize("name", MODELS)
def test_smoke_models_are_verified_loadable_and_described(smoke, monkeypatch, name):
    monkeypatch.setenv("SCSC_MODELS", str(smoke[1]))

    assert zoo.load(name) is not None
    entry = zoo.entry(name)
    assert entry["commercial_use"] and entry["licence"] == "GPL-3.0-or-later"
    assert zoo.describe(zoo.path(name))["name"] == name
    card = (smoke[1] / "cards" / f"{name}.md").read_text()
    for heading in ("**Training data**", "**How made**", "**Validation**", "**Limits**"):
        assert heading in card
    if name in ("smoke-task", "smoke-proxy", "smoke-ppen", "smoke-scsc"):
        assert f"\n**Valid for**: {entry['valid_for']}.\n" in card


@needs_bpg
def test_chain_skips_what_is_there_and_what_depends_on_nothing_new(smoke, tmp_path, trained):
    results = [r.outcome for r in stages.run_chain(SMOKE, {}, tmp_path, smoke[1])]
    assert trained == [] and results == [None] * 6

    index = smoke[1] / "index.yaml"
    before = index.read_text()
    kept = [e for e in yaml.safe_load(before) if e["name"] != "smoke-proxy-pretrained"]
    index.write_text(yaml.safe_dump(kept))
    try:
        list(stages.run_chain(SMOKE, {}, tmp_path, smoke[1]))
    finally:
        index.write_text(before)
    # the fitted proxy starts from the lost one, and the joint stage trains against the fitted one
    assert trained == ["smoke-proxy-pretrained", "smoke-proxy", "smoke-scsc"]


@pytest.fixture
def trained(monkeypatch):
    """Models that would have been trained, in order."""
    called = []

    def run_stage(stage, settings, run_root, output, resume, progress, begun):
        called.append(settings.model)
        return stages.StageResult(stage, settings.model, None, output, None)

    monkeypatch.setattr(stages, "run_stage", run_stage)
    return called


def run_entries(tmp_path, *entries):
    """The chain of a task network `first` and these entries."""
    streets = {"name": "streets", "options": {"size": [32, 32]}}
    whole = [{"stage": "task", "model": "first", "data": streets}]
    whole += [{"data": streets} | entry for entry in entries]
    chain = tmp_path / "chain.yaml"
    chain.write_text(yaml.safe_dump({"stages": whole}))
    list(stages.run_chain(chain, {}, tmp_path / "runs", tmp_path / "output"))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"stage": "task", "data": {"name": "camvid"}}, "data set camvid: folder .* not exist"),
        (
            {"stage": "task", "data": {"name": "streets", "options": {"sise": 3}}},
            "streets has no option 'sise'",
        ),
        ({"stage": "ppen", "tasks": ["espnetv2-1.0"]}, "espnetv2_s_1.0_city_1024x512.pth"),
        ({"stage": "ppen", "tasks": ["first", "second"]}, "no segmentation model 'second'"),
        ({"stage": "ppen", "tasks": ["first"], "start": "second"}, "no model 'second'"),
        ({"stage": "ppen", "tasks": ["first"], "proxy": "second"}, "no model 'second'"),
        ({"stage": "proxy-fit", "ppen": "/none.safetensors"}, "/none.safetensors does not exist"),
        (
            {"stage": "ppen", "tasks": ["first"], "start": "own-ppen", "variant": "small"},
            "start own-ppen was made with variant 'tiny'",
        ),
        (
            {"stage": "ppen", "tasks": ["first"], "start": "own-proxy"},
            "start own-proxy must be a ppen",
        ),
        ({"stage": "ppen", "tasks": ["first"], "proxy": "own-ppen"}, "own-ppen is no codec proxy"),
    ],
)
def test_what_an_entry_lacks_is_told_before_the_first_one_is_trained(
    tmp_path, monkeypatch, models, trained, entry, told
):
    monkeypatch.setenv("SCSC_DATA", str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir()

    with pytest.raises(ConfigError, match=f"^last: .*{told}") as caught:
        run_entries(tmp_path, entry | {"model": "last"})

    assert trained == [] and "\n" not in str(caught.value)
    assert zoo.folders() == [models]


@pytest.mark.usefixtures("models")
def test_faulty_pictures_of_a_late_entry_are_told_before_the_first_one_is_trained(
    tmp_path, trained, frames
):
    faulty = shutil.copytree(frames, tmp_path / "faulty")
    label = min(faulty.glob("**/*annot/*.png"))
    Image.fromarray(np.full_like(np.asarray(Image.open(label)), 99)).save(label)
    folder = {"name": "camvid", "root": str(faulty)}

    with pytest.raises(ConfigError, match=r"^last: .*class 99 is not allowed"):
        run_entries(tmp_path, {"stage": "task", "model": "last", "data": folder})

    assert trained == []


def test_output_that_is_no_folder_is_told_before_training(tmp_path, trained):
    file = tmp_path / "output"
    file.write_text("")

    with pytest.raises(ValueError, match=f"output must be a folder .*, got {file}: "):
        run_entries(tmp_path)

    assert trained == []


@pytest.mark.usefixtures("models")
def test_models_of_earlier_entries_and_of_the_zoo_are_enough(tmp_path, trained):
    run_entries(
        tmp_path,
        {"stage": "proxy-fit", "model": "second", "ppen": "own-ppen"},
        {"stage": "ppen", "model": "last", "tasks": ["first", "own-task"], "proxy": "second"},
    )

    assert trained == ["first", "second", "last"]


# chains that were interrupted ---------------------------------------------------------------------
def interrupted_chain(tmp_path, frames, name, stop_in="", steps=3):
    """(model, run folder or None) of what a chain gives whose stage `stop_in` is told to end."""
    common = {"stage": "task", "steps": steps, "batch": 2, "small_batch": 2, "warmup": 1}
    common |= {"small_crop": [32, 32], "crop": [32, 48], "precision": "32-true"}
    common["data"] = {"name": "camvid", "root": str(frames)}
    entries = [{"model": "first"}, {"model": "second", "start": "first"}]
    chain, folder = tmp_path / "chain.yaml", tmp_path / name
    chain.write_text(yaml.safe_dump({"stages": [common | entry for entry in entries]}))

    def progress_for(stage, model):
        def progress(step, total, terms):
            if model == stop_in and step == 2:
                os.kill(os.getpid(), signal.SIGINT)

        return contextlib.nullcontext(progress)

    found = stages.run_chain(chain, {}, folder / "runs", folder / "models", progress_for)
    return [(result.model, result.run) for result in found]


def test_interrupted_chain_goes_on_in_its_run_folder(tmp_path, frames):
    interrupted_chain(tmp_path, frames, "whole")
    with pytest.raises(loop.Interrupted, match="stopped after step 2"):
        interrupted_chain(tmp_path, frames, "parts", stop_in="second")
    assert (tmp_path / "parts" / "models" / unfinished.FILE).is_file()
    (run,) = (tmp_path / "parts" / "runs").glob("*-train-second")

    results = interrupted_chain(tmp_path, frames, "parts")

    assert results == [("first", None), ("second", run)]
    assert not (tmp_path / "parts" / "models" / unfinished.FILE).exists()
    records = read_records(run / "metrics.jsonl")
    assert [r["step"] for r in records if r["kind"] == "train"] == [1, 2, 3]
    weights = [tmp_path / name / "models" / "second.safetensors" for name in ("whole", "parts")]
    (whole, _), (parts, _) = map(zoo.read_weights, weights)
    assert all(np.array_equal(value, parts[key]) for key, value in whole.items())


def test_interrupted_chain_with_another_configuration_starts_anew(tmp_path, frames):
    with pytest.raises(loop.Interrupted):
        interrupted_chain(tmp_path, frames, "run", stop_in="first")
    (run,) = (tmp_path / "run" / "runs").iterdir()

    results = interrupted_chain(tmp_path, frames, "run", steps=4)

    assert [model for model, _ in results] == ["first", "second"]
    assert results[0][1] != run and not (tmp_path / "run" / "models" / unfinished.FILE).exists()


def test_memory_of_a_chain_that_a_person_spoilt_is_no_hindrance(tmp_path):
    settings = stages.PrecoderSettings()
    entries = {"pcen": {"config_hash": settings.digest()}, "other": 3}
    (tmp_path / unfinished.FILE).write_text(yaml.safe_dump(entries))

    left = unfinished.UnfinishedChain(tmp_path)

    assert settings in left and left.run(settings) is None


def test_what_a_chain_had_still_to_make_outlives_it(tmp_path):
    first, second = (SimpleNamespace(model=m, digest=lambda: "hash") for m in ("first", "second"))
    left = unfinished.UnfinishedChain(tmp_path)
    for settings in (first, second):
        left.add(settings, anew=False)
    left.begin(first, tmp_path / "run")
    checkpoint.save(tmp_path / "run", 1, {}, {})
    left.remove(first)
    left.begin(second, tmp_path / "run")

    left = unfinished.UnfinishedChain(tmp_path)

    assert first not in left and second in left
    left.add(second, anew=False)
    assert left.run(second) == tmp_path / "run"
    other = SimpleNamespace(model="second", digest=lambda: "other")
    assert other not in left
    left.add(second, anew=True)  # what it is trained against has been made again
    assert second in left and left.run(second) is None
    left.begin(second, tmp_path / "no checkpoint")
    assert left.run(second) is None
    left.remove(second)
    assert not (tmp_path / unfinished.FILE).exists()


@needs_bpg
def test_model_that_awaited_a_new_one_is_made_although_it_is_there(smoke, tmp_path, trained):
    found = stages.read_chain(SMOKE, {})
    left = unfinished.UnfinishedChain(smoke[1])
    left.add(next(s for _, s in found if s.model == "smoke-proxy"), anew=True)
    left.save()

    list(stages.run_chain(SMOKE, {}, tmp_path, smoke[1]))

    assert trained == ["smoke-proxy", "smoke-scsc"]
    assert not (smoke[1] / unfinished.FILE).exists()


def test_overrides_reach_every_stage_of_a_chain():
    found = stages.read_chain(SMOKE, {"seed": 5, "data": {"root": "/scenes"}})

    assert all(settings.seed == 5 for _, settings in found)
    assert {s.data.root for stage, s in found if stage != stages.PRECODERS} == {"/scenes"}
    assert {s.data.train_count for stage, s in found if stage != stages.PRECODERS} == {4}


def test_zoo_is_searched_as_before_after_a_chain(tmp_path, models):
    chain = tmp_path / "chain.yaml"
    chain.write_text("stages: [{stage: task, data: {name: nothing}}]")

    with pytest.raises(ValueError, match="data set must be one of .*got 'nothing'"):
        list(stages.run_chain(chain, {}, tmp_path / "runs", tmp_path / "output"))

    assert zoo.folders() == [models]
