# SPDX-License-Identifier: GPL-3.0-or-later
"""One budget of channel uses, and the quality that fits it."""

import numpy as np
import pytest

from scsc_core import codecs, preprocessing
from scsc_core.config import LinkConfig
from scsc_core.evaluation.controls import gaussian
from scsc_core.evaluation.equal_uses import TIGHT_QP, channel_use_budget, fit
from scsc_core.link import SymbolLink


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(3)
    ramp = np.add.outer(np.arange(64), np.arange(96))
    smooth = np.stack([ramp, 2 * ramp, 255 - ramp], -1)
    return np.clip(smooth % 256 + rng.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)


def channel_uses(config, image):
    return SymbolLink(config).transmit(image).channel_uses


@pytest.mark.parametrize("qp", [30, None])
def test_budget_of_a_quality_is_what_the_codec_alone_needs(picture, qp):
    budget = channel_use_budget(LinkConfig(qp=qp), picture)

    assert budget == channel_uses(LinkConfig(qp=qp or TIGHT_QP["bpg"]), picture)


def test_budget_of_a_rate_is_that_share_of_the_samples(picture):
    config = LinkConfig(mode="rate_matched", cbr_target=0.05)

    assert channel_use_budget(config, picture) == int(0.05 * picture.size)


@pytest.mark.parametrize("preparation", ["plain", "low_pass"])
@pytest.mark.parametrize("code_rate", ["1/3", "1/2"])
def test_fitted_picture_takes_no_more_than_the_budget(picture, preparation, code_rate):
    base = LinkConfig(code_rate=code_rate)
    budget = channel_use_budget(base, picture)

    fitted = fit(base, picture, budget, preparation)

    assert fitted.channel_uses == channel_uses(fitted.config, fitted.source) <= budget
    assert fitted.config.mode == "fixed"


def test_finest_quality_that_fits_is_taken(picture):
    base = LinkConfig()
    budget = channel_use_budget(base, picture)

    fitted = fit(base, picture, budget, "plain")

    finer = fitted.config.with_changes(qp=fitted.qp - 1)
    assert fitted.qp <= TIGHT_QP["bpg"]
    assert channel_uses(finer, picture) > budget


def test_low_pass_control_saves_bits_and_so_gets_a_finer_quality(picture):
    base = LinkConfig()
    budget = channel_use_budget(base, picture)

    plain, smooth = (fit(base, picture, budget, name) for name in ("plain", "low_pass"))

    assert np.array_equal(smooth.source, gaussian(picture, 0.7))
    assert smooth.qp < plain.qp


def test_decoded_picture_is_what_a_perfect_channel_delivers(picture):
    base = LinkConfig(snr_db=40, channel="awgn")
    fitted = fit(base, picture, channel_use_budget(base, picture), "plain")

    received = SymbolLink(fitted.config.with_changes(precoder="none")).transmit(picture)

    assert received.delivered
    assert np.array_equal(received.image, fitted.decoded)


def test_preprocessor_runs_anew_for_every_quality_tried(picture, monkeypatch):
    asked = []

    def preprocessor(image, qp):
        asked.append(qp)
        return image // 2

    monkeypatch.setattr(
        preprocessing, "load", lambda name, codec: preprocessor if name == "halving" else None
    )
    base = LinkConfig()
    budget = channel_use_budget(base, picture)

    fitted = fit(base, picture, budget, "ppen", "halving")

    assert len(set(asked)) == len(asked) > 3 and fitted.qp in asked
    assert fitted.config.ppen == "halving"
    expected = codecs.get("bpg").encode(picture // 2, fitted.qp)
    assert np.array_equal(fitted.decoded, codecs.get("bpg").decode(expected))


def test_budget_below_the_coarsest_quality_is_refused(picture):
    with pytest.raises(ValueError, match="budget of 40 channel uses is too small: plain needs"):
        fit(LinkConfig(), picture, 40, "plain")


def test_unknown_preparation_is_refused(picture):
    with pytest.raises(ValueError, match="preparation must be one of plain, low_pass, ppen"):
        fit(LinkConfig(), picture, 4000, "sharpen")


def test_adaptive_mode_is_refused(picture):
    with pytest.raises(ValueError, match="schemes share one code rate"):
        channel_use_budget(LinkConfig(mode="adaptive", cbr_target=0.1), picture)
