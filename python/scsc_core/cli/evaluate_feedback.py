# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc evaluate feedback`, `scsc evaluate slices`: what feedback of the channel, HARQ and slices give and cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from .words import numbers, words


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `scsc evaluate`."""
    app.command()(feedback)
    app.command()(slices)


def feedback(
    channels: Annotated[int, typer.Option(min=2, help="Channels of the reports.")] = 200,
    links: Annotated[int, typer.Option(min=1, help="Channels of HARQ, two pictures each.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Of channels, payloads, noise, losses.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """What quantised channel reports cost, and what HARQ delivers at what cost."""
    from .output import require_folder, show
    from .progress import counted

    require_folder(output)
    from ..evaluation import csi_reports, harq_gain

    with counted("reports") as report:
        leaks = csi_reports.leakages(channels, seed)
        cases = csi_reports.information(channels, seed, report)
    with counted("HARQ") as report:
        points = harq_gain.points(links, seed, report)
    content = {
        "channels": channels,
        "links": links,
        "seed": seed,
        "leakage": [asdict(row) for row in leaks],
        "information": [asdict(row) for row in cases],
        "harq": [asdict(row) for row in points],
    }
    if not json:
        _print_leakage(leaks, channels)
        _print_information(cases, channels)
        _print_harq(points)
    show(content, [], json, output)


def slices(
    image: Annotated[
        list[Path] | None, typer.Option(help="Picture files or folders (a photograph).")
    ] = None,
    codec: Annotated[str, typer.Option(help="Codecs, with commas.")] = "bpg,jpeg,jpeg2000",
    count: Annotated[str, typer.Option(help="Numbers of slices, with commas.")] = "1,2,4,8",
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """Pictures with one lost frame: what is left of them with and without slices."""
    from .output import require_folder, show
    from .progress import counted

    require_folder(output)
    wanted = numbers("count", count)
    from .. import data
    from ..evaluation import slice_damage

    paths = data.list_pictures(list(image or [data.sample_image()]))
    with counted("codings") as report:
        rows = slice_damage.run(paths, words(codec), wanted, report)
    if not json:
        _print_slices(rows, len(paths))
    names = [path.name for path in paths]
    show({"pictures": names, "rows": [asdict(row) for row in rows]}, [], json, output)


def _print_leakage(rows: Sequence[Any], channels: int) -> None:
    profiles = sorted({row.rms_samples for row in rows})
    found = {(row.group, row.rms_samples): row.leakage_db for row in rows}
    _print(
        f"Power between the streams, V of the report, {channels} channels",
        ["csi_group", *map(_profile, profiles)],
        (
            [str(group), *(f"{found[group, rms]:.1f} dB" for rms in profiles)]
            for group in sorted({row.group for row in rows})
        ),
    )


def _print_information(rows: Sequence[Any], channels: int) -> None:
    groups = list(rows[0].reported)
    _print(
        f"Information in bits per channel use (of 4), {channels} channels, SNR Pz/N0",
        [
            "precoder, SNR, profile",
            "true H",
            *(f"reported, group {group}" for group in groups),
            "estimated, group 1",
            "estimated - true",
        ],
        (
            [
                f"{row.precoder}, {row.snr_db:g} dB, {_profile(row.rms_samples)}",
                f"{row.perfect:.3f}",
                *(f"{row.reported[group]:.3f}" for group in groups),
                f"{row.estimated:.3f}",
                f"{row.estimated - row.perfect:+.3f} +- {row.interval:.3f}",
            ]
            for row in rows
        ),
    )


def _print_harq(rows: Sequence[Any]) -> None:
    names = list(dict.fromkeys(row.case for row in rows))
    found = {(row.snr_db, row.case): row for row in rows}
    _print(
        f"Share of {rows[0].pictures} pictures delivered / k_total over k_payload, SNR Pz/N0",
        ["SNR", *names],
        (
            [f"{snr_db:g} dB", *(_harq_cell(found[snr_db, name]) for name in names)]
            for snr_db in sorted({row.snr_db for row in rows})
        ),
    )


def _harq_cell(row: Any) -> str:
    return f"{row.delivered / row.pictures:.2f} / {row.cost:.2f}"


def _print_slices(rows: Sequence[Any], pictures: int) -> None:
    _print(
        f"One frame lost in turn at eight places, {pictures} picture{'s'[: pictures > 1]}",
        ["codec", "coded and shown as", "frames", "bytes", "trusted", "PSNR"],
        (
            [
                row.codec,
                row.what,
                f"{row.frames:.0f}",
                f"{100 * row.extra_bytes:+.1f} %",
                "unknown" if row.trusted is None else f"{100 * row.trusted:.0f} %",
                f"{row.psnr_db:.1f} dB",
            ]
            for row in rows
        ),
    )


def _profile(rms_samples: float) -> str:
    return f"rms {rms_samples:g}" if rms_samples else "flat"


def _print(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table whose first column is text and whose others are figures."""
    from rich.table import Table

    from .output import console

    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    console().print(table)
