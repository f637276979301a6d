# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from mimo_golden import ml_llr, network, rayleigh, vectors

from scsc_core import mimo
from scsc_core.mimo.pcen import oracle_table, pcen_table, rotated_table
from scsc_core.mimo.precoding import situation

TOLERANCE = 1e-5  # float64 against float64; stored grids of the reference are float32


def golden_situation():
    golden = vectors()
    return situation(golden["H"], golden["N0"])


def test_reference_network_gives_the_golden_tables():
    golden = vectors()

    table, info = pcen_table(golden_situation(), network())

    assert np.abs(table - golden["Z_net"]).max() < TOLERANCE
    assert np.abs(info["matrix"] - golden["P_net"]).max() < TOLERANCE
    assert (info["kappa"] == golden["kappa_net"]).all()


def test_oracle_gives_the_golden_precoder():
    golden = vectors()

    info = oracle_table(golden_situation())[1]

    assert np.abs(info["matrix"] - golden["P_lut"]).max() < TOLERANCE
    assert (info["kappa"] == golden["kappa_lut"]).all()


@pytest.mark.parametrize("precoder, key", [("svd_wf", "G_wf"), ("mercury", "P_mercury")])
def test_linear_baselines_match_the_golden_matrices(precoder, key):
    golden = vectors()

    info = mimo.transmit_table(golden["H"], golden["N0"], precoder, return_info=True)[1]

    assert np.abs(info["matrix"] - golden[key]).max() < TOLERANCE


def test_lite_and_rank_adaptive_match_the_golden_tables():
    golden = vectors()
    h, noise_var = golden["H"], golden["N0"]

    lite, info = mimo.transmit_table(h, noise_var, "pcen_lite", return_info=True)
    assert np.abs(lite - golden["Z_lite4"]).max() < TOLERANCE
    assert (info["mode"] == golden["mode_lite4"]).all()

    info = mimo.transmit_table(h, noise_var, "pcen_lite", 4, return_info=True)[1]
    assert (info["mode"] == golden["mode_lite8"]).all()
    assert np.abs(info["p"][:, 0] - golden["p_lite8"]).max() < TOLERANCE

    table, info = mimo.transmit_table(h, noise_var, "rank_adaptive", return_info=True)
    assert np.abs(table - golden["Z_rank"]).max() < TOLERANCE
    assert (info["rank"] == golden["rank"]).all()


@pytest.mark.parametrize("selection", ["dmin", "mi"])
def test_codebook_choice_matches_the_golden_one(selection):
    golden = vectors()

    info = mimo.transmit_table(
        golden["H"], golden["N0"], "svd_codebook", selection=selection, return_info=True
    )[1]

    assert (info["vg"] == golden[f"vg_{selection}"]).all()


@pytest.mark.parametrize("precoder", mimo.PRECODERS)
@pytest.mark.parametrize("total_power", [2.0, 5.0])
def test_mean_row_energy_is_the_total_power(precoder, total_power):
    table = mimo.transmit_table(rayleigh(40), 0.3, precoder, total_power=total_power)

    energy = (np.abs(table) ** 2).sum(-1).mean(-1)
    assert table.shape == (40, 16, 2)
    assert np.abs(energy / total_power - 1).max() < 1e-6


@pytest.mark.parametrize("precoder", [p for p in mimo.PRECODERS if p not in ("none", "pcen_paper")])
def test_receiver_rotation_does_not_change_the_table(precoder):
    h = rayleigh(30, 5)
    q = mimo.canonical_svd(rayleigh(1, 6)[0])[0]

    table = mimo.transmit_table(h, 0.3, precoder)

    assert np.abs(mimo.transmit_table(q @ h, 0.3, precoder) - table).max() < 1e-8


@pytest.mark.parametrize("precoder", [p for p in mimo.PRECODERS if p not in ("none", "pcen_paper")])
def test_information_is_equivariant_under_transmitter_rotations(precoder):
    # z = V1 c: received points S = H Z keep their distances when H becomes H Q
    h = rayleigh(10, 8)
    q = mimo.canonical_svd(rayleigh(1, 9)[0])[0]

    def distances(channel):
        points = mimo.transmit_table(channel, 0.3, precoder) @ channel.swapaxes(1, 2)
        return (np.abs(points[:, :, None] - points[:, None]) ** 2).sum(-1)

    assert np.abs(distances(h @ q) - distances(h)).max() < 1e-6


@pytest.mark.parametrize("precoder", mimo.PRECODERS)
def test_batch_equals_single_calls_and_nested_leading_axes(precoder):
    h = rayleigh(6, 10)
    noise_var = np.linspace(0.1, 1, 6)

    table = mimo.transmit_table(h.reshape(2, 3, 2, 2), noise_var.reshape(2, 3), precoder)

    assert table.shape == (2, 3, 16, 2) and table.flags.c_contiguous
    for i in range(6):
        single = mimo.transmit_table(h[i], noise_var[i], precoder)
        assert np.abs(table.reshape(6, 16, 2)[i] - single).max() < 1e-9


@pytest.mark.parametrize("precoder", mimo.PRECODERS)
@pytest.mark.parametrize("h", [np.eye(2), np.ones((2, 2)), np.zeros((2, 2)), 1e3 * np.eye(2)])
def test_special_channels_give_finite_tables(precoder, h):
    table = mimo.transmit_table(h, 0.1, precoder)

    assert np.isfinite(table).all()
    assert (np.abs(table) ** 2).sum(-1).mean() == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize("precoder", mimo.PRECODERS[:6])
