# SPDX-License-Identifier: GPL-3.0-or-later
"""CamVid in both layouts, and the research copy where it is present."""

import numpy as np
import pytest

from scsc_core import data
from scsc_core.data import DataError

MAP = (4, 1, 2, 0, 0, 3, 2, 1, 6, 5, 5, 255)


def write_listed(root, write, names, values=tuple(range(12))):
    lines = []
    for name in names:
        write.picture(root / "images" / "train" / f"{name}.png")
        write.label(root / "labels11" / "train" / f"{name}.png", values)
        lines.append(f"images/train/{name}.png labels11/train/{name}.png labels7/{name}.png")
    (root / "train.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_paired(root, write, names):
    for name in names:
        write.picture(root / "train" / f"{name}.png")
        write.label(root / "trainannot" / f"{name}.png", range(12))


@pytest.mark.parametrize("layout", [write_listed, write_paired])
@pytest.mark.parametrize(("classes", "expected"), [(7, MAP), (11, (*range(11), 255))])
def test_both_layouts_give_the_same_classes(tmp_path, write, layout, classes, expected):
    layout(tmp_path, write, ["a_1", "b_1"])

    dataset = data.open("camvid", tmp_path, classes=classes)

    assert dataset.names == ("a_1", "b_1")
    assert tuple(dataset[0].label.ravel()[:12]) == expected


def test_list_gives_the_order(tmp_path, write):
    write_listed(tmp_path, write, ["b_1", "a_1"])

    assert data.open("camvid", tmp_path).names == ("b_1", "a_1")


def test_list_beside_the_common_folders_is_not_needed(tmp_path, write):
    """Common copies carry lists with the paths of somebody else's machine."""
    write_paired(tmp_path, write, ["a_1"])
    (tmp_path / "train.txt").write_text("/data/a_1.png /data/annot/a_1.png\n", encoding="utf-8")

    assert len(data.open("camvid", tmp_path)) == 1


def test_listed_file_that_is_missing_is_named(tmp_path, write):
    write_listed(tmp_path, write, ["a_1"])
    (tmp_path / "labels11/train/a_1.png").unlink()

    with pytest.raises(DataError, match="train.txt: .*labels11/train/a_1.png does not exist"):
        data.open("camvid", tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"images/train/a_1.png labels11/train/a_1.png\n", "train.txt line 1: must be 'image"),
        (b"\n\n", "train.txt is empty"),
        (b"\xff\xfe\x00", "train.txt is no UTF-8 text"),
    ],
)
def test_wrong_list_is_named(tmp_path, write, content, told):
    write_listed(tmp_path, write, ["a_1"])
    (tmp_path / "train.txt").write_bytes(content)

    with pytest.raises(DataError, match=told):
        data.open("camvid", tmp_path)


def test_folder_without_either_layout_is_told_what_is_expected(tmp_path):
    with pytest.raises(DataError, match="holds no CamVid split 'val': expected val.txt with image"):
        data.open("camvid", tmp_path, split="val")


def test_class_beyond_the_eleven_and_ignore_is_named(tmp_path, write):
    write_listed(tmp_path, write, ["a_1"], [0, 12])

    with pytest.raises(DataError, match="a_1.png: class 12 is not allowed: 0 .. 11 or 255"):
        data.open("camvid", tmp_path)[0]


def test_other_numbers_of_classes_are_refused(tmp_path, write):
    write_listed(tmp_path, write, ["a_1"])

    with pytest.raises(DataError, match="classes must be 7 or 11, got 12"):
        data.open("camvid", tmp_path, classes=12)


@pytest.mark.parametrize(("split", "count"), [("train", 367), ("val", 101), ("test", 147)])
def test_research_copy_has_the_stated_frames_and_shares(research_data, split, count):
    dataset = data.open("camvid", research_data / "camvid", split)

    sample = dataset[count - 1]

    assert len(dataset) == count
    assert sample.image.shape == (360, 480, 3) and sample.label.shape == (360, 480)
    assert dataset.licence == "CC-BY-NC-4.0"


def test_research_copy_passes_its_check(research_data):
    seen = data.check(data.open("camvid", research_data / "camvid", "val"))

    assert seen.pictures == seen.decoded == 101
    assert seen.largest == seen.smallest == (480, 360)
    # shares of the set's own description (ignored pixels counted there, .017 of all)
    expected = np.array([0.377, 0.290, 0.015, 0.163, 0.092, 0.029, 0.017]) / 0.983
    assert seen.shares == pytest.approx(expected, abs=1.1e-3)
