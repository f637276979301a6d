# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc evaluate slope` and `scsc evaluate delivery`: the measurements that training settings rest on."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .words import numbers, words


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `scsc evaluate`."""
    app.command()(slope)
    app.command()(delivery)


def slope(
    network: Annotated[str, typer.Option(help="Task network by name or file.")] = (
        "erf-pspnet-camvid-7"
    ),
    qps: Annotated[str, typer.Option(help="Slice QPs, with commas.")] = "28,31,34,37,41,44,47",
    data: Annotated[str, typer.Option(help="Data set with labels of 7 categories.")] = "camvid",
    data_root: Annotated[Path | None, typer.Option(help="Its folder.")] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "val",
    frames: Annotated[int | None, typer.Option(min=1, help="At most so many frames.")] = 12,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """Task loss against the rate of plain BPG; two to three times its slope suits rate_weight."""
    from .output import require_folder, show
    from .progress import counted

    require_folder(output)
    wanted = numbers("qps", qps)
    from ..evaluation import rate_slope

    with counted("frames") as report:
        points = rate_slope.run(network, wanted, data, split, frames, data_root, progress=report)
    content = {"network": network, "data": data, "split": split, "frames": frames}
    content["points"] = [asdict(point) for point in points]
    show(content, rate_slope.lines(points), json, output)


def delivery(
    draws: Annotated[int, typer.Option(min=1, help="Links that are drawn.")] = 150,
    payload_bytes: Annotated[int, typer.Option(min=64, help="Bytes of each payload.")] = 6750,
    code_rates: Annotated[str, typer.Option(help="Code rates, with commas.")] = "1/6,1/3,1/2,3/4",
    snr_low: Annotated[float, typer.Option(help="dB, P_z / N0, of the lowest draw.")] = 2.0,
    snr_high: Annotated[float, typer.Option(help="dB, of the highest.")] = 12.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """Training's short cut for outage (information of the channel) against the whole link."""
    from .output import require_folder, show
    from .progress import counted

    require_folder(output)
    rates = words(code_rates)
    from ..training import delivery_check

    with counted("links") as report:
        found = delivery_check.run(draws, payload_bytes, rates, (snr_low, snr_high), seed, report)
    show(asdict(found), delivery_check.lines(found), json, output)
