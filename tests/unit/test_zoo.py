# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that come with the module, and what is refused.

After `trained_models` or a recipe changed: `tools/update_cards.py trained_models
configs/train/all.yaml` writes the hashes of the recipes into index, weight files and cards. A model
whose weights are older than its recipe goes into `OLDER_THAN_RECIPE` until it is trained again.
"""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from scsc_core import zoo
from scsc_core.model_choice import ESPNETV2, ESPNETV2_SCALES

BUNDLED = ("pcen", "pcen-paper", "pcen-unfolded")
PUBLISHED = [f"{ESPNETV2}{scale}" for scale in ESPNETV2_SCALES]  # the user's own copies
CHAIN = Path(__file__).resolve().parents[2] / "configs" / "train" / "all.yaml"
OLDER_THAN_RECIPE: tuple[str, ...] = ()
LEARNED = tuple(sorted(set(zoo.index()) - set(BUNDLED)))


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A writable copy of the bundled models that the zoo looks at."""
    source, copy = zoo.folder(), tmp_path / "models"
    shutil.copytree(source, copy)
    monkeypatch.setenv("SCSC_MODELS", str(copy))
    return copy


def change_entry(folder, name, change):
    path = folder / zoo.INDEX
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(next(e for e in entries if e["name"] == name))
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_models_load(name):
    model = zoo.load(name)

    assert type(model).__name__ in zoo.NETWORKS[zoo.entry(name)["network"]]


@pytest.mark.parametrize("name", sorted(zoo.index()))
def test_card_tells_data_making_scores_and_limits(name):
    sections = card_sections(name)

    scores = sections.get("Test", sections.get("Validation", ""))
    assert re.search(r"\| -?\d", scores)  # a table of figures
    for heading in ("Training data", "How made", "Limits"):
        assert len(sections[heading]) > 20
    assert list(sections)[-1] == "Limits"


@pytest.mark.parametrize("name", [n for n in LEARNED if "test" in zoo.entry(n)])
def test_test_figures_lie_in_their_intervals(name):
    rows = re.findall(
        r"\| (-?[\d.]+) \| (-?[\d.]+) \.\. (-?[\d.]+) \|", card_sections(name)["Test"]
    )

    figures = [tuple(map(float, row)) for row in rows]
    assert all(low <= value <= high for value, low, high in figures)
    assert sum(low < high for _, low, high in figures) > 5  # rounded, a narrow one is a point


