# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from mimo_golden import rayleigh, vectors

from scsc_core import mimo


def rebuild(u, s, v):
    return (u * s[..., None, :]) @ v.conj().swapaxes(-1, -2)


@pytest.mark.parametrize("n_rx, n_tx", [(2, 2), (3, 2), (2, 4), (1, 1), (4, 4)])
def test_factors_rebuild_the_channel(n_rx, n_tx):
    h = rayleigh(50, 1, n_rx, n_tx)

    u, s, v = mimo.canonical_svd(h)

    assert np.abs(rebuild(u, s, v) - h).max() < 1e-12
    eye = np.eye(min(n_rx, n_tx))
    assert np.abs(u.conj().swapaxes(1, 2) @ u - eye).max() < 1e-12
    assert np.abs(v.conj().swapaxes(1, 2) @ v - eye).max() < 1e-12
    assert (np.diff(s) <= 0).all()


@pytest.mark.parametrize("n_rx, n_tx", [(2, 2), (2, 3)])
def test_first_row_of_v_is_real_and_not_negative(n_rx, n_tx):
    v = mimo.canonical_svd(rayleigh(200, 2, n_rx, n_tx))[2]

    assert np.abs(v[:, 0].imag).max() < 1e-15
    assert v[:, 0].real.min() >= 0


def test_closed_form_equals_lapack_with_canonical_phases():
    h = rayleigh(500, 3)
    u0, s0, vh = np.linalg.svd(h)
    v0 = vh.conj().swapaxes(1, 2)
    phase = np.exp(-1j * np.angle(v0[:, :1]))

    u, s, v = mimo.canonical_svd(h)

    # the vectors' condition is 1 / (s1^2 - s2^2); 500 Rayleigh draws keep it below 1e3
    assert np.abs(s - s0).max() < 1e-13
    assert np.abs(v - v0 * phase).max() < 1e-10
    assert np.abs(u - u0 * phase).max() < 1e-10


def test_golden_factors():
    golden = vectors()

    u, s, v = mimo.canonical_svd(golden["H"])

    assert np.abs(s - golden["s"]).max() < 1e-10
    assert np.abs(v - golden["V1"]).max() < 1e-10
    assert np.abs(u - golden["U1"]).max() < 1e-9  # nearly rank-one channels: phase of H v2


@pytest.mark.parametrize(
    "h",
    [
        np.eye(2),
        np.diag([1.0, 2.0]),
        np.zeros((2, 2)),
        np.ones((2, 2)),
        np.array([[0, 1j], [1, 0]]),
        np.array([[1, 0], [0, 0]]),
        1e-30 * np.ones((2, 2)) + np.diag([1e-30, 0]),
    ],
)
def test_special_channels_stay_unitary_and_exact(h):
    u, s, v = mimo.canonical_svd(h)

    assert np.isfinite(u).all() and np.isfinite(v).all()
    assert np.abs(rebuild(u, s, v) - h).max() <= 1e-14 * np.abs(h).max()
    assert np.allclose(u.conj().T @ u, np.eye(2), atol=1e-12)
    assert np.allclose(v.conj().T @ v, np.eye(2), atol=1e-12)


def test_column_phases_of_the_channel_factors_do_not_matter():
    u, s, v = mimo.canonical_svd(rayleigh(100, 4))
    turn = np.exp(1j * np.random.default_rng(0).uniform(0, 6.28, (100, 1, 2)))

    again = mimo.canonical_svd(rebuild(u * turn, s, v * turn))[2]

    assert np.abs(again - v).max() < 1e-9
