# SPDX-License-Identifier: GPL-3.0-or-later
"""Cityscapes: pairs of files, and label ids as 19 classes or 7 categories."""

import numpy as np
import pytest

from scsc_core import data
from scsc_core.data import DataError
from scsc_core.data.cityscapes import IDS, TO_SEVEN


def write_frame(root, write, name, values, split="train"):
    city = name.split("_")[0]
    image = root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png"
    label = root / "gtFine" / split / city / f"{name}_gtFine_labelIds.png"
    return write.picture(image), write.label(label, values)


def test_frames_come_in_order_of_city_and_name(tmp_path, write):
    for name in ("ulm_000001_000019", "bonn_000002_000019", "bonn_000001_000019"):
        write_frame(tmp_path, write, name, [7])

    names = data.open("cityscapes", tmp_path).names

    assert names == ("bonn_000001_000019", "bonn_000002_000019", "ulm_000001_000019")


def test_picture_is_read_as_stored(tmp_path, write):
    image, _ = write_frame(tmp_path, write, "bonn_000001_000019", [7])

    assert np.array_equal(data.open("cityscapes", tmp_path)[0].image, image)


@pytest.mark.parametrize(("classes", "expected"), [(19, tuple(range(19))), (7, TO_SEVEN)])
def test_evaluated_ids_become_classes(tmp_path, write, classes, expected):
    write_frame(tmp_path, write, "bonn_000001_000019", IDS)

    label = data.open("cityscapes", tmp_path, classes=classes)[0].label

    assert tuple(label.ravel()[: len(IDS)]) == expected


def test_categories_are_those_of_the_seven():
    groups = {n: [i for i, k in zip(IDS, TO_SEVEN) if k == n] for n in range(7)}

    # ids of the data set's own label table: road sidewalk | building wall fence | pole light sign |
    # vegetation terrain | sky | person rider | car truck bus train motorcycle bicycle
    assert groups == {
        0: [7, 8],
        1: [11, 12, 13],
        2: [17, 19, 20],
        3: [21, 22],
        4: [23],
        5: [24, 25],
        6: [26, 27, 28, 31, 32, 33],
    }


def test_other_ids_are_ignored(tmp_path, write):
    others = [value for value in range(34) if value not in IDS]
    write_frame(tmp_path, write, "bonn_000001_000019", others)

    assert set(data.open("cityscapes", tmp_path)[0].label.ravel()) == {data.IGNORE}


def test_wrong_id_is_named_with_its_file(tmp_path, write):
    write_frame(tmp_path, write, "bonn_000001_000019", [7, 34])
    dataset = data.open("cityscapes", tmp_path)

    with pytest.raises(DataError, match=r"labelIds.png: class 34 is not allowed: 0 .. 33 or 255"):
        dataset[0]


def test_missing_label_is_named(tmp_path, write):
    write_frame(tmp_path, write, "bonn_000001_000019", [7])
    (tmp_path / "gtFine/train/bonn/bonn_000001_000019_gtFine_labelIds.png").unlink()

    with pytest.raises(DataError, match="bonn_000001_000019_gtFine_labelIds.png of .* not exist"):
        data.open("cityscapes", tmp_path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"classes": 20}, "classes must be 7 or 19, got 20"),
        ({"split": "test"}, "labels of split 'test' are not public"),
        ({"split": "val"}, "leftImg8bit/val does not exist"),
        ({"downscale": 2}, "no option 'downscale'; there are: none"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, write, options, told):
    write_frame(tmp_path, write, "bonn_000001_000019", [7])

    with pytest.raises(DataError, match=told):
        data.open("cityscapes", tmp_path, **options)


def test_split_without_frames_is_named(tmp_path):
    (tmp_path / "leftImg8bit" / "train" / "bonn").mkdir(parents=True)
    (tmp_path / "gtFine" / "train").mkdir(parents=True)

    with pytest.raises(DataError, match="leftImg8bit/train holds no <city>"):
        data.open("cityscapes", tmp_path)
