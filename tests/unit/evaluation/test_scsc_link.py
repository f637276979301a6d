# SPDX-License-Identifier: GPL-3.0-or-later
import json

import numpy as np
import pytest

from scsc_core import cli
from scsc_core.evaluation import link_outcomes, link_report, scsc_link
from scsc_core.evaluation.ppen_points import PLAIN, Judge, Source
from scsc_core.link import SymbolLink
from scsc_core.tasks import scores

SNRS_DB = (-1.0, 12.0)


def settings(folder, **changes):
    given = {
        "ppen": "flattener",
        "data": "synthetic",
        "cbr_target": 0.05,
        "snrs_db": SNRS_DB,
        "draws": 4,
        "block": 2,
        "resamples": 100,
        **changes,
    }
    return scsc_link.Settings(folder, **given)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, frames, classify, flattener):
    """A run over four frames: result, folder, judge."""
    folder = tmp_path_factory.mktemp("link")
    judge = Judge("brightness", "brightness-1", classify)
    experiment = scsc_link.Experiment(settings(folder), frames[4:8], flattener, judge)
    return experiment.run(), folder, judge


def outcome(result, kind, precoder):
    return next(
        o for o in result.outcomes if (o.scheme.source.kind, o.scheme.precoder) == (kind, precoder)
    )


@pytest.mark.parametrize("kind", ["plain", "model"])
def test_shortcut_equals_judging_every_received_picture(finished, kind, frames, flattener):
    result, _, judge = finished
    source = flattener if kind == "model" else Source(PLAIN, PLAIN, PLAIN)
    config = settings(None).link("rank_adaptive", SNRS_DB[0])

    psnr, total, delivered = [], np.zeros((7, 7)), []
    for frame in frames[4:8]:
        of_frame = []
        for draw in range(4):
            seeded = link_outcomes.draw_config(config, frame.name, draw, 1)
            received = SymbolLink(seeded, source.preprocess).transmit(frame.image)
            total += scores.confusion(frame.label, judge.segment(received.image), 7) / 4
            of_frame.append((received.psnr_db, received.delivered))
        psnr.append(np.mean([value for value, _ in of_frame]))
        delivered.append(np.mean([arrived for _, arrived in of_frame]))

    found = outcome(result, kind, "rank_adaptive")
    np.testing.assert_allclose(found.share[:, 0], delivered)
    np.testing.assert_allclose(found.psnr_db[:, 0], psnr)
    np.testing.assert_allclose(found.confusion[:, 0].sum(0), total)
    assert 0 < np.mean(delivered) < 1  # the frames and draws show both outcomes


def test_no_picture_exceeds_the_budget(finished):
    result, *_ = finished

    for found in result.outcomes:
        assert (found.cbr_k[~found.over_budget] <= 0.05).all()
        assert not found.over_budget.any()


def test_more_signal_delivers_more(finished):
    result, *_ = finished

    for found in result.outcomes:
        assert found.share[:, 1].mean() >= found.share[:, 0].mean()


def test_all_lost_gives_the_stand_in(tmp_path, finished, frames, flattener):
    _, _, judge = finished
    low = settings(tmp_path, snrs_db=(-40.0,), draws=1)

    result = scsc_link.Experiment(low, frames[:1], flattener, judge).run()

    found = outcome(result, "plain", "svd_wf")
    picture = np.full((64, 64, 3), (124, 116, 104), np.uint8)
    expected = scores.confusion(frames[0].label, judge.segment(picture), 7)
    assert found.share.sum() == 0
    np.testing.assert_array_equal(found.confusion[0, 0], expected)


def test_picture_that_fits_no_budget_is_flagged(tmp_path, finished, frames, flattener):
    _, _, judge = finished
    tight = settings(tmp_path, cbr_target=0.003, snrs_db=(30.0,), draws=1)

    result = scsc_link.Experiment(tight, frames[:1], flattener, judge).run()

    found = outcome(result, "plain", "none")
    assert found.over_budget.all() and found.qps[0] == 51


def test_second_run_computes_nothing(finished, frames, flattener):
    result, folder, _ = finished
    before = (folder / "points.jsonl").read_bytes()
    blind = Judge("brightness", "brightness-1", lambda image: pytest.fail("judged again"))

    again = scsc_link.Experiment(settings(folder), frames[4:8], flattener, blind).run()

    assert (folder / "points.jsonl").read_bytes() == before
    np.testing.assert_array_equal(again.outcomes[0].share, result.outcomes[0].share)


def test_workers_do_not_change_results(tmp_path, finished, frames, flattener):
    result, folder, judge = finished

    scsc_link.Experiment(settings(tmp_path, workers=3), frames[4:8], flattener, judge).run()

    texts = [sorted((f / "points.jsonl").read_text().splitlines()) for f in (folder, tmp_path)]
    assert set(texts[0]) == set(texts[1])


def test_report_names_every_scheme_and_writes_its_files(finished, tmp_path):
    result, *_ = finished

    files = link_report.write(result, tmp_path, 1.0)

    text = (tmp_path / "table.md").read_text()
    for title in ("digital, SVD-WF", "digital, rank adaptive", "SCSC w/o PPEN", "SCSC w/o PCEN"):
        assert f"| {title}" in text
    assert len(link_report.rows(result)) == 8 * len(SNRS_DB)
    assert all(file.stat().st_size > 100 for file in files)
    assert json.loads((tmp_path / "manifest.json").read_text())["experiment"] == "scsc-link"


def test_gain_is_the_difference_of_the_scores(finished):
    result, *_ = finished
    miou = {(row.scheme, row.snr_db): row.miou for row in link_report.rows(result)}

    for gain in link_report.gains(result):
        difference = miou[gain.scheme, gain.snr_db] - miou[gain.over, gain.snr_db]
        assert gain.miou_points == pytest.approx(100 * difference)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--ppen", "ppen-huge"], "no model 'ppen-huge'"),
        (["--ppen", "pcen"], "model must be a picture pre-processor"),
        (["--ppen", "x", "--snr-db", "high"], "snr_db must be numbers"),
        (["--ppen", "x", "--cbr-target", "0"], "cbr_target"),
        (["--ppen", "x", "--code-rate", "2"], "code_rate must be in"),
        (["--ppen", "x", "--control", "downscale-0.5"], "control must keep the picture's size"),
        (["--ppen", "x", "--split", "all"], "split must be one of"),
        ([], "--ppen"),
    ],
)
def test_bad_input_gets_one_line(words, told, tmp_path, capsys):
    status = cli.main(["evaluate", "scsc-link", "--output", str(tmp_path), *words])

    shown = capsys.readouterr().err
    assert status == 2 and shown.count("\n") == 1
    assert told in shown


def test_expected_value_by_hand():
    share = np.array([0.25, 1.0])
    [psnr] = link_outcomes.expected(share, [np.array([40.0, 30.0])], [np.array([8.0, 9.0])])

    assert psnr.tolist() == [16, 30]
