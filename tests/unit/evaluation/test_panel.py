# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a comparison, and the interval of a share."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scsc_core.evaluation.panel import (
    CAPTION,
    CELL,
    Reception,
    SchemeColumn,
    SentColumn,
    draw,
    wilson_interval,
)

Z = 1.96
GREEN, ROSE, BLUE = (10, 200, 30), (200, 30, 120), (20, 60, 220)
LOST_RED = (0xB3, 0x26, 0x1E)
DOTS_PER_INCH = 110


def flat(colour):
    return np.full((40, 60, 3), colour, np.uint8)


SENT = SentColumn([("sent", flat(GREEN))], [("flat", (128, 64, 128)), ("sky", (70, 130, 180))])


def reception(image=GREEN, overlay=GREEN, delivered=True):
    return Reception(flat(image), flat(overlay), delivered, 31.4, 0.5, 0.9)


def column(title="scheme", receptions=None, samples=50):
    rng = np.random.default_rng(5)
    points = rng.normal(size=(2, samples)) + 1j * rng.normal(size=(2, samples))
    receptions = receptions or [reception()]
    return SchemeColumn(title, "note", "QP 37", 0.5, (0.2, 0.8), receptions, points[0], points[1])


def drawn(path, columns, rows=1, sent=SENT):
    draw(path, sent, columns, [f"channel {row}" for row in range(rows)], "title")
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def count(picture, colour):
    """Pixels of one exact colour."""
    return int((picture == colour).all(axis=-1).sum())


def test_panel_is_a_png_at_the_path_given(tmp_path):
    path = tmp_path / "panel.png"

    assert draw(path, SENT, [column()], ["channel"], "title") == path
    with Image.open(path) as image:
        assert image.format == "PNG"


def test_panel_shows_sent_and_received_picture_and_overlay(tmp_path):
    received = column(receptions=[reception(ROSE, BLUE)])

    picture = drawn(tmp_path / "a.png", [received])

    # Flat pictures keep their colour through any scaling; all fill cells of the same size.
    sent = count(picture, GREEN)
    assert sent > 1000
    assert count(picture, ROSE) == pytest.approx(sent, rel=0.1)
    assert count(picture, BLUE) == pytest.approx(sent, rel=0.1)


def test_second_picture_of_the_first_column_stands_beside_the_overlay(tmp_path):
    sent = SentColumn([("sent", flat(GREEN)), ("ground truth", flat(ROSE))], SENT.legend)

    picture = drawn(tmp_path / "a.png", [column(receptions=[reception(BLUE, BLUE)])], sent=sent)

    rows = [np.flatnonzero((picture == colour).all(-1).any(1)) for colour in (GREEN, ROSE)]
    assert rows[0].max() < rows[1].min()


def test_legend_shows_every_class_colour(tmp_path):
    picture = drawn(tmp_path / "a.png", [column()])

    for _, colour in SENT.legend:
        assert count(picture, colour) > 100


def test_lost_picture_is_marked_in_red(tmp_path):
    lost = drawn(tmp_path / "a.png", [column(receptions=[reception(delivered=False)])])
    delivered = drawn(tmp_path / "b.png", [column()])

    assert count(lost, LOST_RED) > 50
    assert count(delivered, LOST_RED) == 0


def test_panel_grows_by_two_rows_for_a_channel_and_a_column_for_a_scheme(tmp_path):
    three = [reception()] * 3
    small = drawn(tmp_path / "a.png", [column()])
    large = drawn(tmp_path / "b.png", [column("a", three), column("b", three)], rows=3)

    step = (CELL * 40 / 60 + CAPTION) * DOTS_PER_INCH
    assert large.shape[1] - small.shape[1] == pytest.approx(CELL * DOTS_PER_INCH, abs=1.5)
    assert large.shape[0] - small.shape[0] == pytest.approx(4 * step, abs=1.5)


def test_panel_of_the_same_values_is_the_same_picture(tmp_path):
    first, second = (drawn(tmp_path / name, [column()]) for name in ("a.png", "b.png"))

    assert np.array_equal(first, second)


def test_constellation_of_zeros_is_drawn(tmp_path):
    zeros = np.zeros(8, complex)
    silent = SchemeColumn("silent", "", "", 0.0, (0.0, 0.4), [reception()], zeros, zeros)

    assert drawn(tmp_path / "a.png", [silent]).size > 0


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # With p = 1/2 the interval is symmetric with half width z / (2 sqrt(n + z^2)).
        (5, 10, 0.5 - Z / 2 / math.sqrt(10 + Z * Z), 0.5 + Z / 2 / math.sqrt(10 + Z * Z)),
        # At the ends it is [0, z^2 / (n + z^2)] and its mirror picture.
        (0, 20, 0.0, Z * Z / (20 + Z * Z)),
        (20, 20, 20 / (20 + Z * Z), 1.0),
    ],
)
def test_wilson_interval_equals_its_closed_form(successes, trials, low, high):
    # 1e-12: only rounding differs between the two ways to write the formula.
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=1e-12)


def test_wilson_interval_without_trials_is_everything():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_interval_of_no_deviation_is_the_share_itself():
    assert wilson_interval(3, 8, z=0) == pytest.approx((0.375, 0.375), abs=1e-12)


@given(st.integers(1, 5000), st.data())
def test_wilson_interval_holds_the_share_and_mirrors_with_it(trials, data):
    successes = data.draw(st.integers(0, trials))

    low, high = wilson_interval(successes, trials)
    mirrored = wilson_interval(trials - successes, trials)

    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(st.integers(0, 50), st.integers(2, 20))
def test_wilson_interval_narrows_with_more_trials_of_the_same_share(successes, factor):
    low, high = wilson_interval(successes, 50)
    narrow_low, narrow_high = wilson_interval(successes * factor, 50 * factor)

    assert narrow_high - narrow_low < high - low


@pytest.mark.parametrize(("successes", "trials"), [(9, 3), (-1, 3)])
def test_wilson_interval_refuses_a_share_outside_0_to_1(successes, trials):
    with pytest.raises(ValueError):
        wilson_interval(successes, trials)
