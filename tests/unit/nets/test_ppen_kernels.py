# SPDX-License-Identifier: GPL-3.0-or-later
"""PPEN by the native kernels against its torch modules: sizes, variants, threads, fallbacks."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from scsc_core import _native
from scsc_core.nets import ppen_kernels
from scsc_core.nets.inference import Runtime
from scsc_core.nets.layers import DeformConv3x3, StripPool, deform_conv3x3
from scsc_core.nets.ppen import VARIANTS, Ppen, PpenConfig

QP = torch.tensor([37.0])


def network(variant="tiny", **options):
    """Prepared, with random values wherever training would move them."""
    torch.manual_seed(4)
    net = Ppen(PpenConfig(variant, **options))
    torch.nn.init.normal_(net.output[-1].weight, std=0.05)
    for module in net.modules():
        if hasattr(module, "outer"):
            torch.nn.init.normal_(module.outer.weight, std=0.05)
        if isinstance(module, DeformConv3x3):  # offsets of some samples
            torch.nn.init.normal_(module.offset.weight, std=0.02)
            torch.nn.init.normal_(module.offset.bias)
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.normal_(module.bias, std=0.1)
    return Runtime().prepare(net)


def by_torch(net, dtype=torch.float32):
    other = copy.deepcopy(net).to(dtype)
    other.native = False
    return other


def picture(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def assert_as_exact_as_torch(net, x, qp=QP):
    """The kernels miss the exact result by no more than float32 sums in any order would."""
    with torch.inference_mode():
        native, reference = net(x, qp), by_torch(net)(x, qp)
        exact = by_torch(net, torch.float64)(x.double(), qp.double())
    assert native.shape == reference.shape and native.dtype == reference.dtype
    assert not torch.equal(native, x)
    error = (native - exact).abs().max()
    assert error < 1e-5, (error, (reference - exact).abs().max())


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_agree_with_torch(variant):
    assert_as_exact_as_torch(network(variant), picture(1, 3, 48, 80))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 1), (17, 33), (160, 16)])
def test_sizes_agree_with_torch(size):
    assert_as_exact_as_torch(network(), picture(1, 3, *size))


@pytest.mark.parametrize("options", [{"qa": False}, {"deform": False}, {"strip": "off"}])
def test_ablations_agree_with_torch(options):
    assert_as_exact_as_torch(network(**options), picture(1, 3, 32, 48))


def test_batch_with_different_qps_agrees_with_torch():
    assert_as_exact_as_torch(network(), picture(3, 3, 20, 36), torch.tensor([28.0, 37.0, 47.0]))


def test_one_qp_serves_a_batch():
    net, x = network(), picture(2, 3, 16, 32)

    with torch.inference_mode():
        assert torch.equal(net(x, QP), net(x, QP.expand(2)))


def test_order_of_the_input_in_memory_plays_no_part():
    net, x = network(), picture(1, 3, 32, 48)
    wide = torch.zeros(1, 3, 64, 96)
    wide[..., ::2, 1::2] = x

    with torch.inference_mode():
        first = net(x, QP)
        for other in (x.contiguous(memory_format=torch.channels_last), wide[..., ::2, 1::2]):
            assert torch.equal(net(other, QP), first)


def test_untrained_network_stays_the_identity():
    torch.manual_seed(1)
    net, x = Runtime().prepare(Ppen(PpenConfig("tiny"))), picture(1, 3, 33, 47)

    with torch.inference_mode():
        assert torch.equal(net(x, QP), x)


def test_several_callers_and_threads_get_the_same_bits():
    net, pictures = network(), [picture(1, 3, 48, 64, seed=i) for i in range(8)]

    def shape(x, threads=1):
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return net(x, QP)

    before = torch.get_num_threads()
    try:
        alone = [shape(x) for x in pictures]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda x: shape(x, threads=3), pictures))
    finally:
        torch.set_num_threads(before)

    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


# when torch computes ------------------------------------------------------------------------------
def forbid_kernels(monkeypatch):
    def refuse(*_):
        raise AssertionError("the kernels were asked")

    monkeypatch.setattr(ppen_kernels.PpenKernels, "__call__", refuse)


def test_prepared_network_asks_the_kernels(monkeypatch):
    net = network()
    forbid_kernels(monkeypatch)

    with pytest.raises(AssertionError, match="the kernels were asked"), torch.inference_mode():
        net(picture(1, 3, 16, 16), QP)


@pytest.mark.parametrize("options", [{"strip": "mean"}, {"strip_window": 8}])
def test_pooling_that_the_kernels_lack_is_left_to_torch(monkeypatch, options):
    net, x = network(**options), picture(1, 3, 16, 32)
    forbid_kernels(monkeypatch)

    assert torch.equal(net(x, QP), by_torch(net)(x, QP))


def test_gradient_double_and_autocast_are_left_to_torch(monkeypatch):
    net, x = network(), picture(1, 3, 16, 32)
    forbid_kernels(monkeypatch)

    wanted = x.clone().requires_grad_()
    net(wanted, QP).sum().backward()
    double = net.double()(x.double(), QP.double())
    with torch.autocast("cpu", torch.bfloat16):
        net.float()(x, QP)

    assert wanted.grad.abs().sum() > 0
    assert double.dtype == torch.float64


def test_network_that_is_not_prepared_is_left_to_torch(monkeypatch):
    forbid_kernels(monkeypatch)

    Ppen(PpenConfig("tiny")).eval()(picture(1, 3, 16, 16), QP)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_compute_the_same(copied):
    net, x = network(), picture(1, 3, 16, 32)

    with torch.inference_mode():
        shaped = net(x, QP)
        again = copied(net)

        assert again.native
        assert torch.equal(again(x, QP), shaped)


# kernels by themselves ----------------------------------------------------------------------------
def channels_last(x):
    return np.ascontiguousarray(x[0].permute(1, 2, 0).numpy())


@pytest.mark.parametrize("size", [(1, 1), (1, 24), (19, 1), (17, 33)])
@pytest.mark.parametrize("reach", [0.0, 1.5, 60.0])
def test_deformed_convolution_agrees_with_torch(size, reach):
    torch.manual_seed(2)
    x, weight, bias = torch.randn(1, 12, *size), torch.randn(9, 12, 3, 3), torch.randn(9)
    offset = reach * torch.randn(1, 18, *size)
    kernel = _native.Convolution3x3(weight.numpy(), bias.numpy(), relu=False)

    y = kernel.deformed(channels_last(x), channels_last(offset))

    exact = deform_conv3x3(x.double(), offset.double(), weight.double(), bias.double())
    # 108 products of about 1; positions up to 100 are exact to 4e-6 samples
    assert np.abs(y - channels_last(exact)).max() < 1e-4


@pytest.mark.parametrize("size", [1.0, 1e4, 1e30])
def test_gate_of_any_size_stays_finite(size):
    torch.manual_seed(2)
    layer = StripPool(6).eval()
    layer.gate.weight.data.mul_(size)
    x = torch.randn(1, 6, 5, 9)
    weights = [
        layer.row.weight[..., 0] / (1 + 1e-5) ** 0.5,
        torch.zeros(6),
        layer.column.weight[:, :, 0] / (1 + 1e-5) ** 0.5,
        torch.zeros(6),
        layer.gate.weight[:, :, 0, 0],
        layer.gate.bias,
    ]
    kernel = _native.StripPooling(*(w.detach().numpy() for w in weights))

    y = channels_last(x)
    kernel.apply(y)

    assert np.isfinite(y).all()
    assert np.abs(y - channels_last(layer(x).detach())).max() < (1e-5 if size < 100 else 1e-2)


def floats(*shape):
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda c: c(floats(4, 4, 3).astype(float)), "x must be float32, got float64"),
        (lambda c: c(floats(4, 4)), "x must have 3 axes, got 2"),
        (lambda c: c(floats(4, 4, 2)), "x must have 3 channels, got 2"),
        (lambda c: c(floats(0, 4, 3)), "x must have sides of 1..2147483647, got .0, 4, 3."),
        (lambda c: c(floats(4, 8, 3)[:, ::2]), "x must be C-contiguous"),
        (lambda c: c(floats(4, 4, 3), floats(4, 4, 1)), "second must be None"),
        (lambda c: c(floats(4, 4, 3), None, floats(2)), "scale must have the shape .3., got .2."),
        (lambda c: c(floats(4, 4, 3), threads=0), "threads must be at least 1, got 0"),
        (lambda c: c.deformed(floats(4, 4, 3), floats(4, 4, 17)), "offset must have the shape"),
        (
            lambda c: _native.Convolution3x3(floats(2, 3, 3, 1), floats(2)),
            "weight must have the sh",
        ),
        (
            lambda c: _native.Convolution3x3(floats(2, 3, 3, 3), floats(3)),
            "bias must have the shape",
        ),
        (
            lambda c: _native.Convolution3x3(floats(2, 3, 3, 3), floats(2), 3),
            "stride must be 1 or 2",
        ),
        (
            lambda c: _native.Convolution3x3(floats(2, 3, 3, 3), floats(2), second=3),
            "second must be in 0..2, got 3",
        ),
    ],
)
def test_bad_arguments_are_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call(_native.Convolution3x3(floats(2, 3, 3, 3), floats(2)))


def test_read_only_map_is_not_gated():
    pooling = _native.StripPooling(
        floats(2, 2, 3), floats(2), floats(2, 2, 3), floats(2), floats(2, 2), floats(2)
    )
    x = floats(3, 3, 2)
    x.flags.writeable = False

    with pytest.raises(ValueError, match="x must be writeable"):
        pooling.apply(x)


def test_features_smaller_than_the_picture_are_refused():
    with pytest.raises(ValueError, match="features must be at least as high and wide"):
        _native.shape_picture(
            floats(4, 4, 3), floats(4, 3, 2), floats(3, 3), floats(3), floats(3, 5), floats(3)
        )
