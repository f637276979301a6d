# SPDX-License-Identifier: GPL-3.0-or-later
import json
from dataclasses import replace

import numpy as np
import pytest

from scsc_core.evaluation.best_control import MIXED, NONE, Candidate, Choice, ChoiceFile, choose
from scsc_core.evaluation.ppen_curves import Curve
from scsc_core.evaluation.ppen_points import PLAIN

QPS = (28, 34, 40, 46)
RATE = np.array([1.0, 0.6, 0.35, 0.2])
HIT = np.array([0.9, 0.8, 0.65, 0.45])


def curve(name, rate=RATE, hit=HIT, mse=(10.0, 20.0, 40.0, 80.0)):
    """Two frames of 100 pixels, two equal classes of which a share `hit` is right at each QP."""
    right, wrong = 50 * np.asarray(hit), 50 * (1 - np.asarray(hit))
    confusion = np.stack([np.stack([right, wrong], -1), np.stack([wrong, right], -1)], -2)
    both = [np.stack([x, x]) for x in (100 * np.asarray(rate), np.asarray(mse), confusion)]
    return Curve(name, QPS, *both, np.full(2, 100.0))


def chosen(*controls):
    return choose(curve(PLAIN), controls, "judge", "hash", "val")


def test_control_that_saves_most_is_best():
    choice = chosen(curve("a", 0.9 * RATE), curve("b", 0.7 * RATE), curve("c", 1.2 * RATE))

    assert choice.best in ("b", MIXED) and choice.candidates["b"].bd_rate == pytest.approx(-30)
    assert choice.candidates[MIXED].by_qp == dict.fromkeys(QPS, "b")


def test_none_wins_when_every_control_costs_bits():
    choice = chosen(curve("a", 1.1 * RATE))

    assert choice.best == NONE
    assert set(choice.candidates[NONE].by_qp.values()) == {PLAIN}


def test_mixed_takes_the_better_control_at_each_qp():
    low = curve("low", RATE * [0.6, 0.6, 1.3, 1.3])
    high = curve("high", RATE * [1.3, 1.3, 0.6, 0.6])

    choice = chosen(low, high)

    assert choice.best == MIXED
    assert list(choice.candidates[MIXED].by_qp.values()) == ["low", "low", "high", "high"]


def test_control_with_another_range_of_scores_is_no_candidate():
    choice = chosen(curve("far", 0.1 * RATE, HIT - 0.4))

    assert "far" not in choice.candidates and choice.tried == ["far"]


def test_equal_psnr_leaves_out_what_loses_more():
    blur = curve("blur", 0.5 * RATE, mse=(30.0, 60.0, 120.0, 240.0))
    mild = curve("mild", 0.9 * RATE)
    choice = chosen(blur, mild)

    assert choice.at_psnr(-20) in ("blur", MIXED)
    assert choice.at_psnr(0) == "mild"
    assert choice.at_psnr(+5) == NONE


def test_choice_survives_the_file(tmp_path):
    choice = chosen(curve("a", 0.9 * RATE))
    file = ChoiceFile(tmp_path / "choice.json", "codec-1")

    file.write({("judge", QPS): choice})

    assert file.read("judge", "hash", QPS) == choice
    assert ChoiceFile(tmp_path / "choice.json", "codec-2").read("judge", "hash", QPS) is None


@pytest.mark.parametrize("changes", [{"frames": 1}, {"tried": []}])
def test_quick_look_replaces_no_thorough_choice(tmp_path, changes):
    thorough = chosen(curve("a", 0.9 * RATE))
    file = ChoiceFile(tmp_path / "choice.json", "codec-1")
    file.write({("judge", QPS): thorough})

    file.write({("judge", QPS): replace(thorough, best=NONE, **changes)})
    assert file.read("judge", "hash", QPS) == thorough

    more = Choice("judge", "hash", "val", 3, ["a", "b"], NONE, {NONE: Candidate({}, 0, 0)})
    file.write({("judge", QPS): more})
    assert file.read("judge", "hash", QPS) == more


def test_damaged_file_is_named(tmp_path):
    path = tmp_path / "choice.json"
    path.write_text(json.dumps({})[:1])

    with pytest.raises(ValueError, match="choice.json is no JSON; remove it"):
        ChoiceFile(path, "codec-1").read("judge", "hash", QPS)
