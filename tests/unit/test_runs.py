# SPDX-License-Identifier: GPL-3.0-or-later
"""Run folders and the files in them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scsc_core import __version__
from scsc_core.config import LinkConfig
from scsc_core.runs import RunFolder, create_run, make_folder

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@dataclass
class Figures:
    psnr_db: float
    shares: tuple[float, ...]


@pytest.fixture
def still_time(monkeypatch):
    monkeypatch.setattr("scsc_core.runs.time.strftime", lambda _: "20260102-030405")


def finite(value):
    """What JSON can keep of a value."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value


def test_run_folder_is_named_by_time_and_name(tmp_path, still_time):
    run = create_run("demo-1.a_B", tmp_path / "deep" / "runs")

    assert run.path == tmp_path / "deep" / "runs" / "20260102-030405-demo-1.a_B"
    assert run.path.is_dir()


def test_runs_of_the_same_second_get_numbers(tmp_path, still_time):
    names = [create_run("a", str(tmp_path)).path.name for _ in range(3)]

    assert names == ["20260102-030405-a", "20260102-030405-a-1", "20260102-030405-a-2"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../a", "a\n", "é", "a\0"])
def test_name_that_is_no_plain_file_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="run name must consist of letters, digits and ._-"):
        create_run(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".", ".."])
def test_dots_cannot_leave_the_root(tmp_path, still_time, name):
    assert create_run(name, tmp_path).path.resolve().parent == tmp_path.resolve()


def test_root_that_is_a_file_is_refused(tmp_path):
    root = tmp_path / "file"
    root.touch()

    with pytest.raises(ValueError, match="cannot be made"):
        create_run("a", root)


def test_file_in_the_place_of_the_run_is_refused(tmp_path, still_time):
    (tmp_path / "20260102-030405-a").touch()

    with pytest.raises(ValueError, match="cannot be made: a file is there"):
        create_run("a", tmp_path)


def test_saved_configuration_holds_version_extras_and_every_value(tmp_path):
    config = LinkConfig(seed=2**63 - 1, snr_db=-3.5, mean_colour=(1, 2, 3))

    path = RunFolder(tmp_path).save_config(config, command="compare")

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert path == tmp_path / "config.yaml"
    assert content["version"] == __version__
    assert content["command"] == "compare"
    assert LinkConfig(**content["config"]) == config
    assert content["config"].keys() == LinkConfig.model_fields.keys()


def test_saved_configuration_takes_numpy_values_and_paths_as_extras(tmp_path):
    path = RunFolder(tmp_path).save_config(LinkConfig(), trials=np.int64(5), image=Path("a.png"))

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (content["trials"], content["image"]) == (5, "a.png")


def test_saved_metrics_hold_plain_values_of_every_kind(tmp_path):
    metrics = {
        "figures": Figures(31.5, (0.5, float("inf"))),
        "config": LinkConfig(),
        "array": np.array([[1.0, np.nan], [-np.inf, 2.0]]),
        "scalar": np.float32(0.25),
        "count": np.int64(3),
        "flag": np.bool_(True),
        "path": Path("a") / "b.png",
        7: None,
    }

    path = RunFolder(tmp_path).save_metrics(metrics)

    content = json.loads(path.read_text(encoding="utf-8"))
    assert path == tmp_path / "metrics.json"
    assert content.pop("config")["codec"] == "bpg"
    assert content == {
        "figures": {"psnr_db": 31.5, "shares": [0.5, None]},
        "array": [[1.0, None], [None, 2.0]],
        "scalar": 0.25,
        "count": 3,
        "flag": True,
        "path": str(Path("a") / "b.png"),
        "7": None,
    }


@given(values)
def test_metrics_round_trip_but_for_undefined_numbers(tmp_path_factory, value):
    path = RunFolder(tmp_path_factory.mktemp("run")).save_metrics(value)

    assert json.loads(path.read_text(encoding="utf-8")) == finite(value)


def test_metrics_that_json_cannot_hold_leave_the_old_file(tmp_path):
    run = RunFolder(tmp_path)
    run.save_metrics({"a": 1})

    with pytest.raises(TypeError):
        run.save_metrics({"a": object()})

    assert json.loads((tmp_path / "metrics.json").read_text()) == {"a": 1}


def test_saving_again_replaces_the_file_and_leaves_no_other(tmp_path):
    run = RunFolder(tmp_path)
    for value in (1, 2):
        run.save_metrics(value)
        run.save_config(LinkConfig(seed=value))
        run.save_image("a", np.full((2, 2, 3), value, np.uint8))

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.png",
        "config.yaml",
        "metrics.json",
    ]
    assert json.loads((tmp_path / "metrics.json").read_text()) == 2


def test_log_appends_one_line_for_each_record(tmp_path):
    run = RunFolder(tmp_path)

    run.log({"step": 1, "loss": float("nan")})
    run.log({"step": 2, "text": "two\nlines"})

    lines = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 1, "loss": None},
        {"step": 2, "text": "two\nlines"},
    ]


@pytest.mark.parametrize("name", ["sent", "received.bpg", "0001-a.b"])
def test_saved_image_is_a_lossless_png(tmp_path, name):
    image = np.random.default_rng(4).integers(0, 256, (5, 7, 3), dtype=np.uint8)

    path = RunFolder(tmp_path).save_image(name, image)

    assert path == tmp_path / f"{name}.png"
    with Image.open(path) as opened:
        assert opened.format == "PNG"
        assert np.array_equal(np.asarray(opened), image)


def test_image_that_is_not_uint8_rgb_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises((TypeError, ValueError)):
        RunFolder(tmp_path).save_image("a", np.zeros((4, 4, 3)))

    assert list(tmp_path.iterdir()) == []


def test_folder_of_a_run_that_kept_nothing_is_discarded_and_another_is_not(tmp_path):
    empty, used = create_run("empty", tmp_path), create_run("used", tmp_path)
    used.log({"a": 1})

    empty.discard_if_empty()
    used.discard_if_empty()

    assert not empty.path.exists()
    assert used.path.is_dir()


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_results_want_a_folder(tmp_path, place):
    (tmp_path / "file").write_text("")

    with pytest.raises(ValueError, match=f"output must be a folder .*, got {tmp_path / place}: "):
        make_folder(tmp_path / place)


def test_folder_of_results_is_made_with_its_parents(tmp_path):
    made = make_folder(tmp_path / "a" / "b")

    assert made.is_dir() and make_folder(made) == made
