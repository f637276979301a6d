# SPDX-License-Identifier: GPL-3.0-or-later
"""ERF-PSPNet and ERFNet: parameters to the last one, any size, frozen in use."""

import copy

import pytest
import torch

from scsc_core.nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from scsc_core.nets.layers import parameter_count
from scsc_core.tasks.segmentation import Segmenter

# decoder -> classes -> parameters without and with the auxiliary head
COUNTS = {
    "pspnet": {
        7: (2_482_819, 2_483_722),
        11: (2_483_847, 2_485_266),
        19: (2_485_903, 2_488_354),
        20: (2_486_160, 2_488_740),
    },
    "erfnet": {
        7: (2_063_411, 2_064_314),
        11: (2_063_671, 2_065_090),
        19: (2_064_191, 2_066_642),
        20: (2_064_256, 2_066_836),
    },
}


def network(decoder="pspnet", **options):
    torch.manual_seed(2)
    return ErfPspNet(ErfPspNetConfig(decoder=decoder, **options)).eval()


@pytest.mark.parametrize("decoder", COUNTS)
@pytest.mark.parametrize("classes", [7, 11, 19, 20])
@pytest.mark.parametrize("auxiliary", [False, True])
def test_parameter_count_is_that_of_the_specification(decoder, classes, auxiliary):
    with torch.device("meta"):
        net = ErfPspNet(ErfPspNetConfig(classes, decoder, auxiliary))

    assert parameter_count(net) == COUNTS[decoder][classes][auxiliary]
    assert parameter_count(net.encoder) == 1_874_044


@pytest.mark.parametrize("decoder", COUNTS)
@pytest.mark.parametrize("size", [(1, 1), (17, 33), (64, 40)])
def test_logits_have_the_size_of_the_picture(decoder, size):
    assert network(decoder)(torch.rand(2, 3, *size)).shape == (2, 7, *size)


@pytest.mark.parametrize("decoder", COUNTS)
@pytest.mark.parametrize("size", [(360, 480), (832, 1664)])
def test_logits_of_large_pictures_have_their_size(decoder, size):
    with torch.device("meta"):
        net = ErfPspNet(ErfPspNetConfig(19, decoder)).eval()
        assert net(torch.empty(1, 3, *size)).shape == (1, 19, *size)


def test_auxiliary_head_answers_at_an_eighth():
    main, side = network(auxiliary=True).with_auxiliary(torch.rand(1, 3, 33, 48))

    assert main.shape == (1, 7, 33, 48) and side.shape == (1, 7, 5, 6)


def test_auxiliary_output_needs_its_head():
    with pytest.raises(ValueError, match="auxiliary must be true"):
        network().with_auxiliary(torch.rand(1, 3, 8, 8))


def test_no_randomness_in_evaluation():
    net, x = network(dropout=1.0), torch.rand(1, 3, 32, 32)

    assert torch.equal(net(x), net(x))
    net.train()
    assert not torch.equal(net(torch.cat([x, x])), net(torch.cat([x, x])))


def test_channels_last_gives_the_same_logits():
    net, x = network(), torch.rand(1, 3, 64, 64)
    other = copy.deepcopy(net).to(memory_format=torch.channels_last)

    y = other(x.contiguous(memory_format=torch.channels_last))

    assert torch.allclose(y, net(x), rtol=1e-3, atol=1e-4)  # float32 sums in another order


def test_frozen_network_passes_the_gradient_and_keeps_its_state():
    segmenter = Segmenter(network())
    before = {k: v.clone() for k, v in segmenter.network.state_dict().items()}
    x = torch.rand(2, 3, 32, 32, requires_grad=True)
    optimiser = torch.optim.SGD([x], lr=0.1)

    loss = segmenter.loss(segmenter.logits(x), torch.randint(0, 7, (2, 32, 32)))
    loss.backward()
    optimiser.step()

    assert x.grad.abs().sum() > 0
    assert not any(p.requires_grad or p.grad is not None for p in segmenter.network.parameters())
    after = segmenter.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"decoder": "fcn"}, "decoder must be one of pspnet, erfnet, got 'fcn'"),
        ({"classes": 1}, "classes must be in 2 .. 254, got 1"),
        ({"classes": 255}, "classes must be in 2 .. 254, got 255"),
        ({"dropout": -0.1}, "dropout must be in 0 .. 3, got -0.1"),
    ],
)
def test_impossible_shape_is_refused(options, told):
    with pytest.raises(ValueError, match=told):
        ErfPspNetConfig(**options)
