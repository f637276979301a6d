# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of schemes: equal uses, pictures chosen by channel, honest means."""

import numpy as np
import pytest

from scsc_core.config import LinkConfig
from scsc_core.evaluation.comparison import (
    SCHEMES,
    Received,
    compare,
    constellations,
    interesting_draws,
    summarise,
)
from scsc_core.link import SymbolLink


def send_symbols(config, image, count, keep):
    link = SymbolLink(config)
    results = [link.transmit(image) for _ in range(count)]
    return [
        Received(
            r.delivered,
            r.psnr_db,
            r.ms_ssim,
            r.channel_uses,
            r.block_errors,
            r.seconds,
            r.image if i in keep else None,
        )
        for i, r in enumerate(results)
    ]


@pytest.fixture(scope="module")
def picture():
    ramp = np.add.outer(np.arange(48), np.arange(64))
    return np.stack([ramp, 2 * ramp, 255 - ramp], -1).astype(np.uint8)


def test_comparison_writes_one_row_per_scheme_and_a_panel(tmp_path, picture):
    path = tmp_path / "panel.png"

    summaries = compare(LinkConfig(snr_db=6, seed=1), picture, 12, send_symbols, panel=path)

    assert [s.precoder for s in summaries] == [scheme.precoder for scheme in SCHEMES]
    assert len({s.cbr_k for s in summaries}) == 1
    assert all(s.interval[0] <= s.share <= s.interval[1] for s in summaries)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_missing_pictures_are_an_error(picture):
    def lossy(config, image, count, keep):
        return send_symbols(config, image, count, keep)[:-1]

    with pytest.raises(RuntimeError, match="2 of 3 pictures"):
        compare(LinkConfig(), picture, 3, lossy)


def test_shown_pictures_are_the_median_and_the_worst_quartile():
    config = LinkConfig(seed=4)
    drawn = interesting_draws(config, 101)

    assert set(drawn) == {"median channel", "worst quartile"}
    assert drawn["median channel"] != drawn["worst quartile"]


def test_lost_pictures_count_in_the_mean():
    received = [
        Received(True, 30.0, 0.9, 100, 0, {"detect": 0.001}),
        Received(False, 10.0, 0.1, 100, 3, {"detect": 0.003}),
    ]

    summary = summarise(SCHEMES[0], LinkConfig(), 9216, 1000, received)

    assert summary.psnr_db == 20
    assert summary.psnr_delivered_db == 30
    assert summary.share == 0.5
    assert summary.goodput_bits_per_use == 5
    assert summary.milliseconds["detect"] == pytest.approx(2)


def test_combiner_output_resembles_what_was_sent(picture):
    before, after = constellations(LinkConfig(snr_db=40, precoder="svd_equal", seed=2), picture, 0)

    assert before.shape == after.shape
    # the target of CEN is z, whose mean energy per antenna is 1
    assert 0.2 < np.mean(np.abs(after) ** 2) < 1.8
