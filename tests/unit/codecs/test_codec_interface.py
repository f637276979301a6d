# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every codec: one interface, one quality keyword, one error."""

import numpy as np
import pytest

from scsc_core import codecs
from scsc_core.codecs.bpg import have_bpg

NAMES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "bpg" and not have_bpg(), reason="built without x265 and libde265"
        ),
    )
    for name in codecs.names()
]


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def test_names_and_unknown_name():
    assert codecs.names() == ("bpg", "jpeg", "jpeg2000")
    with pytest.raises(ValueError, match="did you mean 'jpeg'"):
        codecs.get("jpg")


def test_decode_error_is_a_value_error():
    assert issubclass(codecs.DecodeError, ValueError)


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_is_close_and_better_with_better_quality(name, picture):
    codec, image = codecs.get(name), picture(72, 101)
    low, high = codec.quality_range
    coarse, fine = (low + 4, high - 5) if codec.higher_is_better else (50, low + 4)

    small, large = codec.encode(image, qp=coarse), codec.encode(image, qp=fine)

    assert len(small) < len(large)
    assert codec.decode(small).shape == image.shape and codec.decode(small).dtype == np.uint8
    # 28 dB: colour noise that halved chroma cannot keep bounds this picture (JPEG measured 29.3).
    assert psnr(codec.decode(large), image) > max(28, 3 + psnr(codec.decode(small), image))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (37, 1), (3, 5), (16, 16), (33, 47)])
def test_any_size_survives(name, shape, picture):
    codec = codecs.get(name)

    image = codec.decode(codec.encode(picture(*shape)))

    assert image.shape == (*shape, 3)


@pytest.mark.parametrize("name", NAMES)
def test_default_quality_is_used_when_none_is_given(name, picture):
    codec, image = codecs.get(name), picture(32, 48)

    assert codec.encode(image) == codec.encode(image, qp=codec.default_qp)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("qp", [-1, 0, 5000, float("nan"), "37", True])
def test_quality_outside_the_scale_is_refused(name, qp, picture):
    with pytest.raises(ValueError, match=f"qp of {name} must be"):
        codecs.get(name).encode(picture(16, 16), qp=qp)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "image, words",
    [
        (np.zeros((8, 8, 3)), "uint8"),
        (np.zeros((8, 8, 4), np.uint8), "shape"),
        (np.zeros((8, 8, 3, 1), np.uint8), "shape"),
        (np.zeros((0, 8, 3), np.uint8), "empty"),
        (np.zeros((1, 4097, 3), np.uint8), "4096"),
        ([[1, 2], [3, 4]], "numpy array"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(name, image, words):
    with pytest.raises(ValueError, match=words):
        codecs.get(name).encode(image)


@pytest.mark.parametrize("name", NAMES)
def test_gray_arrays_are_repeated(name, picture):
    codec, gray = codecs.get(name), picture(24, 24)[:, :, 0]

    assert codec.encode(gray) == codec.encode(np.stack([gray] * 3, 2))


@pytest.mark.parametrize("name", NAMES)
def test_views_are_coded_like_copies(name, picture):
    codec, image = codecs.get(name), picture(40, 60)
    view = image[::-1, 5:45]

    assert codec.encode(view) == codec.encode(view.copy())


@pytest.mark.parametrize("name", NAMES)
def test_budget_gives_the_best_quality_that_fits(name, picture):
    codec, image = codecs.get(name), picture(64, 96)
    budget = 2500

    data, qp = codec.encode_to_budget(image, budget)

    assert len(data) <= budget and data == codec.encode(image, qp)
    better = qp + 1 if codec.higher_is_better else qp - 1
    if name != "jpeg2000":
        assert len(codec.encode(image, better)) > budget


@pytest.mark.parametrize("name", NAMES)
def test_impossible_budget_is_refused(name, picture):
    with pytest.raises(ValueError, match="max_bytes"):
        codecs.get(name).encode_to_budget(picture(64, 64), 20)
    with pytest.raises(ValueError, match="max_bytes"):
        codecs.get(name).encode_to_budget(picture(64, 64), 0)
