# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture files: the sample every installation has, files and folders."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scsc_core.data import files
from scsc_core.data.files import PICTURE_SUFFIXES, list_pictures, sample_image


def touch(folder, *names):
    paths = [folder / name for name in names]
    for path in paths:
        path.touch()
    return paths


def test_sample_image_is_the_colour_photograph_of_512_by_600():
    with Image.open(sample_image()) as image:
        assert image.size == (512, 600)
        assert image.mode == "RGB"


def test_missing_sample_image_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("matplotlib.get_data_path", lambda: str(tmp_path))
    monkeypatch.setattr(files.Path, "is_file", lambda path: False)

    with pytest.raises(ValueError, match=f"missing below {re.escape(str(tmp_path))}.*--image PATH"):
        sample_image()


def test_folder_gives_its_pictures_in_order_of_name(tmp_path):
    c, a, b = touch(tmp_path, "c.png", "a.jpg", "b.bpg")

    assert list_pictures([tmp_path]) == [a, b, c]


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_folder_gives_every_picture_format_in_either_case(tmp_path, suffix):
    pictures = touch(tmp_path, "a" + suffix, "b" + suffix.upper())

    assert list_pictures([tmp_path]) == pictures


def test_folder_leaves_out_other_files_and_subfolders(tmp_path):
    (picture, *_) = touch(tmp_path, "a.png", "notes.txt", "png", "a.png.part")
    (tmp_path / "b.png").mkdir()
    touch(tmp_path / "b.png", "inner.png")

    assert list_pictures([tmp_path]) == [picture]


def test_named_file_is_taken_whatever_its_suffix(tmp_path):
    (odd,) = touch(tmp_path, "picture.raw")

    assert list_pictures([str(odd)]) == [odd]


def test_files_and_folders_keep_the_order_in_which_they_are_named(tmp_path):
    (tmp_path / "folder").mkdir()
    inner = touch(tmp_path / "folder", "1.png", "2.png")
    z, a = touch(tmp_path, "z.png", "a.png")

    assert list_pictures([z, tmp_path / "folder", a]) == [z, *inner, a]


def test_no_paths_give_no_pictures():
    assert list_pictures([]) == []


def test_missing_path_is_named(tmp_path):
    missing = tmp_path / "none.png"

    with pytest.raises(ValueError, match=f"picture {re.escape(str(missing))} does not exist"):
        list_pictures([missing])


def test_folder_without_pictures_is_named_with_what_is_allowed(tmp_path):
    touch(tmp_path, "notes.txt")

    with pytest.raises(ValueError, match=r"holds no picture \(\.png \.jpg"):
        list_pictures([tmp_path])


@given(st.sets(st.text("abcXYZ0189", min_size=1, max_size=6), min_size=1, max_size=8))
def test_listing_a_folder_equals_listing_its_sorted_files(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("pictures")
    paths = touch(folder, *(name + ".png" for name in names))

    assert list_pictures([folder]) == list_pictures(sorted(paths))
