# SPDX-License-Identifier: GPL-3.0-or-later
"""Every stage end to end through `scsc train smoke`, and chains of stages."""

import math
from pathlib import Path

import pytest
import yaml

from scsc_core import cli, zoo
from scsc_core.codecs import bpg_planes
from scsc_core.config import ConfigError
from scsc_core.training import stages
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

    def run_stage(stage, settings, run_root, output, resume, progress):
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
def test_models_of_earlier_entries_and_of_the_zoo_are_enough(tmp_path, trained):
    run_entries(
        tmp_path,
        {"stage": "proxy-fit", "model": "second", "ppen": "own-ppen"},
        {"stage": "ppen", "model": "last", "tasks": ["first", "own-task"], "proxy": "second"},
    )

    assert trained == ["first", "second", "last"]


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