@pytest.mark.parametrize("n_tx, n_rx, n_streams, bits", [(4, 2, 2, 2), (3, 3, 3, 1), (1, 2, 1, 6)])
def test_baselines_take_other_sizes(precoder, n_tx, n_rx, n_streams, bits):
    h = rayleigh(3, 1, n_rx, n_tx)

    table = mimo.transmit_table(h, 0.2, precoder, bits, n_tx, n_streams)

    assert table.shape == (3, 2 ** (n_streams * bits), n_tx)
    assert np.allclose((np.abs(table) ** 2).sum(-1).mean(-1), n_tx)


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_lite_serves_its_three_classes(bits):
    table = mimo.transmit_table(rayleigh(4), 0.01, "pcen_lite", bits)

    assert table.shape == (4, 4**bits, 2)
    assert np.allclose((np.abs(table) ** 2).sum(-1).mean(-1), 2)


@pytest.mark.parametrize("use_bits, key", [(4, "gain_grids"), (8, "gain_grids"), (12, "lite12")])
def test_lite_grid_is_optimal_against_exact_information(use_bits, key):
    from scsc_core.mimo.grids import grids
    from scsc_core.mimo.pcen_lite import MODES, best_mode

    prefix = "" if use_bits == 12 else f"lite{use_bits}_"
    mode, p = grids(key)[prefix + "mode"], grids(key)[prefix + "p"].astype(float)
    i, j = np.array([(24, 24), (34, 24), (44, 30), (50, 49), (54, 20)]).T
    g1, g2 = 10 ** ((i - 24) / 10), 10 ** ((j - 24) / 10)

    best = best_mode(g1, g2, use_bits)[2]

    for cell in range(5):
        m1, m2 = MODES[use_bits][mode[i[cell], j[cell]]]
        first = p[i[cell], j[cell]] if m2 else 1.0
        stored = mimo.mi_qam(m1, first * g1[cell]) + mimo.mi_qam(m2, (1 - first) * g2[cell])
        assert best[cell] - stored < 2e-3  # the grid's steps of p


def test_bypass_equals_the_standard_chain():
    # link.md section 10 item 1: V_g = I decouples; LLR = 2 sqrt2 d Re(r) / N0
    rng = np.random.default_rng(0)
    bits = mimo.product_alphabet(2, 2)[1]
    for h in rayleigh(20, 11):
        table, info = mimo.transmit_table(h, 0.4, "svd_wf", return_info=True)
        noise = rng.standard_normal((16, 2)) + 1j * rng.standard_normal((16, 2))
        y = table @ h.T + np.sqrt(0.2) * noise
        u, s, _ = mimo.canonical_svd(h)
        r = y @ u.conj()
        closed = (2 * np.sqrt(2) / 0.4) * (s * np.sqrt(2 * info["p"])) * r

        llr = ml_llr(y, table @ h.T, 0.4 * np.eye(2), bits)

        assert np.abs(llr[:, 0::2] - closed.real).max() < 1e-5
        assert np.abs(llr[:, 1::2] - closed.imag).max() < 1e-5


@pytest.mark.parametrize("precoder", ["pcen", "pcen_lite", "pcen_unfolded", "pcen_paper"])
def test_enhancements_refuse_other_sizes_and_alphabets(precoder):
    with pytest.raises(ValueError, match="n_tx = n_rx = n_streams = 2 only, got 4, 2, 2"):
        mimo.transmit_table(np.ones((2, 4)), 0.1, precoder)
    with pytest.raises(ValueError, match="got 2, 2, 1"):
        mimo.transmit_table(np.eye(2), 0.1, precoder, n_streams=1)
    with pytest.raises(ValueError, match="qpsk.* only, got bits_per_symbol 8 .256qam."):
        mimo.transmit_table(np.eye(2), 0.1, precoder, bits_per_symbol=8)
    assert not mimo.supports(precoder, 8) and mimo.supports(precoder, 2)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"precoder": "pcen-lite"}, "precoder must be one of none, svd_wf"),
        ({"noise_var": 0.0}, "noise_var must be > 0"),
        ({"noise_var": np.nan}, "noise_var must be > 0"),
        ({"noise_var": np.ones(3)}, "noise_var must be a number or"),
        ({"h": np.ones(2)}, "h must be"),
        ({"h": np.full((2, 2), np.nan)}, "h must be finite"),
        ({"bits_per_symbol": 3}, "bits_per_symbol must be 1, 2, 4, 6 or 8, got 3"),
        ({"total_power": -1.0}, "total_power must be > 0"),
        ({"n_streams": 3}, "n_streams must be 1 .. min.n_tx, n_rx. = 2, got 3"),
        ({"selection": "best"}, "selection must be one of dmin, mi"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"h": np.eye(2), "noise_var": 0.1, "precoder": "svd_wf"} | change

    with pytest.raises(ValueError, match=message):
        mimo.transmit_table(**arguments)


def test_information_of_rotated_table_is_that_of_its_label_map():
    # kappa permutes rows only: the set of points stays, the labels move
    s = situation(rayleigh(1), np.array([0.2]))
    one = np.ones(1)

    identity = rotated_table(s, 0.7 * one, one, one, np.array([0]))[0][0]
    xor = rotated_table(s, 0.7 * one, one, one, np.array([1]))[0][0]

    gap = np.abs(identity[:, None] - xor).sum(-1).min(1)
    assert gap.max() < 1e-12 and np.abs(identity - xor).max() > 0.1
