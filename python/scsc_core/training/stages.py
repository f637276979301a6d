# SPDX-License-Identifier: GPL-3.0-or-later
"""All stages by name: from a configuration to a run folder with published weights."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from .. import preprocessing, zoo
from ..config import ConfigError, build, check_keys
from ..model_choice import load_segmenter
from ..nets.dct_proxy import FORMULA_PROXIES
from ..runs import RunFolder, create_run, make_folder
from . import checkpoint
from .loop import Outcome, Progress, make_fabric, train
from .pictures import open_samples
from .record import publish_stage
from .settings import StageSettings, merged, read_layer
from .stage import StageBase
from .unfinished import UnfinishedChain

# stage -> module, settings class, stage class
STAGES = {
    "task": ("task_stage", "TaskSettings", "TaskStage"),
    "proxy-pretrain": ("proxy_stage", "PretrainSettings", "PretrainStage"),
    "proxy-fit": ("proxy_stage", "FitSettings", "FitStage"),
    "ppen": ("ppen_stage", "PpenSettings", "PpenStage"),
    "joint": ("joint_stage", "JointSettings", "JointStage"),
}
_SETTINGS_HOME = {"PpenSettings": "ppen_settings", "JointSettings": "ppen_settings"}
MODELS_FOLDER = "models"
PRECODERS = "pcen"  # the stage without pictures: it has recipes instead of settings


class PrecoderSettings(BaseModel):
    """Entry `pcen` of a chain.

    Attributes: model; seed; steps, 0: those of the recipe; see `pcen_stage.RECIPES`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Literal["pcen", "pcen-unfolded", "pcen-paper"] = "pcen"
    seed: int = Field(0, ge=0)
    steps: int = Field(0, ge=0)

    def digest(self) -> str:
        """See `pcen_stage.digest`."""
        from .pcen_stage import digest

        return digest(self.model, self.seed, self.steps or None)


@dataclass(frozen=True)
class StageResult:
    """One finished stage.

    Attributes: stage; model; run (folder); models (folder with the published weights); outcome,
    None when the model was there already.
    """

    stage: str
    model: str
    run: Path | None
    models: Path
    outcome: Outcome | None


def settings_class(stage: str) -> type[StageSettings]:
    """The configuration model of a stage; ValueError for an unknown one."""
    module, name, _ = _names(stage)
    return _of(_SETTINGS_HOME.get(name, module), name)


def stage_class(stage: str) -> type[StageBase]:
    """The class that trains a stage; ValueError for an unknown one."""
    module, _, name = _names(stage)
    return _of(module, name)


def _names(stage: str) -> tuple[str, str, str]:
    if stage not in STAGES:
        raise ValueError(f"stage must be one of {', '.join(STAGES)}, got {stage!r}")
    return STAGES[stage]


def _of(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f".{module}", __package__), name)


def configure(stage: str, files: list[Path], overrides: dict[str, Any]) -> StageSettings:
    """Settings of a stage from layered YAML files and overrides; later ones win.

    Raises:
        ConfigError: one line for an unknown key, an impossible value or an unreadable file.
    """
    model = settings_class(stage)
    # else one key of `data` would put the others back from this stage's defaults to those of all
    layers = [{"data": model.model_fields["data"].default.model_dump()}]
    for file in files:
        layer = read_layer(Path(file))
        layer.pop("stage", None)
        check_keys(model, layer, str(file))
        layers.append(layer)
    return build(model, merged(*layers, overrides))


