# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison as a table on the terminal, with what it allows to say below."""

from ..evaluation.comparison import Comparison, Summary
from ..evaluation.findings import findings
from ..evaluation.picture_scores import GROUND_TRUTH
from .output import console

_COLUMNS = (
    "scheme",
    "QP",
    "delivered %",
    "mIoU",
    "pixels %",
    "PSNR dB",
    "MS-SSIM",
    "R_k",
    "ms a picture",
)


def print_comparison(comparison: Comparison, seconds: float) -> None:
    """One row per scheme, the ceiling, notes on how to read it, and the findings."""
    from rich.table import Table

    agreement = comparison.judge != GROUND_TRUTH
    names = {"mIoU": "mIoU *", "pixels %": "pixels % *"} if agreement else {}
    samples = comparison.rows[0].fitted.source.size
    budget = comparison.budget
    table = Table(
        title=f"Same picture{', same fading' if comparison.same_fading else ''}, at most {budget} "
        f"channel uses (R_k {budget / samples:.5f})",
        title_justify="left",
    )
    for name in _COLUMNS:
        table.add_column(names.get(name, name), justify="left" if name == "scheme" else "right")
    for summary in comparison.summaries:
        table.add_row(*_cells(summary))
    if not agreement:
        clean = comparison.clean
        table.add_section()
        table.add_row(
            "not sent\n[dim]the task on the clean picture[/dim]",
            "",
            "",
            f"{clean.miou:.3f}",
            f"{100 * clean.pixel_accuracy:.1f}",
        )
    out = console()
    out.print(table)
    if agreement:
        out.print(f"* agreement with the {comparison.judge}, for want of labels")
    for sentence in findings(comparison):
        out.print(sentence)
    out.print(
        "[dim]Second lines: 95 % interval; scores when nothing is lost; channel uses. "
        "A lost picture is scored as the stand-in that the receiver shows. One picture is one "
        "example: `scsc evaluate ppen` has many, with intervals. Work on a repeated picture runs once; "
        f"times are means over all. {seconds:.1f} s in all.[/dim]"
    )


def _cells(row: Summary) -> tuple[str, ...]:
    return (
        f"{row.title}\n[dim]{row.note}[/dim]",
        f"{row.qp:.4g}",
        f"{100 * row.share:.0f}\n[dim]{100 * row.interval[0]:.0f}..{100 * row.interval[1]:.0f}[/dim]",
        f"{row.task.miou:.3f}\n[dim]{row.undamaged.miou:.3f}[/dim]",
        f"{100 * row.task.pixel_accuracy:.1f}\n[dim]{100 * row.undamaged.pixel_accuracy:.1f}[/dim]",
        f"{row.psnr_db:.2f}\n[dim]{row.psnr_undamaged_db:.2f}[/dim]",
        "-" if row.ms_ssim is None else f"{row.ms_ssim:.4f}",
        f"{row.cbr_k:.5f}\n[dim]{row.channel_uses}[/dim]",
        f"{sum(row.milliseconds.values()):.0f}",
    )
