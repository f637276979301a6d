# SPDX-License-Identifier: GPL-3.0-or-later
"""Residual proxy: size, start, any picture size, gradients, weights."""

import pytest
import torch

from scsc_core.nets.dct_proxy import DctProxy
from scsc_core.nets.inference import WeightsError, weights_of
from scsc_core.nets.layers import parameter_count
from scsc_core.nets.residual_proxy import ResidualProxy

Q = torch.tensor([28.0, 44.0])


def pictures(height=48, width=64):
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def trained():
    """One whose correction is not zero."""
    torch.manual_seed(1)
    proxy = ResidualProxy()
    torch.nn.init.normal_(proxy.last.weight, std=0.01)
    return proxy.eval()


def test_parameter_count():
    assert parameter_count(ResidualProxy()) == 87_117


def test_untrained_one_is_the_dct_proxy():
    x = pictures()

    image, bpp = ResidualProxy()(x, Q)

    expected = DctProxy()(x, Q)
    assert torch.equal(image, expected.image) and torch.allclose(bpp, expected.bpp)


@pytest.mark.parametrize("size", [(17, 33), (16, 16), (90, 48)])
def test_any_size_keeps_its_shape(trained, size):
    image, bpp = trained(pictures(*size), Q)

    assert image.shape == (2, 3, *size) and (bpp > 0).all()


def test_correction_and_rate_depend_on_q(trained):
    x = pictures()
    dct = DctProxy()

    corrections = [
        trained(x, torch.full((2,), q)).image - dct(x, torch.full((2,), q)).image
        for q in (28.0, 44.0)
    ]

    assert (corrections[0] - corrections[1]).abs().mean() > 1e-4


def test_gradients_reach_the_picture_through_frozen_weights(trained):
    x = pictures().requires_grad_()

    image, bpp = trained.requires_grad_(False)(x, Q)
    (image.square().mean() + bpp.mean()).backward()

    assert x.grad.isfinite().all() and x.grad.abs().sum() > 0


def test_weights_come_back(trained):
    loaded = ResidualProxy.from_tensors(weights_of(trained), {})

    assert torch.equal(loaded(pictures(), Q).image, trained(pictures(), Q).image)
    with pytest.raises(WeightsError):
        ResidualProxy.from_tensors({}, {})
