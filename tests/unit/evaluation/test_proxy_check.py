# SPDX-License-Identifier: GPL-3.0-or-later
"""Acceptance of proxies: rank correlation, perturbations, agreement of signs, a small complete run."""

import json
import math

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from scsc_core import model_choice
from scsc_core.cli import evaluate_proxy
from scsc_core.codecs import bpg_planes
from scsc_core.data import Dataset, Sample
from scsc_core.evaluation import proxy_check, proxy_inputs
from scsc_core.evaluation.perturbation import perturbed, smooth_field
from scsc_core.evaluation.rank_correlation import spearman
from scsc_core.nets.dct_proxy import DctProxy, IdentityProxy

needs_bpg = pytest.mark.skipif(not bpg_planes.have_bpg(), reason="this build has no BPG codec")


class BrightnessTask:
    """Two classes by the mean brightness of blocks of 8 x 8, a task with a plain gradient."""

    def logits(self, x):
        mean = torch.nn.functional.avg_pool2d(x.mean(1, keepdim=True), 8)
        both = torch.cat([0.5 - mean, mean - 0.5], 1) * 20
        return torch.nn.functional.interpolate(both, scale_factor=8)

    def loss(self, logits, labels):
        return torch.nn.functional.cross_entropy(logits, labels)

    def segment(self, image):
        x = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255
        return self.logits(x).argmax(1)[0].numpy().astype(np.uint8)


def textured(seed, side=64):
    rng = np.random.default_rng(seed)
    base = 128 + 60 * smooth_field((side, side), 6, rng) + 25 * smooth_field((side, side), 1, rng)
    return np.clip(base, 0, 255).astype(np.uint8)


def data_set(count=3, side=64, labelled=True):
    def read(index):
        label = np.full((side, side), index % 2, np.uint8) if labelled else None
        return Sample(textured(index, side), label, f"s_{index}", "none")

    names = tuple(f"s_{i}" for i in range(count))
    return Dataset("test", "val", 2 if labelled else 0, "none", names, read)


def test_spearman_of_ties_and_monotone_values():
    assert spearman([1, 2, 3, 4], [1, 8, 27, 64]) == pytest.approx(1)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    # ranks 0 1.5 1.5 3 against 0 1 2 3
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_smooth_field_is_smooth_and_of_unit_power():
    field = smooth_field((64, 64), 4, np.random.default_rng(0))

    steps = np.diff(field, axis=0)
    assert np.mean(field**2) == pytest.approx(1)
    # a Gaussian field of deviation s has mean square slope 1 / (2 s^2)
    assert np.mean(steps**2) == pytest.approx(1 / 32, rel=0.3)


@pytest.mark.parametrize("kind", ["field", "detail", "gain"])
def test_perturbations_lie_on_both_sides_and_have_their_size(kind):
    image = np.clip(textured(1), 40, 215)

    above, below = perturbed(image, kind, 4.0, 2.0, np.random.default_rng(0))

    differences = [side.astype(float) - image for side in (above, below)]
    assert np.corrcoef(*(d.ravel() for d in differences))[0, 1] < -0.9
    for difference in differences:
        assert np.sqrt(np.mean(difference**2)) == pytest.approx(4, rel=0.1)


def test_flat_picture_has_no_detail_to_change():
    flat = np.full((32, 32, 3), 90, np.uint8)

    above, below = perturbed(flat, "detail", 4.0, 2.0, np.random.default_rng(0))

    assert np.array_equal(above, flat) and np.array_equal(below, flat)


def test_gain_sharpens_on_one_side_and_softens_on_the_other():
    image = textured(1)

    above, below = perturbed(image, "gain", 4.0, 2.0, np.random.default_rng(0))

    steps = [np.abs(np.diff(i.astype(float), axis=1)).mean() for i in (below, image, above)]
    assert steps == sorted(steps)


def test_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind must be one of field, detail, gain, got 'blur'"):
        perturbed(textured(1), "blur", 4.0, 2.0, np.random.default_rng(0))


def test_agreement_counts_signs_and_leaves_out_zeros():
    predicted = np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    real = np.array([[2.0, -3.0], [-1.0, 0.0], [-5.0, 0.1], [0.0, 0.0], [0.0, 0.0]])

    found = proxy_check.agreement(predicted, real)

    assert found.share == pytest.approx(4 / 5) and found.cases == 5
    assert found.interval[0] <= 0.8 <= found.interval[1]


