# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture that the loopback flowgraph sends again is prepared once and delivered every time."""

import numpy as np
import pytest
from gnuradio import scsc
from PIL import Image

from scsc_core import preprocessing
from scsc_core.config import LinkConfig
from scsc_core.link import SymbolLink

RAMP = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)
IMAGE = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=-1)


@pytest.fixture
def calls(monkeypatch):
    """Qualities that a pre-processor named "halving" was asked for."""
    asked = []

    def halve(image, qp):
        asked.append(qp)
        return image // 2

    monkeypatch.setattr(preprocessing, "check", lambda name: None)
    monkeypatch.setattr(
        preprocessing, "load", lambda name, *rest: None if name == "none" else halve
    )
    return asked


@pytest.fixture
def paths(tmp_path):
    for name, image in (("a", IMAGE), ("b", IMAGE[::-1])):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    return [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


CONFIG = LinkConfig(qp=30, ppen="halving", snr_db=40, channel="awgn", precoder="none")


def test_one_picture_sent_again_is_prepared_once(calls, paths):
    results = scsc.loopback(CONFIG, paths[:1], repeat=4).execute()

    assert calls == [30]
    assert len(results) == 4 and all(result.delivered for result in results)
    expected = SymbolLink(CONFIG).transmit(IMAGE).image
    assert all(np.array_equal(result.image, expected) for result in results)


def test_different_pictures_are_prepared_each(calls, paths):
    results = scsc.loopback(CONFIG, paths, repeat=2).execute()

    assert calls == [30] * 4
    assert len(results) == 4 and all(result.delivered for result in results)