def run_stage(
    stage: str,
    settings: StageSettings,
    run_root: Path = Path("runs"),
    output: Path | None = None,
    resume: Path | None = None,
    progress: Progress | None = None,
    begun: Callable[[Path], None] | None = None,
) -> StageResult:
    """Train one stage and publish its weights.

    Args:
        stage: a key of `STAGES`.
        settings: of `configure`.
        run_root: where the run folder is made.
        output: folder for the weights, usable as SCSC_MODELS; None: models/ of the run folder.
        resume: run folder to go on in; no new one is made.
        progress: see `loop.train`.
        begun: called with the run folder before the first step, in the first process.
    Raises:
        ValueError: anything that makes the stage impossible, before training starts.
        TrainingFailed, Interrupted: see `loop.train`.
    """
    if resume is not None:
        _check_resumable(Path(resume))
    if output is not None:
        make_folder(output)
    fabric = make_fabric(settings)
    fabric.launch()
    built = stage_class(stage)(settings)
    folder = _run_folder(fabric, f"train-{settings.model}", run_root, resume)
    if fabric.global_rank == 0:
        if resume is None:
            RunFolder(folder).save_config(settings, stage=stage)
        if begun is not None:
            begun(folder)
    try:
        outcome = train(built, folder, resume, progress, fabric)
    finally:
        built.close()
    models = Path(output) if output is not None else folder / MODELS_FOLDER
    if fabric.global_rank == 0:
        publish_stage(models, built, outcome, folder)
    fabric.barrier()
    return StageResult(stage, settings.model, folder, models, outcome)


def _check_resumable(run: Path) -> None:
    """Before anything is read or built: a folder of a run that has a checkpoint."""
    if checkpoint.latest(run).parent != run / checkpoint.FOLDER:
        raise checkpoint.CheckpointError(
            f"--resume wants the run folder, {run} is a checkpoint inside one"
        )


def _run_folder(fabric: Any, name: str, run_root: Path, resume: Path | None) -> Path:
    if resume is not None:
        return Path(resume)
    made = str(create_run(name, run_root).path) if fabric.global_rank == 0 else ""
    return Path(fabric.broadcast(made))


def run_chain(
    chain: Path,
    overrides: dict[str, Any],
    run_root: Path,
    output: Path,
    progress_for: Any = None,
) -> Iterator[StageResult]:
    """Train the stages that a YAML file lists, each with the weights of those before it.

    A model that is in `output` already, made with the same configuration, is not trained again.
    A chain that ended early goes on where it ended: `UnfinishedChain` remembers in `output` what it
    still had to make, and the run folder of the stage that was interrupted.

    Args:
        chain: YAML: a list of {stage, ...keys} or {stage, file, ...keys}, files relative to it.
        overrides: over every stage, for example of data.root.
        output: folder of the models; searched before the bundled ones.
        progress_for: function (stage, model) -> context manager of a `Progress`.
    Raises:
        ConfigError, ValueError: an entry that cannot be used, a data set or a model that is not
            here; all are checked before the first stage starts.
    """
    stages = read_chain(chain, overrides)
    make_folder(output)
    if not (output / zoo.INDEX).is_file():
        (output / zoo.INDEX).write_text("[]\n", encoding="utf-8")
    unfinished = UnfinishedChain(output)
    with _models_first(output):
        made: set[str] = set()
        for stage, settings in stages:
            anew = bool(_uses(settings) & made)
            if anew or settings in unfinished or not _published(output, settings):
                _check_available(stage, settings, made)
                unfinished.add(settings, anew)
                made.add(settings.model)
        unfinished.save()
        for stage, settings in stages:
            if settings.model not in made:
                yield StageResult(stage, settings.model, None, output, None)
                continue
            shown = progress_for(stage, settings.model) if progress_for else None
            with shown or contextlib.nullcontext() as progress:
                if stage == PRECODERS:
                    result = _train_precoder(settings, output, progress)
                else:
                    result = _go_on(stage, settings, run_root, output, progress, unfinished)
            unfinished.remove(settings)
            yield result


def _go_on(
    stage: str,
    settings: StageSettings,
    run_root: Path,
    output: Path,
    progress: Progress | None,
    unfinished: UnfinishedChain,
) -> StageResult:
    """A stage of a chain, from its last checkpoint where it was interrupted."""

    def begun(folder: Path) -> None:
        unfinished.begin(settings, folder)

    resume = unfinished.run(settings)
    return run_stage(stage, settings, run_root, output, resume, progress, begun)


