# SPDX-License-Identifier: GPL-3.0-or-later
"""Too few blocks of frames for an interval, values that make no curve, frames without labels."""

import json

import numpy as np
import pytest

from scsc_core import cli, data
from scsc_core.data import Sample
from scsc_core.evaluation import (
    bench_nets,
    bootstrap,
    link_report,
    ppen_inputs,
    ppen_report,
    proxy_check,
    scsc_link,
    task_scores,
)
from scsc_core.evaluation.checks import check_rising, check_workers
from scsc_core.evaluation.ppen_experiment import Experiment, Settings
from scsc_core.evaluation.ppen_points import Judge

QPS = (28, 34, 40, 46)


@pytest.fixture(scope="module")
def network(classify):
    return Judge("brightness", "brightness-1", classify)


def verdicts(lines):
    """Words of tables that judge a difference, and bounds of intervals."""
    told = [line for line in lines if line.startswith("|")]
    return [word for word in ("better", "worse", "[+", "[-") for line in told if word in line]


def test_fewer_than_five_blocks_give_no_resamples():
    four, five = (bootstrap.counts([np.array([i]) for i in range(n)], 50) for n in (4, 5))

    assert four.shape == (0, 4) and five.shape == (50, 5)
    assert bootstrap.interval(bootstrap.means(four, np.arange(4.0))) is None
    assert bootstrap.p_value(bootstrap.sums(four, np.arange(4.0))) == 1


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        (1, "No intervals and no verdicts: 1 block of up to 5 frames, at least 5 blocks are"),
        (5, "Intervals: 95 %, 2000 resamples of 5 blocks of up to 5 frames."),
    ],
)
def test_table_says_what_its_intervals_are_of(blocks, told):
    assert bootstrap.described(2000, blocks, 5).startswith(told)


@pytest.mark.parametrize(("count", "shown"), [(1, False), (4, False), (5, True)])
def test_pre_processors_are_judged_from_five_blocks_on(
    tmp_path, frames, network, flattener, count, shown
):
    settings = Settings(
        tmp_path, "synthetic", split="val", controls="none", qps=QPS, block=1, resamples=100
    )

    result = Experiment(settings, None, frames[:count], [flattener], [network]).run()

    found = ppen_report.lines(result)
    comparisons = [c for _, c in result.judges[0].sets[0].comparisons]
    assert any(c.interval is not None for c in comparisons) is shown
    assert all(row.miou_interval is None for row in ppen_report.rows(result)) is not shown
    assert bool(verdicts(found)) is shown
    assert any(line.startswith("No intervals and no verdicts") for line in found) is not shown
    assert all(file.is_file() for file in ppen_report.write(result, tmp_path / "out", 1.0))


@pytest.mark.parametrize(("count", "shown"), [(1, False), (5, True)])
def test_links_are_judged_from_five_blocks_on(tmp_path, frames, network, flattener, count, shown):
    settings = scsc_link.Settings(
        tmp_path, "flattener", data="synthetic", cbr_target=0.05, snrs_db=(3.0,), draws=2, block=1
    )

    result = scsc_link.Experiment(settings, frames[:count], flattener, network).run()

    found = link_report.lines(result)
    assert bool(verdicts(found)) is shown
    assert all(gain.interval is None for gain in link_report.gains(result)) is not shown
    assert any(line.startswith("No intervals and no verdicts") for line in found) is not shown
    assert all(file.is_file() for file in link_report.write(result, tmp_path / "out", 1.0))


@pytest.mark.parametrize(("count", "shown"), [(4, False), (5, True)])
def test_task_network_has_intervals_from_five_blocks_on(monkeypatch, frames, network, count, shown):
    monkeypatch.setattr(task_scores, "frames", lambda *_: frames[:count])
    monkeypatch.setattr(task_scores, "judge", lambda name: network)

    lines = task_scores.lines(task_scores.run(("brightness",), block=1))

    assert any("[n/a]" in line for line in lines) is not shown
    assert any("No intervals" in line for line in lines) is not shown


