# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of schemes: one budget, pictures chosen by channel, honest means."""

import numpy as np
import pytest

from scsc_core import preprocessing
from scsc_core.config import LinkConfig
from scsc_core.evaluation.comparison import (
    SCHEMES,
    Received,
    compare,
    interesting_draws,
    summarise,
)
from scsc_core.evaluation.comparison_panel import constellations, draw_comparison
from scsc_core.evaluation.controls import gaussian
from scsc_core.evaluation.equal_uses import channel_use_budget, fit
from scsc_core.evaluation.picture_scores import PictureScore, PictureScorer
from scsc_core.link import SymbolLink


class BrightnessSegmenter:
    """Class 0 for dark pixels, class 4 for bright ones."""

    def segment(self, image):
        return np.where(image.mean(-1) < 100, 0, 4).astype(np.uint8)


@pytest.fixture(scope="module")
def picture():
    ramp = np.add.outer(np.arange(48), np.arange(64))
    return np.stack([ramp, 2 * ramp, 255 - ramp], -1).astype(np.uint8)


@pytest.fixture(scope="module")
def scorer(picture):
    truth = np.where(np.add.outer(np.zeros(48), np.arange(64)) < 32, 0, 4).astype(np.uint8)
    return PictureScorer(picture, BrightnessSegmenter(), truth)


@pytest.fixture
def blurring(monkeypatch):
    """A pre-processor named "blurring"."""

    def load(name, codec):
        return (lambda image, qp: gaussian(image, 1.0)) if name == "blurring" else None

    monkeypatch.setattr(preprocessing, "load", load)
    return "blurring"


def sender(scorer):
    def send(scheme, config, image, count, keep):
        link = SymbolLink(config)
        results = [link.transmit(image) for _ in range(count)]
        return [
            Received(
                r.delivered,
                scorer.score(r.image),
                r.channel_uses,
                r.block_errors,
                r.seconds,
                r.image if i in keep else None,
            )
            for i, r in enumerate(results)
        ]

    return send


def test_comparison_has_one_row_per_scheme_within_the_budget(scorer, blurring):
    comparison = compare(LinkConfig(seed=1), scorer, 8, sender(scorer), blurring)

    assert [s.name for s in comparison.summaries] == [scheme.name for scheme in SCHEMES]
    assert all(0 < s.channel_uses <= comparison.budget for s in comparison.summaries)
    assert all(s.interval[0] <= s.share <= s.interval[1] for s in comparison.summaries)
    used = {s.name: s.ppen for s in comparison.summaries}
    assert used["scsc"] == used["scsc_without_pcen"] == blurring
    assert used["digital"] == used["low_pass_fair"] == used["scsc_without_ppen"] == "none"


def test_schemes_of_one_preparation_share_their_quality(scorer, blurring):
    comparison = compare(LinkConfig(seed=1), scorer, 2, sender(scorer), blurring)

    qualities = {}
    for row in comparison.rows:
        qualities.setdefault(row.scheme.preparation, set()).add(row.summary.qp)
    assert all(len(found) == 1 for found in qualities.values())


def test_without_a_preprocessor_its_schemes_are_left_out(scorer):
    comparison = compare(LinkConfig(seed=1), scorer, 2, sender(scorer), "none")

    assert [s.name for s in comparison.summaries] == [
        scheme.name for scheme in SCHEMES if scheme.preparation != "ppen"
    ]


def test_fit_of_each_preparation_is_reported(scorer):
    seen = []

    compare(
        LinkConfig(),
        scorer,
        1,
        sender(scorer),
        on_fit=lambda done, total: seen.append((done, total)),
    )

    assert seen == [(1, 2), (2, 2)]


def test_panel_of_a_comparison_is_a_png(scorer, blurring, tmp_path):
    comparison = compare(LinkConfig(seed=1), scorer, 4, sender(scorer), blurring)

    path = draw_comparison(tmp_path / "panel.png", comparison, scorer)

    assert path.read_bytes().startswith(b"\x89PNG")


def test_missing_pictures_are_an_error(scorer):
    send = sender(scorer)

    with pytest.raises(RuntimeError, match="digital: 2 of 3 pictures"):
        compare(LinkConfig(), scorer, 3, lambda *arguments: send(*arguments)[:-1])


def test_more_uses_than_the_budget_are_an_error(scorer):
    send = sender(scorer)

    def spendthrift(scheme, config, image, count, keep):
        return send(scheme, config.with_changes(qp=20), image, count, keep)

    with pytest.raises(RuntimeError, match=r"digital: \d+ channel uses, the budget is"):
        compare(LinkConfig(), scorer, 1, spendthrift)


@pytest.mark.parametrize(("fading", "same"), [("per_image", True), ("per_uses", False)])
def test_fading_is_called_the_same_only_when_it_is(scorer, blurring, fading, same):
    base = LinkConfig(fading=fading, fading_uses=1, qp=25)

    comparison = compare(base, scorer, 1, sender(scorer), blurring)

    blocks = {s.n_blocks for s in comparison.summaries}
    assert comparison.same_fading is same
    assert (len(blocks) == 1) is same


def test_shown_pictures_are_the_median_and_the_lower_quartile():
    config = LinkConfig(seed=4)
    drawn = interesting_draws(config, 101)

    assert set(drawn) == {"median channel", "lower quartile of channels"}
    assert drawn["median channel"] != drawn["lower quartile of channels"]


def test_lost_pictures_count_in_the_means(picture):
    fitted = fit(LinkConfig(), picture, channel_use_budget(LinkConfig(), picture), "plain")
    right, wrong = np.zeros((2, 7, 7), np.int64)
    right[0, 0] = wrong[0, 1] = 100
    labels = np.zeros((48, 64), np.uint8)
    whole = PictureScore(30.0, 0.9, labels, right)
    received = [
        Received(True, whole, 100, 0, {"detect": 0.001}),
        Received(False, PictureScore(10.0, 0.1, labels, wrong), 100, 3, {"detect": 0.003}),
    ]

    summary = summarise(SCHEMES[0], fitted, whole, received)

    assert summary.psnr_db == 20 and summary.psnr_undamaged_db == 30
    assert summary.task.pixel_accuracy == 0.5 and summary.undamaged.pixel_accuracy == 1
    assert summary.share == 0.5
    assert summary.goodput_bits_per_use == summary.bits_per_use / 2
    assert summary.milliseconds["detect"] == pytest.approx(2)


def test_combiner_output_resembles_what_was_sent(picture):
    config = LinkConfig(snr_db=40, precoder="svd_equal", seed=2)
    fitted = fit(config, picture, channel_use_budget(config, picture), "plain")

    before, after = constellations(config, fitted.payload, 0)

    assert before.shape == after.shape
    # the target of CEN is z, whose mean energy per antenna is 1
    assert 0.2 < np.mean(np.abs(after) ** 2) < 1.8
