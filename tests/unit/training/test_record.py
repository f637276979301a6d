# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of published weights: licences of all that they learned from, cards, logs."""

import json
from types import SimpleNamespace

import pytest
import torch
import yaml

from scsc_core import zoo
from scsc_core.nets.ppen import Ppen, PpenConfig
from scsc_core.nets.proxy import Proxy, ProxyConfig
from scsc_core.training.loop import Outcome
from scsc_core.training.ppen_settings import PpenSettings
from scsc_core.training.proxy_stage import FitSettings
from scsc_core.training.record import publish_stage

pytestmark = pytest.mark.usefixtures("models")
OWN = {"name": "streets", "split": "train", "licence": "GPL-3.0-or-later"}
FOREIGN = {"name": "camvid", "split": "train", "licence": "CC-BY-NC-4.0"}


def published(tmp_path, stage, network, settings, *sources):
    """Entry of a stage that is described as finished."""
    made = SimpleNamespace(
        name=stage,
        settings=settings,
        training=SimpleNamespace(sources=list(sources)),
        frames=SimpleNamespace(sizes=[(480, 352), (640, 480)]),
    )
    run = tmp_path / "run"
    run.mkdir()
    records = [{"step": s, "kind": "train", "loss": 1 / s} for s in range(1, 501)]
    records.append({"step": 500, "kind": "validation", "score": 0.25})
    (run / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    outcome = Outcome(network, {"score": 0.25}, 400, 500, 12.5)
    publish_stage(tmp_path / "models", made, outcome, run)
    (entry,) = yaml.safe_load((tmp_path / "models" / "index.yaml").read_text())
    return entry


def ppen(tmp_path, *sources, **options):
    settings = PpenSettings(**({"variant": "tiny", "tasks": ("own-task",)} | options))
    return published(tmp_path, "ppen", Ppen(PpenConfig("tiny")), settings, *sources)


def test_own_data_give_the_projects_licence(tmp_path):
    entry = ppen(tmp_path, OWN)

    assert (entry["licence"], entry["commercial_use"]) == ("GPL-3.0-or-later", True)
    assert entry["data"] == [OWN] and entry["needs"] == ["own-task"]


@pytest.mark.parametrize(
    ("sources", "options"),
    [
        ((FOREIGN,), {}),
        ((OWN, FOREIGN), {}),
        ((OWN,), {"tasks": ("camvid-task",)}),
        ((OWN,), {"tasks": ("own-task", "camvid-task")}),
        ((OWN,), {"start": "camvid-task"}),
        ((OWN,), {"tasks": ("espnetv2-1.0",)}),
    ],
)
def test_non_commercial_data_anywhere_give_a_non_commercial_licence(tmp_path, sources, options):
    entry = ppen(tmp_path, *sources, **options)

    assert (entry["licence"], entry["commercial_use"]) == ("CC-BY-NC-4.0", False)
    assert any(d["licence"] != OWN["licence"] for d in entry["data"])
    card = (tmp_path / "models" / "cards" / f"{entry['name']}.md").read_text()
    assert "CC-BY-NC-4.0. No commercial use." in card


def test_models_given_as_files_are_recorded_by_their_names(tmp_path, models):
    files = {name: str(models / f"{name}.safetensors") for name in ("own-task", "own-ppen")}

    entry = ppen(tmp_path, OWN, tasks=(files["own-task"],), start=files["own-ppen"])

    assert entry["needs"] == ["own-ppen", "own-task"]
    made = entry["trained_with"]
    assert (made["start"], made["tasks"]) == ("own-ppen", ["own-task"])
    for written in (tmp_path / "models").glob("**/*.*"):
        assert str(models).encode() not in written.read_bytes(), written.name


def test_card_of_a_ppen_says_what_it_is_valid_for(tmp_path):
    entry = ppen(tmp_path, OWN, qps=(41, 31), crop=(64, 128), preset="slow")

    told = (
        "QP 31 to 41; BPG 4:2:0, preset slow; trained on crops of 128 x 64 px, tested on frames "
        "of 480 x 352, 640 x 480 px"
    )
    assert entry["valid_for"] == told
    card = (tmp_path / "models" / "cards" / f"{entry['name']}.md").read_text()
    before, _, after = card.partition(f"\n**Valid for**: {told}.\n\n")
    assert "**How made**" in before and "Begun from" not in before
    assert after.startswith("**Validation**")


def test_card_of_a_model_with_a_start_names_the_command_that_makes_both(tmp_path):
    entry = ppen(tmp_path, OWN, start="own-ppen")

    card = (tmp_path / "models" / "cards" / f"{entry['name']}.md").read_text()
    assert "Begun from own-ppen; `scsc train all` makes both." in card


@pytest.mark.parametrize("key", ["start", "ppen"])
def test_proxy_inherits_from_what_it_was_fitted_to(tmp_path, key):
    settings = FitSettings(**{key: "camvid-task"})

    entry = published(tmp_path, "proxy-fit", Proxy(ProxyConfig("small")), settings, OWN)

    assert entry["data"] == [OWN, FOREIGN] and not entry["commercial_use"]


def test_published_model_loads_and_tells_how_it_was_made(tmp_path, monkeypatch):
    entry = ppen(tmp_path, OWN, qps=(28, 41))
    monkeypatch.setenv("SCSC_MODELS", str(tmp_path / "models"))

    model = zoo.load(entry["name"])

    assert model.qp_range == (28, 41)
    assert zoo.describe(zoo.path(entry["name"]))["trained_with"] == entry["trained_with"]
    made = entry["trained_with"]
    assert (made["stage"], made["best_step"], made["seconds"]) == ("ppen", 400, 12.5)
    assert (
        made["config_hash"]
        == PpenSettings(variant="tiny", tasks=("own-task",), qps=(28, 41)).digest()
    )
    assert made["torch"] == str(torch.__version__) and made["rate_weight"] == [0.1, 12.0]


def test_card_and_log_hold_the_run(tmp_path):
    entry = ppen(tmp_path, OWN)

    card = (tmp_path / "models" / "cards" / f"{entry['name']}.md").read_text()
    for heading in ("**Training data**", "**How made**", "**Validation**", "**Limits**"):
        assert card.count(heading) == 1
    assert "streets train (GPL-3.0-or-later)" in card and "| score | 0.25 |" in card
    lines = (tmp_path / "models" / "logs" / f"{entry['name']}.csv").read_text().splitlines()
    assert lines[0] == "step,kind,name,value" and lines[-1] == "500,validation,score,0.25"
    assert 200 <= len(lines) <= 260
