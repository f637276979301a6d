# SPDX-License-Identifier: GPL-3.0-or-later
"""ESPNetv2: sizes, names of the published weights, blocks against closed forms, pinned logits."""

import numpy as np
import pytest
import torch

from scsc_core import zoo
from scsc_core.nets.espnetv2 import (
    SCALES,
    DownSampler,
    Eesp,
    EspNetV2,
    EspNetV2Config,
    PyramidUnit,
)
from scsc_core.nets.layers import parameter_count

# logits of `picture()` by the published weights: rows = scale, columns = `PLACES`
PLACES = [(0, 0, 0), (2, 40, 60), (8, 95, 0), (10, 10, 127), (13, 70, 90), (19, 48, 64)]
PINNED = {
    0.5: [-1.8209, 6.4358, 4.4892, -2.9356, 1.7391, -1.1724],
    1.0: [2.6594, 10.7671, 4.5005, -7.3967, -0.6088, -1.9620],
    1.5: [1.7346, 6.6566, 1.1222, 5.1506, 1.5521, 0.9979],
    2.0: [-1.2923, 8.5964, 1.2994, 2.0299, 5.2806, -2.9421],
}


def picture(height=96, width=128):
    """Seeded street-like picture [1, 3, H, W]: two areas with a gradient and noise."""
    y, x = np.mgrid[:height, :width] / height
    layers = [0.7 - 0.5 * (y > 0.5), 0.4 + 0.3 * np.sin(9 * x), 0.8 - 0.6 * y]
    noise = np.random.default_rng(5).uniform(-0.1, 0.1, (3, height, width))
    return torch.tensor(np.clip(np.stack(layers) + noise, 0, 1)[None], dtype=torch.float32)


@pytest.fixture
def published(research_data, tmp_path, monkeypatch):
    """Function of a scale: the published tensors."""
    monkeypatch.setenv("SCSC_CACHE", str(tmp_path))

    def read(scale):
        path = research_data / "weights" / f"espnetv2_s_{scale}_city_1024x512.pth"
        if not path.is_file():
            pytest.skip(f"no published weights at {path}")
        return {name: torch.from_numpy(t) for name, t in zoo.import_pth(path).items()}

    return read


@pytest.mark.parametrize(
    ("scale", "count"), [(0.5, 80_342), (1.0, 234_010), (1.5, 468_362), (2.0, 789_242)]
)
def test_parameter_count_is_the_published_one(scale, count):
    network = EspNetV2(EspNetV2Config(scale))

    assert parameter_count(network) == count and len(network.state_dict()) == 526


@pytest.mark.parametrize("scale", SCALES)
def test_published_weights_fit_by_name_and_shape(scale, published):
    expected = {n: tuple(t.shape) for n, t in EspNetV2(EspNetV2Config(scale)).state_dict().items()}

    found = {name: tuple(tensor.shape) for name, tensor in published(scale).items()}

    assert found == expected


@pytest.mark.parametrize("scale", SCALES)
def test_published_weights_give_the_pinned_logits(scale, published):
    network = EspNetV2(EspNetV2Config(scale)).eval()
    network.load_state_dict(published(scale))

    with torch.no_grad():
        logits = network(picture())[0]

    # 60 layers in float32: other kernels sum in another order
    found = [float(logits[place]) for place in PLACES]
    np.testing.assert_allclose(found, PINNED[scale], atol=2e-3)


@pytest.mark.parametrize("size", [(17, 33), (360, 480), (1664, 832)])
def test_logits_have_the_size_of_any_picture(size):
    network = EspNetV2(EspNetV2Config(0.5, 7)).to("meta").eval()

    assert network(torch.empty(2, 3, *size, device="meta")).shape == (2, 7, *size)


def test_padding_continues_the_edge():
    torch.manual_seed(0)
    network = EspNetV2(EspNetV2Config(0.5)).eval()
    x = picture(40, 64)
    continued = torch.cat([x, x[:, :, -1:].expand(-1, -1, 24, -1)], 2)

    with torch.no_grad():
        cropped, whole = network(x), network(continued)

    torch.testing.assert_close(cropped, whole[:, :, :40])


def test_picture_is_normalised_by_imagenet():
    network = EspNetV2(EspNetV2Config(0.5)).eval()
    seen = []
    network.base_net.level1.register_forward_pre_hook(lambda module, x: seen.append(x[0]))

    network(torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 32, 32))

    torch.testing.assert_close(seen[0], torch.zeros(1, 3, 32, 32))


def passing(block):
    """The block with every BatchNorm exactly the identity and every PReLU linear."""
    for module in block.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 0
        elif isinstance(module, torch.nn.PReLU):
            torch.nn.init.ones_(module.weight)
        elif isinstance(module, torch.nn.Conv2d):
            torch.nn.init.dirac_(module.weight, module.groups)
    return block.eval()


def test_branches_of_eesp_add_up():
    block = passing(Eesp(16, 16))
    x = torch.rand(1, 16, 9, 11, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        out = block(x)

    projected = x[:, ::4]  # the first channel of each of four groups
    summed = torch.cat([(k + 1) * projected for k in range(4)], 1)
    torch.testing.assert_close(out, summed + x)


@pytest.mark.parametrize(("narrow", "dilations"), [(False, [1, 2, 3, 4]), (True, [1, 1, 2, 3])])
def test_dilations_follow_the_limit_of_the_receptive_field(narrow, dilations):
    block = Eesp(16, 16, narrow=narrow)

    assert [branch.conv.dilation for branch in block.spp_dw] == [(d, d) for d in dilations]


def test_downsampler_halves_and_keeps_the_pooled_input():
    block = passing(DownSampler(16, 32))
    torch.nn.init.zeros_(block.inp_reinf[1].conv.weight)
    x = torch.rand(1, 16, 16, 24, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        out = block(x, torch.zeros(1, 3, 64, 96))

    assert out.shape == (1, 32, 8, 12)
    torch.testing.assert_close(out[:, :16], torch.nn.functional.avg_pool2d(x, 3, 2, 1))


@pytest.mark.parametrize("size", [(4, 6), (7, 5), (30, 40)])
def test_every_scale_of_the_pyramid_keeps_a_flat_map(size):
    unit = passing(PyramidUnit(10, 10))
    flat = torch.full((1, 10, *size), 3.0)

    with torch.no_grad():
        maps = [unit._at(flat, s, scale) for s, scale in zip(unit.stages, (2.0, 1.5, 1, 0.5, 0.1))]

    for found in maps:
        torch.testing.assert_close(found, flat)


def test_gradient_reaches_every_part_of_the_picture():
    network = EspNetV2(EspNetV2Config(0.5)).eval().requires_grad_(False)
    x = picture(64, 64).requires_grad_()

    network(x).square().mean().backward()

    assert torch.isfinite(x.grad).all() and (x.grad != 0).float().mean() > 0.99


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 3.0}, "scale must be one of 0.5, 1.0, 1.5, 2.0, got 3.0"),
        ({"classes": 1}, "classes must be in 2 .. 254, got 1"),
    ],
)
def test_bad_configuration_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        EspNetV2Config(**arguments)
