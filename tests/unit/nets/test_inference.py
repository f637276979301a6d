# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture through a network: tiles cover it and change nothing."""

import tracemalloc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from scsc_core.nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from scsc_core.nets.espnetv2 import EspNetV2, EspNetV2Config
from scsc_core.nets.inference import Runtime, WeightsError, load_weights, tiles, weights_of
from scsc_core.nets.layers import StripPool
from scsc_core.nets.ppen import VARIANTS, Ppen, PpenConfig
from scsc_core.nets.preprocessor import Preprocessor
from scsc_core.tasks.espnetv2 import EspNetV2Segmenter


def picture(height, width, seed=0):
    """Smooth shapes with noise: flat noise alone would leave the maxima of pooling alike."""
    rng = np.random.default_rng(seed)
    waves = np.sin(
        np.arange(height)[:, None, None] / 17 + np.arange(width)[:, None] / 29 + [0, 1, 2]
    )
    return np.clip(127 + 90 * waves + rng.normal(0, 12, waves.shape), 0, 255).astype(np.uint8)


def shaping_network(**options):
    """Gates of strip pooling, and what they do to the output, are strong."""
    torch.manual_seed(1)
    network = Ppen(PpenConfig("tiny", **options))
    gated = network.config.strip != "off"  # gates halve each map
    torch.nn.init.normal_(network.output[-1].weight, std=2 if gated else 0.5)
    for module in network.modules():
        if isinstance(module, StripPool):
            torch.nn.init.normal_(module.gate.weight, std=2)
            with torch.no_grad():
                module.row.weight.mul_(3)
                module.column.weight.mul_(3)
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


@pytest.mark.parametrize(
    ("options", "alone"),
    [
        ({}, 50),
        ({"strip": "mean"}, 8),
        ({"strip_window": 40, "strip": "mean"}, 2),
        ({"strip": "off"}, 0),
    ],
)
def test_tiled_ppen_is_within_one_level(options, alone):
    """At seams, too, where pooling of each tile alone is off by more than `alone` levels."""
    network, image, pixels = shaping_network(**options), picture(203, 261), 1 << 14
    starts = [{inner[axis].start for inner, _ in tiles(203, 261, pixels, 32)} for axis in (0, 1)]
    runtime = Runtime(max_bytes=pixels * network.bytes_per_pixel(tiled=True), overlap=32)
    shape = Preprocessor(network, runtime=runtime)
    qp = torch.tensor([37.0])

    whole = Preprocessor(network, runtime=Runtime(max_bytes=0))(image, 37)
    tiled = shape(image, 37)
    runtime = Runtime(max_bytes=pixels * 660, overlap=32)
    separate = runtime.run(lambda x: shape.network(x, qp).mul(255), image).transpose(1, 2, 0)

    assert min(len(each) for each in starts) >= 3
    assert np.abs(whole.astype(int) - image).max() > 20
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert np.abs(whole - separate).max() > alone


def test_tiles_take_one_pass_more_than_layers_of_strip_pooling():
    network, image = Runtime().prepare(shaping_network()), picture(96, 128)
    seen = []

    def shape(x, *strips):
        seen.append((tuple(x.shape[2:]), len(strips)))
        return network(x, torch.tensor([37.0]), *strips)

    runtime = Runtime(max_bytes=96 * 80 * network.bytes_per_pixel(tiled=True), overlap=16)
    runtime.run(shape, image, network)

    assert seen == 9 * [((96, 80), 1), ((96, 80), 1)]


