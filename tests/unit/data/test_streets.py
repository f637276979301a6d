# SPDX-License-Identifier: GPL-3.0-or-later
"""Street scenes: same bytes for the same arguments, complete labels, separate pools."""

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scsc_core import data
from scsc_core.data import DataError, streets_acceptance
from scsc_core.data.streets import open_streets, render
from scsc_core.data.streets_assets import pool
from scsc_core.data.streets_draws import Draws
from scsc_core.data.streets_looks import majority
from scsc_core.data.streets_raster import Camera, Canvas, Plane


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
    fresh = open_streets(None, "val", count=2, size=(64, 48))[1]

    assert files == ["scene-5000001-label.png", "scene-5000001.png"]
    for other in (again, fresh):
        assert np.array_equal(first.image, other.image)
        assert np.array_equal(first.label, other.label)


def by_training():
    from scsc_core.training.pictures import open_samples
    from scsc_core.training.settings import DataSettings

    options = {"count": 1, "size": [64, 48]}
    return open_samples(DataSettings(name="streets", options=options), training=True)[0].image


def by_evaluation():
    from scsc_core.evaluation.ppen_inputs import frames

    return frames("streets", "train", 1)[0].image


def by_hand():
    return data.open("streets", split="train", count=1, size=(64, 48))[0].image


@pytest.mark.parametrize("read", [by_training, by_evaluation, by_hand])
def test_folder_of_the_data_sets_keeps_scenes_where_it_has_streets(tmp_path, monkeypatch, read):
    pytest.importorskip("torch", reason="training needs torch")
    monkeypatch.setenv("SCSC_DATA", str(tmp_path))
    fresh = read()
    assert not list(tmp_path.iterdir()) and data.folder_of("streets") is None
    (tmp_path / "streets").mkdir()

    first = read()
    (kept,) = (tmp_path / "streets").rglob("scene-0000000.png")
    Image.fromarray(255 - np.asarray(Image.open(kept))).save(kept)

    assert np.array_equal(first, fresh)
    assert np.array_equal(read(), 255 - fresh)  # what lies there, not another rendering


def test_opening_writes_nothing(tmp_path):
    data.open("streets", tmp_path, "val", count=2)

    assert not list(tmp_path.iterdir())


def test_scenes_that_cannot_be_kept_are_rendered_and_told_once(tmp_path, capsys):
    fresh = data.open("streets", tmp_path, "val", count=2, size=(64, 48))[1].image
    (place,) = tmp_path.iterdir()
    shutil.rmtree(place)
    place.write_text("in the way")
    scenes = data.open("streets", tmp_path, "val", count=2, size=(64, 48))

    assert np.array_equal(scenes[1].image, fresh)
    scenes[0]

    told = capsys.readouterr().err
    assert told == f"note: street scenes are not kept in {place}: File exists\n"


def test_half_written_picture_does_not_stay(tmp_path, monkeypatch, capsys):
    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)

    data.open("streets", tmp_path, "val", count=1, size=(64, 48))[0]

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "No space left on device" in capsys.readouterr().err


def test_splits_share_no_scene():
    names = [data.open("streets", None, split, count=3).names for split in ("train", "val")]

    assert not set(names[0]) & set(names[1])


def test_data_set_refuses_other_classes():
    with pytest.raises(DataError, match="classes must be 7, got 11"):
        data.open("streets", None, "train", 11)


# SHA-256 of three renders of STREETS_VERSION 2; a change of any is a new version.
DIGESTS = (
    "190199c6b165eb0cf6684ba1bc206b27f21dc7f2d7850f84fca7eb121e7875ef",
    "0e58d04cec2ef8bfb3f7c20ff9d9c37e6ae0ec58f8e23fd92db6a1c2ca031238",
    "76ddccd8e9584d249037397890b1ce97335562a91db8e4a9388179cd2d378f3f",
)


@pytest.mark.parametrize(("scene", "digest"), list(zip(streets_acceptance.PINNED, DIGESTS)))
def test_render_is_the_pinned_one(scene, digest):
    assert streets_acceptance.digest(*scene) == digest


