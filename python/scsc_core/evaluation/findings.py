# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison on one picture allows to say, in sentences: controls stand beside every gain."""

from __future__ import annotations

from .comparison import Comparison, Summary

EQUAL_MIOU = 0.005  # smaller differences on one picture are called equal


def findings(comparison: Comparison) -> list[str]:
    """Sentences on pre-processor, precoder and fading, from the comparison's own numbers.

    The pre-processor is judged on undamaged pictures, so that no luck of the channel is in it, and
    claims a gain only beyond the low-pass control. The precoder is judged by delivered shares, and
    claims a difference only where the 95 % intervals do not touch.
    """
    rows = {summary.name: summary for summary in comparison.summaries}
    sentences = []
    if {"scsc", "scsc_without_ppen", "low_pass_fair"} <= rows.keys():
        plain, low_pass, ppen = (rows[n] for n in ("scsc_without_ppen", "low_pass_fair", "scsc"))
        sentences.append(_on_preprocessor(plain, low_pass, ppen))
    if {"scsc_without_ppen", "digital", "digital_fair"} <= rows.keys():
        pcen, plain, fair = (rows[n] for n in ("scsc_without_ppen", "digital", "digital_fair"))
        sentences.append(_on_precoder(pcen, plain, fair))
    if not comparison.same_fading:
        blocks = sorted({summary.n_blocks for summary in comparison.summaries})
        sentences.append(
            f"Fading: pictures span {blocks[0]} to {blocks[-1]} blocks, so the schemes' channels are "
            "drawn alike but are not the same."
        )
    return sentences


def _on_preprocessor(plain: Summary, low_pass: Summary, ppen: Summary) -> str:
    scores = [row.undamaged.miou for row in (plain, low_pass, ppen)]
    figures = (
        f"undamaged mIoU {scores[2]:.3f} at QP {ppen.qp:.4g}; codec alone {scores[0]:.3f} at "
        f"{plain.qp:.4g}; low-pass control {scores[1]:.3f} at {low_pass.qp:.4g}"
    )
    if scores[2] <= scores[0] + EQUAL_MIOU:
        verdict = "no help on this picture"
    elif scores[2] <= scores[1] + EQUAL_MIOU:
        verdict = "no more than the low-pass gives on this picture"
    else:
        verdict = "more than codec and low-pass on this picture"
    return f"PPEN: {verdict} ({figures})."


def _on_precoder(pcen: Summary, digital: Summary, fair: Summary) -> str:
    parts = []
    for other, name in ((digital, "SVD-WF"), (fair, "rank adaptive, which is not trained")):
        if pcen.interval[0] > other.interval[1]:
            relation = "more than"
        elif pcen.interval[1] < other.interval[0]:
            relation = "less than"
        else:
            relation = "no different from"
        parts.append(f"{relation} {name} ({100 * other.share:.0f} %)")
    return f"PCEN delivers {100 * pcen.share:.0f} % of the pictures: {'; '.join(parts)}."