def test_few_crops_give_no_interval_and_no_verdict():
    agreement = proxy_check.agreement(np.ones((4, 3)), np.ones((4, 3)))
    found = dict.fromkeys(("field", "detail", "gain", proxy_check.ALL), agreement)
    row = proxy_check.ProxyRow("dct", None, 40.0, 0.99, found, found)

    lines = proxy_check.lines(proxy_check.ProxyCheck([row], 4, "t", proxy_check.Settings()))

    assert agreement.share == 1 and agreement.interval is None
    assert lines[-1] == "no verdict below 5 crops" and "no intervals below 5 crops" in lines[0]


@pytest.mark.parametrize(
    ("values", "shown"),
    [((), "none"), ((37, 37), "37,37"), ((41, 37), "41,37"), ((0, 37), "0,37"), ((52,), "52")],
)
def test_values_that_do_not_rise_in_range_are_refused(values, shown):
    with pytest.raises(ValueError, match=f"qps must rise without repeats in 1..51, got {shown}$"):
        check_rising("qps", values, 1, 51)


@pytest.mark.parametrize("workers", [0, 1025, 10**8])
def test_workers_are_bounded(workers):
    with pytest.raises(ValueError, match=f"workers must be in 1..1024, got {workers}"):
        check_workers(workers)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["proxycheck", "--qps", ""], "qps must rise without repeats in 1..51, got none"),
        (["proxycheck", "--qps", "37,37"], "qps must rise without repeats in 1..51, got 37,37"),
        (["ppen", "--qps", ""], "qps must rise without repeats in 1..51, got none"),
        (["ppen", "--workers", "100000000"], "workers must be in 1..1024, got 100000000"),
        (
            ["scsc-link", "--ppen", "x", "--snr-db", "2,2"],
            "snr_db must rise without repeats in -50..100, got 2,2",
        ),
        (
            ["scsc-link", "--ppen", "x", "--snr-db", "nan"],
            "snr_db must rise without repeats in -50..100, got nan",
        ),
        (["scsc-link", "--ppen", "x", "--workers", "2000"], "workers must be in 1..1024"),
    ],
)
def test_bad_value_gets_one_line(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    status = cli.main(["evaluate", *words])

    shown = capsys.readouterr().err
    assert status == 2 and shown.count("\n") == 1
    assert told in shown


@pytest.fixture
def unlabelled(monkeypatch):
    """A data set whose labels are all 255."""
    label = np.full((32, 32), 255, np.uint8)
    sample = Sample(np.zeros((32, 32, 3), np.uint8), label, "s_0", "none")
    found = data.Dataset("camvid", "test", 7, "none", ("s_0",), lambda index: sample)
    monkeypatch.setattr(ppen_inputs.data, "open", lambda *_, **__: found)


@pytest.mark.parametrize(
    "words", [["task", "--networks"], ["ppen", "--controls", "none", "--judges"]]
)
def test_frames_without_a_scored_pixel_are_refused(
    unlabelled, untrained_models, words, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    status = cli.main(["evaluate", *words, "erf-pspnet-streets-7"])

    shown = capsys.readouterr().err
    assert status == 2 and "no pixel of 1 frames of test has a label in 0..6" in shown
    assert not list(tmp_path.rglob("points.jsonl"))


def test_coded_and_uncoded_points_stand_in_one_table(tmp_path, frames, network, flattener):
    settings = Settings(tmp_path, "synthetic", split="val", controls="none", qps=QPS, block=1)

    result = Experiment(settings, None, frames[:1], [flattener], [network]).run()

    lines = ppen_report.lines(result)
    start = next(i for i, line in enumerate(lines) if line.startswith("| source"))
    table = [[cell.strip() for cell in line.split("|")[1:4]] for line in lines[start + 2 :]]
    assert [row[1:] for row in table[:5] if row[0] == "plain"][-1] == ["all", "not coded"]
    assert [row[1] for row in table[5:12] if row[2] == "not coded"] == ["28", "40", "46"]
    assert {row[0] for row in table[5:12]} == {"flattener"}
    json.dumps(ppen_report.to_json(result), allow_nan=False)


@pytest.mark.parametrize("has", [False, True])
def test_benchmark_says_that_bf16_is_missing(monkeypatch, has):
    from scsc_core.nets import inference

    monkeypatch.setattr(inference, "has_bf16", lambda device="cpu": has)

    rows = bench_nets._bf16_rows()

    assert [row.condition for row in rows] == ["no: this processor has no bf16"] * (not has)
