# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of the stages: values, errors of one line, overrides, hash."""

from pathlib import Path

import pytest

from scsc_core.config import ConfigError
from scsc_core.training import stages
from scsc_core.training.ppen_settings import PpenSettings
from scsc_core.training.proxy_stage import FitSettings
from scsc_core.training.settings import StageSettings, merged, parse_assignments

CONFIGS = Path(__file__).resolve().parents[3] / "configs" / "train"


def settings(**values):
    return StageSettings(**({"model": "m"} | values))


@pytest.mark.parametrize(
    ("stage", "values", "told"),
    [
        ("task", {"stepz": 3}, "unknown key 'stepz'; did you mean steps"),
        ("task", {"data": {"nme": "camvid"}}, "unknown key 'data.nme'"),
        ("task", {"steps": 0}, "steps must be greater than or equal to 1, got 0"),
        ("task", {"learning_rate": "fast"}, "learning_rate must be a valid number.*'fast'"),
        ("task", {"learning_rate": float("nan")}, "learning_rate must be"),
        ("task", {"batch": 6, "devices": 4}, "batch must be a multiple of devices = 4, got 6"),
        ("task", {"batch": 2, "devices": 2}, "batch must be .* at least 4, got 2"),
        ("task", {"decoder": "unet"}, "decoder must be one of pspnet, erfnet, got 'unet'"),
        ("task", {"model": "../x"}, "model .*'../x'"),
        ("task", {"ema": 1.0}, "ema must be less than 1, got 1.0"),
        ("task", {"precision": "16"}, "precision must be one of auto, 32-true, bf16-mixed"),
        ("task", {"data": {"train_splits": []}}, "train_splits must be at least one"),
        ("task", {"data": {"validation_split": "train"}}, "leave out validation_split"),
        ("ppen", {"qps": [28, 28]}, r"qps must be .* different QPs in 1..51, got \[28, 28\]"),
        ("ppen", {"validation_qps": [52]}, r"validation_qps must be .* got \[52\]"),
        ("ppen", {"tasks": []}, "tasks must name at least one"),
        ("ppen", {"task_scales": [9]}, r"task_scales must be in 0.1..4, got \[9"),
        ("ppen", {"rate_weight": [0, 1]}, "rate_weight must be two positive numbers or 0, 0"),
        ("ppen", {"picture_weight": [0, 1]}, "picture_weight must be two positive numbers or 0, 0"),
        (
            "ppen",
            {"picture_weight": [1]},
            r"picture_weight must be a number >= 0 or two.*got \[1\]",
        ),
        ("ppen", {"picture_weight": False}, "picture_weight must be a number >= 0 .* got False"),
        (
            "ppen",
            {"task_weight": [1, 1]},
            "task_weight must be one number or one for each of 1 task",
        ),
        ("ppen", {"snr_db": [9, 2]}, "snr_db must be low, high"),
        ("ppen", {"code_rates": ["2"]}, "code_rate"),
        ("ppen", {"outage": "real"}, "chain must be full with outage real, got abstract"),
        ("proxy-fit", {"batch": 3}, "batch must be a multiple of 2, got 3"),
        ("proxy-fit", {"batch": 6, "devices": 2}, "batch must be whole pairs on each of devices"),
        ("joint", {"pcen_every": 0}, "pcen_every must be greater than or equal to 1"),
    ],
)
def test_impossible_value_is_told_in_one_line(stage, values, told):
    with pytest.raises(ConfigError, match=told) as caught:
        stages.configure(stage, [], values)

    assert "\n" not in str(caught.value)


def test_error_of_a_file_names_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("stepz: 3\n")

    with pytest.raises(ConfigError, match="mine.yaml: unknown key 'stepz'"):
        stages.configure("task", [file], {})


def test_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="stage must be one of task, .*, got 'tusk'"):
        stages.configure("tusk", [], {})


def test_later_files_and_overrides_win(tmp_path):
    for name, text in (("a", "steps: 5\nseed: 1\ndata: {name: camvid, train_count: 3}"),
                       ("b", "steps: 6\ndata: {train_count: 4}")):  # fmt: skip
        (tmp_path / name).write_text(text)

    found = stages.configure("task", [tmp_path / "a", tmp_path / "b"], {"data": {"classes": 11}})

    assert (found.steps, found.seed, found.data.name) == (6, 1, "camvid")
    assert (found.data.train_count, found.data.classes) == (4, 11)


def test_assignments_are_read_as_yaml_with_numbers():
    found = parse_assignments(
        [
            "steps=5",
            "data.name=camvid",
            "data.options.size=[64, 48]",
            "learning_rate=1e-3",
            "qa=off",
        ]
    )

    assert found == {
        "steps": 5,
        "data": {"name": "camvid", "options": {"size": [64, 48]}},
        "learning_rate": 0.001,
        "qa": False,
    }


