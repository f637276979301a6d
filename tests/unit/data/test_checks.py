# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad pictures and labels are found before training, in one line that names the file."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from scsc_core import data
from scsc_core.data import DataError, checks
from scsc_core.data.class_tables import ClassTable

FRAMES = ("a_1", "b_1", "c_1")


@pytest.fixture
def camvid(tmp_path, write):
    for seed, name in enumerate(FRAMES):
        write.picture(tmp_path / "train" / f"{name}.png", (32, 24), seed)
        write.label(tmp_path / "trainannot" / f"{name}.png", range(12), (32, 24))
    return tmp_path


def checked(root, **options):
    return data.check(data.open("camvid", root), **options)


def test_sound_set_tells_its_sizes_and_shares(camvid):
    seen = checked(camvid)

    assert (seen.pictures, seen.decoded) == (3, 3)
    assert seen.smallest == seen.largest == (32, 24)
    # values 0 .. 11 come equally often: 3, 4 -> flat, 1, 7 -> construction, 2, 6 -> object, ...
    assert seen.shares == pytest.approx(np.array([2, 2, 2, 1, 1, 2, 1]) / 11)


def test_full_check_gives_the_same_shares(camvid):
    assert np.array_equal(checked(camvid, full=True).shares, checked(camvid).shares)


@pytest.mark.parametrize("keep", [0, 5, 40, 0.5, -30])
@pytest.mark.parametrize("folder", ["train", "trainannot"])
def test_truncated_file_is_named(camvid, folder, keep):
    path = camvid / folder / "b_1.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)] if keep == 0.5 else whole[:keep])

    with pytest.raises(DataError, match="b_1.png cannot be read as a picture"):
        checked(camvid)


@pytest.mark.parametrize("ending", ["jpg", "webp", "bmp", "tif", "ppm", "jp2"])
def test_truncated_pictures_of_other_formats_are_named(tmp_path, write, ending):
    path = tmp_path / f"a.{ending}"
    write.picture(path, (64, 48))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    with pytest.raises(DataError, match=f"a.{ending} cannot be read as a picture"):
        data.check(data.open("folder", tmp_path))


def test_bytes_after_the_end_of_a_picture_are_no_fault(tmp_path, write):
    """Cameras append previews and the like."""
    write.picture(tmp_path / "a.jpg", (64, 48))
    with (tmp_path / "a.jpg").open("ab") as file:
        file.write(b"more")

    assert data.check(data.open("folder", tmp_path)).pictures == 1


def test_label_of_another_size_is_named(camvid, write):
    write.label(camvid / "trainannot" / "b_1.png", [0], (24, 32))

    with pytest.raises(DataError, match="b_1.png: label is 24x32, its picture 32x24"):
        checked(camvid)


def test_wrong_class_is_named_with_value_and_what_is_allowed(camvid, write):
    write.label(camvid / "trainannot" / "b_1.png", [0, 77], (32, 24))

    with pytest.raises(DataError, match=r"b_1.png: class 77 is not allowed: 0 .. 11 or 255"):
        checked(camvid)


def test_label_converted_to_colours_is_named(camvid):
    Image.new("RGB", (32, 24)).save(camvid / "trainannot" / "b_1.png")

    with pytest.raises(DataError, match="b_1.png: a label must be a palette or grey .* mode RGB"):
        checked(camvid)


def test_label_stored_as_jpeg_is_named(camvid):
    with (camvid / "trainannot" / "b_1.png").open("wb") as file:
        Image.new("L", (32, 24)).save(file, "JPEG")

    with pytest.raises(DataError, match="b_1.png: a label must be stored without loss, got JPEG"):
        checked(camvid)


def png(width, height, bits, colour_type):
    """A black PNG of a kind that Pillow does not write; colour type 0 grey, 2 RGB, 6 RGBA."""
    samples = {0: 1, 2: 3, 6: 4}[colour_type]
    row = bytes(1 + (width * samples * bits + 7) // 8)

    def chunk(kind, content):
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    data_chunk = chunk(b"IDAT", zlib.compress(row * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data_chunk + chunk(b"IEND", b"")


@pytest.mark.parametrize("colour_type", [0, 2, 6])
def test_picture_of_16_bits_is_named(camvid, colour_type):
    (camvid / "train" / "b_1.png").write_bytes(png(32, 24, 16, colour_type))

    with pytest.raises(DataError, match="b_1.png: only pictures of 8 bits a sample"):
        checked(camvid)


@pytest.mark.parametrize(
    ("bits", "told"), [(16, "got mode I;16"), (4, "must have 8 bits"), (1, "got mode 1")]
)
def test_grey_label_of_other_depths_is_named(camvid, bits, told):
    (camvid / "trainannot" / "b_1.png").write_bytes(png(32, 24, bits, 0))

    with pytest.raises(DataError, match=f"b_1.png: a .*{told}"):
        checked(camvid)


def test_palette_label_gives_its_indices_whatever_their_depth(camvid):
    label = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32) % 4
    picture = Image.fromarray(label, "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    picture.save(camvid / "trainannot" / "a_1.png", bits=2)

    read = data.open("camvid", camvid, classes=11)[0].label

    assert np.array_equal(read, label)


def test_labels_beyond_the_limit_are_sampled_evenly(camvid, write, monkeypatch):
    monkeypatch.setattr(checks, "PIXEL_LIMIT", 2 * 32 * 24)
    write.label(camvid / "trainannot" / "b_1.png", [77], (32, 24))

    assert checked(camvid).decoded == 2  # the first and the last
    with pytest.raises(DataError, match="class 77"):
        checked(camvid, full=True)


def test_size_is_that_after_the_orientation_is_applied(camvid):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (24, 32)).save(camvid / "train" / "a_1.png", exif=exif)

    assert checked(camvid).pictures == 3


def test_progress_counts_the_labels(camvid):
    calls = []

    checked(camvid, progress=lambda done, total: calls.append((done, total)))

    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_generated_set_is_checked_by_one_sample():
    def read(index):
        raise DataError(f"sample {index} is wrong")

    dataset = data.Dataset("streets", "train", 7, "GPL-3.0-or-later", ("0", "1"), read)

    with pytest.raises(DataError, match="sample 0 is wrong"):
        data.check(dataset)


def test_empty_split_is_refused():
    dataset = data.Dataset("streets", "val", 7, "GPL-3.0-or-later", (), None)

    with pytest.raises(DataError, match="split val is empty"):
        data.check(dataset)


@pytest.mark.parametrize("values", [1, 12, 255, 256])
def test_class_table_allows_its_values_and_ignore(values):
    table = ClassTable.of(values, {0: 5})
    label = np.arange(256, dtype=np.uint8)[None]
    allowed = label[:, (label[0] < values) | (label[0] == data.IGNORE)]

    assert table(allowed, "file")[0, 0] == 5
    assert set(table(allowed, "file").ravel()) <= {5, data.IGNORE}
    if values < 255:
        with pytest.raises(DataError, match=f"file: class {values} is not allowed"):
            table(label, "file")


@pytest.mark.parametrize(
    ("name", "split", "told"),
    [
        ("camvit", "train", "data set must be one of .*camvid.*, got 'camvit'"),
        ("camvid", "all", "split must be one of train, val, test, got 'all'"),
    ],
)
def test_unknown_set_and_split_are_named(tmp_path, name, split, told):
    with pytest.raises(DataError, match=told):
        data.open(name, tmp_path, split)


def test_missing_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SCSC_DATA", str(tmp_path))

    with pytest.raises(DataError, match="data set coco_boxes: folder .*coco_mini does not exist"):
        data.open("coco_boxes")
