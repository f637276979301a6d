# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.evaluation import controls


@pytest.fixture
def picture():
    rng = np.random.default_rng(0)
    smooth = np.linspace(40, 200, 64)[:, None, None] + np.zeros((64, 48, 3))
    return (smooth + rng.normal(0, 12, smooth.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["gaussian-0", "bilateral-0-10", "downscale-1"])
def test_limit_is_the_identity(name, picture):
    np.testing.assert_array_equal(controls.get(name)(picture, 37), picture)


@pytest.mark.parametrize("name", controls.AUTO)
def test_mean_brightness_is_kept(name, picture):
    found = controls.get(name)(picture, 37)

    # rounding alone moves the mean of 9216 samples by about .003
    assert found.mean() == pytest.approx(picture.mean(), abs=0.25)
    assert found.dtype == np.uint8


def test_gaussian_of_a_point_is_the_kernel():
    image = np.zeros((9, 9, 3), np.uint8)
    image[4, 4] = 255

    found = controls.gaussian(image, 0.7)[4, 4, 0]

    weights = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 0.7**2))
    assert found == round(255 / weights.sum() ** 2)


def test_wider_gaussian_is_smoother(picture):
    steps = [
        np.abs(np.diff(controls.get(f"gaussian-{s}")(picture, 37).astype(int), axis=1)).mean()
        for s in (0.3, 0.5, 0.7, 1.0)
    ]

    assert steps == sorted(steps, reverse=True)


def test_bilateral_keeps_an_edge_that_gaussian_blurs():
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, 8:] = 200

    np.testing.assert_array_equal(controls.get("bilateral-1.5-12")(image, 37), image)
    assert (controls.get("gaussian-1.5")(image, 37) != image).any()


def test_wide_bilateral_is_the_gaussian(picture):
    wide = controls.bilateral(picture, 1.0, 255.0).astype(int)

    assert np.abs(wide - controls.gaussian(picture, 1.0)).max() <= 1


def test_downscaled_picture_comes_back_in_size(picture):
    small = controls.get("downscale-0.75")(picture, 37)

    assert small.shape == (48, 36, 3)
    assert controls.restored(small, (64, 48)).shape == picture.shape
    assert controls.restored(picture, (64, 48)) is picture


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("median-3", "control must be one of gaussian-SIGMA"),
        ("gaussian", "control must be one of"),
        ("gaussian-wide", "must be numbers"),
        ("gaussian-9", "SIGMA must be in 0..8"),
        ("bilateral-1-0", "GREY_SIGMA must be above 0"),
        ("downscale-2", "FACTOR must be in 0.25..1"),
    ],
)
def test_unknown_control_is_refused(name, told):
    with pytest.raises(ValueError, match=told):
        controls.get(name)


def test_only_rgb_pictures_are_taken():
    with pytest.raises(ValueError, match="image must be uint8"):
        controls.get("gaussian-1")(np.zeros((4, 4), np.uint8), 37)
