# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameter-free proxy: transform, picture, rate, gradients, and agreement with real BPG."""

import numpy as np
import pytest
import torch

from scsc_core import codecs
from scsc_core.codecs import bpg_planes
from scsc_core.nets.dct_proxy import (
    DctProxy,
    DctRateProxy,
    IdentityProxy,
    block_dct,
    dc_differences,
    dct_matrix,
    interpolate,
    inverse_block_dct,
    soft_dead_zone,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


def natural(count, side, seed):
    """Pictures uint8 [side,side,3] whose spectrum falls like that of photographs."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)) + 1 / side
    pictures = []
    for slope in np.linspace(1.1, 2.2, count):
        noise = np.fft.rfft2(rng.standard_normal((3, side, side)))
        plane = np.fft.irfft2(noise / frequency**slope, (side, side))
        plane = plane[:1] + 0.3 * plane
        plane = 128 + 45 * plane / plane.std()
        pictures.append(np.clip(plane, 0, 255).astype(np.uint8).transpose(1, 2, 0))
    return pictures


def tensor(pictures):
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("size", [8, 16])
def test_block_dct_is_the_cosine_sum_of_one_block(generator, size):
    plane = torch.rand(1, 2, 2 * size, 3 * size, generator=generator, dtype=torch.float64)

    found = block_dct(plane, dct_matrix(size).double())[0, 1, 1, 2, 2, 3]

    row = np.cos(np.pi / size * 2 * (np.arange(size) + 0.5))
    column = np.cos(np.pi / size * 3 * (np.arange(size) + 0.5))
    block = plane[0, 1, size : 2 * size, 2 * size : 3 * size].numpy()
    # the matrix is kept in float32
    assert found.item() == pytest.approx(2 / size * row @ block @ column, abs=1e-5)


@pytest.mark.parametrize("size", [8, 16])
def test_block_dct_is_inverted(generator, size):
    plane = torch.rand(2, 3, 2 * size, 3 * size, generator=generator)

    back = inverse_block_dct(block_dct(plane, dct_matrix(size)), dct_matrix(size))

    assert torch.allclose(back, plane, atol=2e-6)  # float32, 32 products per sample


def test_dc_differences_predict_from_left_and_above(generator):
    coefficients = torch.rand(1, 1, 2, 8, 2, 8, generator=generator)

    found = dc_differences(coefficients)

    dc = coefficients[0, 0, :, 0, :, 0]
    expected = torch.tensor(
        [[dc[0, 0], dc[0, 1] - dc[0, 0]], [dc[1, 0] - dc[0, 0], dc[1, 1] - dc[1, 0]]]
    )
    assert torch.allclose(found[0, 0, :, 0, :, 0], expected)
    assert torch.equal(found[..., 1:], coefficients[..., 1:])


def test_dead_zone_keeps_large_and_fades_small_coefficients():
    step = torch.tensor(10.0)

    assert soft_dead_zone(torch.tensor(1e4), step) == pytest.approx(1e4, rel=1e-5)
    assert soft_dead_zone(torch.tensor(6.0), step) == pytest.approx(6 * (0.9 / 2 + 0.1))
    assert soft_dead_zone(torch.tensor(0.01), step) == pytest.approx(0.001, rel=1e-4)


def test_interpolation_is_constant_outside_its_knots():
    found = interpolate(torch.tensor([20.0, 30.0, 32.5, 60.0]), (30.0, 35.0), (1.0, 3.0))

    assert found.tolist() == [1.0, 1.0, 2.0, 3.0]


def test_flat_gray_costs_nothing_and_stays():
    x = torch.full((1, 3, 32, 32), 0.5)

    image, bpp = DctProxy()(x, torch.tensor([37.0]))

    assert torch.allclose(image, x, atol=1e-5)
    assert 0 < bpp.item() < 1e-3


def test_any_size_keeps_its_shape(generator):
    x = torch.rand(2, 3, 17, 33, generator=generator)

    image, bpp = DctProxy()(x, torch.tensor([28.0, 41.0]))

    assert image.shape == x.shape and bpp.shape == (2,)
    assert bpp[0] > bpp[1]


def test_higher_qp_takes_away_detail_and_bits():
    x = tensor(natural(1, 64, seed=1))
    proxy = DctProxy()

    results = [proxy(x, torch.tensor([float(q)])) for q in (28, 34, 41, 47)]

    errors = [(result.image - x).square().mean().item() for result in results]
    assert errors == sorted(errors)
    assert [r.bpp.item() for r in results] == sorted((r.bpp.item() for r in results), reverse=True)


def test_gradient_is_that_of_the_values(generator):
    proxy = DctProxy().double()
    draws = torch.randn(3, 1, 3, 16, 16, generator=generator, dtype=torch.float64)
    x, direction, weight = 0.5 + 0.1 * draws[0], draws[1], draws[2]

    def value(points):
        image, bpp = proxy(points, torch.tensor([37.0]))
        return (image * weight).sum() + bpp.sum()

    x.requires_grad_()
    (gradient,) = torch.autograd.grad(value(x), x)
    with torch.no_grad():
        step = 1e-7
        slope = (value(x + step * direction) - value(x - step * direction)) / (2 * step)

    assert (gradient * direction).sum().item() == pytest.approx(slope.item(), rel=1e-5)


def test_runs_in_float32_under_autocast(generator):
    x = torch.rand(1, 3, 32, 32, generator=generator)
    proxy, q = DctProxy(), torch.tensor([34.0])

    with torch.autocast("cpu", torch.bfloat16):
        under = proxy(x, q)

    plain = proxy(x, q)
    assert torch.equal(under.image, plain.image) and torch.equal(under.bpp, plain.bpp)


def test_identity_proxy_has_no_gradient_of_the_rate(generator):
    x = torch.rand(2, 3, 8, 8, generator=generator, requires_grad=True)

    image, bpp = IdentityProxy()(x, torch.tensor([30.0, 40.0]))
    (gradient,) = torch.autograd.grad(image.sum() + bpp.sum(), x)

    assert torch.equal(gradient, torch.ones_like(x))
    assert bpp.tolist() == [0.0, 0.0]


@pytest.mark.skipif(not bpg_planes.have_bpg(), reason="this build has no BPG codec")
@pytest.mark.parametrize(("qp", "psnr_db"), [(28, 33.0), (37, 28.5)])
def test_agrees_with_bpg(qp, psnr_db):
    """Twelve synthetic pictures; measured 33.8 and 29.0 dB, Spearman .99 and 1.00."""
    pictures = natural(12, 64, seed=5)
    codec = codecs.get("bpg", preset="medium")

    data = [codec.encode(picture, qp) for picture in pictures]
    decoded = tensor([codec.decode(d) for d in data])
    image, bpp = DctProxy()(tensor(pictures), torch.full((12,), float(qp)))

    sizes = np.array([len(d) for d in data])
    order = [np.argsort(np.argsort(a)) for a in (sizes, bpp.numpy())]
    error = (image.clamp(0, 1) - decoded).square().mean((1, 2, 3))
    assert -10 * torch.log10(error).mean() > psnr_db
    assert np.corrcoef(*order)[0, 1] > 0.95


def test_rate_proxy_passes_the_picture_and_keeps_the_rate():
    x = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(3)).requires_grad_()
    q = torch.tensor([30.0, 44.0])

    image, bpp = DctRateProxy()(x, q)
    image.sum().backward()

    assert torch.equal(image, x) and torch.equal(bpp, DctProxy()(x, q).bpp)
    assert torch.equal(x.grad, torch.ones_like(x))
