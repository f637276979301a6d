# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from mimo_golden import ml_llr, rayleigh, vectors

from scsc_core import mimo


def test_golden_combiner():
    golden = vectors()

    u2 = mimo.cen_matrix(golden["Z_net"], golden["H"], golden["N0"])

    assert np.abs(u2 - golden["U2_net"]).max() < 1e-5


@pytest.mark.parametrize("precoder", mimo.PRECODERS)
def test_ml_llrs_do_not_change_with_the_combiner(precoder):
    # link.md section 10 item 2; the channels include p = 1 (singular noise covariance)
    rng = np.random.default_rng(1)
    h, noise_var = rayleigh(25, 2), 0.6
    bits = mimo.product_alphabet(2, 2)[1]
    tables = mimo.transmit_table(h, noise_var, precoder)
    combiners = mimo.cen_matrix(tables, h, noise_var)
    for channel, table, u2 in zip(h, tables, combiners):
        noise = rng.standard_normal((16, 2)) + 1j * rng.standard_normal((16, 2))
        y = table @ channel.T + np.sqrt(noise_var / 2) * noise
        plain = ml_llr(y, table @ channel.T, noise_var * np.eye(2), bits)

        combined = ml_llr(y @ u2.T, table @ (u2 @ channel).T, noise_var * u2 @ u2.conj().T, bits)

        assert np.abs(plain - combined).max() < 1e-5


def test_golden_llrs():
    golden = vectors()
    bits = mimo.product_alphabet(2, 2)[1]
    wf = mimo.transmit_table(golden["H"], golden["N0"], "svd_wf")
    lite = mimo.transmit_table(golden["H"], golden["N0"], "pcen_lite")
    for key, tables in (("net", golden["Z_net"]), ("wf", wf), ("lite", lite)):
        for i, (h, noise_var) in enumerate(zip(golden["H"], golden["N0"])):
            y = tables[i][golden["index"][i]] @ h.T + golden["noise"][i]

            llr = ml_llr(y, tables[i] @ h.T, noise_var * np.eye(2), bits)

            expected = golden[f"llr_{key}_ml"][i]
            kept = np.abs(expected) < 600  # the reference floors its sums at 1e-300
            assert np.abs(llr - expected)[kept].max() < 1e-5


def test_closed_form_has_the_least_error():
    h = rayleigh(20, 3)
    table = mimo.transmit_table(h, 0.3)
    u2 = mimo.cen_matrix(table, h, 0.3)
    best = mimo.cen_loss(u2, table, h, 0.3)

    rng = np.random.default_rng(4)
    for _ in range(5):
        step = 0.05 * (rng.standard_normal((20, 2, 2)) + 1j * rng.standard_normal((20, 2, 2)))
        assert (mimo.cen_loss(u2 + step, table, h, 0.3) > best).all()


def test_one_shared_matrix_is_near_useless_on_random_channels():
    h = rayleigh(1000, 5)
    noise_var = 10**-0.4
    table = mimo.transmit_table(h, noise_var)

    shared = mimo.cen_matrix(table, h, noise_var, kind="shared")
    closed = mimo.cen_matrix(table, h, noise_var)

    # link.md section 6: 1.99 against .27 (at another SNR mix)
    assert mimo.cen_loss(shared, table, h, noise_var).mean() > 1.9
    assert mimo.cen_loss(closed, table, h, noise_var).mean() < 0.6
    assert np.abs(shared - shared[0]).max() == 0


def test_target_may_be_the_precoded_symbols():
    h = rayleigh(4, 6)
    table, info = mimo.transmit_table(h, 0.3, "svd_wf", return_info=True)
    target = mimo.product_alphabet(2, 2)[0] @ info["matrix"].swapaxes(1, 2)

    assert np.allclose(mimo.cen_matrix(table, h, 0.3, target), mimo.cen_matrix(table, h, 0.3))


def test_identity_is_the_bypass():
    h = rayleigh(3, 7)

    assert (
        mimo.cen_matrix(mimo.transmit_table(h, 1.0), h, 1.0, kind="identity") == np.eye(2)
    ).all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"kind": "open"}, "kind must be one of closed, identity, shared"),
        ({"target": "x"}, 'target must be "table"'),
        ({"target": np.ones((3, 2))}, "target must have the table's rows"),
        ({"noise_var": -1.0}, "noise_var must be > 0"),
        ({"h": np.ones((2, 3))}, "disagree"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"table": np.ones((16, 2)), "h": np.eye(2), "noise_var": 0.1} | change

    with pytest.raises(ValueError, match=message):
        mimo.cen_matrix(**arguments)
