# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core import mimo
from scsc_core.mimo.constellation import mixed_alphabet, qam, xor_permutation

NAMES = list(mimo.MODULATIONS)


def signs(bits):
    return 1.0 - 2.0 * bits.astype(float)


@pytest.mark.parametrize("name", NAMES)
def test_mean_energy_is_one(name):
    points, _ = mimo.constellation(name)

    assert np.isclose((np.abs(points) ** 2).mean(), 1, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_row_index_is_the_value_of_the_bits(name):
    points, bits = mimo.constellation(name)

    m = mimo.bits_per_symbol(name)
    assert (bits @ (1 << np.arange(m - 1, -1, -1)) == np.arange(len(points))).all()


@pytest.mark.parametrize("name", ["qpsk", "16qam", "64qam", "256qam"])
def test_nearest_neighbours_differ_in_one_bit(name):
    points, bits = mimo.constellation(name)
    distance = np.abs(points[:, None] - points)
    near = np.isclose(distance, distance[distance > 0].min())

    assert ((bits[:, None] != bits).sum(-1)[near] == 1).all()


def test_bpsk_and_256qam_follow_the_standards_formulas():
    points, bits = mimo.constellation("bpsk")
    s = signs(bits)
    assert np.allclose(points, (1 + 1j) * s[:, 0] / np.sqrt(2))

    points, bits = mimo.constellation("256qam")
    s = signs(bits)
    real = s[:, 0] * (8 - s[:, 2] * (4 - s[:, 4] * (2 - s[:, 6])))
    imaginary = s[:, 1] * (8 - s[:, 3] * (4 - s[:, 5] * (2 - s[:, 7])))
    assert np.allclose(points, (real + 1j * imaginary) / np.sqrt(170))


def test_product_alphabet_puts_stream_one_first():
    symbols, bits = mimo.product_alphabet(4, 2)
    points, labels = qam(4)

    assert (symbols[:, 0] == np.repeat(points, 16)).all()
    assert (symbols[:, 1] == np.tile(points, 16)).all()
    assert (bits[:, :4] == np.repeat(labels, 16, axis=0)).all()


def test_silent_stream_has_one_point_at_zero():
    assert (mixed_alphabet((4, 0))[:, 1] == 0).all()


def test_xor_map_makes_the_weighted_sum_gray_16qam():
    symbols = mimo.product_alphabet(2, 2)[0][xor_permutation()]
    summed = (2 * symbols[:, 0] - symbols[:, 1]) / np.sqrt(5)

    distance = np.abs(summed[:, None] - summed)
    near = np.isclose(distance, distance[distance > 1e-9].min())
    bits = mimo.product_alphabet(2, 2)[1]
    assert ((bits[:, None] != bits).sum(-1)[near] == 1).all()


def test_xor_map_is_its_own_inverse():
    order = xor_permutation()

    assert (order[order] == np.arange(16)).all()


@pytest.mark.parametrize("bad", ["8psk", "QPSK", "", None])
def test_unknown_modulation_names_the_known_ones(bad):
    with pytest.raises(ValueError, match="bpsk, qpsk, 16qam, 64qam, 256qam"):
        mimo.bits_per_symbol(bad)
