# SPDX-License-Identifier: GPL-3.0-or-later
"""CVRG-Pano: classes.json, lists and drawn splits, and bringing other layouts into this one."""

import json

import numpy as np
import pytest
from PIL import Image

from scsc_core import data
from scsc_core.data import DataError
from scsc_core.data.cvrg_pano import drawn_splits, read_classes
from scsc_core.data.prepare import prepare

TO_SEVEN = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 6, 6, 6, 255]
COLOURS = [[10 * n, 255 - n, n] for n in range(20)]
NAMES = [f"pano{n:02}" for n in range(12)]
PINNED_VAL = ("pano02", "pano08")
PINNED_TEST = ("pano01", "pano10")


def description(**changes):
    content = {"classes20": [f"class{n}" for n in range(20)], "map20to7": TO_SEVEN}
    return {**content, **changes}


def write_set(root, write, names=NAMES, images="images", labels="labels", content=None):
    for seed, name in enumerate(names):
        write.picture(root / images / f"{name}.png", seed=seed)
        write.label(root / labels / f"{name}.png", range(20))
    text = json.dumps(description() if content is None else content)
    (root / "classes.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("classes", "expected"), [(20, range(20)), (7, TO_SEVEN)])
def test_values_become_classes_by_the_description(tmp_path, write, classes, expected):
    write_set(tmp_path, write)

    label = data.open("cvrg_pano", tmp_path, classes=classes)[0].label

    assert tuple(label.ravel()[:20]) == tuple(expected)


def test_splits_without_lists_are_drawn_once_and_for_all(tmp_path, write):
    write_set(tmp_path, write)

    names = {split: data.open("cvrg_pano", tmp_path, split).names for split in data.SPLITS}

    assert [len(names[split]) for split in data.SPLITS] == [8, 2, 2]
    assert sorted(sum(names.values(), ())) == NAMES
    # pinned: a change here would move pictures between training and test of earlier results
    assert names["val"] == PINNED_VAL and names["test"] == PINNED_TEST


def test_six_hundred_names_are_drawn_400_100_100():
    drawn = drawn_splits([f"{n:03}" for n in range(600)])

    assert [len(drawn[split]) for split in data.SPLITS] == [400, 100, 100]
    assert len(set().union(*drawn.values())) == 600


def test_another_seed_draws_another_split():
    names = [f"{n:03}" for n in range(600)]

    assert drawn_splits(names, 0)["test"] != drawn_splits(names, 1)["test"]


def test_too_few_pictures_cannot_be_split():
    with pytest.raises(DataError, match="5 pictures are too few to draw splits"):
        drawn_splits(list("abcde"))


def test_lists_name_the_pictures_of_a_split(tmp_path, write):
    write_set(tmp_path, write)
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "val.txt").write_text("pano07\npano01\n", encoding="utf-8")

    assert data.open("cvrg_pano", tmp_path, "val").names == ("pano07", "pano01")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pano01\nnone\n", "val.txt line 2: 'none' is no picture of images/"),
        ("pano01\npano01\n", "val.txt: a name occurs twice"),
        ("", "val.txt is empty"),
        (None, "val.txt does not exist"),
    ],
)
def test_wrong_list_is_named(tmp_path, write, text, told):
    write_set(tmp_path, write)
    (tmp_path / "splits").mkdir()
    if text is not None:
        (tmp_path / "splits" / "val.txt").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=told):
        data.open("cvrg_pano", tmp_path, "val")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "must be a JSON object"),
        ({"classes20": []}, "one list map<n>to7"),
        ({"map300to7": []}, "one list map<n>to7"),
        (description(classes20=["a"]), "classes20 must be a list of 20 entries"),
        (description(map20to7=[7] * 20), "map20to7 cannot hold 7"),
        (description(map20to7=[True] * 20), "map20to7 cannot hold True"),
        (description(classes20=[None] * 20), "classes20 cannot hold None"),
        (description(palette20=[[0, 0, 256]] * 20), r"palette20 cannot hold \[0, 0, 256\]"),
        (description(palette20=[[0, 0, 0]] * 20), "a colour occurs twice in palette20"),
    ],
)
def test_wrong_description_is_named(tmp_path, content, told):
    path = tmp_path / "classes.json"
    path.write_text(json.dumps(content), encoding="utf-8")

    with pytest.raises(DataError, match=told):
        read_classes(path)


def test_description_that_is_no_json_is_named(tmp_path):
    (tmp_path / "classes.json").write_text("{", encoding="utf-8")

    with pytest.raises(DataError, match="classes.json is no valid JSON"):
        read_classes(tmp_path / "classes.json")


