# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc train`: the training stages of trained_models/."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .application import unknown
from .progress import stepped

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Train a network."
)
FAILED = 3

Config = Annotated[
    list[Path] | None, typer.Option("--config", "-c", help="YAML file; later ones win.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="key=value, for example steps=500 data.name=camvid.")
]
DataRoot = Annotated[Path | None, typer.Option(help="Folder of the data set (data.root).")]
RunRoot = Annotated[Path, typer.Option(help="Where the run folder is made.")]
Output = Annotated[
    Path | None, typer.Option(help="Folder for the weights; without it, models/ of the run.")
]
Resume = Annotated[Path | None, typer.Option(help="Run folder to go on in.")]
Devices = Annotated[int | None, typer.Option(min=1, help="Processes or GPUs (devices).")]
LogEvery = Annotated[int, typer.Option(min=1, help="Steps between lines without a terminal.")]


@app.callback()
def train() -> None:
    """Train a network."""


def _stage_command(stage: str, summary: str) -> None:
    def command(
        overrides: Overrides = None,
        config: Config = None,
        data_root: DataRoot = None,
        run_root: RunRoot = Path("runs"),
        output: Output = None,
        resume: Resume = None,
        devices: Devices = None,
        log_every: LogEvery = 50,
    ) -> int:
        from ..training import stages

        keys = _keys(overrides, data_root, devices)
        settings = stages.configure(stage, config or [], keys)

        def go() -> Any:
            with stepped(settings.model, log_every) as progress:
                return stages.run_stage(stage, settings, run_root, output, resume, progress)

        return _guarded(lambda: _report(go()), "go on with --resume")

    command.__doc__ = summary
    app.command(stage)(command)


def _keys(
    overrides: list[str] | None, data_root: Path | None, devices: int | None = None
) -> dict[str, Any]:
    from ..training.settings import merged, parse_assignments

    given: dict[str, Any] = {}
    if data_root is not None:
        given["data"] = {"root": str(data_root)}
    if devices is not None:
        given["devices"] = devices
    return merged(parse_assignments(overrides or []), given)


_stage_command("task", "Train the receiver's segmentation network on labelled pictures.")
_stage_command("proxy-pretrain", "Train the codec proxy as an autoencoder.")
_stage_command("proxy-fit", "Fit the codec proxy to the real codec's results.")
_stage_command("ppen", "Train the pre-processor against codec and task network.")
_stage_command("joint", "Train pre-processor and precoder enhancement in turns.")


@app.command("all")
def train_all(
    overrides: Overrides = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Chain file; default: the bundled models.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option(help="Folder that holds the data sets, as SCSC_DATA.")
    ] = None,
    run_root: RunRoot = Path("runs"),
    output: Annotated[Path, typer.Option(help="Folder for all weights.")] = Path("runs/models"),
    log_every: LogEvery = 50,
) -> int:
    """Train the chain of all bundled models; what is there already is not trained again.

    A chain that was interrupted goes on where it ended.
    """
    if data_root is not None:
        if not data_root.is_dir():
            raise ValueError(f"folder {data_root} of --data-root does not exist")
        os.environ["SCSC_DATA"] = str(data_root)
    return _chain(config or _config_file("all.yaml"), overrides, run_root, output, log_every)


@app.command()
def smoke(
    run_root: RunRoot = Path("runs"),
    output: Annotated[Path, typer.Option(help="Folder for all weights.")] = Path("runs/smoke"),
    log_every: LogEvery = 10,
) -> int:
    """Run every stage for some steps on procedural scenes; under three minutes."""
    return _chain(_config_file("smoke.yaml"), None, run_root, output, log_every)


def _config_file(name: str) -> Path:
    from ..configs import folder

    return folder() / "train" / name


def _chain(
    config: Path, overrides: list[str] | None, run_root: Path, output: Path, log_every: int
) -> int:
    from ..training import stages

    keys = _keys(overrides, None)
    stages.read_chain(config, keys)  # every entry is checked before the first one starts

    def go() -> None:
        def progress_for(stage: str, model: str) -> Any:
            return stepped(f"{stage}: {model}", log_every)

        for result in stages.run_chain(config, keys, run_root, output, progress_for):
            _report(result)

    return _guarded(go, "the same command goes on from there")


def _guarded(run: Callable[[], Any], go_on: str = "") -> int:
    """Exit codes of training: 0 done, 3 it stopped by itself, 130 interrupted and saved.

    Args:
        go_on: how an interrupted run goes on.
    """
    from ..training.loop import Interrupted, TrainingFailed

    try:
        run()
    except TrainingFailed as error:
        print(f"scsc: error: {error}", file=sys.stderr)
        return FAILED
    except Interrupted as error:
        print(f"scsc: {error}; {go_on}", file=sys.stderr)
        raise KeyboardInterrupt from None
    return 0


def _report(result: Any) -> None:
    from .output import console

    if int(os.environ.get("LOCAL_RANK", 0)):
        return  # of several processes the first tells
    screen = console()
    if result.outcome is None:
        screen.print(f"{result.model}: already in {result.models}", soft_wrap=True)
        return
    outcome = result.outcome
    screen.print(
        f"{result.model}: {outcome.steps} steps in {outcome.seconds:.0f} s, best at step "
        f"{outcome.best_step}",
        soft_wrap=True,
    )
    for name, value in outcome.scores.items():
        screen.print(f"  {name}: {value:.4g}", markup=False)
    run = f"run {result.run}, " if result.run is not None else ""
    screen.print(f"  {run}weights in {result.models}", soft_wrap=True)


@app.command()
def pcen(
    model: Annotated[
        str, typer.Option(help="pcen, pcen-unfolded or pcen-paper: which to train.")
    ] = "pcen",
    output: Annotated[
        Path, typer.Option(help="Folder for weights, index, card and loss curve.")
    ] = Path("runs/train-pcen"),
    seed: Annotated[
        int,
        typer.Option(min=0, help="Same seed, same weights; the bundled pcen-unfolded has seed 3."),
    ] = 0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps; without it, those of the bundled weights.")
    ] = None,
) -> int:
    """Train the precoder enhancement on random channels; one to five minutes on one core.

    Use the result with SCSC_MODELS=<output>.
    """
    from ..training import pcen_stage

    if model not in pcen_stage.RECIPES:
        raise ValueError(unknown("model", model, list(pcen_stage.RECIPES)))

    def go() -> None:
        with stepped(model, 100) as show:

            def progress(step: int, total: int, loss: float) -> None:
                show(step, total, {"loss": loss})

            result = pcen_stage.train(model, output, seed=seed, steps=steps, progress=progress)
        _report_precoder(result, output)

    return _guarded(go)


def _report_precoder(result: Any, output: Path) -> None:
    from .output import console

    screen = console()
    steps, seconds = result.steps, result.seconds
    screen.print(f"{result.model}: {steps} steps in {seconds:.0f} s, seed {result.seed}")
    for name, value in result.metrics.items():
        screen.print(f"  {name}: {value}", markup=False)
    screen.print(f"weights in {result.weights}; use them with SCSC_MODELS={output}", soft_wrap=True)
