# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery inside training: extremes of SNR, the whole chain beside its estimate, seeds."""

import numpy as np
import pytest

from scsc_core import codecs, mimo
from scsc_core.codecs import bpg_planes
from scsc_core.training.delivery import (
    GAP_BITS,
    LinkDraw,
    abstract_delivery,
    draw_link,
    full_delivery,
)

pytestmark = pytest.mark.skipif(not bpg_planes.have_bpg(), reason="this build has no BPG codec")
SIZE = (64, 64)


@pytest.fixture(scope="module")
def coded():
    """A coded picture of noise: some kilobytes."""
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    codec = codecs.get("bpg", preset="medium")
    data = codec.encode(image, 31)
    return codec.decode(data), data


@pytest.mark.parametrize(("snr_db", "delivered"), [(40.0, True), (-20.0, False)])
@pytest.mark.parametrize("code_rate", ["1/6", "3/4"])
def test_extremes_of_snr(coded, snr_db, delivered, code_rate):
    draw = LinkDraw(np.eye(2, dtype=complex), snr_db, code_rate)

    assert abstract_delivery(draw) == delivered
    assert full_delivery(draw, coded[1], SIZE, 31, seed=0)[0] == delivered


def test_delivered_picture_is_the_codecs_and_a_lost_one_has_its_size(coded):
    picture, data = coded
    h = np.eye(2, dtype=complex)

    arrived = full_delivery(LinkDraw(h, 30.0, "1/2"), data, SIZE, 31, seed=0)[1]
    lost = full_delivery(LinkDraw(h, -20.0, "1/2"), data, SIZE, 31, seed=0)[1]

    assert np.array_equal(arrived, picture)
    assert lost.shape == picture.shape and not np.array_equal(lost, picture)


def test_estimate_agrees_with_the_whole_chain(coded):
    compared = []
    for index in range(40):
        draw = draw_link(3, 0, index, ("1/3", "3/4"), (-2.0, 12.0))
        noise_var = 10 ** (-draw.snr_db / 10)
        table = mimo.transmit_table(draw.h, noise_var, precoder="pcen", bits_per_symbol=2)
        information = float(mimo.mutual_information(draw.h, table, noise_var)[1])
        numerator, denominator = map(int, draw.code_rate.split("/"))
        margin = information - 4 * numerator / denominator - GAP_BITS
        # close to the threshold noise decides, and it should
        if abs(margin) > 0.4 and (margin < 0 or len(compared) < 6):
            whole = full_delivery(draw, coded[1], SIZE, 31, seed=index)[0]
            compared.append((abstract_delivery(draw), whole))

    assert {estimate for estimate, _ in compared} == {True, False}
    assert all(estimate == whole for estimate, whole in compared)


def test_draws_are_those_of_their_sample():
    rates = ("1/3", "1/2")

    first, same = (draw_link(0, 7, 3, rates, (2.0, 12.0)) for _ in range(2))
    others = [draw_link(*key, rates, (2.0, 12.0)) for key in ((0, 7, 4), (0, 8, 3), (1, 7, 3))]

    assert np.array_equal(first.h, same.h) and first.snr_db == same.snr_db
    assert all(not np.array_equal(first.h, other.h) for other in others)


def test_draws_have_the_stated_distribution():
    draws = [draw_link(0, 0, i, ("1/3", "1/2"), (2.0, 12.0)) for i in range(600)]

    power = np.mean([np.abs(d.h) ** 2 for d in draws])
    # 2400 exponential variables of mean 1: standard error .02, five of them allowed
    assert power == pytest.approx(1, abs=0.1)
    assert all(2 <= d.snr_db <= 12 for d in draws)
    share = np.mean([d.code_rate == "1/2" for d in draws])
    assert share == pytest.approx(0.5, abs=0.1)


def test_whole_chain_depends_on_its_seed_alone(coded):
    draw = LinkDraw(np.array([[1, 0.4], [0.2j, 0.7]]), 2.0, "3/4")

    first, same = (full_delivery(draw, coded[1], SIZE, 31, seed=5) for _ in range(2))

    assert first[0] == same[0] and np.array_equal(first[1], same[1])