def _uses(settings: Any) -> set[str]:
    """Models that a stage starts from or trains against."""
    named = {getattr(settings, key, "") for key in ("start", "proxy", "ppen")}
    return named - {"", "none", *FORMULA_PROXIES} | set(getattr(settings, "tasks", ()))


def _check_available(stage: str, settings: Any, made: set[str]) -> None:
    """Data sets and models of a stage are here and fit, or are made by the stages before it.

    Raises:
        ConfigError: one line that names the stage's model and what is missing or wrong.
    """
    from .ppen_stage import PpenSettings, load_proxy

    if isinstance(settings, PrecoderSettings):
        return
    found = stage_class(stage)
    try:
        if getattr(settings, "start", "") not in {"", *made}:
            found.started(settings)
        if isinstance(settings, PpenSettings) and settings.proxy not in made:
            load_proxy(settings.proxy)
        if getattr(settings, "ppen", "none") not in {"none", *made}:
            preprocessing.load(settings.ppen)
        for model in set(getattr(settings, "tasks", ())) - made:
            load_segmenter(model, classes=None)
        for training in (True, False):
            open_samples(settings.data, training, found.labels)
    except ValueError as error:
        raise ConfigError(f"{settings.model}: {error}") from None


def _train_precoder(
    settings: PrecoderSettings, output: Path, progress: Progress | None
) -> StageResult:
    from . import pcen_stage

    def show(step: int, total: int, loss: float) -> None:
        if progress is not None:
            progress(step, total, {"loss": loss})

    steps = settings.steps or None
    result = pcen_stage.train(settings.model, output, settings.seed, steps, show)
    means = zip(result.metrics["snr_db"], result.metrics["mean_bicm_information"], strict=True)
    scores = {f"information_{snr:g}_db": mean for snr, mean in means}
    outcome = Outcome(None, scores, result.steps, result.steps, result.seconds)
    return StageResult(PRECODERS, settings.model, None, output, outcome)


def read_chain(chain: Path, overrides: dict[str, Any]) -> list[tuple[str, Any]]:
    """(stage, settings) of each entry of a chain file."""
    chain = Path(chain)
    content = read_layer(chain)
    entries = content.get("stages")
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{chain}: a chain needs a list `stages`, got {entries!r}")
    stages = []
    for number, entry in enumerate(entries, 1):
        allowed = (*STAGES, PRECODERS)
        if not isinstance(entry, dict) or entry.get("stage") not in allowed:
            raise ConfigError(
                f"{chain} entry {number}: stage must be one of {', '.join(allowed)}, got {entry!r}"
            )
        keys = dict(entry)
        stage, file = keys.pop("stage"), keys.pop("file", None)
        if stage == PRECODERS:
            known = {k: v for k, v in overrides.items() if k in PrecoderSettings.model_fields}
            stages.append((stage, build(PrecoderSettings, keys | known, str(chain))))
            continue
        files = [chain.parent / file] if file else []
        stages.append((stage, configure(stage, files, merged(keys, overrides))))
    return stages


def _published(output: Path, settings: Any) -> bool:
    entries = yaml.safe_load((output / zoo.INDEX).read_text(encoding="utf-8")) or []
    found = next((e for e in entries if e.get("name") == settings.model), None)
    if found is None or not (output / found["file"]).is_file():
        return False
    made = found.get("trained_with") or {}
    return made.get("config_hash") == settings.digest()


@contextlib.contextmanager
def _models_first(folder: Path) -> Iterator[None]:
    """The zoo looks into a folder first, then where it looked before."""
    before = os.environ.get("SCSC_MODELS")
    searched = [str(folder), *map(str, zoo.folders())]
    os.environ["SCSC_MODELS"] = os.pathsep.join(searched)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SCSC_MODELS"]
        else:
            os.environ["SCSC_MODELS"] = before