class LivingMaps(TorchDispatchMode):
    """Greatest sum of bytes of tensors that live at a time, without those of a network."""

    def __init__(self, network):
        super().__init__()
        self.peak = self.now = 0
        tensors = network.state_dict().values()
        self.known = {tensor.untyped_storage()._cdata for tensor in tensors}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in [out] if isinstance(out, torch.Tensor) else []:
            storage = tensor.untyped_storage()
            key, size = storage._cdata, storage.nbytes()
            if key not in self.known:
                self.known.add(key)
                self.now += size
                self.peak = max(self.peak, self.now)
                weakref.finalize(storage, self.free, key, size)
        return out

    def free(self, key, size):
        self.known.discard(key)
        self.now -= size


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "paper"])
def test_ppen_tells_the_memory_that_it_needs(variant):
    network = Runtime().prepare(Ppen(PpenConfig(variant)))
    x = torch.zeros(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    qp = torch.tensor([37.0])
    told = [network.bytes_per_pixel(tiled=tiled) * 64 * 64 for tiled in (False, True)]

    with torch.inference_mode():
        network(x, qp)  # the kernels keep copies of the weights
        tracemalloc.start()
        network(x, qp)
        kernels = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        network.native = False
        with LivingMaps(network) as maps:
            network(x, qp)

    for used, expected in zip((kernels, maps.peak), told, strict=True):
        assert 0.9 * expected < used < 1.05 * expected
    assert network.bytes_per_pixel() == network.bytes_per_pixel(tiled=True)


@pytest.mark.parametrize("classes", [2, 7, 20])
@pytest.mark.parametrize("decoder", ["pspnet", "erfnet"])
def test_task_network_tells_the_memory_that_it_needs(classes, decoder):
    network = Runtime().prepare(ErfPspNet(ErfPspNetConfig(classes, decoder)))
    x = torch.zeros(1, 3, 128, 128).contiguous(memory_format=torch.channels_last)

    with torch.inference_mode(), LivingMaps(network) as maps:
        network(x)

    told = network.bytes_per_pixel() * 128 * 128
    assert 0.6 * told < maps.peak < 1.05 * told


@pytest.mark.parametrize(
    ("scale", "zoom", "classes"),
    [(0.5, 4 / 3, 20), (2.0, 4 / 3, 20), (2.0, 1, 19), (1.5, 1 / 2, 20), (1.0, 4 / 3, 120)],
)
def test_espnetv2_tells_the_memory_that_it_needs_at_its_zoom(scale, zoom, classes):
    segmenter = EspNetV2Segmenter(EspNetV2(EspNetV2Config(scale, classes)), zoom)
    seen = []

    def watched(function, image, network):
        x = torch.zeros(1, 3, *image.shape[:2]).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), LivingMaps(network.network) as maps:
            function(x)
        seen.append((maps.peak, network.bytes_per_pixel() * image.shape[0] * image.shape[1]))
        return np.zeros(image.shape[:2])

    segmenter.runtime = SimpleNamespace(run=watched, is_tiled=lambda *_: False)
    segmenter.segment(picture(192, 192))  # sides stay multiples of 32 inside

    used, told = seen[0]
    assert 0.9 * told < used < 1.05 * told


@pytest.mark.parametrize("variant", ["tiny", "small"])
def test_bound_of_bytes_decides_on_tiles(variant):
    network = Runtime().prepare(Ppen(PpenConfig(variant, strip="off")))
    image, seen = picture(160, 240), []

    def note(x, *strips):
        seen.append(x.shape[2] * x.shape[3])
        return x

    whole = 160 * 240 * network.bytes_per_pixel()
    Runtime(max_bytes=whole, overlap=16).run(note, image, network)
    assert seen == [160 * 240]

    seen.clear()
    Runtime(max_bytes=whole - 1, overlap=16).run(note, image, network)
    assert len(seen) > 1
    assert max(seen) * network.bytes_per_pixel(tiled=True) < whole


def test_network_that_tells_nothing_counts_as_the_largest():
    sizes = []

    def note(x):
        sizes.append(tuple(x.shape[2:]))
        return x

    Runtime(max_bytes=6000 * 660).run(note, picture(60, 100))
    assert sizes == [(60, 100)]

    Runtime(max_bytes=6000 * 660 - 1, overlap=0).run(note, picture(60, 100))
    assert sizes[1:] == [(60, 48), (60, 52)]


def test_tiled_picture_comes_back_as_it_was():
    image = picture(150, 170)

    out = Runtime(max_bytes=4000 * 660, overlap=16).run(lambda x: x * 255, image)

    assert np.array_equal(np.rint(out).astype(np.uint8), image.transpose(2, 0, 1))


def test_result_without_channels_is_put_together_too():
    image = picture(150, 170)

    out = Runtime(max_bytes=4000 * 660, overlap=16).run(lambda x: (x[:, 0] > 0.5).long(), image)

    assert out.shape == (150, 170)
    assert np.array_equal(out, image[:, :, 0] > 127)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"device": "tpu"}, "device must be cpu, cuda or cuda:N, got 'tpu'"),
        ({"precision": "fp8"}, "precision must be one of float32, bf16, got 'fp8'"),
        ({"max_bytes": -1}, "max_bytes and overlap must be >= 0, got -1, 256"),
        ({"overlap": -1}, "max_bytes and overlap must be >= 0, got 2147483648, -1"),
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
