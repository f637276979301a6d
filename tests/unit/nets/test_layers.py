# SPDX-License-Identifier: GPL-3.0-or-later
"""Building blocks: sizes, deformable convolution, divisive normalisation, straight-through steps."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from scsc_core.nets.layers import (
    DA,
    GDN,
    NB1D,
    QA,
    DeformConv3x3,
    Down,
    FiLM,
    StripPool,
    Up,
    deform_conv3x3,
    pad_to_multiple,
    parameter_count,
    ste_clamp,
    ste_round,
)


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(5)


@pytest.mark.parametrize(
    ("block", "count"),
    [
        (lambda: NB1D(64, 0.03, 1), 49_664),
        (lambda: NB1D(128, 0.3, 8), 197_632),
        (lambda: Down(3, 16), 396),
        (lambda: Down(16, 64), 7_088),
        (lambda: Down(64, 128), 37_184),
        (lambda: GDN(48), 48 * 48 + 48),
        (lambda: GDN(48, inverse=True), 48 * 48 + 48),
        (lambda: DeformConv3x3(5, 7), 18 * (9 * 5 + 1) + 9 * 5 * 7 + 7),
        (lambda: StripPool(12), 7 * 12 * 12 + 5 * 12),
        (lambda: QA(24, 16), 2 * 16 + 16 * 24 + 24),
        (lambda: FiLM(48), 130 * 48),
        (lambda: DA(3, 8, deform=False), 1_328),
        (lambda: DA(64, 64, deform=True), 9 * 64 * 64 * 2 + 128 + 256 + 18 * 577 + 7 * 4096 + 320),
    ],
)
def test_parameter_count_is_that_of_the_specification(block, count):
    assert parameter_count(block()) == count


@pytest.mark.parametrize("block", [NB1D(8, 0.3, 4), StripPool(8), DA(8, 8, True), GDN(8), Up(8, 8)])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (17, 33)])
def test_blocks_take_any_size(block, size):
    y = block.eval()(torch.rand(2, 8, *size))

    twice = 2 if isinstance(block, Up) else 1
    assert y.shape == (2, 8, twice * size[0], twice * size[1])
    assert torch.isfinite(y).all()


def test_down_halves_and_concatenates_the_maxima():
    down = Down(3, 16).eval()
    x = torch.rand(1, 3, 6, 8)

    y = down(x)

    # fresh BatchNorm divides by sqrt(1 + eps)
    maxima = F.max_pool2d(x, 2) / (1 + down.bn.eps) ** 0.5
    assert y.shape == (1, 16, 3, 4)
    assert torch.allclose(y[:, 13:], maxima, atol=1e-6)


# deformable convolution ---------------------------------------------------------------------------
def operands(i=3, o=4, size=(7, 9), batch=2, dtype=torch.float64):
    x = torch.randn(batch, i, *size, dtype=dtype)
    return x, torch.randn(o, i, 3, 3, dtype=dtype), torch.randn(o, dtype=dtype)


def reference(x, offset, weight, bias):
    """F(p) = sum_n w_n t(p + p_n + dp_n) + b, one bilinear sample after the other."""

    def sample(plane, y, z):
        y0, z0 = int(np.floor(y)), int(np.floor(z))
        total = 0.0
        for row, column in ((y0, z0), (y0, z0 + 1), (y0 + 1, z0), (y0 + 1, z0 + 1)):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                total += plane[row, column] * (1 - abs(y - row)) * (1 - abs(z - column))
        return total

    x, offset, weight, bias = (t.detach().numpy() for t in (x, offset, weight, bias))
    batch, channels, height, width = x.shape
    out = np.tile(bias[None, :, None, None], (batch, 1, height, width))
    for b, row, column, n in np.ndindex(batch, height, width, 9):
        y = row + n // 3 - 1 + offset[b, 2 * n, row, column]
        z = column + n % 3 - 1 + offset[b, 2 * n + 1, row, column]
        taken = np.array([sample(x[b, c], y, z) for c in range(channels)])
        out[b, :, row, column] += weight[:, :, n // 3, n % 3] @ taken
    return torch.from_numpy(out)


@pytest.mark.parametrize("size", [(7, 9), (2, 2), (3, 16)])
def test_zero_offsets_give_the_plain_convolution(size):
    x, weight, bias = operands(size=size)

    y = deform_conv3x3(x, torch.zeros(2, 18, *size, dtype=x.dtype), weight, bias)

    assert torch.allclose(y, F.conv2d(x, weight, bias, padding=1), atol=1e-5)


def test_layer_starts_as_the_plain_convolution():
    layer = DeformConv3x3(3, 4)
    x = torch.randn(2, 3, 11, 6)

    plain = F.conv2d(x, layer.weight, layer.bias, padding=1)

    assert torch.allclose(layer(x), plain, atol=1e-5)


@pytest.mark.parametrize("shift", [(1, 0), (0, -2), (-1, 2)])
def test_constant_whole_offset_shifts_the_convolution(shift):
    x, weight, bias = operands(size=(12, 13))
    offset = torch.zeros(2, 18, 12, 13, dtype=x.dtype)
    offset[:, 0::2], offset[:, 1::2] = shift

    y = deform_conv3x3(x, offset, weight, bias)

    moved = torch.roll(F.conv2d(x, weight, bias, padding=1), [-s for s in shift], (2, 3))
    inside = (slice(None), slice(None), slice(3, -3), slice(3, -3))
    assert torch.allclose(y[inside], moved[inside], atol=1e-5)


def test_random_offsets_agree_with_one_sample_after_the_other():
    x, weight, bias = operands(size=(5, 6))
    offset = 2.5 * torch.randn(2, 18, 5, 6, dtype=x.dtype)  # many samples lie outside

    y = deform_conv3x3(x, offset, weight, bias)

    assert torch.allclose(y, reference(x, offset, weight, bias), atol=1e-9)


def test_gradients_of_all_operands_are_those_of_the_value():
    x, weight, bias = (t.requires_grad_() for t in operands(i=2, o=1, size=(3, 2), batch=1))
    # a fifth of a sample away from the kinks of the bilinear interpolation
    offset = torch.randint(-1, 2, (1, 18, 3, 2)).double() + 0.2 + 0.6 * torch.rand(1, 18, 3, 2)

    assert torch.autograd.gradcheck(
        deform_conv3x3, (x, offset.double().requires_grad_(), weight, bias)
    )


def test_offsets_are_learned_from_their_zero_start():
    layer = DeformConv3x3(3, 4)

    layer(torch.randn(1, 3, 8, 8)).square().sum().backward()

    assert layer.offset.weight.grad.abs().sum() > 0


# normalisation, gates, conditions -----------------------------------------------------------------
def test_gdn_starts_as_its_formula():
    x = torch.randn(2, 6, 4, 5)

    assert torch.allclose(GDN(6)(x), x / (1 + 0.1 * x.square()).sqrt(), atol=1e-6)


def test_gdn_mixes_channels_by_gamma():
    layer = GDN(2)
    with torch.no_grad():
        layer.gamma_root.copy_(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
        layer.beta_root.copy_(torch.tensor([3.0, 0.0]))
    x = torch.tensor([0.5, -2.0])[None, :, None, None]

    y = layer(x).flatten()

    # beta = 9 and 1e-6; gamma = 4 from the second to the first, 1 from the first to the second
    assert y.tolist() == pytest.approx([0.5 / (9 + 16) ** 0.5, -2 / (1e-6 + 0.25) ** 0.5], rel=1e-5)


def test_igdn_inverts_gdn_for_small_gamma():
    forward, inverse = GDN(6), GDN(6, inverse=True)
    gamma = 1e-3 * torch.rand(6, 6)
    for layer in (forward, inverse):
        torch.nn.init.uniform_(layer.beta_root, 0.5, 2, generator=torch.Generator().manual_seed(1))
        layer.gamma_root.data = gamma.sqrt()
    x = torch.randn(2, 6, 4, 5)

    # the inverse normalises by y in place of x: the error is of the order of gamma x^2
    assert torch.allclose(inverse(forward(x)), x, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_strip_pooling_is_its_formula(pool):
    layer = StripPool(4, pool).eval()
    x = torch.randn(1, 4, 5, 7)

    def pooled(axis):
        return x.amax(axis, True) if pool == "max" else x.mean(axis, True)

    row = F.conv2d(pooled(3), layer.row.weight, padding=(1, 0)) / (1 + 1e-5) ** 0.5
    column = F.conv2d(pooled(2), layer.column.weight, padding=(0, 1)) / (1 + 1e-5) ** 0.5
    gate = torch.sigmoid(layer.gate(F.relu(row + column)))
    assert torch.allclose(layer(x), x * gate, atol=1e-6)


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_strip_window_of_the_whole_picture_changes_nothing(pool):
    whole, windowed = StripPool(4, pool).eval(), StripPool(4, pool, window=9).eval()
    windowed.load_state_dict(whole.state_dict())
    x = torch.randn(1, 4, 9, 9)

    assert torch.allclose(windowed(x), whole(x), atol=1e-6)


@pytest.mark.parametrize("size", [(9, 9), (4, 13), (8, 2)])
def test_strip_windows_take_sides_that_they_do_not_divide(size):
    assert StripPool(4, window=4).eval()(torch.randn(1, 4, *size)).shape == (1, 4, *size)


def test_qa_starts_as_the_identity_and_scales_channels():
    layer, f = QA(5, 16), torch.randn(3, 5, 2, 2)
    q = torch.tensor([-1.0, 0.0, 1.9])

    assert torch.equal(layer(f, q), f)

    torch.nn.init.normal_(layer.outer.weight)
    ratio = layer(f, q) / f
    assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio), rtol=1e-4)
    assert not torch.allclose(ratio[0], ratio[2])


def test_film_starts_as_the_identity():
    x = torch.randn(3, 5, 2, 2)

    assert torch.equal(FiLM(5)(x, torch.randn(3, 64)), x)


# straight-through steps ---------------------------------------------------------------------------
def test_rounding_gives_levels_and_passes_the_gradient():
    x = torch.linspace(0, 1, 301, dtype=torch.float64, requires_grad=True)

    y = ste_round(x)
    y.backward(torch.arange(301.0, dtype=torch.float64))

    assert torch.equal((255 * y).detach().round(), torch.round(255 * x.detach()))
    assert torch.allclose(255 * y, torch.round(255 * y), atol=1e-9)
    assert torch.equal(x.grad, torch.arange(301.0, dtype=torch.float64))


def test_clamp_passes_the_gradient_inside_and_on_the_way_back():
    x = torch.tensor([-0.5, -0.5, 0.0, 0.5, 1.0, 1.5, 1.5], requires_grad=True)

    y = ste_clamp(x)
    y.backward(torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0]))

    assert y.tolist() == [0, 0, 0, 0.5, 1, 1, 1]
    # descent moves against the gradient: only what leads back inside passes
    assert x.grad.tolist() == [0, -1, 1, 1, -1, 1, 0]


@pytest.mark.parametrize(
    ("size", "padded"), [((16, 32), (16, 32)), ((17, 33), (32, 48)), ((1, 15), (16, 16))]
)
def test_padding_continues_the_edge(size, padded):
    x = torch.rand(1, 3, *size)

    y = pad_to_multiple(x, 16)

    assert y.shape[-2:] == padded
    assert torch.equal(y[..., : size[0], : size[1]], x)
    assert torch.equal(y[..., -1, -1], x[..., -1, -1])
