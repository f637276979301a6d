# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture through a network: tiles cover it, and away from their seams change nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core.nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from scsc_core.nets.inference import Runtime, WeightsError, load_weights, tiles, weights_of
from scsc_core.nets.ppen import Ppen, PpenConfig
from scsc_core.nets.preprocessor import Preprocessor


def picture(height, width, seed=0):
    """Smooth shapes with noise: flat noise alone would leave the maxima of pooling alike."""
    rng = np.random.default_rng(seed)
    waves = np.sin(
        np.arange(height)[:, None, None] / 17 + np.arange(width)[:, None] / 29 + [0, 1, 2]
    )
    return np.clip(127 + 90 * waves + rng.normal(0, 12, waves.shape), 0, 255).astype(np.uint8)


def shaping_network(**options):
    torch.manual_seed(1)
    network = Ppen(PpenConfig("tiny", **options))
    torch.nn.init.normal_(network.output[-1].weight, std=0.02)
    return network


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(1 << 8, 1 << 17), st.integers(0, 40))
def test_tiles_give_every_pixel_once(height, width, max_pixels, overlap):
    count = np.zeros((height, width), int)

    for inner, outer in tiles(height, width, max_pixels, overlap):
        count[inner] += 1
        for give, see, limit in zip(inner, outer, (height, width), strict=True):
            assert 0 <= see.start <= give.start < give.stop <= see.stop <= limit
            assert see.start % 16 == 0  # strides of the networks stay aligned
            assert see.start == 0 or give.start - see.start >= overlap
            assert see.stop == limit or see.stop - give.stop >= overlap

    assert (count == 1).all()


@pytest.mark.parametrize("max_pixels", [1 << 16, 1 << 18, 1 << 20])
def test_tiles_with_their_surroundings_stay_within_the_bound(max_pixels):
    for _, (rows, columns) in tiles(1024, 2048, max_pixels, 64):
        assert (rows.stop - rows.start) * (columns.stop - columns.start) <= max_pixels


def test_small_picture_is_one_tile():
    whole = (slice(0, 300), slice(0, 400))

    assert tiles(300, 400, 1 << 20, 128) == [(whole, whole)]


@pytest.mark.parametrize("size", [(176, 272), (203, 135)])
def test_tiled_ppen_without_pooling_is_within_one_level(size):
    """Its surroundings of 128 samples are more than it sees."""
    network, image = shaping_network(strip="off"), picture(*size)

    whole = Preprocessor(network, runtime=Runtime(max_pixels=0))(image, 37)
    tiled = Preprocessor(network, runtime=Runtime(max_pixels=1 << 14, overlap=32))(image, 37)

    assert len(tiles(*size, 1 << 14, 32)) > 1
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert not np.array_equal(whole, image)


def test_pixels_that_fit_are_not_tiled():
    sizes = []

    def note(x):
        sizes.append(tuple(x.shape))
        return x

    Runtime(max_pixels=6000).run(note, picture(60, 100))

    assert sizes == [(1, 3, 60, 100)]


def test_tiled_picture_comes_back_as_it_was():
    image = picture(150, 170)

    out = Runtime(max_pixels=4000, overlap=16).run(lambda x: x * 255, image)

    assert np.array_equal(np.rint(out).astype(np.uint8), image.transpose(2, 0, 1))


def test_result_without_channels_is_put_together_too():
    image = picture(150, 170)

    out = Runtime(max_pixels=4000, overlap=16).run(lambda x: (x[:, 0] > 0.5).long(), image)

    assert out.shape == (150, 170)
    assert np.array_equal(out, image[:, :, 0] > 127)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"device": "tpu"}, "device must be cpu, cuda or cuda:N, got 'tpu'"),
        ({"precision": "fp8"}, "precision must be one of float32, bf16, got 'fp8'"),
        ({"max_pixels": -1}, "max_pixels and overlap must be >= 0, got -1, 128"),
        ({"overlap": -1}, "max_pixels and overlap must be >= 0, got 4194304, -1"),
    ],
)
def test_impossible_runtime_is_refused(options, told):
    with pytest.raises(ValueError, match=told):
        Runtime(**options)


def changed(change):
    weights = weights_of(ErfPspNet(ErfPspNetConfig()))
    change(weights)
    return weights


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("decoder.head.bias"), "decoder.head.bias is missing .1 missing, 0 unkn"),
        (lambda w: w.update(more=np.zeros(1)), "more is unknown .0 missing, 1 unknown"),
        (lambda w: w.update({"decoder.head.bias": np.zeros(8, np.float32)}), "shape .8,."),
        (lambda w: w["decoder.head.bias"].__setitem__(0, np.nan), "not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, told):
    with pytest.raises(WeightsError, match=told):
        load_weights(ErfPspNet(ErfPspNetConfig()), changed(change))


def test_weights_survive_the_way_through_numpy():
    torch.manual_seed(3)
    first, second = (ErfPspNet(ErfPspNetConfig()).eval() for _ in range(2))
    x = torch.rand(1, 3, 16, 24)

    load_weights(second, weights_of(first))

    assert torch.equal(first(x), second(x))
