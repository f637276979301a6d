# SPDX-License-Identifier: GPL-3.0-or-later
"""Alamouti data frames as one table."""

import numpy as np
import pytest

from scsc_core import mimo
from scsc_core.waveform.alamouti import alamouti_index, alamouti_llr, alamouti_tables


def sent_and_received(modulation, noise_var, nsym=6, n_data=4, seed=1):
    rng = np.random.default_rng(seed)
    m = mimo.bits_per_symbol(modulation)
    index = rng.integers(0, 1 << m, nsym * n_data).astype(np.uint16)
    rows = alamouti_index(index, modulation, n_data)
    z = alamouti_tables(modulation)[0][rows].reshape(nsym, n_data, 2)
    h = rng.normal(size=(n_data, 2, 2)) + 1j * rng.normal(size=(n_data, 2, 2))
    y = np.einsum("dra,nda->drn", h, z)
    y += np.sqrt(noise_var / 2) * (rng.normal(size=y.shape) + 1j * rng.normal(size=y.shape))
    return index, z, h, y


@pytest.mark.parametrize("modulation", ["bpsk", "qpsk", "16qam", "64qam"])
def test_bits_come_back_without_noise(modulation):
    index, _, h, y = sent_and_received(modulation, 0.0)

    llr = alamouti_llr(y.astype(np.complex64), h, 1e-3, modulation)

    m = mimo.bits_per_symbol(modulation)
    bits = index[:, None] >> np.arange(m - 1, -1, -1) & 1
    np.testing.assert_array_equal(llr < 0, bits.reshape(-1))


def test_antennas_send_the_orthogonal_pair():
    index, z, _, _ = sent_and_received("qpsk", 0.0)
    symbols = mimo.product_alphabet(2, 1)[0][:, 0][index].reshape(3, 2, 4)

    np.testing.assert_allclose(z[0::2], np.stack([symbols[:, 0], symbols[:, 1]], -1))
    second = np.stack([-symbols[:, 1].conj(), symbols[:, 0].conj()], -1)
    np.testing.assert_allclose(z[1::2], second)


@pytest.mark.parametrize("modulation", ["qpsk", "16qam"])
def test_mean_row_energy_is_the_total_power(modulation):
    tables = alamouti_tables(modulation)

    assert (np.abs(tables) ** 2).sum(-1).mean() == pytest.approx(2.0)


def test_llrs_are_those_of_joint_maximum_likelihood():
    _, _, h, y = sent_and_received("qpsk", 0.5, nsym=2)

    llr = alamouti_llr(y.astype(np.complex64), h, 0.5, "qpsk").reshape(2, 4, 2)

    table, bits = mimo.product_alphabet(2, 2)
    for d in range(4):
        h1, h2 = h[d].T
        metric = np.zeros(16)
        for a_b, row in zip(table, range(16)):
            a, b = a_b
            first = y[d, :, 0] - (h1 * a + h2 * b)
            second = y[d, :, 1] - (-h1 * np.conj(b) + h2 * np.conj(a))
            metric[row] = -(np.abs(first) ** 2 + np.abs(second) ** 2).sum() / 0.5
        for k in range(4):
            zero, one = metric[bits[:, k] == 0], metric[bits[:, k] == 1]
            exact = np.logaddexp.reduce(zero) - np.logaddexp.reduce(one)
            assert llr[k // 2, d, k % 2] == pytest.approx(exact, rel=1e-3, abs=1e-3)
