# SPDX-License-Identifier: GPL-3.0-or-later
"""COCO pictures with boxes and masks, and the research copy where it is present."""

import json

import numpy as np
import pytest
from PIL import Image

from scsc_core import data
from scsc_core.data import DataError
from scsc_core.data.coco_boxes import read_boxes


def entry(name, split="val2017"):
    return {"split": split, "file": f"images/{split}/{name}.jpg", "license": "Attribution License"}


def write_set(root, write, names=("1", "2")):
    for name in names:
        write.picture(root / "images" / "val2017" / f"{name}.jpg")
        write.label(root / "semantic" / "val2017" / f"{name}.png", range(200))
    (root / "boxes" / "val2017").mkdir(parents=True)
    (root / "boxes" / "val2017" / "1.txt").write_text("0 .5 .5 1 1\n79 .1 .2 .1 .1\n")
    (root / "manifest.json").write_text(json.dumps([entry(name) for name in names]))


def open_val(root, **options):
    return data.open("coco_boxes", root, "val", 80, **options)


def test_boxes_and_mask_come_with_the_picture(tmp_path, write):
    write_set(tmp_path, write)

    sample = open_val(tmp_path)[0]

    assert sample.extra["boxes"] == pytest.approx(
        np.array([[0, 0.5, 0.5, 1, 1], [79, 0.1, 0.2, 0.1, 0.1]])
    )
    assert sample.extra["semantic"].shape == sample.image.shape[:2]
    assert sample.label is None and sample.licence == "Attribution License"


def test_picture_without_box_file_has_no_objects(tmp_path, write):
    write_set(tmp_path, write)

    assert open_val(tmp_path)[1].extra["boxes"].shape == (0, 5)


def test_grey_picture_becomes_rgb(tmp_path, write):
    write_set(tmp_path, write)
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(grey).save(tmp_path / "images" / "val2017" / "1.jpg", quality=100)

    image = open_val(tmp_path)[0].image

    assert image.shape == (6, 8, 3)
    assert (image == image[:, :, :1]).all()


def test_halving_takes_picture_and_mask_down_together(tmp_path, write):
    write_set(tmp_path, write)
    whole = open_val(tmp_path)[0]

    half = open_val(tmp_path, downscale=2)[0]

    assert half.image.shape == (3, 4, 3)
    assert np.array_equal(half.extra["semantic"], whole.extra["semantic"][1::2, 1::2])
    assert np.array_equal(half.extra["boxes"], whole.extra["boxes"])


@pytest.mark.parametrize("line", ["1 .5 .5 1", "80 .5 .5 1 1", "1.5 .5 .5 1 1", "a b c d e",
                                  "1 .5 .5 0 1", "1 1.5 .5 1 1", "1 nan .5 1 1"])  # fmt: skip
def test_wrong_line_of_boxes_is_named(tmp_path, line):
    path = tmp_path / "1.txt"
    path.write_text(f"0 .5 .5 1 1\n{line}\n")

    with pytest.raises(DataError, match="1.txt line 2: must be 'class x y width height'"):
        read_boxes(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "must be a list of pictures"),
        ([{"split": "val2017"}], "a picture has no file, license"),
        ([entry("1", "train2017")], "names no picture of val2017"),
        ([entry("9")], "9.jpg does not exist"),
    ],
)
def test_wrong_manifest_is_named(tmp_path, write, content, told):
    write_set(tmp_path, write)
    (tmp_path / "manifest.json").write_text(json.dumps(content))

    with pytest.raises(DataError, match=told):
        open_val(tmp_path)


def test_mask_of_another_size_is_named(tmp_path, write):
    write_set(tmp_path, write)
    write.label(tmp_path / "semantic" / "val2017" / "1.png", [0], (6, 8))

    with pytest.raises(DataError, match="1.png: mask is 6x8, its picture 8x6"):
        open_val(tmp_path)[0]


@pytest.mark.parametrize(
    ("split", "classes", "told"),
    [("test", 80, "no split 'test'"), ("val", 7, "classes must be 80, got 7")],
)
def test_wrong_split_and_classes_are_refused(tmp_path, split, classes, told):
    with pytest.raises(DataError, match=told):
        data.open("coco_boxes", tmp_path, split, classes)


@pytest.mark.parametrize(("split", "pictures", "boxes"), [("train", 26, 181), ("val", 100, 709)])
def test_research_copy_has_the_stated_pictures_and_boxes(research_data, split, pictures, boxes):
    dataset = data.open("coco_boxes", research_data / "coco_mini", split, 80)

    count = sum(len(dataset.annotation(index)) for index in range(len(dataset)))

    assert (len(dataset), count) == (pictures, boxes)
