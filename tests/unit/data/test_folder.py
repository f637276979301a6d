# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of pictures without labels, and trees of one folder per class."""

import numpy as np
import pytest
from PIL import Image

from scsc_core import data
from scsc_core.data import DataError
from scsc_core.data.folder import downscaled


def test_tree_gives_its_pictures_in_order_of_their_paths(tmp_path, write):
    for name in ("b.png", "a/2.jpg", "a/1.webp", "A.PNG"):
        write.picture(tmp_path / name)

    dataset = data.open("folder", tmp_path)

    assert dataset.names == ("A", "a/1", "a/2", "b")
    assert dataset.classes == 0 and dataset[0].label is None


def test_equal_names_keep_their_endings(tmp_path, write):
    write.picture(tmp_path / "a.png")
    write.picture(tmp_path / "a.jpg")

    assert data.open("folder", tmp_path).names == ("a.jpg", "a.png")


def test_hidden_and_other_files_are_left_out(tmp_path, write):
    write.picture(tmp_path / "a.png")
    write.picture(tmp_path / ".cache" / "b.png")
    write.picture(tmp_path / "._a.png")
    (tmp_path / "notes.txt").touch()

    assert data.open("folder", tmp_path).names == ("a",)


def test_loop_of_links_ends(tmp_path, write):
    write.picture(tmp_path / "a.png")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)

    assert len(data.open("folder", tmp_path)) == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"downscale": 0}, "downscale must be an integer >= 1, got 0"),
        ({"downscale": 1.5}, "downscale must be an integer >= 1, got 1.5"),
        ({"downscale": True}, "downscale must be an integer >= 1, got True"),
        ({"holdout": 1.0}, r"holdout must be in \[0, 1\), got 1.0"),
        ({"holdout": "half"}, r"holdout must be in \[0, 1\), got 'half'"),
        ({"holdout": 1e-9, "split": "val"}, "holdout 1e-09 leaves no picture of .* for val"),
        ({"size": 3}, "no option 'size'; there are: downscale, holdout, licence"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, write, options, told):
    write.picture(tmp_path / "a.png")

    with pytest.raises(DataError, match=told):
        data.open("folder", tmp_path, **options)


def test_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "notes.txt").touch()

    with pytest.raises(DataError, match=r"holds no picture \(\.png"):
        data.open("folder", tmp_path)


def test_holdout_parts_the_tree_and_later_pictures_move_none(tmp_path, write):
    for n in range(40):
        write.picture(tmp_path / f"{n:02}.png", (1, 1))

    def parts():
        return [set(data.open("folder", tmp_path, s, holdout=0.25).names) for s in data.SPLITS]

    train, val, test = parts()
    for n in range(40, 60):
        write.picture(tmp_path / f"{n:02}.png", (1, 1))
    train_later, val_later, _ = parts()

    assert val == test and not train & val and len(train | val) == 40
    assert train < train_later and val < val_later


def test_split_folders_are_the_splits(tmp_path, write):
    write.picture(tmp_path / "train" / "a.png")
    write.picture(tmp_path / "val" / "b.png")

    assert data.open("folder", tmp_path, "val").names == ("b",)
    with pytest.raises(DataError, match="test does not exist"):
        data.open("folder", tmp_path, "test")
    with pytest.raises(DataError, match="has split folders of its own"):
        data.open("folder", tmp_path, holdout=0.1)


def test_licence_is_kept_with_every_picture(tmp_path, write):
    write.picture(tmp_path / "a.png")

    assert data.open("folder", tmp_path, licence="CC0-1.0")[0].licence == "CC0-1.0"


def test_halving_takes_the_mean_of_four_pixels(tmp_path, write):
    image = write.picture(tmp_path / "a.png", (8, 6))

    halved = data.open("folder", tmp_path, downscale=2)[0].image

    means = image.reshape(3, 2, 4, 2, 3).mean((1, 3))
    assert np.abs(halved - means).max() <= 1  # rounded to 8 bits once per axis


@pytest.mark.parametrize(("size", "factor"), [((7, 5), 2), ((1, 9), 4), ((3, 3), 5)])
def test_downscaling_keeps_at_least_one_pixel(size, factor):
    image = np.full((size[1], size[0], 3), 77, np.uint8)

    small = downscaled(image, factor)

    assert small.shape == (max(1, size[1] // factor), max(1, size[0] // factor), 3)
    assert (small == 77).all()


def test_orientation_of_a_photograph_is_applied(tmp_path):
    picture = Image.fromarray(np.zeros((4, 8, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(tmp_path / "a.jpg", exif=exif)

    assert data.open("folder", tmp_path)[0].image.shape == (8, 4, 3)


def test_class_index_folders_give_their_number(tmp_path, write):
    write.picture(tmp_path / "3" / "a.png")
    write.picture(tmp_path / "0" / "b.png")

    dataset = data.open("imagenet_like", tmp_path, classes=4)

    assert [dataset[n].extra["class"] for n in range(2)] == [0, 3]
    assert dataset.names == ("0/b.png", "3/a.png")


def test_synset_list_gives_the_number_of_a_synset(tmp_path, write):
    write.picture(tmp_path / "val" / "n02" / "a.png")
    (tmp_path / "synsets.txt").write_text("n01 tench\nn02 shark\n", encoding="utf-8")

    assert data.open("imagenet_like", tmp_path, "val", 2)[0].extra["class"] == 1


def test_sorted_synsets_serve_where_all_are_present(tmp_path, write):
    for name in ("n09", "n01"):
        write.picture(tmp_path / name / "a.png")

    dataset = data.open("imagenet_like", tmp_path, classes=2)

    assert [dataset[n].extra["class"] for n in range(2)] == [0, 1]


@pytest.mark.parametrize(
    ("folders", "synsets", "classes", "told"),
    [
        (["n01"], None, 1000, "has 1 class folders, classes is 1000; write all synsets"),
        (["n01"], "n02\n", 2, "n01 is not in .*synsets.txt"),
        (["n01"], "n01\nn01\n", 2, "a synset occurs twice"),
        (["5"], None, 5, "5 is class 5, allowed: 0 .. 4"),
        (["5"], None, 1, "classes must be >= 2, got 1"),
        ([], None, 10, "holds no class folder"),
    ],
)
def test_folders_that_do_not_fit_the_classes_are_named(
    tmp_path, write, folders, synsets, classes, told
):
    for name in folders:
        write.picture(tmp_path / name / "a.png")
    if synsets is not None:
        (tmp_path / "synsets.txt").write_text(synsets, encoding="utf-8")

    with pytest.raises(DataError, match=told):
        data.open("imagenet_like", tmp_path, classes=classes)
