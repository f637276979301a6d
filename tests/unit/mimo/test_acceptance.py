# SPDX-License-Identifier: GPL-3.0-or-later
"""Acceptance of link.md section 10 on the reference's 2000 seeded channels."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from mimo_golden import network, rayleigh, reference_means

from scsc_core import mimo
from scsc_core.evaluation import precoder_acceptance, precoder_table
from scsc_core.mimo.pcen import oracle_table, pcen_table
from scsc_core.mimo.precoding import situation

SNR_DB = (-2.0, 2.0, 6.0, 10.0)
# reference name -> ours; wf_had is left to svd_codebook
SCHEMES = {
    "none": "none",
    "wf": "svd_wf",
    "equal": "svd_equal",
    "mercury": "mercury",
    "rank_adaptive": "rank_adaptive",
    "lite": "pcen_lite",
}


@cache
def measured(scheme, snr_db):
    h, noise_var = rayleigh(2000), 10 ** (-snr_db / 10)
    return mimo.mutual_information(
        h, precoder_table.build_table(scheme, h, noise_var), noise_var, 64
    )[1]


@pytest.mark.parametrize("snr_db", SNR_DB)
@pytest.mark.parametrize("reference", SCHEMES)
def test_means_and_quantiles_equal_the_references(reference, snr_db):
    mean, error, quantile = reference_means()[reference, snr_db]

    found = measured(SCHEMES[reference], snr_db)

    # same channels and same noise: the file's four digits
    assert found.mean() == pytest.approx(mean, abs=2e-4)
    assert found.std() / np.sqrt(2000) == pytest.approx(error, abs=2e-4)
    assert np.quantile(found, 0.1) == pytest.approx(quantile, abs=2e-3)


@pytest.mark.parametrize("snr_db", [2.0, 10.0])
@pytest.mark.parametrize("reference", ["net", "lut"])
def test_reference_network_and_oracle_reach_their_means(reference, snr_db):
    h, noise_var = rayleigh(2000), 10 ** (-snr_db / 10)
    s = situation(h, np.full(2000, noise_var))
    table = oracle_table(s)[0] if reference == "lut" else pcen_table(s, network())[0]

    found = mimo.mutual_information(h, table, noise_var, 64)[1]

    assert found.mean() == pytest.approx(reference_means()[reference, snr_db][0], abs=2e-4)


@pytest.mark.parametrize("snr_db", [2.0, 6.0, 10.0])
def test_bundled_network_is_no_worse_than_the_reference_network(snr_db):
    # paired on equal channels; bounds of link.md section 10, row 6
    found = measured("pcen", snr_db)

    assert found.mean() >= reference_means()["net", snr_db][0]
    least, gain = {2.0: (3.08, 0.70), 6.0: (3.71, 0.80), 10.0: (3.94, 0.53)}[snr_db]
    assert found.mean() >= least
    assert found.mean() - measured("svd_wf", snr_db).mean() >= gain


def test_water_filled_baseline_is_where_the_design_says():
    # exact, on 50 000 channels of its own: seed 7's first 2000 are 2 to 3 standard errors low
    for snr_db, mean in ((2.0, 2.36), (6.0, 2.90), (10.0, 3.39)):
        value, error = precoder_acceptance.baseline_means()[snr_db]

        assert error < 0.004
        # the design rounds to .01; 3.3 standard errors of sampling
        assert abs(value - mean) <= 0.01 + 3.3 * error


def test_outage_of_the_saturated_baseline_is_reported_without_verdict():
    h, grid = rayleigh(2000), np.arange(-6.0, 19.0)
    names = ("svd_wf", "svd_codebook", "mercury", "rank_adaptive", "pcen_paper", "pcen_lut", "pcen")
    curves = np.stack([precoder_table.information("svd_wf", h, 10 ** (-snr / 10)) for snr in grid])
    rows = [precoder_table.summarise(name, "perfect CSI", curves, grid) for name in names]
    rows += [
        replace(rows[0], condition="CSI error 0.1"),
        replace(rows[-1], condition="CSI error 0.1"),
    ]

    outage = [
        c
        for c in precoder_acceptance.checks(precoder_table.PrecoderTable(rows, 2000, 7))
        if "10 % outage" in c.claim
    ]

    assert [c.passed for c in outage] == [None, False]
    wf = rows[0]
    assert wf.snr_for_outage[2.0] - wf.snr_for_outage_forgiving[2.0] > 1.5
    # no such freedom where the curve still rises
    assert wf.snr_for_outage[3.0] - wf.snr_for_outage_forgiving[3.0] < 0.05


@pytest.mark.parametrize("scheme", precoder_table.DECOUPLED)
def test_exact_information_of_decoupled_schemes_matches_the_sampled_one(scheme):
    h, noise_var = rayleigh(100), 0.5
    table = mimo.transmit_table(h, noise_var, scheme)

    sampled = mimo.mutual_information(h, table, noise_var, 1024)[1]
    exact = precoder_table.decoupled_information(scheme, h, noise_var, 2)

    # 1024 draws: .05 bit per channel, equal draws for all of them
    assert np.abs(sampled - exact).max() < 0.15
    assert abs((sampled - exact).mean()) < 0.03


def test_low_rates_lose_nothing():
    # row 8: mean rate 1 lies near -7.9 dB for both; compare the SNRs on a fine grid
    h = rayleigh(1000)
    grid = np.array([-9.0, -8.0, -7.0])
    snr = {}
    for scheme in ("pcen", "svd_wf"):
        means = [precoder_table.information(scheme, h, 10 ** (-g / 10)).mean() for g in grid]
        snr[scheme] = mimo.snr_at_rate(grid, means, 1.0)

    assert snr["pcen"] - snr["svd_wf"] <= 0.05


def test_bundled_network_is_near_the_oracle_and_rank_adaptation():
    h = rayleigh(1000)
    grid = np.array([-4.0, -3.0, -2.0, 1.0, 2.0])
    snr = {}
    for scheme in ("pcen", "pcen_lut", "rank_adaptive"):
        means = [precoder_table.information(scheme, h, 10 ** (-g / 10)).mean() for g in grid]
        snr[scheme] = [mimo.snr_at_rate(grid, means, rate) for rate in (2.0, 3.0)]

    gap = np.array(snr["pcen"]) - snr["pcen_lut"]
    assert gap.max() <= 0.1
    assert (np.array(snr["rank_adaptive"]) - snr["pcen"]).min() >= -0.05


def test_imperfect_csi_at_both_ends():
    # row 12 with 600 channels: the bound of -1.6 dB lies .35 dB above the expected value,
    # 2.5 dB of gain are expected where 2 are asked
    h = rayleigh(600)
    grid = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0])
    snr = {}
    for scheme in ("pcen", "svd_wf"):
        means = [
            precoder_table.imperfect_information(scheme, h, 10 ** (-g / 10), 0.1, 8).mean()
            for g in grid
        ]
        snr[scheme] = mimo.snr_at_rate(grid, means, 2.0)

    assert snr["pcen"] <= -1.6
    assert snr["svd_wf"] - snr["pcen"] >= 2.0


def test_unfolded_stays_close_to_the_default():
    h = rayleigh(100, 12)
    for snr_db, least in ((2.0, -0.10), (8.0, -0.08)):
        noise_var = 10 ** (-snr_db / 10)
        gap = precoder_table.information("pcen_unfolded", h, noise_var)
        gap = gap - precoder_table.information("pcen", h, noise_var)

        assert least < gap.mean() <= 0.01


def test_paper_variant_behaves_as_documented():
    # row 13, per SNR on 400 channels: below svd_wf at 0 dB, above it at 8 dB; points collapse
    h = rayleigh(400, 13)
    gain = []
    for snr_db in (0.0, 8.0):
        noise_var = 10 ** (-snr_db / 10)
        paper = precoder_table.information("pcen_paper", h, noise_var)
        gain.append((paper - precoder_table.information("svd_wf", h, noise_var)).mean())

    assert gain[0] < 0 < gain[1]
    table = mimo.transmit_table(h, 10**-0.2, "pcen_paper")
    distinct = [len(np.unique(np.round(rows, 6), axis=0)) for rows in table]
    assert 7 < np.mean(distinct) < 11


def test_quick_table_has_every_row_and_gives_no_verdict(monkeypatch):
    monkeypatch.setattr(precoder_table, "SCHEMES", ("capacity", "svd_wf", "pcen"))
    monkeypatch.setattr(precoder_table, "SNR_GRID_DB", np.array([-8.0, -2.0, 2.0, 6.0, 10.0]))

    table = precoder_table.run(channels=40)

    assert {row.condition for row in table.rows} == {
        "perfect CSI",
        "CSI error 0.1",
        "correlation 0.9",
        "16QAM",
    }
    assert table.find("capacity").mean[6.0] > table.find("pcen").mean[6.0]
    assert table.find("capacity", "16QAM").mean[6.0] > table.find("pcen_lite", "16QAM").mean[6.0]
    assert len(precoder_table.lines(table)) == len(table.rows) + 2
    with pytest.raises(KeyError, match="no row for pcen_lite"):
        table.find("pcen_lite")
    with pytest.raises(ValueError, match="channels must be at least 40"):
        precoder_table.run(channels=10)


def _row(scheme, condition="perfect CSI", shift=0.0):
    rates = {1.0: -8.0 + shift, 2.0: -2.8 + shift, 3.0: 1.4 + shift}
    means = {2.0: 3.1 - shift / 3, 6.0: 3.75 - shift / 3, 10.0: 3.97 - shift / 3}
    return precoder_table.SchemeRow(scheme, condition, 2000, means, {}, rates, rates, {}, rates)


def test_acceptance_fails_a_precoder_without_gain():
    names = ("svd_wf", "svd_codebook", "mercury", "rank_adaptive", "pcen_paper", "pcen_lut")
    rows = [_row(name) for name in (*names, "pcen")]
    rows += [_row(name, "CSI error 0.1") for name in ("svd_wf", "pcen")]

    results = precoder_acceptance.checks(precoder_table.PrecoderTable(rows, 2000, 7))
    by_number = {c.number: c.passed for c in results if "gain over svd_wf" in c.claim}
    few = precoder_acceptance.checks(precoder_table.PrecoderTable(rows, 1999, 7))

    assert by_number == {7: False, 10: False, 12: False, 13: False}
    assert all(c.passed is None for c in few if c.number != 5)
    assert [c.passed for c in few if c.number == 5] == [True, True, True]
    assert precoder_acceptance.lines(results)[0].startswith(("pass", "FAIL"))