def test_missing_description_is_named(tmp_path):
    with pytest.raises(DataError, match="classes.json does not exist"):
        data.open("cvrg_pano", tmp_path)


def test_wrong_number_of_classes_names_what_the_description_allows(tmp_path, write):
    write_set(tmp_path, write)

    with pytest.raises(DataError, match="classes must be 7 or 20, got 19"):
        data.open("cvrg_pano", tmp_path, classes=19)


def test_picture_without_label_is_named(tmp_path, write):
    write_set(tmp_path, write)
    (tmp_path / "labels" / "pano03.png").unlink()

    with pytest.raises(DataError, match="pano03.png has no label .*labels/pano03.png"):
        data.open("cvrg_pano", tmp_path)


def test_two_pictures_of_one_name_are_refused(tmp_path, write):
    write_set(tmp_path, write)
    write.picture(tmp_path / "images" / "pano03.jpg")

    with pytest.raises(DataError, match="pano03.*have the same name"):
        data.open("cvrg_pano", tmp_path)


def test_prepared_copy_of_split_folders_reads_like_the_source(tmp_path, write):
    source, output = tmp_path / "source", tmp_path / "output"
    write_set(source, write, NAMES[:8], "train/rgb", "train/mask")
    write_set(source, write, NAMES[8:], "test/rgb", "test/mask")

    done = prepare(source, output)
    opened = {split: data.open("cvrg_pano", output, split) for split in data.SPLITS}

    assert done.pictures == 12
    assert {split: list(opened[split].names) for split in data.SPLITS} == done.splits
    assert done.splits == drawn_splits(NAMES)
    assert opened["val"][0].image.shape == (6, 8, 3)


@pytest.mark.parametrize("copy", [False, True])
def test_files_are_linked_unless_copies_are_asked_for(tmp_path, write, copy):
    write_set(tmp_path / "source", write)

    prepare(tmp_path / "source", tmp_path / "output", copy=copy)

    assert (tmp_path / "output" / "images" / "pano00.png").is_symlink() is not copy


def test_colours_become_classes_by_the_palette(tmp_path, write):
    source, output = tmp_path / "source", tmp_path / "output"
    write_set(source, write, content=description(palette20=COLOURS))
    label = np.resize(np.arange(20, dtype=np.uint8), (6, 8))
    Image.fromarray(np.array(COLOURS, np.uint8)[label]).save(source / "labels" / "pano00.png")

    prepare(source, output)

    assert np.array_equal(np.asarray(Image.open(output / "labels" / "pano00.png")), label)


def test_colour_outside_the_palette_is_named_with_its_place(tmp_path, write):
    source = tmp_path / "source"
    write_set(source, write, content=description(palette20=COLOURS))
    image = np.full((6, 8, 3), COLOURS[3], np.uint8)
    image[2, 5] = (1, 2, 3)
    Image.fromarray(image).save(source / "labels" / "pano00.png")

    with pytest.raises(DataError, match=r"colour \(1, 2, 3\) at row 2, column 5 is in no palette"):
        prepare(source, tmp_path / "output")


def test_colours_without_palette_are_refused(tmp_path, write):
    write_set(tmp_path / "source", write)
    write.picture(tmp_path / "source" / "labels" / "pano00.png")

    with pytest.raises(
        DataError, match="pano00.png is stored as colours; classes.json needs a pal"
    ):
        prepare(tmp_path / "source", tmp_path / "output")


def test_source_itself_gets_only_the_lists(tmp_path, write):
    write_set(tmp_path, write)

    prepare(tmp_path, tmp_path)

    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "classes.json",
        "images",
        "labels",
        "splits",
    ]
    assert (tmp_path / "splits" / "val.txt").read_text(encoding="utf-8").split() == list(PINNED_VAL)


def test_output_with_files_is_left_alone(tmp_path, write):
    write_set(tmp_path / "source", write)
    write.picture(tmp_path / "output" / "mine.png")

    with pytest.raises(DataError, match="output .* must be a new or empty folder"):
        prepare(tmp_path / "source", tmp_path / "output")


def test_source_without_known_folders_asks_for_their_names(tmp_path, write):
    write_set(tmp_path / "source", write, images="pictures", labels="ids")

    with pytest.raises(DataError, match="holds none of the folders .*; name the two folders"):
        prepare(tmp_path / "source", tmp_path / "output")

    assert prepare(tmp_path / "source", tmp_path / "output", [("pictures", "ids")]).pictures == 12


def test_source_in_another_layout_cannot_be_its_own_output(tmp_path, write):
    write_set(tmp_path, write, images="rgb", labels="mask")

    with pytest.raises(DataError, match="need an output folder of their own"):
        prepare(tmp_path, tmp_path)
