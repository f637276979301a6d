# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core import codecs
from scsc_core.codecs.equivalent_qp import EQUIVALENT_QP, bpg_qp


def test_bpg_s_own_qp_stays():
    assert bpg_qp("bpg", 34) == 34.0


@pytest.mark.parametrize("codec", EQUIVALENT_QP)
def test_better_quality_means_a_lower_qp_over_the_whole_scale(codec):
    low, high = codecs.get(codec).quality_range
    better = np.linspace(low, high, 200)[:: 1 if codecs.get(codec).higher_is_better else -1]

    qps = [bpg_qp(codec, quality) for quality in better]

    assert all(a >= b for a, b in zip(qps, qps[1:])) and qps[0] - qps[-1] > 20
    assert 1 <= min(qps) and max(qps) <= 51


@pytest.mark.parametrize(("codec", "quality"), [("jpeg", 20), ("jpeg", 50), ("jpeg2000", 64)])
def test_equivalent_qualities_have_equal_rates(codec, quality, research_data):
    """A part of every third photograph, and whole QPs: within 15 % of the mean bits per pixel."""
    paths = sorted((research_data / "kodak").glob("*.png"))[::3]
    pictures = [codecs.load_image(path)[128:384, 128:384] for path in paths]
    if not pictures:
        pytest.skip("no Kodak photographs in the research data")
    qp = round(bpg_qp(codec, quality))

    sizes = [
        sum(len(codecs.get(name).encode(np.ascontiguousarray(picture), q)) for picture in pictures)
        for name, q in ((codec, quality), ("bpg", qp))
    ]

    assert sizes[0] == pytest.approx(sizes[1], rel=0.15)


def test_nodes_of_one_s_own_are_interpolated_in_any_order():
    assert bpg_qp("jpeg", 30, [(50, 20), (10, 40)]) == 30.0


@pytest.mark.parametrize("nodes", [[], [(1, 2)], [(1, 2, 3), (4, 5, 6)], [("a", 1), ("b", 2)], 7])
def test_bad_nodes_are_named(nodes):
    with pytest.raises(ValueError, match="nodes of jpeg must be two or more pairs"):
        bpg_qp("jpeg", 30, nodes)


def test_unknown_codec_is_named():
    with pytest.raises(ValueError, match="codec must be one of bpg, jpeg, jpeg2000, got 'gif'"):
        bpg_qp("gif", 30)
