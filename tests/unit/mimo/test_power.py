# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from mimo_golden import vectors

from scsc_core import mimo
from scsc_core.mimo.grids import DATA


def test_waterfill_of_two_streams_matches_the_golden_fractions():
    golden = vectors()
    gains = np.stack([golden["g1"], golden["g2"]], -1)

    assert np.abs(mimo.waterfill(gains)[:, 0] - golden["p_wf"]).max() < 1e-12


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_waterfill_meets_the_optimality_conditions(n):
    gains = -np.sort(-np.random.default_rng(n).exponential(3, (200, n)), -1)

    p = mimo.waterfill(gains)

    assert np.allclose(p.sum(-1), 1) and (p >= 0).all()
    level = p + 1 / gains
    top = level[:, :1]
    assert np.allclose(np.where(p > 0, level, top), top)
    assert (level >= top - 1e-9).all()


@pytest.mark.parametrize("n_bits", [1, 2, 4])
def test_mercury_beats_a_scan_over_fractions(n_bits):
    # coded-modulation information equals BICM information for one real bit per dimension;
    # for 16QAM the two optima differ slightly, hence the wider tolerance
    gains = np.array([[30.0, 8.0], [8.0, 6.0], [3.0, 0.5]])
    scan = np.linspace(0, 1, 1001)

    p = mimo.mercury(gains, n_bits)[:, 0]

    def total(first):
        streams = np.stack([first, 1 - first], -1) * gains[:, None]
        return mimo.mi_qam(n_bits, streams).sum(-1)

    loss = total(np.broadcast_to(scan, (3, 1001))).max(-1) - total(p[:, None])[:, 0]
    assert loss.max() < (0.01 if n_bits == 4 else 0.006)


def test_mercury_of_equal_gains_is_equal_power():
    assert np.allclose(mimo.mercury(np.full((1, 3), 4.0), 4), 1 / 3, atol=1e-3)


def test_dead_channel_still_has_unit_total():
    assert mimo.mercury(np.zeros((1, 3)), 4).sum() == pytest.approx(1)
    assert mimo.waterfill(np.zeros((1, 3))).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "name, digest",
    [
        ("gain_grids", "fbc4095b5d4f505b880c322e485dac940dbfb16cdb811f31bc98e541c55ed747"),
        ("lite12", "b7e927a76e135bb1dcf4ae6a2140c6d4b6cfd17d9e1a72fd8732df3e7a51b229"),
    ],
)
def test_stored_grids_are_unchanged(name, digest):
    import hashlib

    with np.load(DATA / f"{name}.npz") as file:
        total = hashlib.sha256()
        for key in sorted(file):
            total.update(key.encode() + np.ascontiguousarray(file[key]).tobytes())

    assert total.hexdigest() == digest
