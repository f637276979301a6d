# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc evaluate proxycheck`: whether a codec proxy may be used for training."""

import json as json_format
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .words import numbers, words


def register(app: typer.Typer) -> None:
    """Add the command of this module to `scsc evaluate`."""
    app.command()(proxycheck)


def proxycheck(
    proxies: Annotated[
        str, typer.Option(help="dct, identity, learned ones by name or file, with commas.")
    ] = "proxy-small-bpg,dct,identity",
    task: Annotated[str, typer.Option(help="Task network by name.")] = "erf-pspnet-camvid-7",
    ppen: Annotated[
        str, typer.Option(help="PPEN in front of every second crop, or none.")
    ] = "none",
    data: Annotated[str, typer.Option(help="Data set of the crops.")] = "camvid",
    data_root: Annotated[Path | None, typer.Option(help="Its folder.")] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "val",
    crops: Annotated[int, typer.Option(min=2, help="Crops.")] = 64,
    side: Annotated[int, typer.Option(min=32, help="Side of a crop in px.")] = 256,
    qps: Annotated[str, typer.Option(help="Slice QPs of BPG.")] = "28,31,34,37,41,44,47",
    preset: Annotated[str, typer.Option(help="Of the BPG encoder.")] = "medium",
    amplitude: Annotated[float, typer.Option(min=0.5, help="Of a change, grey levels.")] = 4.0,
    sigma: Annotated[float, typer.Option(min=0, help="Smoothness of a change, px.")] = 32.0,
    seed: Annotated[int, typer.Option(min=0, help="Of crops, changes and links.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """Codec proxies against real BPG: picture, rate, and the signs of their gradients."""
    from .output import console, require_folder, write_whole
    from .progress import counted

    require_folder(output)
    from .. import data as data_sets
    from .. import preprocessing
    from ..evaluation import proxy_check, proxy_inputs
    from ..model_choice import load_segmenter
    from ..training.ppen_stage import load_proxy

    settings = proxy_check.Settings(numbers("qps", qps), preset, amplitude, sigma, seed)
    preprocessor = preprocessing.load(ppen)
    modules = {name: load_proxy(name) for name in words(proxies)}
    network = load_segmenter(task, classes=None)
    pictures = proxy_inputs.draw_crops(data_sets.open(data, data_root, split), crops, side, seed)
    with counted("proxycheck") as report:
        check = proxy_check.run(pictures, modules, network, task, settings, preprocessor, report)
    content = {
        "data": {"name": data, "split": split, "crops": crops, "side": side, "ppen": ppen},
        "task": task,
        "settings": asdict(settings),
        "rows": [asdict(row) for row in check.rows],
        "accepted": {r.proxy: proxy_check.accepted(r) for r in check.rows if r.qp is None},
    }
    text = json_format.dumps(content, indent=1)
    if output is not None:
        write_whole(output, text + "\n")
    if json:
        typer.echo(text)
        return
    for line in proxy_check.lines(check):
        console().print(line, markup=False, soft_wrap=True)
