# SPDX-License-Identifier: GPL-3.0-or-later
"""Test figures that index and card of a task network state, measured again on procedural scenes."""

import pytest

from scsc_core import zoo

pytest.importorskip("torch", reason="the networks need torch")

SET = "streets test, 100 frames"
TOLERANCE = 0.002  # what another processor or torch may change
STATED = sorted(
    name
    for name, entry in zoo.index().items()
    if entry["network"] == "erf_pspnet" and entry.get("test", {}).get("set") == SET
)


def test_a_card_states_such_figures():
    assert STATED


@pytest.mark.slow
@pytest.mark.parametrize("name", STATED)
def test_stated_scores_are_measured_again(name):
    from scsc_core.evaluation import task_scores

    stated = zoo.entry(name)["test"]
    card = (zoo.folder(name) / "cards" / f"{name}.md").read_text(encoding="utf-8")

    (found,) = task_scores.run((name,), "streets", "test")

    assert f"**Test** ({SET}" in card
    for key, title, measured in (
        ("miou", "mIoU", found.miou),
        ("pixel_accuracy", "pixel accuracy", found.accuracy),
    ):
        value, low, high = stated[key]
        assert f"| {title} | {100 * value:.2f} | {100 * low:.2f} .. {100 * high:.2f} |" in card
        assert measured == pytest.approx((value, low, high), abs=TOLERANCE)
