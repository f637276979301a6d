# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned proxy: sizes, symbols and power, rate model, conditioning, weights, gradients."""

import math

import pytest
import torch

from scsc_core.nets import symbols
from scsc_core.nets.inference import WeightsError
from scsc_core.nets.layers import parameter_count
from scsc_core.nets.proxy import LinkState, Proxy, ProxyConfig
from scsc_core.nets.rate_model import LogisticPrior, RateModel, gaussian_bits
from scsc_core.training.straight_through import coded_batch


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(11)


@pytest.fixture(scope="module")
def proxy():
    """A small proxy in evaluation mode whose conditioning is no identity any more."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = Proxy()
        for module in built.modules():
            if hasattr(module, "linear"):
                torch.nn.init.normal_(module.linear.weight, std=0.05)
    return built.eval().requires_grad_(False)


def pictures(generator, batch=2, height=32, width=48):
    return torch.rand(batch, 3, height, width, generator=generator)


@pytest.mark.parametrize(
    ("variant", "count"), [("small", 876_723), ("medium", 1_610_563), ("large", 6_181_955)]
)
def test_parameter_counts(variant, count):
    assert parameter_count(Proxy(ProxyConfig(variant))) == count


def test_parts_have_the_counts_of_the_table(proxy):
    parts = {
        "analysis": parameter_count(proxy.encoder.convs) + parameter_count(proxy.encoder.norms),
        "head": parameter_count(proxy.encoder.head),
        "decoder": sum(
            parameter_count(p)
            for p in (proxy.decoder.head, proxy.decoder.convs, proxy.decoder.norms)
        )
        + parameter_count(proxy.decoder.last),
        "conditioning": sum(
            parameter_count(p) for p in (proxy.condition, proxy.encoder.films, proxy.decoder.films)
        ),
        "rate": parameter_count(proxy.rate),
    }

    assert parts == {
        "analysis": 202_864,
        "head": 45_248,
        "decoder": 256_179,
        "conditioning": 58_624,
        "rate": 313_808,
    }


@pytest.mark.parametrize("size", [(17, 33), (16, 16), (360, 48)])
def test_any_size_keeps_its_shape(proxy, generator, size):
    x = torch.rand(2, 3, *size, generator=generator)

    image, bpp = proxy(x, torch.tensor([28.0, 41.0]))

    assert image.shape == x.shape and bpp.shape == (2,)
    assert 0 <= image.min() and image.max() <= 1 and (bpp > 0).all()


def test_symbols_at_one_twelfth_have_the_stated_number_and_unit_power(proxy, generator):
    x = pictures(generator)

    _, features = proxy.encoder(x, proxy.condition(torch.full((2,), 37.0), link(2)))
    sent, _ = symbols.normalise_power(symbols.pack(features))

    n_symbols = sent.shape[1] // 2
    assert n_symbols / (3 * 32 * 48) == pytest.approx(1 / 12)
    power = (sent[:, :n_symbols].square() + sent[:, n_symbols:].square()).mean(1)
    assert power.tolist() == pytest.approx([1, 1], abs=1e-6)


def link(batch, snr_db=10.0, gains=(1.5, 0.5)):
    return LinkState(
        torch.full((batch,), 0.5),
        torch.full((batch,), snr_db),
        torch.tensor(gains).expand(batch, 2),
    )


def test_packing_and_power_are_inverted(generator):
    features = torch.randn(2, 8, 3, 5, generator=generator)

    sent, factor = symbols.normalise_power(symbols.pack(features))
    back = symbols.unpack(symbols.restore_power(sent, factor), 8, 3, 5)

    assert torch.allclose(back, features, atol=1e-6)


def test_odd_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="channels of the features must be even, got 3"):
        symbols.pack(torch.zeros(1, 3, 2, 2))


def test_first_half_of_the_symbols_is_on_the_strong_stream():
    found = symbols.stream_noise(torch.tensor([4.0]), torch.tensor([[2.0, 0.5]]), n_symbols=3)

    assert found.tolist() == [[1.0, 1.0, 4.0, 1.0, 1.0, 4.0]]


def test_noise_has_the_stated_power():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        noise = symbols.add_noise(torch.zeros(1, 200_000), torch.full((1, 200_000), 0.5))

    power = 2 * noise.square().mean().item()
    # 200,000 normal samples: the power's standard deviation is .3 %, five of them allowed
    assert power == pytest.approx(0.25, rel=0.016)


def test_evaluation_draws_nothing_and_training_does(proxy, generator):
    x, q = pictures(generator), torch.tensor([28.0, 41.0])

    assert torch.equal(proxy(x, q).image, proxy(x, q).image)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        noisy = proxy.train()(x, q)
    proxy.eval()
    assert not torch.equal(noisy.image, proxy(x, q).image)
    assert not torch.equal(noisy.bpp, proxy(x, q).bpp)


def test_every_condition_reaches_the_picture(proxy, generator):
    x, q, state = pictures(generator), torch.full((2,), 34.0), link(2)

    base = proxy(x, q, state).image

    for changed in (
        proxy(x, q + 5, state),
        proxy(x, q, state._replace(code_rate=state.code_rate / 2)),
        proxy(x, q, state._replace(snr_db=state.snr_db - 6)),
        proxy(x, q, state._replace(gains=state.gains / 2)),
    ):
        assert not torch.allclose(changed.image, base, atol=1e-6)


def test_picture_and_rate_stay_in_float32_under_autocast(proxy, generator):
    x, q = pictures(generator), torch.tensor([28.0, 41.0])

    with torch.autocast("cpu", torch.bfloat16):
        image, bpp = proxy(x, q)

    exact = proxy(x, q)
    assert image.dtype == bpp.dtype == torch.float32
    # bfloat16 has 8 bits: layers after each other leave some percent
    assert torch.allclose(image, exact.image, atol=0.05)
    assert torch.allclose(bpp, exact.bpp, rtol=0.05)


def test_without_conditioning_the_qp_changes_nothing(generator):
    unconditioned = Proxy(ProxyConfig(conditioning="off")).eval()
    x = pictures(generator)

    first, second = (unconditioned(x, torch.full((2,), q)) for q in (28.0, 41.0))

    assert torch.equal(first.image, second.image) and torch.equal(first.bpp, second.bpp)


def test_rate_is_the_fitted_line_between_its_knots(generator):
    fitted = Proxy().eval()
    fitted.line.slope[:] = torch.tensor([1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    fitted.line.offset[:] = 0.3

    found = fitted.line(torch.tensor([0.5, 0.5]), torch.tensor([34.0, 32.5]))

    assert found.tolist() == pytest.approx([0.5**2 * math.exp(0.3), 0.5**1.5 * math.exp(0.3)])


def test_gaussian_bits_match_the_normal_distribution():
    values, scale = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 2.0])

    bits = gaussian_bits(values, torch.zeros(2), scale)

    normal = torch.distributions.Normal(0.0, scale)
    expected = -torch.log2(normal.cdf(values + 0.5) - normal.cdf(values - 0.5))
    assert torch.allclose(bits, expected, atol=1e-5)


def test_likelihoods_keep_a_gradient_in_the_far_tail():
    values = torch.tensor([30.0, -30.0, 1e-3], requires_grad=True)

    bits = gaussian_bits(values, torch.zeros(3), torch.full((3,), 0.11))
    bits.sum().backward()
    z = torch.full((1, 1, 1, 1), 80.0, requires_grad=True)
    LogisticPrior(1)(z).sum().backward()

    assert torch.isfinite(bits).all()
    assert values.grad[0] > 100 and values.grad[1] < -100
    assert z.grad.item() == pytest.approx(1 / math.log(2), rel=1e-3)


def test_rate_model_accepts_features_of_any_size(generator):
    model = RateModel(6, 8).eval()

    bits = model(torch.randn(3, 8, 5, 7, generator=generator))

    assert bits.shape == (3,) and (bits > 0).all()


def test_weights_come_back_frozen(proxy, generator):
    x, q = pictures(generator), torch.tensor([30.0, 40.0])
    tensors = {name: value.numpy() for name, value in proxy.state_dict().items()}

    loaded = Proxy.from_tensors(tensors, {"variant": "small"})

    assert torch.equal(loaded(x, q).image, proxy(x, q).image)
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


def test_weights_of_another_size_are_refused(proxy):
    tensors = {name: value.numpy() for name, value in proxy.state_dict().items()}

    with pytest.raises(WeightsError, match="weights are of another architecture: .* has shape"):
        Proxy.from_tensors(tensors, {"variant": "medium"})


@pytest.mark.parametrize(
    ("field", "value"), [("variant", "huge"), ("conditioning", True), ("channels", 6)]
)
def test_wrong_configuration_is_named(field, value):
    with pytest.raises(ValueError, match=f"{field} must be .* got {value!r}"):
        ProxyConfig(**{field: value})


def test_straight_through_the_full_network(proxy, generator):
    x = pictures(generator).requires_grad_()
    decoded, bpp = pictures(generator), torch.tensor([0.4, 0.1])
    weight, q = torch.randn(2, 3, 32, 48, generator=generator), torch.tensor([31.0, 37.0])

    coded = coded_batch(decoded, bpp, proxy(x, q))
    (found,) = torch.autograd.grad((weight * coded.image).sum() + coded.bpp.sum(), x)

    image, rate = proxy(x, q)
    (expected,) = torch.autograd.grad((weight * image).sum() + rate.sum(), x)
    # p + (v - p) rounds twice in float32
    assert torch.allclose(coded.image, decoded, atol=1e-6)
    assert torch.allclose(coded.bpp, bpp, atol=1e-6)
    assert torch.equal(found, expected) and found.abs().max() > 0
