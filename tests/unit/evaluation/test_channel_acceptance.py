# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.evaluation import bench_channels
from scsc_core.evaluation.channel_acceptance import Comparison, Moments, compare


def test_moments_of_a_known_matrix():
    moments = Moments.of(np.array([[[1, 0], [0, 0.1]]] * 3))

    np.testing.assert_allclose(moments.condition_db, 20)
    assert moments.power == pytest.approx(1.01 / 4)
    assert moments.correlation_tx == moments.correlation_rx == 0
    assert moments.capacity == pytest.approx(np.log2(6) + np.log2(1.05))


def test_equal_columns_are_fully_correlated_at_the_transmitter():
    column = np.random.default_rng(1).standard_normal((2000, 2, 1))

    moments = Moments.of(np.concatenate([column, column], 2))

    assert moments.correlation_tx == pytest.approx(1)
    assert moments.correlation_rx < 0.1


def test_figure_passes_within_its_tolerance_only():
    assert Comparison("", 1.4, 1.0, 0.5).passed
    assert not Comparison("", 1.6, 1.0, 0.5).passed


def test_too_few_draws_are_refused():
    with pytest.raises(ValueError, match="draws must be >= 100, got 99"):
        compare(99)


def test_benchmark_shows_deviations_and_speeds(monkeypatch):
    monkeypatch.setattr(
        bench_channels, "compare", lambda n: [Comparison("x", 9.0, 10.0, 0.5, "dB")]
    )
    monkeypatch.setattr(bench_channels, "_SAMPLES", 256)

    rows = bench_channels.run(quick=True)

    assert (rows[0].value, rows[0].target, rows[0].met) == (1.0, 0.5, False)
    assert rows[0].condition == "9, reference 10"
    assert len(rows) == 1 + len(bench_channels._SPEEDS) and all(row.value > 0 for row in rows)
