# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison lets the demo say: no gain without the control, no difference inside the intervals."""

from types import SimpleNamespace

import pytest

from scsc_core.evaluation.findings import EQUAL_MIOU, findings

WIDE = (0.5, 1.0)


def summary(name, miou=0.5, interval=WIDE, n_blocks=1):
    undamaged = SimpleNamespace(miou=miou)
    share = sum(interval) / 2
    return SimpleNamespace(
        name=name, undamaged=undamaged, qp=40.0, share=share, interval=interval, n_blocks=n_blocks
    )


def comparison(*summaries, same_fading=True):
    return SimpleNamespace(summaries=list(summaries), same_fading=same_fading)


def on_preprocessor(plain, low_pass, ppen):
    rows = (("scsc_without_ppen", plain), ("low_pass_fair", low_pass), ("scsc", ppen))
    (sentence,) = findings(comparison(*(summary(name, miou) for name, miou in rows)))
    return sentence


@pytest.mark.parametrize(
    ("plain", "low_pass", "ppen", "verdict"),
    [
        (0.50, 0.45, 0.48, "no help on this picture"),
        (0.50, 0.45, 0.50 + 0.9 * EQUAL_MIOU, "no help on this picture"),
        (0.50, 0.60, 0.58, "no more than the low-pass"),
        (0.50, 0.60, 0.60 + 0.9 * EQUAL_MIOU, "no more than the low-pass"),
        (0.50, 0.55, 0.60, "more than codec and low-pass"),
    ],
)
def test_preprocessor_gains_only_beyond_codec_and_control(plain, low_pass, ppen, verdict):
    sentence = on_preprocessor(plain, low_pass, ppen)

    assert verdict in sentence
    for figure in (plain, low_pass, ppen):
        assert f"{figure:.3f}" in sentence


@pytest.mark.parametrize(
    ("fair", "relation"),
    [
        ((0.90, 1.00), "no different from rank adaptive"),
        ((0.50, 0.60), "more than rank adaptive"),
        ((0.99, 1.00), "less than rank adaptive"),
    ],
)
def test_precoder_differs_only_where_the_intervals_do_not_touch(fair, relation):
    rows = (
        summary("scsc_without_ppen", interval=(0.80, 0.95)),
        summary("digital", interval=(0.60, 0.70)),
        summary("digital_fair", interval=fair),
    )

    (sentence,) = findings(comparison(*rows))

    assert relation in sentence and "more than SVD-WF" in sentence


def test_nothing_is_said_without_the_control():
    assert findings(comparison(summary("scsc"), summary("scsc_without_ppen"))) == []


def test_different_fading_is_named():
    rows = (summary("digital", n_blocks=4), summary("scsc", n_blocks=5))

    (sentence,) = findings(comparison(*rows, same_fading=False))

    assert "4 to 5 blocks" in sentence
