# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.evaluation import bootstrap


def test_blocks_end_with_their_sequence():
    names = [f"a_{i:03d}" for i in range(7)] + [f"b_{i:03d}" for i in range(3)]

    found = [block.tolist() for block in bootstrap.blocks(names, 5)]

    assert found == [[0, 1, 2, 3, 4], [5, 6], [7, 8, 9]]


def test_picture_without_a_sequence_stands_alone():
    assert [block.tolist() for block in bootstrap.blocks(["kodim01", "kodim02"], 5)] == [[0], [1]]


def test_counts_draw_whole_blocks():
    groups = [np.array(group) for group in ([0, 1], [2], [3, 4], [5], [6])]

    drawn = bootstrap.counts(groups, 50, seed=1)

    assert drawn.shape == (50, 7)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    np.testing.assert_array_equal(drawn[:, 3], drawn[:, 4])
    np.testing.assert_array_equal(drawn[:, [0, 2, 3, 5, 6]].sum(1), 5)


def test_equal_seeds_pair_the_resamples():
    groups = bootstrap.blocks([f"x_{i}" for i in range(9)], 2)

    once, again, other = (bootstrap.counts(groups, 20, seed) for seed in (3, 3, 4))

    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_sums_and_means_equal_the_written_out_resample():
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    drawn = np.array([[2, 0, 1], [0, 3, 0]])

    np.testing.assert_allclose(bootstrap.sums(drawn, values), [[6, 60], [6, 60]])
    np.testing.assert_allclose(bootstrap.means(drawn, values), [[2, 20], [2, 20]])


def test_interval_of_a_mean_agrees_with_its_standard_error():
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    drawn = bootstrap.counts(bootstrap.blocks([str(i) for i in range(400)], 1), 4000)

    low, high = bootstrap.interval(bootstrap.means(drawn, values))

    # +- 1.96 standard errors; percentiles of 4000 resamples scatter by about 3 %
    expected = 2 * 1.96 * values.std() / 20
    assert high - low == pytest.approx(expected, rel=0.1)
    assert low < values.mean() < high


def test_blocks_widen_the_interval_of_correlated_frames():
    values = np.repeat(np.random.default_rng(1).normal(size=40), 5)
    names = [f"s_{i}" for i in range(200)]

    widths = []
    for length in (1, 5):
        drawn = bootstrap.counts(bootstrap.blocks(names, length), 2000)
        low, high = bootstrap.interval(bootstrap.means(drawn, values))
        widths.append(high - low)

    # five equal frames count as one: sqrt(5) = 2.24
    assert widths[1] / widths[0] == pytest.approx(5**0.5, rel=0.15)


def test_interval_by_hand():
    assert bootstrap.interval(np.arange(1001.0)) == pytest.approx((25, 975))


def test_interval_needs_most_resamples():
    values = np.where(np.arange(100) < 11, np.nan, 1.0)

    assert bootstrap.interval(values) is None
    assert bootstrap.interval(values[1:]) is None
    assert bootstrap.interval(values[2:]) == (1, 1)


def test_p_value_counts_the_smaller_side_twice():
    differences = np.concatenate([-np.ones(97), np.ones(3)])

    assert bootstrap.p_value(differences) == pytest.approx(0.06)
    assert bootstrap.p_value(-np.ones(100)) == pytest.approx(0.02)
    assert bootstrap.p_value(np.zeros(100)) == 1


def test_holm_by_hand():
    assert bootstrap.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="block length must be at least 1"):
        bootstrap.blocks(["a"], 0)
    with pytest.raises(ValueError, match="at least one picture"):
        bootstrap.blocks([], 5)
    with pytest.raises(ValueError, match="resamples must be at least 1"):
        bootstrap.counts([np.array([0])], 0)
