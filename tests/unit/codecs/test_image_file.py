# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture files of users: what is converted, and what is refused with one line."""

import numpy as np
import pytest
from PIL import Image

from scsc_core import codecs
from scsc_core.codecs.bpg import have_bpg


@pytest.mark.parametrize("ending", ["png", "tif", "bmp", "ppm", "webp"])
def test_lossless_files_come_back_exactly(ending, tmp_path, picture):
    image, path = picture(20, 31), tmp_path / f"picture.{ending}"

    codecs.save_image(path, image)

    np.testing.assert_array_equal(codecs.load_image(path), image)


@pytest.mark.parametrize("ending", ["jpg", "j2k", "bpg"])
def test_coded_files_hold_the_codec_bytes(ending, tmp_path, picture):
    if ending == "bpg" and not have_bpg():
        pytest.skip("built without x265 and libde265")
    name = {"jpg": "jpeg", "j2k": "jpeg2000", "bpg": "bpg"}[ending]
    image, path = picture(32, 40), tmp_path / f"picture.{ending}"

    codecs.save_image(path, image, qp=30)

    assert path.read_bytes() == codecs.get(name).encode(image, 30)
    np.testing.assert_array_equal(
        codecs.load_image(path), codecs.get(name).decode(path.read_bytes())
    )


def test_format_is_told_by_content_not_by_name(tmp_path, picture):
    image, path = picture(8, 8), tmp_path / "picture.jpg"
    Image.fromarray(image).save(path, "PNG")

    np.testing.assert_array_equal(codecs.load_image(path), image)


def test_gray_palette_and_cmyk_become_rgb(tmp_path, picture):
    image = picture(16, 16)
    for mode, ending in (("L", "png"), ("P", "png"), ("1", "png"), ("CMYK", "tif")):
        source = Image.fromarray(image).convert(mode)
        source.save(tmp_path / f"x.{ending}")

        loaded = codecs.load_image(tmp_path / f"x.{ending}")

        np.testing.assert_array_equal(loaded, np.asarray(source.convert("RGB")))


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    values = np.array([[0, 257, 65535, 32896]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")

    loaded = codecs.load_image(tmp_path / "deep.png")

    np.testing.assert_array_equal(loaded[0, :, 0], [0, 1, 255, 128])


def test_transparent_pixels_are_laid_over_white(tmp_path):
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 128]]], np.uint8)
    Image.fromarray(rgba).save(tmp_path / "alpha.png")

    loaded = codecs.load_image(tmp_path / "alpha.png")

    np.testing.assert_array_equal(loaded[0], [[10, 20, 30], [255] * 3, [127] * 3])


def test_exif_orientation_is_applied(tmp_path, picture):
    image, exif = picture(10, 20), Image.Exif()
    exif[0x0112] = 6  # stored picture must be turned by 90 degrees clockwise
    Image.fromarray(image).save(tmp_path / "turned.png", exif=exif)

    np.testing.assert_array_equal(codecs.load_image(tmp_path / "turned.png"), np.rot90(image, -1))


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "empty"),
        (b"no picture at all", "not a picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "picture.dat"),
        (b"BPG\xfb" + bytes(30), "picture.dat"),
    ],
)
def test_unreadable_files_are_refused_in_one_line(content, words, tmp_path):
    path = tmp_path / "picture.dat"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=words) as caught:
        codecs.load_image(path)

    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_cut_file_is_refused(tmp_path, picture):
    path = tmp_path / "picture.png"
    codecs.save_image(path, picture(64, 64))
    path.write_bytes(path.read_bytes()[:-3000])

    with pytest.raises(ValueError, match="picture.png"):
        codecs.load_image(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(ValueError, match="none.png"):
        codecs.load_image(tmp_path / "none.png")
    with pytest.raises(ValueError, match="not a file"):
        codecs.load_image(tmp_path)


def test_size_limits_name_the_limit(tmp_path):
    Image.new("RGB", (5000, 2)).save(tmp_path / "wide.png")
    with pytest.raises(ValueError, match="wide.png: 5000 x 2 exceeds the limit of 4096 a side"):
        codecs.load_image(tmp_path / "wide.png")
    with pytest.raises(ValueError, match="limit of 100 pixels"):
        codecs.load_image(tmp_path / "wide.png", max_side=6000, max_pixels=100)


def test_saving_refuses_unknown_endings_and_useless_quality(tmp_path, picture):
    with pytest.raises(ValueError, match="ending"):
        codecs.save_image(tmp_path / "x.xyz", picture(8, 8))
    with pytest.raises(ValueError, match="lossless"):
        codecs.save_image(tmp_path / "x.png", picture(8, 8), qp=3)
    with pytest.raises(ValueError, match="cannot be written"):
        codecs.save_image(tmp_path / "no" / "x.png", picture(8, 8))