def card_sections(name):
    """Text of a card by its bold headings, in their order."""
    card = (zoo.folder(name) / "cards" / f"{name}.md").read_text(encoding="utf-8")
    parts = re.split(r"^\*\*([A-Z][\w ]+)\*\*", card, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_index_lists_the_bundled_models_with_origin():
    listed = zoo.index()

    assert set(BUNDLED) <= set(listed)
    for name in BUNDLED:
        assert listed[name]["licence"] == "GPL-3.0-or-later" and listed[name]["data"]


@pytest.mark.parametrize("name", LEARNED)
def test_learned_models_load_and_say_what_they_may_be_used_for(name):
    described = zoo.entry(name)
    card = (zoo.folder(name) / "cards" / f"{name}.md").read_text(encoding="utf-8")
    free = {d["licence"] for d in described["data"]} == {"GPL-3.0-or-later"}

    zoo.load(name)

    assert described["commercial_use"] is free
    assert free or described["licence"] == "CC-BY-NC-4.0" and "No commercial use" in card
    needs = described.get("needs", [])
    assert all(needed in zoo.index() or needed in PUBLISHED for needed in needs)


def chain():
    """(stage, settings) of the recipes by model."""
    pytest.importorskip("torch", reason="recipes need torch")
    from scsc_core.training.stages import read_chain

    return {settings.model: (stage, settings) for stage, settings in read_chain(CHAIN, {})}


def test_chain_makes_every_bundled_model():
    assert set(zoo.index()) <= set(chain())


@pytest.mark.parametrize("name", sorted(zoo.index()))
def test_hash_is_that_of_the_recipe_in_index_file_and_card(name):
    stage, settings = chain()[name]
    card = (zoo.folder() / "cards" / f"{name}.md").read_text(encoding="utf-8")

    stored = zoo.entry(name)["trained_with"]

    assert stored["stage"] == stage
    assert zoo.describe(zoo.path(name))["trained_with"] == stored
    assert stored["config_hash"] in card
    assert (stored["config_hash"] == settings.digest()) is (name not in OLDER_THAN_RECIPE)


@pytest.mark.parametrize("name", [n for n in LEARNED if n.startswith("ppen-")])
def test_card_and_index_of_a_ppen_say_what_it_is_valid_for(name):
    if name in OLDER_THAN_RECIPE:
        pytest.skip("is to be trained again")
    entry = zoo.entry(name)
    card = (zoo.folder() / "cards" / f"{name}.md").read_text(encoding="utf-8")

    low, high = entry["config"]["qp_range"]
    assert f"\n\n**Valid for**: {entry['valid_for']}.\n\n" in card
    assert entry["valid_for"].startswith(f"QP {low} to {high}; BPG 4:2:0, preset ")


@pytest.mark.parametrize("name", [n for n in LEARNED if not n.startswith("ppen-")])
def test_cards_of_the_other_learned_models_say_what_they_are_valid_for(name):
    stage, settings = chain()[name]
    told = " ".join(card_sections(name)["Valid for"].split())

    def crops(size, scale):
        return f"{size[1]} x {size[0]} px", f"scaled to {scale[0]} to {scale[1]}"

    if stage == "task":
        facts = ["480 x 360 px", *crops(settings.crop, settings.scale)]
        facts += crops(settings.small_crop, settings.small_scale) if settings.small_share else []
        facts.append({"camvid": "CamVid", "streets": "version 2"}[settings.data.name])
    else:
        facts = [f"QP {min(settings.qps)} to {max(settings.qps)}", f"preset {settings.preset}"]
        facts += ["BPG 4:2:0", f"crops of {settings.side} x {settings.side} px", "CamVid"]
    assert [fact for fact in facts if fact not in told] == []


@pytest.mark.parametrize("name", [n for n in LEARNED if n.startswith("erf-")])
def test_limits_of_a_task_network_name_its_weakest_categories(name):
    sections = card_sections(name)
    rows = re.findall(r"^\| (\w+) \| ([\d.]+) \|", sections["Test"], re.MULTILINE)
    limits = " ".join(sections["Limits"].split())

    for category, percent in sorted(rows, key=lambda row: float(row[1]))[:2]:
        assert category in limits and f"{float(percent):.0f} %" in limits


def test_networks_of_the_fresh_machine_are_bundled():
    assert "erf-pspnet-streets-7" in LEARNED


def test_file_metadata_repeats_the_entry():
    from safetensors import safe_open

    with safe_open(zoo.path("pcen"), "np") as file:
        metadata = json.loads(file.metadata()["model"])

    assert metadata["name"] == "pcen"
    assert metadata.items() <= zoo.entry("pcen").items()


def test_missing_model_lists_what_exists():
    with pytest.raises(zoo.ModelError, match="no model 'ppen'; there are: .*pcen, pcen-paper"):
        zoo.load("ppen")


def test_altered_file_is_refused(models):
    path = models / "pcen.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(zoo.ModelError, match="pcen: SHA-256 of pcen.safetensors"):
        zoo.load("pcen")


def test_absent_file_is_named(models):
    (models / "pcen.safetensors").unlink()

    with pytest.raises(zoo.ModelError, match="file pcen.safetensors is missing"):
        zoo.path("pcen")


@pytest.mark.parametrize("field", ["data", "licence"])
@pytest.mark.parametrize("empty", [False, True])
def test_model_without_stated_origin_is_refused(models, field, empty):
    def clear(entry):
        entry[field] = None
        if not empty:
            del entry[field]

    change_entry(models, "pcen", clear)

    with pytest.raises(zoo.ModelError, match=f"pcen has no {field} in index.yaml: refused"):
        zoo.load("pcen")
    assert zoo.load("pcen-paper") is not None


def test_unknown_network_is_named(models):
    change_entry(models, "pcen", lambda entry: entry.update(network="transformer"))

    with pytest.raises(zoo.ModelError, match="unknown network 'transformer'; known: .*pcen"):
        zoo.load("pcen")


def test_wrong_override_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("SCSC_MODELS", str(tmp_path))

    with pytest.raises(zoo.ModelError, match="has no index.yaml"):
        zoo.index()


def test_broken_index_is_an_error(models):
    (models / zoo.INDEX).write_text("- name: [", encoding="utf-8")
    with pytest.raises(zoo.ModelError, match="no valid YAML"):
        zoo.index()

    (models / zoo.INDEX).write_text("- name: a\n- name: a\n", encoding="utf-8")
    with pytest.raises(zoo.ModelError, match="a name of its own"):
        zoo.index()


def test_installed_prefix_is_searched(tmp_path, monkeypatch):
    installed = tmp_path / "lib" / "python3" / "dist-packages" / "scsc_core" / "zoo.py"
    installed.parent.mkdir(parents=True)
    target = tmp_path / "share" / "scsc" / "trained_models"
    shutil.copytree(zoo.folder(), target)
    monkeypatch.delenv("SCSC_MODELS", raising=False)
    monkeypatch.setattr(zoo, "__file__", str(installed))

    assert zoo.folder() == target
    assert np.isfinite(zoo.tensors("pcen")["w00"]).all()


def test_model_error_is_a_value_error():
    assert issubclass(zoo.ModelError, ValueError)


def test_several_folders_are_searched_in_order(models, tmp_path, monkeypatch):
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy(models / "pcen-paper.safetensors", first)
    entry = {**zoo.entry("pcen-paper"), "licence": "first"}
    (first / zoo.INDEX).write_text(yaml.safe_dump([entry]), encoding="utf-8")

    monkeypatch.setenv("SCSC_MODELS", f"{first}:{models}")

    assert zoo.entry("pcen-paper")["licence"] == "first"
    assert zoo.path("pcen-paper").parent == first and zoo.path("pcen").parent == models


@pytest.mark.parametrize("name", ["weights.pth", "a/b.ckpt"])
def test_pickles_are_refused_with_the_reason(name):
    with pytest.raises(zoo.ModelError, match="is a pickle, and loading one can run code"):
        zoo.load(name)


def test_damaged_weight_file_is_one_line(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"\x10" * 40)

    with pytest.raises(zoo.ModelError, match="a.safetensors is damaged"):
        zoo.load(path)


def test_weights_of_another_architecture_are_refused(models):
    change_entry(models, "pcen", lambda entry: entry.update(network="erf_pspnet"))

    with pytest.raises(zoo.ModelError, match="pcen: weights are of another architecture"):
        zoo.load("pcen")