@pytest.fixture(scope="module")
def scenes():
    """The first sixteen training scenes of 480x360: pictures and labels."""
    return [render(seed, (480, 360)) for seed in range(16)]


def test_statistics_are_those_of_street_photographs(scenes):
    checks = streets_acceptance.statistics_checks([image for image, _ in scenes])

    assert not [check for check in checks if not check.passed]


def test_class_shares_are_those_of_street_photographs(scenes):
    checks = streets_acceptance.share_checks([label for _, label in scenes])

    assert not [check for check in checks if not check.passed]


def test_panorama_goes_on_across_its_edges():
    jumps, steps = [], []
    for seed in range(4):
        image = render(seed, (256, 128), "equirectangular")[0].astype(int)
        jumps.append(np.abs(image[:, 0] - image[:, -1]).mean())
        steps.append(np.abs(np.diff(image, axis=1)).mean())

    # a seam between unrelated columns would differ by several times a usual step
    assert np.mean(jumps) < 1.5 * np.mean(steps)


def test_scene_keeps_its_contents_at_another_size():
    small, large = (render(9, size)[1] for size in ((120, 90), (240, 180)))

    same = small == large[::2, ::2]
    assert same.mean() > 0.9


def test_label_is_the_majority_of_its_samples():
    samples = np.array([[1, 2, 3, 0], [2, 2, 0, 0], [5, 6, 4, 4], [5, 5, 1, 4]], np.uint8)

    assert majority(samples).tolist() == [[2, 0], [5, 4]]


def test_near_plane_hides_far_one():
    def plane(depth, label, value):
        def shade(u, v, depth, footprint):
            return np.full((len(u), 3), value, np.float32), None, None

        return Plane((-1.0, 0.0, depth), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (2.0, 2.0), label, shade)

    canvas = Canvas(Camera("pinhole", (64, 64), (0.0, 1.0, 0.0), 1.0, 0.5))
    canvas.draw(plane(4.0, 1, 0.25))
    canvas.draw(plane(2.0, 6, 0.75))
    canvas.draw(plane(3.0, 2, 0.5))

    middle = 32 * 64 + 32
    assert canvas.label[middle] == 6 and canvas.depth[middle] == 2.0
    assert canvas.label[0] == 6 or np.isinf(canvas.depth[0])
    # 2 m wide at 2 m fills 64 columns; behind it nothing may show
    assert set(canvas.label) <= {6, 255}


@pytest.mark.parametrize("kind", ["pinhole", "equirectangular"])
def test_plane_appears_where_its_direction_says(kind):
    camera = Camera(kind, (128, 64), (0.0, 1.5, 0.0), 0.5, 0.5)

    def shade(u, v, depth, footprint):
        return np.ones((len(u), 3), np.float32), None, None

    canvas = Canvas(camera)
    canvas.draw(Plane((1.7, 1.2, 4.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.6, 0.6), 2, shade))
    row, column = np.nonzero(canvas.label.reshape(64, 128) == 2)

    offset = 64 * 2 / 4 if kind == "pinhole" else np.arctan(2 / 4) * 128 / (2 * np.pi)
    assert abs(column.mean() + 0.5 - 64 - offset) < 1.0
    assert abs(row.mean() + 0.5 - 32) < 1.0


def test_draws_depend_on_their_key():
    a, b, c = (Draws("x", 1), Draws("x", 1), Draws("x", 2))

    first = a.array(64)
    assert np.array_equal(first, b.array(64)) and not np.array_equal(first, c.array(64))


def test_normal_draws_have_unit_deviation():
    values = Draws("normal").normal(100_000)

    # five standard errors of a fixed stream
    assert abs(values.mean()) < 0.016 and abs(values.std() - 1) < 0.012


@pytest.mark.slow
def test_acceptance_of_this_version():
    missed = [check for check in streets_acceptance.evaluate(quick=True) if check.passed is False]

    assert missed == []
