# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc data list`, `check` and `prepare` on tiny folders."""

import json

import numpy as np
import pytest
import typer
from PIL import Image

from scsc_core.cli import data_sets
from scsc_core.data import DataError


def run(*words):
    app = typer.Typer(add_completion=False)
    data_sets.register(app)
    typer.main.get_command(app).main([str(word) for word in words], standalone_mode=False)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path)


def write_pano(root, count=6):
    for n in range(count):
        write(root / "rgb" / f"{n}.png", np.full((6, 8, 3), 40 * n))
        write(root / "mask" / f"{n}.png", np.arange(48).reshape(6, 8) % 4)
    content = {"classes4": list("abcd"), "map4to7": [0, 1, 2, 255]}
    (root / "classes.json").write_text(json.dumps(content))


def write_camvid(root, values):
    for split in ("train", "val", "test"):
        write(root / split / "a_1.png", np.zeros((6, 8, 3)))
        write(root / f"{split}annot" / "a_1.png", np.resize(values, (6, 8)))


def test_prepared_set_passes_its_check(tmp_path, capsys):
    write_pano(tmp_path / "source")

    run("prepare", tmp_path / "source", tmp_path / "output")
    run("check", "cvrg_pano", "--folder", tmp_path / "output")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("output: 6 pictures, train 4, val 1, test 1")
    assert lines[1].startswith("ok  cvrg_pano train: 4 samples, 8x6, 4 decoded, class shares 0.333")
    assert [line.split()[2] for line in lines[1:]] == ["train:", "val:", "test:"]


def test_folders_are_named_in_pairs(tmp_path):
    write_pano(tmp_path)

    with pytest.raises(ValueError, match="--images and --labels must be given equally often"):
        run("prepare", tmp_path, tmp_path / "output", "--images", "rgb")


def test_check_stops_at_the_first_fault(tmp_path, capsys):
    write_camvid(tmp_path, [0, 99])

    with pytest.raises(DataError, match="trainannot/a_1.png: class 99 is not allowed"):
        run("check", "camvid", "--folder", tmp_path)

    assert capsys.readouterr().out == ""


def test_check_of_one_split_looks_at_no_other(tmp_path, capsys):
    write_camvid(tmp_path, [0, 1])
    write(tmp_path / "trainannot" / "a_1.png", np.full((6, 8), 99))

    run("check", "camvid", "--folder", tmp_path, "--split", "val", "--classes", "11", "--full")

    assert capsys.readouterr().out.count("ok  camvid val: 1 samples") == 1


def test_check_of_an_unknown_set_names_those_there_are(tmp_path):
    with pytest.raises(DataError, match="data set must be one of camvid, .*, got 'camvit'"):
        run("check", "camvit", "--folder", tmp_path)


def test_list_tells_counts_and_what_is_missing(tmp_path, capsys):
    write_camvid(tmp_path / "camvid", [0, 1])

    run("list", "--data-root", tmp_path)

    shown = capsys.readouterr().out
    assert "CC-BY-NC-4.0" in shown
    assert "cityscapes" in shown and "does not exist" in shown
