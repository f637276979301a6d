# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxy stages: cases in pairs, the lines of the rate, losses that fall, starting weights."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from scsc_core import codecs
from scsc_core.codecs import bpg_planes
from scsc_core.evaluation.perturbation import smooth_field
from scsc_core.nets.dct_proxy import KNOTS_QP, DctProxy
from scsc_core.nets.proxy import Proxy
from scsc_core.training import loop, proxy_stage
from scsc_core.training.codec_cache import CodecCache
from scsc_core.training.codec_pool import CodecPool
from scsc_core.training.coded_cases import CasePlan, Cases, CodedCases
from scsc_core.training.pictures import open_samples
from scsc_core.training.proxy_stage import FitSettings, FitStage, PretrainSettings, PretrainStage
from scsc_core.training.settings import DataSettings
from scsc_core.zoo import ModelError

pytestmark = pytest.mark.skipif(not bpg_planes.have_bpg(), reason="this build has no BPG codec")


@pytest.fixture
def data_settings(tmp_path):
    """Four textured pictures of 96 x 96 in a folder."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        image = 128 + 50 * smooth_field((96, 96), 5, rng) + 20 * smooth_field((96, 96), 1, rng)
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / f"p_{seed}.png")
    return DataSettings(name="folder", root=str(folder))


def make_cases(data_settings, tmp_path, crops=4, qps=(28, 41), seed=0, **options):
    plan = CasePlan(crops, 32, qps, seed, "fit")
    samples = open_samples(data_settings, training=True, labels=False)
    cache = CodecCache(tmp_path / "cache")
    return CodedCases(samples, plan, CodecPool(codecs.get("jpeg")), cache, **options)


def fit_settings(data_settings, tmp_path, **options):
    values = {
        "data": data_settings,
        "variant": "small",
        "steps": 2,
        "batch": 2,
        "side": 32,
        "crops": 3,
        "qps": (28, 41),
        "rate_cases": 4,
        "validation_crops": 2,
        "cache": str(tmp_path / "cache"),
        "precision": "32-true",
        "warmup": 0,
    }
    return FitSettings(**(values | options))


def test_case_depends_on_its_number_alone(data_settings, tmp_path):
    cases = make_cases(data_settings, tmp_path)

    both = cases.batch([(2, 28), (1, 41)])
    alone = make_cases(data_settings, tmp_path).batch([(1, 41)])

    assert both.x.shape == (4, 3, 32, 32) and both.q.tolist() == [28, 28, 41, 41]
    assert torch.equal(both.x[2:], alone.x) and torch.equal(both.decoded[2:], alone.decoded)
    assert torch.equal(both.bpp[2:], alone.bpp)
    assert not torch.equal(both.x[0], both.x[1])


def test_cases_hold_what_the_codec_gives(data_settings, tmp_path):
    cases, codec = make_cases(data_settings, tmp_path), codecs.get("jpeg")

    found = cases.batch([(0, 28)])

    for i, picture in enumerate(cases.pair(0, 28)):
        data = codec.encode(picture, 28)
        assert found.bpp[i].item() == pytest.approx(8 * len(data) / 32**2)
        decoded = torch.from_numpy(codec.decode(data)).permute(2, 0, 1) / 255
        assert torch.allclose(found.decoded[i], decoded)


def test_second_visit_is_served_from_the_cache(data_settings, tmp_path):
    cases = make_cases(data_settings, tmp_path)

    first = cases.batch([(0, 28), (3, 41)])
    second = cases.batch([(0, 28), (3, 41)])

    assert (cases.cache.counts.written, cases.cache.counts.hits) == (4, 4)
    assert all(torch.equal(a, b) for a, b in zip(first, second))


def test_batch_made_ahead_equals_one_made_at_once(data_settings, tmp_path):
    ahead, plain = make_cases(data_settings, tmp_path), make_cases(data_settings, tmp_path)
    steps = [[(0, 28)], [(1, 41)], [(2, 28)]]

    found = [ahead.batch_and_next(step, following) for step, following in zip(steps, steps[1:])]
    ahead.close()

    for batch, wanted in zip(found, steps):
        assert all(torch.equal(a, b) for a, b in zip(batch, plain.batch(wanted)))


def test_preprocessed_crops_are_every_second_pair(data_settings, tmp_path):
    cases = make_cases(data_settings, tmp_path, preprocess=lambda image, qp: image // 2)

    for number in (1, 3):
        image, changed = cases.pair(number, 28)
        assert np.array_equal(changed, image // 2)
    assert not np.array_equal(cases.pair(2, 28)[1], cases.pair(2, 28)[0] // 2)


def test_rate_line_is_the_least_squares_line():
    network = Proxy().eval()
    generator = torch.Generator().manual_seed(0)
    x = (
        torch.rand(6, 3, 16, 16, generator=generator)
        * torch.linspace(0.1, 1, 6)[:, None, None, None]
    )
    q = torch.full((6,), 34.0)
    _, rate = network.estimate(x, q)
    real = torch.exp(1.3 * rate.log() - 0.4).detach()

    proxy_stage.fit_rate(network, [Cases(x, x, real, q)])

    assert network.line.slope.tolist() == pytest.approx([1.3] * len(KNOTS_QP), abs=1e-3)
    assert network.line.offset.tolist() == pytest.approx([-0.4] * len(KNOTS_QP), abs=1e-3)
    assert network(x, q).bpp.tolist() == pytest.approx(real.tolist(), rel=1e-4)


def test_rates_that_are_all_alike_have_no_line():
    x = torch.full((2, 3, 16, 16), 0.5)
    cases = Cases(x, x, torch.ones(2), torch.full((2,), 34.0))

    with pytest.raises(ValueError, match="rate_cases must differ in rate at QP 34"):
        proxy_stage.fit_rate(Proxy(), [cases])


def test_rate_errors_tell_level_and_difference_apart():
    real = torch.tensor([1.0, 2.0, 1.0, 1.0])

    level, pair = proxy_stage.rate_errors(real * 2, real)
    assert (level.item(), pair.item()) == (pytest.approx(math.log(2)), pytest.approx(0, abs=1e-6))

    level, pair = proxy_stage.rate_errors(torch.ones(4), real)
    assert level.item() == pytest.approx(math.log(2) / 4)
    assert pair.item() == pytest.approx(math.log(2) / 2)


def test_lagrangian_doubles_every_three_steps_of_qp():
    found = proxy_stage.lagrangian(torch.tensor([34.0, 37.0]))

    assert found[1] / found[0] == pytest.approx(2)
    # 0.57 2^(22/3) on the 8-bit scale
    assert found[0].item() * 255**2 == pytest.approx(91.9, abs=0.1)


def test_links_have_the_gains_of_rayleigh_channels(data_settings):
    settings = PretrainSettings(data=data_settings)

    links = settings.links(np.random.default_rng(0), 4000)

    # E[s1^2 + s2^2] = 4; standard error .03, five of them allowed
    assert links.gains.square().sum(1).mean().item() == pytest.approx(4, abs=0.16)
    assert (links.gains[:, 0] >= links.gains[:, 1]).all()
    assert 2 <= links.snr_db.min() and links.snr_db.max() <= 12


def test_pretraining_lowers_its_loss(data_settings, tmp_path):
    settings = PretrainSettings(
        data=data_settings,
        steps=20,
        batch=4,
        side=32,
        validation_crops=4,
        precision="32-true",
        warmup=0,
    )
    stage = PretrainStage(settings)
    before = stage.validate(stage.network.eval())

    outcome = loop.train(stage, _folder(tmp_path, "pretrain"))

    assert outcome.scores["score"] > before["score"]
    assert outcome.scores["psnr_db"] > before["psnr_db"]


def test_fit_lowers_its_loss_and_keeps_the_fitted_line(data_settings, tmp_path):
    stage = FitStage(fit_settings(data_settings, tmp_path, steps=20, learning_rate=1e-3))
    before = stage.validate(stage.network.eval())

    outcome = loop.train(stage, _folder(tmp_path, "fit"))

    assert outcome.scores["score"] > before["score"]
    assert set(outcome.scores) >= {"psnr_db", "spearman", "rate", "pair", "rate_sign"}
    assert not torch.equal(outcome.network.line.slope, torch.ones(len(KNOTS_QP)))
    assert {name: p.shape for name, p in stage.pictures(outcome.network).items()} == {
        "qp-28": (32, 96, 3),
        "qp-41": (32, 96, 3),
    }


def test_interrupted_fit_goes_on_as_if_nothing_had_been(data_settings, tmp_path):
    settings = fit_settings(data_settings, tmp_path, steps=4, save_every=2, keep_every=2)

    whole = loop.train(FitStage(settings), _folder(tmp_path, "whole"))
    resumed = loop.train(
        FitStage(settings), _folder(tmp_path, "again"), tmp_path / "whole" / "ckpt" / "step-2"
    )

    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_fit_starts_from_pretrained_weights(data_settings, tmp_path, monkeypatch):
    pretrained = Proxy()
    monkeypatch.setattr(proxy_stage.zoo, "load", lambda name: pretrained.eval())

    stage = FitStage(fit_settings(data_settings, tmp_path, start="proxy-small"))

    assert torch.equal(stage.network.encoder.convs[0].weight, pretrained.encoder.convs[0].weight)
    assert all(p.requires_grad for p in stage.network.parameters())


def test_start_of_another_size_is_refused(data_settings, tmp_path, monkeypatch):
    monkeypatch.setattr(proxy_stage.zoo, "load", lambda name: Proxy())

    with pytest.raises(
        ModelError, match="start must be a proxy of variant medium, proxy-small is none"
    ):
        FitStage(fit_settings(data_settings, tmp_path, start="proxy-small", variant="medium"))


def test_residual_proxy_is_fitted_from_the_dct_proxy(data_settings, tmp_path):
    stage = FitStage(fit_settings(data_settings, tmp_path, variant="residual"))
    try:
        cases, links = stage.batch(0, 0, 1)

        image, _ = stage.network(cases.x, cases.q)
        loss, terms = stage.loss(stage.network, (cases, links), 0)
        loss.backward()

        assert torch.allclose(image, DctProxy()(cases.x, cases.q).image, atol=1e-6)
        assert terms["psnr_db"] > 20
        assert stage.network.last.weight.grad.abs().sum() > 0
    finally:
        stage.close()


def test_start_of_another_kind_is_refused(data_settings, tmp_path, monkeypatch):
    monkeypatch.setattr(proxy_stage.zoo, "load", lambda name: Proxy())

    with pytest.raises(ModelError, match="start must be a proxy of variant residual"):
        FitStage(fit_settings(data_settings, tmp_path, start="proxy-small", variant="residual"))


def test_range_that_runs_backwards_is_refused(data_settings):
    with pytest.raises(ValueError, match="snr_db must be low, high"):
        PretrainSettings(data=data_settings, snr_db=(12.0, 2.0))


def _folder(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    return folder
