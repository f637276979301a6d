# SPDX-License-Identifier: GPL-3.0-or-later
"""Street scenes: same bytes for the same arguments, complete labels, separate pools."""

import numpy as np
import pytest

from scsc_core import data
from scsc_core.data import DataError
from scsc_core.data.streets import render
from scsc_core.data.streets_assets import pool


@pytest.mark.parametrize("camera", ["pinhole", "equirectangular"])
def test_every_pixel_has_one_of_seven_classes(camera):
    image, label = render(5, (98, 64), camera)

    assert image.shape == (64, 98, 3) and image.dtype == np.uint8
    assert label.shape == (64, 98) and label.dtype == np.uint8
    assert label.max() < 7


def test_scene_depends_on_its_arguments_alone():
    first = render(3, (96, 72))
    render(4, (64, 64), "equirectangular", "test")
    again = render(3, (96, 72))

    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not np.array_equal(first[0], render(3, (96, 72), pool="test")[0])


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((-1, (64, 64)), "seed must be an integer >= 0, got -1"),
        ((True, (64, 64)), "seed must be an integer"),
        ((0, (8, 64)), "size must be"),
        ((0, (64, 64), "fisheye"), "camera must be one of pinhole, equirectangular"),
        ((0, (64, 64), "pinhole", "val"), "pool must be one of train, test"),
    ],
)
def test_bad_argument_is_named(arguments, rule):
    with pytest.raises(ValueError, match=rule):
        render(*arguments)


def test_pools_share_no_asset():
    train, test = pool("train"), pool("test")

    for kind in ("people", "cyclists", "leafy", "bare"):
        for one in getattr(train, kind):
            assert not any(np.array_equal(one, other) for other in getattr(test, kind))


def test_data_set_keeps_what_it_rendered(tmp_path):
    kept = data.open("streets", tmp_path, "val", count=2, size=(64, 48))
    first = kept[1]

    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    again = data.open("streets", tmp_path, "val", count=2, size=(64, 48))[1]
    fresh = data.open("streets", None, "val", count=2, size=(64, 48))[1]

    assert files == ["scene-5000001-label.png", "scene-5000001.png"]
    for other in (again, fresh):
        assert np.array_equal(first.image, other.image)
        assert np.array_equal(first.label, other.label)


def test_splits_share_no_scene():
    names = [data.open("streets", None, split, count=3).names for split in ("train", "val")]

    assert not set(names[0]) & set(names[1])


def test_data_set_refuses_other_classes():
    with pytest.raises(DataError, match="classes must be 7, got 11"):
        data.open("streets", None, "train", 11)
