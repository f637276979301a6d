# SPDX-License-Identifier: GPL-3.0-or-later
"""Augmentation: picture and label stay together, and the same seed gives the same sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core.data import IGNORE, DataError
from scsc_core.data.augment import Augmentation

# Colours far apart, so that the nearest one tells the class of a resampled pixel.
COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8)
NEUTRAL = {"gamma": (1.0, 1.0), "gain": (1.0, 1.0)}


def scene(height, width, block, seed=0):
    """A label of square blocks and the picture painted in its colours."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, len(COLOURS), (-(-height // block), -(-width // block)), np.uint8)
    label = np.kron(blocks, np.ones((block, block), np.uint8))[:height, :width]
    return COLOURS[label], label


def nearest(image):
    distance = np.abs(image[:, :, None].astype(int) - COLOURS).sum(3)
    return distance.argmin(2).astype(np.uint8)


def inside_blocks(label):
    """Pixels whose 5 x 5 surroundings have one class: resampling mixes no colours there."""
    padded = np.pad(label, 2, "edge")
    shape = label.shape
    around = [padded[i : i + shape[0], j : j + shape[1]] for i in range(5) for j in range(5)]
    return np.all([part == label for part in around], axis=0)


sizes = st.integers(1, 90)
options = st.fixed_dictionaries(
    {
        "crop": st.tuples(st.integers(1, 64), st.integers(1, 64)),
        "scale": st.tuples(st.floats(0.4, 1.0), st.floats(1.0, 2.0)),
        "hflip": st.booleans(),
        "vflip": st.booleans(),
        "roll": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None)
@given(sizes, sizes, options, st.integers(0, 2**32))
def test_picture_painted_with_its_label_stays_painted_with_it(height, width, chosen, seed):
    image, label = scene(height, width, 16)

    image, label = Augmentation(**chosen, **NEUTRAL)(image, label, np.random.default_rng(seed))

    sure = inside_blocks(label) & (label != IGNORE)
    assert image.shape == (*chosen["crop"], 3) and label.shape == chosen["crop"]
    assert image.dtype == label.dtype == np.uint8
    assert np.array_equal(nearest(image)[sure], label[sure])


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, options, st.integers(0, 2**32))
def test_label_has_no_class_that_was_not_there(height, width, chosen, seed):
    image, label = scene(height, width, 16)

    _, changed = Augmentation(**chosen)(image, label, np.random.default_rng(seed))

    assert set(np.unique(changed)) <= set(np.unique(label)) | {IGNORE}


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, options, st.integers(0, 2**32))
def test_ignored_pixels_are_only_those_beyond_a_small_picture(height, width, chosen, seed):
    image, label = scene(height, width, 16)
    factor = chosen["scale"][0]
    fits = height * factor >= chosen["crop"][0] and width * factor >= chosen["crop"][1]

    _, changed = Augmentation(**chosen)(image, label, np.random.default_rng(seed))

    ignored = changed == IGNORE
    assert not (fits and ignored.any())
    # what is continued lies on whole rows and columns at one corner of the crop
    rows, columns = ignored.all(1), ignored.all(0)
    assert np.array_equal(ignored, rows[:, None] | columns[None])


@settings(max_examples=30, deadline=None)
@given(options, st.integers(0, 2**32))
def test_same_seed_same_sample(chosen, seed):
    image, label = scene(50, 70, 16)
    augment = Augmentation(**chosen)

    first = augment(image, label, np.random.default_rng(seed))
    second = augment(image, label, np.random.default_rng(seed))

    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])


@settings(max_examples=30, deadline=None)
@given(options, st.integers(0, 2**32))
def test_label_has_no_influence_on_the_picture(chosen, seed):
    image, label = scene(50, 70, 16)
    augment = Augmentation(**chosen)

    with_label, _ = augment(image, label, np.random.default_rng(seed))
    without, nothing = augment(image, None, np.random.default_rng(seed))

    assert nothing is None
    assert np.array_equal(with_label, without)


