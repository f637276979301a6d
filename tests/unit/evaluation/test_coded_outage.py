# SPDX-License-Identifier: GPL-3.0-or-later
import json
from dataclasses import replace

import numpy as np
import pytest

from scsc_core import cli, fec
from scsc_core.evaluation import coded_outage, precoder_acceptance, precoder_table
from scsc_core.evaluation.precoder_table import information, rayleigh


def _code(rate=0.5):
    return fec.NrLdpc(round(1296 * rate), 1296, 2, rate=rate)


def test_block_errors_follow_the_information_of_the_channel():
    # rate 2: codewords well below 2 bits of information are lost, those well above arrive
    h, noise_var = rayleigh(120, 3), 1.0
    lost = coded_outage.block_errors("pcen", h, noise_var, _code(), 5)

    bits = information("pcen", h, noise_var)

    # the code needs about .2 bit more than capacity at this length, and .05 bit are draws
    assert lost[bits < 1.9].all() and (bits < 1.9).sum() > 5
    assert not lost[bits > 2.5].any() and (bits > 2.5).sum() > 30


def test_equal_seeds_give_equal_errors():
    h, noise_var = rayleigh(60, 4), 1.0

    once, again = (coded_outage.block_errors("svd_wf", h, noise_var, _code(), 5) for _ in range(2))

    np.testing.assert_array_equal(once, again)
    assert 0 < once.sum() < 60


def test_crossing_interpolates_the_logarithm():
    snr_db = np.array([0.0, 2.0, 4.0])

    assert coded_outage.crossing(snr_db, [1.0, 0.4, 0.025]) == pytest.approx(3.0)
    # a bump counts: the SNR from which the rate stays below
    assert coded_outage.crossing(snr_db, [0.05, 0.2, 0.05]) == pytest.approx(3.0)
    # no error at all: as if .01 had been seen
    assert coded_outage.crossing(snr_db, [1.0, 1.0, 0.0]) == pytest.approx(3.0)


def test_crossing_out_of_range_is_infinite():
    assert coded_outage.crossing(np.array([0.0, 1.0]), [0.1, 0.05]) == -np.inf
    assert coded_outage.crossing(np.array([0.0, 1.0]), [0.5, 0.11]) == np.inf


def test_rows_pair_the_schemes_and_know_their_uncertainty():
    rows = coded_outage.run(60, schemes=("pcen",), code_rates=(0.5,), snr_db=np.arange(-4.0, 23, 2))

    wf, pcen = rows
    assert (wf.scheme, wf.gain_db, wf.gain_interval_db) == ("svd_wf", 0.0, (0.0, 0.0))
    assert pcen.gain_db == pytest.approx(wf.snr_db - pcen.snr_db)
    assert pcen.snr_interval_db[0] <= pcen.snr_db <= pcen.snr_interval_db[1]
    assert pcen.snr_interval_db[0] < pcen.snr_interval_db[1]
    # paired on equal channels, pcen is far ahead even with 60 of them
    assert pcen.gain_interval_db[0] > 1.0
    assert len(coded_outage.lines(rows)) == 4
    with pytest.raises(ValueError, match="channels must be at least 40, got 10"):
        coded_outage.run(10)


def test_verdict_needs_the_gain_and_enough_codewords():
    row = coded_outage.CodedRow("pcen", 0.75, 3.0, 400, {}, 5.0, (4.0, 6.0), 8.5, (7.0, 9.0))

    def verdict(**changes):
        return [c.passed for c in precoder_acceptance.coded_checks([replace(row, **changes)])]

    assert verdict() == [True]
    assert verdict(gain_db=7.9) == [False]
    assert verdict(channels=399) == [None]
    assert verdict(scheme="none") == []


def test_command_prints_rows_and_verdicts_and_writes_json(monkeypatch, tmp_path, capsys):
    rows = coded_outage.run(40, 7, ("pcen",), (0.5,), np.arange(-4.0, 23, 3))
    monkeypatch.setattr(coded_outage, "run", lambda channels, seed, progress: rows)

    status = cli.main(["evaluate", "coded", "--output", str(tmp_path / "coded.json")])

    assert status == 0
    assert "info  10  coded 10 % BLER gain over svd_wf" in capsys.readouterr().out
    content = json.loads((tmp_path / "coded.json").read_text())
    assert [row["scheme"] for row in content["rows"]] == ["svd_wf", "pcen"]
    assert content["checks"][0]["passed"] is None


def test_precoder_command_prints_verdicts_below_its_table(monkeypatch, tmp_path, capsys):
    table = precoder_table.PrecoderTable([], 2000, 7)
    check = precoder_acceptance.Check(8, "loss, dB", 0.2, "<= 0.05", False)
    monkeypatch.setattr(precoder_table, "run", lambda *_, progress: table)
    monkeypatch.setattr(precoder_acceptance, "checks", lambda measured: [check])

    status = cli.main(["evaluate", "precoders", "--output", str(tmp_path / "table.json")])

    assert status == 0
    assert "FAIL   8  loss, dB: 0.200 (<= 0.05)" in capsys.readouterr().out
    assert json.loads((tmp_path / "table.json").read_text())["checks"][0]["value"] == 0.2
