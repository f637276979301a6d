# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc evaluate`: experiments whose results are tables."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from . import evaluate_feedback, evaluate_link, evaluate_proxy, evaluate_task, evaluate_training
from .words import numbers, words

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Run an experiment."
)


@app.callback()
def evaluate() -> None:
    """Run an experiment and print its table."""


evaluate_feedback.register(app)
evaluate_link.register(app)
evaluate_proxy.register(app)
evaluate_task.register(app)
evaluate_training.register(app)


@app.command()
def precoders(
    channels: Annotated[int, typer.Option(min=40, help="Rayleigh channels.")] = 2000,
    quick: Annotated[bool, typer.Option("--quick", help="200 channels.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the channels.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """All precoders on the same 2x2 channels: information, SNR for a rate, outage, CSI error."""
    from .output import require_folder, show

    require_folder(output)
    from ..evaluation import precoder_acceptance, precoder_table

    with _progress("precoders") as report:
        table = precoder_table.run(channels, quick, seed, progress=report)
    results = precoder_acceptance.checks(table)
    lines = [*precoder_table.lines(table), "", *precoder_acceptance.lines(results)]
    show({**asdict(table), "checks": [asdict(c) for c in results]}, lines, json, output)


@app.command()
def coded(
    channels: Annotated[int, typer.Option(min=40, help="Rayleigh channels.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of channels, payloads and noise.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(help="Also write the JSON to this file.")] = None,
) -> None:
    """SNR at 10 % block error rate of one NR LDPC codeword per channel, per precoder."""
    from .output import require_folder, show

    require_folder(output)
    from ..evaluation import coded_outage, precoder_acceptance

    with _progress("coded") as report:
        rows = coded_outage.run(channels, seed, progress=report)
    results = precoder_acceptance.coded_checks(rows)
    lines = [*coded_outage.lines(rows), "", *precoder_acceptance.lines(results)]
    content = {
        "channels": channels,
        "seed": seed,
        "rows": [asdict(row) for row in rows],
        "checks": [asdict(c) for c in results],
    }
    show(content, lines, json, output)


@app.command()
def ppen(
    data: Annotated[str, typer.Option(help="Data set with labels of 7 categories.")] = "camvid",
    data_root: Annotated[Path | None, typer.Option(help="Its folder.")] = None,
    split: Annotated[str, typer.Option(help="val chooses the control, test reports.")] = "test",
    models: Annotated[str, typer.Option(help="Names or .safetensors files, with commas.")] = "",
    controls: Annotated[str, typer.Option(help="auto, none, or names with commas.")] = "auto",
    judges: Annotated[
        str, typer.Option(help="Task networks, with commas.")
    ] = "erf-pspnet-camvid-7,espnetv2-2.0",
    tuned: Annotated[
        str, typer.Option(help="The first judge fine-tuned on coded pictures, for information.")
    ] = "",
    qps: Annotated[str, typer.Option(help="Slice QPs of BPG.")] = "28,31,34,37,41,44,47",
    frames: Annotated[int | None, typer.Option(min=1, help="At most so many frames.")] = None,
    block: Annotated[
        int | None, typer.Option(min=1, help="Frames of a bootstrap block; video 5, else 1.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Threads.")] = 2,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    output: Annotated[Path, typer.Option(help="Folder of points and results.")] = Path(
        "results/ppen"
    ),
) -> None:
    """Rate against task score and PSNR with the real codec: plain, controls and pre-processors.

    Results are stored point by point below --output and never computed twice; a run that was
    stopped goes on where it ended. Tables, figures and CSV go to <output>/<data>-<split>.
    """
    from ..evaluation import ppen_experiment, ppen_report
    from .output import show
    from .progress import counted

    settings = ppen_experiment.Settings(
        output=output,
        data=data,
        folder=data_root,
        split=split,
        models=words(models),
        controls=controls if controls in ("auto", "none") else words(controls),
        judges=words(judges),
        tuned=tuned,
        qps=numbers("qps", qps, int),
        frames=frames,
        workers=workers,
        block=block,
    )
    started = time.monotonic()
    with counted("points") as report:
        result = ppen_experiment.Experiment(settings).run(report)
    files = ppen_report.write(result, output / f"{data}-{split}", time.monotonic() - started)
    lines = [*ppen_report.lines(result), "", *map(str, files)]
    show(ppen_report.to_json(result), lines, json, None)


@app.command("scsc-link")
def scsc_link(
    ppen: Annotated[str, typer.Option(help="Pre-processor: name or .safetensors file.")],
    control: Annotated[
        str | None, typer.Option(help="A control beside it, for example gaussian-0.7.")
    ] = None,
    judge: Annotated[str, typer.Option(help="Task network.")] = "erf-pspnet-camvid-7",
    data: Annotated[str, typer.Option(help="Data set with labels of 7 categories.")] = "camvid",
    data_root: Annotated[Path | None, typer.Option(help="Its folder.")] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    frames: Annotated[int | None, typer.Option(min=1, help="At most so many frames.")] = None,
    cbr_target: Annotated[
        float, typer.Option(help="R_k that no picture exceeds: channel uses per source value.")
    ] = 1 / 24,
    code_rate: Annotated[str, typer.Option(help="Of the channel code.")] = "1/2",
    snr_db: Annotated[str, typer.Option(help="SNRs, with commas.")] = "2,4,6,8,10,12",
    draws: Annotated[int, typer.Option(min=1, help="Channels per picture and SNR.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of channels and bootstrap.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Threads.")] = 2,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    output: Annotated[Path, typer.Option(help="Folder of points and results.")] = Path(
        "results/scsc-link"
    ),
) -> None:
    """SCSC over the link against the digital link at equal channel uses, with task scores.

    Results are stored point by point below --output and never computed twice.
    """
    from ..evaluation import link_report
    from ..evaluation import scsc_link as experiment
    from .output import show
    from .progress import counted

    settings = experiment.Settings(
        output=output,
        ppen=ppen,
        control=control,
        judge=judge,
        data=data,
        folder=data_root,
        split=split,
        frames=frames,
        cbr_target=cbr_target,
        code_rate=code_rate,
        snrs_db=numbers("snr_db", snr_db, float),
        draws=draws,
        seed=seed,
        workers=workers,
    )
    started = time.monotonic()
    with counted("pictures") as report:
        result = experiment.Experiment(settings).run(report)
    files = link_report.write(result, output / f"{data}-{split}", time.monotonic() - started)
    lines = [*link_report.lines(result), "", *map(str, files)]
    show(link_report.to_json(result), lines, json, None)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[str], None]]:
    """A spinner on the terminal; yields the function that shows the line of a finished row."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(name)
        yield lambda line: bar.update(task, description=line)
