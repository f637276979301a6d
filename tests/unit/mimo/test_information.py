# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from mimo_golden import ml_llr, rayleigh, vectors

from scsc_core import mimo
from scsc_core.mimo import information


def test_golden_information():
    golden = vectors()
    wf = mimo.transmit_table(golden["H"], golden["N0"], "svd_wf")

    for table, key in ((golden["Z_net"], "mi_net"), (wf, "mi_wf")):
        bicm = mimo.mutual_information(golden["H"], table, golden["N0"])[1]
        assert np.abs(bicm - golden[key]).max() < 1e-5


def test_factored_and_direct_sums_agree(monkeypatch):
    golden = vectors()
    arguments = golden["H"][:12], golden["Z_net"][:12], golden["N0"][:12], 32
    factored = mimo.mutual_information(*arguments)

    monkeypatch.setattr(information, "_SAFE_EXPONENT", 0.0)
    direct = mimo.mutual_information(*arguments)

    assert np.abs(np.array(factored) - np.array(direct)).max() < 1e-10


def test_decoupled_streams_match_gauss_hermite():
    h, noise_var = rayleigh(40, 2), 0.3
    table, info = mimo.transmit_table(h, noise_var, "svd_wf", return_info=True)

    bicm = mimo.mutual_information(h, table, noise_var, 4096)[1]

    exact = mimo.mi_qam(2, info["p"] * info["gains"]).sum(-1)
    # the densities have a standard deviation of about one bit and 2048 independent draws
    # serve a channel: .02 bit; the errors of the channels share their draws
    assert np.abs(bicm - exact).max() < 0.08
    assert abs((bicm - exact).mean()) < 0.02


@pytest.mark.parametrize("noise_var", [1e-9, 1e9])
def test_limits_are_all_bits_and_none(noise_var):
    h = rayleigh(3, 3)
    table = mimo.transmit_table(h, noise_var, "none")

    cm, bicm = mimo.mutual_information(h, table, noise_var, 64)

    expected = 4 if noise_var < 1 else 0
    # sums of 16 terms in float32: some units in the last place of 4
    assert np.abs(cm - expected).max() < 4e-6 and np.abs(bicm - expected).max() < 4e-6


def test_bicm_never_exceeds_coded_modulation():
    h = rayleigh(50, 4)
    cm, bicm = mimo.mutual_information(h, mimo.transmit_table(h, 0.5), 0.5, 128)

    assert (bicm <= cm + 0.01).all()  # sampling error of 128 draws


def test_scalar_call_gives_floats_and_batches_broadcast():
    h = rayleigh(6, 5)
    table = mimo.transmit_table(h, 0.4)

    assert isinstance(mimo.mutual_information(h[0], table[0], 0.4)[1], float)
    noise_var = np.array([0.4, 0.8])[:, None]
    assert mimo.mutual_information(h, table, noise_var, 16)[0].shape == (2, 6)


def test_mismatched_information_is_the_information_of_wrong_llrs():
    golden = vectors()
    h, table = golden["H"][9], golden["Z_net"][9]
    h_used = h + 0.2 * rayleigh(1, 6)[0]
    noise = information.antithetic_noise(256, 2, 0)
    bits = mimo.product_alphabet(2, 2)[1]
    llr = [
        ml_llr(row @ h.T + np.sqrt(0.3) * noise, table @ h_used.T, 0.5 * np.eye(2), bits)
        for row in table
    ]
    expected = mimo.gmi_from_llr(np.concatenate(llr), np.repeat(bits, 256, axis=0))

    found = mimo.mismatched_information(h, h_used, table, 0.3, 0.5, 256)

    assert found == pytest.approx(expected, abs=1e-9)


def test_naive_receiver_loses_information():
    h = rayleigh(30, 7)
    h_used = h + 0.3 * rayleigh(30, 8)
    table = mimo.transmit_table(h_used, 0.05)

    naive = mimo.mismatched_information(h, h_used, table, 0.05, 0.05, 64).mean()
    aware = mimo.mismatched_information(h, h_used, table, 0.05, 0.3, 64).mean()

    assert naive < aware - 0.5


def test_qpsk_information_is_twice_the_binary_input_capacity():
    # the binary-input AWGN capacity is 1/2 bit at Es/N0 = -2.82 dB (rate 1/2: Eb/N0 = 0.187 dB)
    assert mimo.mi_qam(2, 10 ** ((-2.823 + 3.0103) / 10)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("n_bits", [1, 4, 6])
def test_qam_information_matches_the_sampled_one(n_bits):
    points = mimo.qam(n_bits)[0][:, None]

    sampled = mimo.mutual_information(np.eye(1), points, 0.1, 4096)[1]

    assert sampled == pytest.approx(float(mimo.mi_qam(n_bits, 10.0)), abs=0.08)  # as above


def test_interpolated_qam_information_is_close():
    snr = 10 ** np.linspace(-4, 4, 57)
    for n_bits in (1, 2, 4, 6):
        error = information.mi_qam_interpolated(n_bits, snr) - mimo.mi_qam(n_bits, snr)
        assert np.abs(error).max() < 1e-4


def test_noise_is_antithetic_with_unit_power():
    noise = information.antithetic_noise(64, 3, 1)

    assert np.allclose(noise[:32], -noise[32:])
    assert np.allclose((np.abs(noise) ** 2).mean(0), 1)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"noise_var": 0.0}, "noise_var must be > 0"),
        ({"table": np.ones((3, 2))}, "power of two of rows, got 3"),
        ({"table": np.ones((4, 3))}, "disagree"),
        ({"samples": 7}, "samples must be even"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"h": np.eye(2), "table": np.ones((4, 2)), "noise_var": 0.1} | change

    with pytest.raises(ValueError, match=message):
        mimo.mutual_information(**arguments)


def test_outage_tools():
    snr = np.array([0.0, 2.0, 4.0])
    curve = np.array([1.0, 2.0, 4.0])

    assert mimo.snr_at_rate(snr, curve, 3.0) == pytest.approx(3.0)
    assert mimo.snr_at_rate(snr, curve, 1.0) == 0.0
    assert mimo.snr_at_rate(snr, curve, 0.5) == -np.inf
    assert mimo.snr_at_rate(snr, curve, 5.0) == np.inf
    assert mimo.outage_rate(np.array([[1, 2, 3, 4.0]]), 2.5)[0] == 0.5
    assert mimo.rate_at_outage(np.arange(11.0), 0.1) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="snr_db must rise"):
        mimo.snr_at_rate(snr[::-1], curve, 3.0)
    with pytest.raises(ValueError, match="probability must be in"):
        mimo.rate_at_outage(curve, 1.0)