def test_chance_has_an_interval_around_one_half():
    rng = np.random.default_rng(4)

    found = proxy_check.agreement(rng.standard_normal((64, 7)), rng.standard_normal((64, 7)))

    assert found.interval[0] < 0.5 < found.interval[1]


def test_zero_gradient_has_no_agreement():
    found = proxy_check.agreement(np.zeros((4, 2)), np.ones((4, 2)))

    assert found.share is None and found.text() == "none"


@needs_bpg
def test_small_run_ranks_the_transform_proxy_above_identity():
    crops = proxy_inputs.draw_crops(data_set(6), 6, 64)
    seen = []

    check = proxy_check.run(
        crops,
        {"dct": DctProxy(), "identity": IdentityProxy()},
        BrightnessTask(),
        "brightness",
        proxy_check.Settings(qps=(16, 41), sigma=8.0),
        progress=lambda done, total: seen.append((done, total)),
    )

    dct, identity = check.find("dct"), check.find("identity")
    assert dct.psnr_db > identity.psnr_db
    assert identity.rate["detail"].share is None and identity.spearman is None
    # brightness hardly changes in fine coding: all signs must be right
    assert check.find("dct", 16).task["field"].share == 1 and dct.task["field"].cases == 12
    assert dct.rate["detail"].share > 0.5
    assert not proxy_check.accepted(identity)["gradient"]
    assert dct.rate["all"].cases == sum(dct.rate[k].cases for k in ("field", "detail", "gain"))
    assert seen[-1] == (12, 12)
    assert len(proxy_check.lines(check)) == 2 + 6 + 1 + 2


@needs_bpg
def test_preprocessor_is_applied_to_every_second_crop():
    crops = proxy_inputs.draw_crops(data_set(4, labelled=False), 4, 32)
    calls = []

    def preprocessor(image, qp):
        calls.append(qp)
        return image

    proxy_check.run(
        crops,
        {"identity": IdentityProxy()},
        BrightnessTask(),
        "brightness",
        proxy_check.Settings(qps=(37,)),
        preprocessor,
    )

    assert calls == [37, 37]


def test_too_little_to_check_is_refused():
    crops = proxy_inputs.draw_crops(data_set(), 2, 32)

    with pytest.raises(ValueError, match="crops must be at least 2, got 1"):
        proxy_check.run(crops[:1], {"dct": DctProxy()}, BrightnessTask(), "brightness")
    with pytest.raises(ValueError, match="proxies must name at least one"):
        proxy_check.run(crops, {}, BrightnessTask(), "brightness")


def test_crops_are_windows_of_their_pictures():
    found = proxy_inputs.draw_crops(data_set(3, 64), 5, 48, seed=2)

    assert [crop.name.split("#")[0] for crop in found] == ["s_0", "s_0", "s_1", "s_2", "s_2"]
    assert found[0].image.shape == (48, 48, 3) and found[0].label.shape == (48, 48)
    assert not np.array_equal(found[0].image, found[1].image)


def test_window_larger_than_a_picture_is_refused():
    with pytest.raises(ValueError, match=r"side must be at most 64 \(s_0\), got 65"):
        proxy_inputs.draw_crops(data_set(), 1, 65)


@needs_bpg
def test_command_writes_its_table_as_json(tmp_path, monkeypatch):
    import typer

    from scsc_core import data

    monkeypatch.setattr(model_choice, "load_segmenter", lambda *_, **__: BrightnessTask())
    monkeypatch.setattr(data, "open", lambda *arguments: data_set(2))
    app = typer.Typer()
    evaluate_proxy.register(app)
    output = tmp_path / "check.json"

    done = CliRunner().invoke(
        app,
        [
            *("--proxies", "dct,identity", "--crops", "2", "--side", "32"),
            *("--qps", "37", "--output", str(output)),
        ],
        catch_exceptions=False,
    )

    content = json.loads(output.read_text())
    assert done.exit_code == 0 and "identity" in done.output
    assert [(row["proxy"], row["qp"]) for row in content["rows"]] == [
        ("dct", 37),
        ("dct", None),
        ("identity", 37),
        ("identity", None),
    ]
    assert content["accepted"]["identity"]["gradient"] is False