def plain(**changes):
    """No change at all, but for what is asked."""
    return Augmentation(**{"scale": (1.0, 1.0), "hflip": False, **NEUTRAL, **changes})


def outcomes(augment, image, label, count=64):
    """Distinct results of as many seeds; that one of two is missing has probability 2^-63."""
    results = [augment(image, label, np.random.default_rng(seed)) for seed in range(count)]
    return {(picture.tobytes(), mask.tobytes()) for picture, mask in results}


def test_without_options_the_whole_picture_is_kept():
    image, label = scene(20, 30, 4)

    assert outcomes(plain(crop=(20, 30)), image, label) == {(image.tobytes(), label.tobytes())}


@pytest.mark.parametrize(("option", "axis"), [("hflip", 1), ("vflip", 0)])
def test_flip_mirrors_both_or_neither(option, axis):
    image, label = scene(20, 30, 4)
    mirrored = np.flip(image, axis).tobytes(), np.flip(label, axis).tobytes()

    found = outcomes(plain(crop=(20, 30), **{option: True}), image, label)

    assert found == {(image.tobytes(), label.tobytes()), mirrored}


def test_roll_moves_both_by_the_same_offset():
    image, label = scene(4, 8, 1)
    rolled = {(np.roll(image, n, 1).tobytes(), np.roll(label, n, 1).tobytes()) for n in range(8)}

    assert outcomes(plain(crop=(4, 8), roll=True), image, label, 400) == rolled


def test_crop_at_scale_one_is_a_window_of_the_picture():
    """A window at fractional offsets would blur the noise that a codec spends bits on."""
    image, label = scene(12, 12, 3)
    windows = {
        (image[i : i + 8, j : j + 8].tobytes(), label[i : i + 8, j : j + 8].tobytes())
        for i in range(5)
        for j in range(5)
    }

    # each of the 25 windows is missed by 400 seeds with probability 8e-8
    assert outcomes(plain(crop=(8, 8)), image, label, 400) == windows


def test_small_picture_is_continued_by_its_edge_and_ignored_there():
    image, label = scene(4, 6, 2)

    wide, mask = plain(crop=(7, 9))(image, label, np.random.default_rng(0))

    assert np.array_equal(wide[:4, :6], image) and np.array_equal(mask[:4, :6], label)
    assert (wide[4:, :6] == image[-1]).all() and (mask[4:] == IGNORE).all()
    assert (mask[:, 6:] == IGNORE).all()


def test_reduction_is_antialiased():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, ::2] = 255  # stripes of one pixel: their mean is grey, picked pixels would not be

    small, _ = plain(crop=(32, 32), scale=(0.5, 0.5))(image, None, np.random.default_rng(0))

    assert np.abs(small[:, 2:-2].astype(int) - 127).max() <= 3  # at the border stripes are cut


def test_gamma_and_gain_keep_black_and_stay_in_range():
    image, label = scene(20, 30, 4)
    augment = Augmentation((20, 30), (1.0, 1.0), False, gamma=(0.5, 2.0), gain=(0.5, 2.0))

    changed, mask = augment(image, label, np.random.default_rng(3))

    assert (changed[label == 0] == 0).all()
    assert np.array_equal(mask, label)


def test_original_is_left_alone():
    image, label = scene(20, 30, 4)
    before = image.copy(), label.copy()

    changed, mask = Augmentation((20, 30))(image, label, np.random.default_rng(0))
    changed[:], mask[:] = 0, 0

    assert np.array_equal(image, before[0]) and np.array_equal(label, before[1])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"crop": (0, 8)}, "crop must be at least 1 x 1"),
        ({"scale": (1.4, 0.6)}, "scale must be 0 < low <= high"),
        ({"gamma": (0, 1)}, "gamma must be 0 < low <= high"),
        ({"gain": (-1, 1)}, "gain must be 0 < low <= high"),
    ],
)
def test_impossible_options_are_refused(wrong, told):
    with pytest.raises(DataError, match=told):
        Augmentation(**{"crop": (8, 8), **wrong})
