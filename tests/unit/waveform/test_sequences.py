# SPDX-License-Identifier: GPL-3.0-or-later
"""Sequences of the frame against the check values of the format, and what they are chosen for."""

import numpy as np
import pytest

from scsc_core.waveform import sequences
from scsc_core.waveform.numerology import numerology

N = numerology("64")
ALL = [numerology(name) for name in ("64", "128", "256", "64-cp8")]


def papr_db(x) -> float:
    power = np.abs(x) ** 2
    return 10 * np.log10(power.max() / power.mean())


def test_short_training_has_its_check_values():
    expected = [-0.81650 - 0.81650j, -0.62919 + 1.06680j, 0.40825 + 0.81650j, 0.62919 - 1.06680j]

    np.testing.assert_allclose(sequences.stf_period()[:4], expected, atol=6e-6)  # five digits
    assert papr_db(sequences.stf_period()) < 2.15


def test_long_training_has_its_check_values():
    expected = [-1.10940, 0.72900 - 0.06557j]

    np.testing.assert_allclose(sequences.ltf_symbol(N)[:2], expected, atol=6e-6)


def test_pn9_is_a_maximal_sequence():
    bits = sequences.pn9()

    assert "".join(map(str, bits[:16])) == "1111111110000011"
    assert bits.sum() == 256
    signs = 1 - 2.0 * bits
    correlation = np.fft.ifft(np.abs(np.fft.fft(signs)) ** 2).real
    np.testing.assert_allclose(correlation[1:], -1, atol=1e-9)


def test_pilots_have_their_check_values():
    first = np.sign(sequences.pilots(N, 4)[..., 0].real)

    rows = ["".join("+" if p > 0 else "-" for p in row) for row in first]
    assert rows == ["----", "----", "-+++", "++--"]


def test_pilots_of_two_symbols_separate_the_antennas():
    sent = sequences.pilots(N, 8)

    products = (sent[..., 0] * sent[..., 1]).reshape(4, 2, -1).sum(1)
    np.testing.assert_allclose(products, 0, atol=1e-12)


def test_products_of_the_cover_hide_tones_and_shifts():
    products = sequences.cover_products()

    assert abs(products.sum()) == 1
    sidelobes = [abs(products[lag:] @ products[:-lag]) for lag in range(1, len(products))]
    assert max(sidelobes) <= 3


@pytest.mark.parametrize("n", ALL, ids=lambda n: n.name)
def test_training_has_unit_power_over_both_antennas(n):
    for part in (sequences.short_training(), np.stack([sequences.ltf_symbol(n)] * 2) / np.sqrt(2)):
        np.testing.assert_allclose((np.abs(part) ** 2).sum(0).mean(), 1, rtol=1e-12)
    assert sequences.long_training(n).shape == (2, 2 * n.ltf_block_samples)


@pytest.mark.parametrize("n", ALL, ids=lambda n: n.name)
def test_long_training_peaks_little(n):
    assert papr_db(sequences.ltf_symbol(n)) < 5.0


@pytest.mark.parametrize("n", ALL, ids=lambda n: n.name)
def test_carriers_come_back_from_time(n):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3, n.n_used)) + 1j * rng.standard_normal((3, n.n_used))

    np.testing.assert_allclose(sequences.to_carriers(sequences.to_time(x, n), n), x, atol=1e-12)


def test_sequences_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        sequences.short_training()[0, 0] = 0
