# SPDX-License-Identifier: GPL-3.0-or-later
"""The codec's value with the proxy's gradient, on numbers and through a network."""

import pytest
import torch

from scsc_core.nets.dct_proxy import DctProxy
from scsc_core.training.straight_through import coded_batch, straight_through


def test_scalar_has_the_value_of_one_and_the_gradient_of_the_other():
    x = torch.tensor(3.0, requires_grad=True)
    codec = torch.tensor(11.0)

    result = straight_through(codec, x**2)
    result.backward()

    assert result.item() == 11.0
    assert x.grad.item() == 6.0


def test_value_gets_no_gradient():
    value = torch.tensor(2.0, requires_grad=True)
    proxy = torch.tensor(1.0, requires_grad=True)

    straight_through(value, proxy).backward()

    assert value.grad is None and proxy.grad.item() == 1.0


def test_batch_has_the_codecs_values_and_the_proxys_gradient():
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(2, 3, 32, 32, generator=generator, requires_grad=True)
    decoded = torch.rand(2, 3, 32, 32, generator=generator)
    bpp = torch.tensor([0.7, 0.2])
    weight = torch.randn(2, 3, 32, 32, generator=generator)
    q = torch.tensor([28.0, 41.0])
    proxy = DctProxy()

    coded = coded_batch(decoded, bpp, proxy(x, q))
    (found,) = torch.autograd.grad((weight * coded.image).sum() + 3 * coded.bpp.sum(), x)

    estimate = proxy(x, q)
    (expected,) = torch.autograd.grad((weight * estimate.image).sum() + 3 * estimate.bpp.sum(), x)
    # p + (v - p) rounds twice in float32
    assert torch.allclose(coded.image, decoded, atol=1e-6)
    assert torch.allclose(coded.bpp, bpp, atol=1e-6)
    assert torch.equal(found, expected)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"proxy's shape \(4,\), got \(4, 1\)"):
        straight_through(torch.zeros(4, 1), torch.zeros(4))
