# SPDX-License-Identifier: GPL-3.0-or-later
"""PPEN: parameters to the last one, identity before training, any size, and the preprocessor."""

import functools

import numpy as np
import pytest
import torch

from scsc_core.nets.inference import WeightsError, weights_of
from scsc_core.nets.layers import parameter_count
from scsc_core.nets.ppen import VARIANTS, Ppen, PpenConfig
from scsc_core.nets.preprocessor import Preprocessor

COUNTS = {"paper": 12_681_243, "medium": 3_192_261, "small": 817_845, "tiny": 213_741}
# rows of the table: module -> parameters of paper, small, tiny
ROWS = {
    "encoder.0": (22_802, 1_328, 408),
    "shrink.0": (9_312, 600, 156),
    "encoder.1": (95_058, 5_424, 1_400),
    "shrink.1": (37_056, 2_352, 600),
    "encoder.2": (358_034, 21_344, 5_424),
    "shrink.2": (147_840, 9_312, 2_352),
    "encoder.3": (1_387_794, 95_058, 26_546),
    "shrink.3": (590_592, 37_056, 9_312),
    "encoder.4": (5_462_546, 358_034, 95_058),
    "grow.0": (1_180_416, 73_920, 18_528),
    "decoder.0": (2_231_040, 139_968, 35_168),
    "grow.1": (295_296, 18_528, 4_656),
    "decoder.1": (558_464, 35_168, 8_880),
    "grow.2": (73_920, 4_656, 1_176),
    "decoder.2": (139_968, 8_880, 2_264),
    "grow.3": (18_528, 1_176, 300),
    "output": (27_939, 1_803, 471),
    "encoder_qa": (14_944, 1_048, 300),
    "decoder_qa": (29_504, 2_000, 552),
    "upper": (190, 190, 190),
}


def network(variant="tiny", **options):
    torch.manual_seed(1)
    return Ppen(PpenConfig(variant, **options)).eval()


def shaping(variant="tiny", **options):
    """A network that is not the identity: what training would move is random."""
    net = network(variant, **options)
    torch.nn.init.normal_(net.output[-1].weight, std=0.02)
    for module in net.modules():
        if hasattr(module, "outer"):
            torch.nn.init.normal_(module.outer.weight, std=0.02)
    return net


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@functools.cache
def without_weights(variant):
    with torch.device("meta"):
        return Ppen(PpenConfig(variant))


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameter_count_is_that_of_the_specification(variant):
    assert parameter_count(without_weights(variant)) == COUNTS[variant]


@pytest.mark.parametrize("row", ROWS)
def test_each_layer_has_its_parameters(row):
    for variant, count in zip(("paper", "small", "tiny"), ROWS[row], strict=True):
        assert parameter_count(without_weights(variant).get_submodule(row)) == count


def test_without_qa_only_its_parameters_are_missing():
    missing = parameter_count(network()) - parameter_count(network(qa=False))

    assert missing == 300 + 552 + 2 * 83


@pytest.mark.parametrize("variant", ["medium", "small", "tiny"])
@pytest.mark.parametrize("training", [False, True])
def test_untrained_network_is_the_identity_for_every_qp(variant, training):
    qps = torch.tensor([0.0, 28.0, 34.5, 51.0])
    x = torch.rand(4, 3, 32, 48)

    y = network(variant).train(training)(x, qps)

    assert torch.equal(y, x)


@pytest.mark.parametrize("options", [{"qa": False}, {"deform": False}, {"strip": "off"},
                                     {"strip": "mean", "strip_window": 8}])  # fmt: skip
def test_ablations_start_as_the_identity_too(options):
    x = torch.rand(1, 3, 32, 32)

    assert torch.equal(network(**options)(x, torch.tensor([37.0])), x)


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (16, 16), (120, 176)])
def test_every_size_is_kept(size):
    y = shaping()(torch.rand(1, 3, *size), torch.tensor([37.0]))

    assert y.shape == (1, 3, *size)
    assert y.min() >= 0 and y.max() <= 1


def test_panorama_shape_of_the_largest_network():
    x, qp = torch.empty(1, 3, 832, 1664, device="meta"), torch.empty(1, device="meta")

    y = without_weights("paper")(x, qp)

    assert y.shape == (1, 3, 832, 1664)


def test_qp_changes_the_picture_and_not_without_qa():
    x = torch.rand(1, 3, 32, 32).expand(2, -1, -1, -1)
    qps = torch.tensor([28.0, 41.0])

    aware, blind = shaping()(x, qps), shaping(qa=False)(x, qps)

    assert not torch.allclose(aware[0], aware[1], atol=1e-4)
    assert torch.allclose(blind[0], blind[1], atol=1e-6)


def test_every_parameter_gets_a_gradient():
    net = shaping().train()

    net(torch.rand(2, 3, 64, 64), torch.tensor([28.0, 41.0])).square().sum().backward()

    # the biases before a BatchNorm have none in value, yet they are reached
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"variant": "huge"}, "variant must be one of paper, medium, small, tiny, got 'huge'"),
        ({"strip": "median"}, "strip must be one of max, mean, off, got 'median'"),
        ({"strip_window": -1}, "strip_window must be >= 0, got -1"),
    ],
)
def test_impossible_shape_is_refused(options, told):
    with pytest.raises(ValueError, match=told):
        PpenConfig(**options)


# preprocessor -------------------------------------------------------------------------------------
@pytest.mark.parametrize("qp", [0, 28, 37.5, 51])
def test_untrained_preprocessor_returns_every_level_as_it_was(qp):
    levels = np.arange(256, dtype=np.uint8)
    image = np.stack(np.broadcast_arrays(levels[:, None], levels, levels[::-1]), -1)[:, :67]

    assert np.array_equal(Preprocessor(network())(np.ascontiguousarray(image), qp), image)


def test_preprocessor_rounds_the_network_output():
    net, image = shaping(), picture(33, 47)
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255

    shaped = Preprocessor(net)(image, 37)

    expected = (255 * net(x, torch.tensor([37.0]))[0]).detach().permute(1, 2, 0).numpy()
    assert shaped.dtype == np.uint8 and shaped.flags.c_contiguous
    assert np.abs(shaped - expected).max() <= 0.5 + 1e-2  # float32 sums in another order
    assert not np.array_equal(shaped, image)


def test_qp_outside_the_trained_range_counts_as_its_end():
    shape = Preprocessor(shaping(), (28, 41))
    image = picture(32, 32)

    assert np.array_equal(shape(image, 50), shape(image, 41))
    assert np.array_equal(shape(image, 3), shape(image, 28))
    assert not np.array_equal(shape(image, 28), shape(image, 41))


def test_weights_go_through_numpy_unchanged():
    net, image = shaping(), picture(32, 32)

    again = Preprocessor.from_tensors(weights_of(net), {"variant": "tiny", "qp_range": [20, 45]})

    assert again.qp_range == (20, 45)
    assert np.array_equal(again(image, 37), Preprocessor(net)(image, 37))


def test_weights_of_another_variant_are_refused():
    with pytest.raises(WeightsError, match="another architecture"):
        Preprocessor.from_tensors(weights_of(network("tiny")), {"variant": "small"})


@pytest.mark.parametrize("bounds", [(41, 28), (-1, 30), (28, 52)])
def test_impossible_qp_range_is_refused(bounds):
    with pytest.raises(ValueError, match="qp_range must be 0 <= low <= high <= 51"):
        Preprocessor(network(), bounds)