@pytest.mark.parametrize(
    ("stage", "word", "key", "value"),
    [
        ("ppen", "strip=off", "strip", "off"),
        ("ppen", "strip='off'", "strip", "off"),
        ("joint", "strip=off", "strip", "off"),
        ("proxy-fit", "conditioning=off", "conditioning", "off"),
        ("proxy-pretrain", "conditioning=on", "conditioning", "on"),
    ],
)
def test_words_that_yaml_reads_as_truth_values_are_words(stage, word, key, value):
    found = stages.configure(stage, [], parse_assignments([word]))

    assert getattr(found, key) == value


def test_truth_value_that_is_no_word_of_a_choice_is_refused():
    with pytest.raises(ConfigError, match="strip must be one of max, mean, off, got 'on'"):
        stages.configure("ppen", [], parse_assignments(["strip=on"]))


def test_one_key_of_the_data_leaves_the_stages_other_defaults():
    found = stages.configure("proxy-fit", [], {"data": {"root": "/elsewhere"}})

    assert (found.data.name, found.data.root) == ("camvid", "/elsewhere")
    assert stages.configure("ppen", [], {"data": {"classes": 7}}) == PpenSettings()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["steps"], "an override must be key=value, got 'steps'"),
        (["=3"], "an override must be key=value, got '=3'"),
        (["steps=[1"], "the value of steps is no YAML"),
        (["data=3", "data.name=x"], "data has been given a value already"),
    ],
)
def test_malformed_assignment_is_refused(words, told):
    with pytest.raises(ConfigError, match=told):
        parse_assignments(words)


def test_merging_goes_into_nested_values_and_leaves_its_input():
    first, second = {"a": 1, "d": {"x": 1, "y": 2}}, {"d": {"y": 3}}

    assert merged(first, second) == {"a": 1, "d": {"x": 1, "y": 3}}
    assert merged(first, {"d": 5}) == {"a": 1, "d": 5}
    assert first == {"a": 1, "d": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    "values",
    [
        {"save_every": 7},
        {"picture_every": 7},
        {"keep_every": 7},
        {"threads": 3},
        {"codec_workers": 3},
        {"proxy_crops": 0},
        {"recipe": "full"},
        {"data": {"root": "/elsewhere", "validation_count": 24}},
    ],
)
def test_hash_ignores_places_and_housekeeping(values):
    assert PpenSettings(**values).digest() == PpenSettings().digest()


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 7},
        {"seed": 7},
        {"batch": 16},
        {"learning_rate": 0.5},
        {"devices": 2},
        {"qps": (28,)},
        {"data": {"name": "camvid", "validation_count": 24}},
        {"data": {"options": {"count": 3}, "validation_count": 24}},
    ],
)
def test_hash_follows_what_decides_about_the_result(values):
    assert PpenSettings(**values).digest() != PpenSettings().digest()


@pytest.mark.parametrize("values", [{"cache": "/elsewhere"}, {"cache_gb": 1}])
def test_hash_ignores_the_cache(values):
    assert FitSettings(**values).digest() == FitSettings().digest()


@pytest.mark.parametrize(
    ("kind", "key"),
    [(PpenSettings, "start"), (PpenSettings, "proxy"), (FitSettings, "ppen")],
)
def test_hash_knows_a_model_by_its_name_wherever_it_lies(kind, key):
    named = kind(**{key: "espnetv2-1.0"}).digest()

    for folder in ("", "/here/", "there/models/"):
        assert kind(**{key: f"{folder}espnetv2-1.0.safetensors"}).digest() == named
    assert kind(**{key: "espnetv2-1.5"}).digest() != named
    assert kind(**{key: "/here/espnetv2-1.5.safetensors"}).digest() != named


def test_hash_knows_task_networks_by_their_names():
    first = PpenSettings(tasks=("a/one.safetensors", "two")).digest()

    assert first == PpenSettings(tasks=("one", "b/two.safetensors")).digest()
    assert first != PpenSettings(tasks=("two", "one")).digest()


@pytest.mark.parametrize("file", sorted(CONFIGS.rglob("*.yaml")), ids=lambda f: f.stem)
def test_recipe_is_valid(file):
    if "stages:" in file.read_text(encoding="utf-8"):
        assert stages.read_chain(file, {})
        return
    stage = next(line for line in file.read_text().splitlines() if "scsc train" in line)
    name = stage.split("scsc train ")[1].split()[0]

    found = stages.configure(name, [file], {})

    assert file.parent.name == "paper" or found.model == file.stem
    assert (found.recipe == "full") == (file.parent.name == "paper")


def test_chain_with_a_faulty_entry_is_refused(tmp_path):
    chain = tmp_path / "chain.yaml"
    for text, told in (
        ("stages: []", "needs a list `stages`"),
        ("stages: [{stage: tusk}]", "entry 1: stage must be one of task"),
        ("stages: [{stage: task, stepz: 1}]", "unknown key 'stepz'"),
        ("stages: [{stage: pcen, model: pcem}]", "model must be one of pcen"),
        ("stages: [{stage: task, file: none.yaml}]", "none.yaml cannot be read"),
    ):
        chain.write_text(text)
        with pytest.raises(ConfigError, match=told):
            stages.read_chain(chain, {})
