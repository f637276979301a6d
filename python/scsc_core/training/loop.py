# SPDX-License-Identifier: GPL-3.0-or-later
"""The one training loop: optimiser, schedule, averaging, checkpoints, validation, records."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..nets.inference import has_bf16, keep_memory
from . import checkpoint
from .average import MovingAverage
from .journal import Journal
from .seeds import seed_for
from .settings import StageSettings
from .stage import Stage

Progress = Callable[[int, int, dict[str, float]], None]
_NETWORK, _AVERAGE, _BEST, _OPTIMISER, _EXTRA = "model", "ema", "best", "optim", "extra"


class TrainingFailed(RuntimeError):
    """The run stopped by itself: a loss that is not finite, or a check that failed."""


class Interrupted(RuntimeError):
    """SIGINT or SIGTERM came; the state was saved."""


@dataclass(frozen=True)
class Outcome:
    """What a run left behind.

    Attributes:
        network: the best averaged network of the run, in evaluation mode.
        scores: of its validation.
        best_step: after which these weights stood.
        steps, seconds: of the whole run, parts before a resumption included.
    """

    network: torch.nn.Module
    scores: dict[str, float]
    best_step: int
    steps: int
    seconds: float


def learning_rate(settings: StageSettings, step: int) -> float:
    """Linear warm-up over `warmup` steps, then (1 - step / steps)^power of the rate."""
    rate = settings.learning_rate * (1 - step / settings.steps) ** settings.power
    if step < settings.warmup:
        rate *= (step + 1) / settings.warmup
    return rate


def check_finite(loss: torch.Tensor, module: torch.nn.Module, step: int, whose: str = "") -> None:
    """Before the optimiser's step of a network beside the loop's, whose gradients are there.

    Args:
        whose: in front of the error's line, for example "PCEN's ".
    Raises:
        TrainingFailed: the loss or a gradient is not finite.
    """
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    for name, values in (("loss", [loss]), ("gradient", gradients)):
        if not all(value.isfinite().all() for value in values):
            raise TrainingFailed(f"{whose}{name} is not finite at step {step}")


def make_fabric(settings: StageSettings) -> Any:
    """Lightning Fabric for the devices and precision of a stage.

    Raises:
        ValueError: Fabric is not installed, or the device is not here.
    """
    try:
        from lightning_fabric import Fabric
    except ImportError:
        raise ValueError("training needs lightning-fabric: pip install 'gr-scsc[train]'") from None
    accelerator = settings.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise ValueError("accelerator must be cpu: no CUDA device is here, got 'cuda'")
    world = os.environ.get("WORLD_SIZE")  # torchrun has started the processes
    if world is not None and int(world) != settings.devices:
        raise ValueError(f"devices must be {world} under torchrun, got {settings.devices}")
    strategy = "ddp" if settings.devices > 1 else "auto"
    # Fabric's own mixed precision would round the pictures to bfloat16: see `_Run.autocast`
    return Fabric(
        accelerator=accelerator, strategy=strategy, devices=settings.devices, precision="32-true"
    )


def train(
    stage: Stage,
    folder: Path,
    resume: Path | None = None,
    progress: Progress | None = None,
    fabric: Any = None,
) -> Outcome:
    """Train a stage in a run folder.

    Args:
        stage: what to train.
        folder: run folder; gets ckpt/, metrics.jsonl, tb/, pictures/, curves.png.
        resume: run or checkpoint folder to go on from. The result equals that of a run without
            interruption on one CPU process.
        progress: called as progress(step, steps, terms) after every step.
        fabric: of `make_fabric`, made here when None.
    Raises:
        CheckpointError: resume holds no usable checkpoint of this stage and configuration.
        TrainingFailed: loss or gradient not finite, or a stage's check failed; the state was saved.
        Interrupted: SIGINT or SIGTERM; the state was saved.
    """
    fabric = fabric or make_fabric(stage.settings)
    if resume is None and (Path(folder) / checkpoint.FOLDER).is_dir():
        raise ValueError(f"{folder} holds a run already: resume it, or name another folder")
    run = _Run(stage, Path(folder), fabric)
    if resume is not None:
        run.restore(Path(resume))
    with _caught_signals() as caught:
        return run.loop(progress, caught)


class _Run:
    """The state of one run."""

    def __init__(self, stage: Stage, folder: Path, fabric: Any):
        self.stage, self.folder, self.fabric = stage, folder, fabric
        settings = self.settings = stage.settings
        keep_memory()
        if settings.threads:
            torch.set_num_threads(settings.threads)
        if settings.deterministic:
            torch.use_deterministic_algorithms(True, warn_only=True)
        fabric.launch()
        stage.place(fabric.device)
        network = stage.network.to(memory_format=torch.channels_last)
        optimiser = torch.optim.AdamW(
            (p for p in network.parameters() if p.requires_grad),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self.network, self.optimiser = fabric.setup(network, optimiser)
        self.average = MovingAverage(self.bare, settings.ema)
        self.best = {"score": -math.inf, "step": 0, "scores": {}}
        self.best_weights: dict[str, torch.Tensor] = {}
        self.step, self.seconds = 0, 0.0

    @property
    def bare(self) -> torch.nn.Module:
        """The network without Fabric's wrappers."""
        module = self.network.module
        return getattr(module, "module", module)

    @property
    def chief(self) -> bool:
        return self.fabric.global_rank == 0

    def autocast(self) -> torch.autocast:
        """bfloat16 for what autocast lists, where it was asked for or the device has it."""
        kind, wanted = self.fabric.device.type, self.settings.precision
        enabled = wanted == "bf16-mixed" or (wanted == "auto" and has_bf16(kind))
        return torch.autocast(kind, torch.bfloat16, enabled=enabled)

    # checkpoints ---------------------------------------------------------------------------------
    def save(self) -> None:
        """Checkpoint of everything that the next step depends on."""
        if self.chief:
            tensors = {
                _NETWORK: self.bare.state_dict(),
                _AVERAGE: self.average.module.state_dict(),
                _OPTIMISER: checkpoint.optimiser_tensors(self.optimiser.optimizer),
                _EXTRA: self.stage.extra_tensors(),
                _BEST: self.best_weights,
            }
            state = {
                "stage": self.stage.name,
                "config": self.settings.digest(),
                "best": {**self.best, "score": _finite(self.best["score"])},
                "seconds": self.seconds,
            }
            tensors = {group: values for group, values in tensors.items() if values}
            checkpoint.save(self.folder, self.step, tensors, state, self.settings.keep_every)
        self.fabric.barrier()

    def restore(self, source: Path) -> None:
        """The state of a checkpoint of the same stage and configuration."""
        source = checkpoint.latest(source)
        tensors, state = checkpoint.load(source)
        if state.get("stage") != self.stage.name:
            raise checkpoint.CheckpointError(
                f"checkpoint {source} is of stage {state.get('stage')!r}, not {self.stage.name!r}"
            )
        if state.get("config") != self.settings.digest():
            raise checkpoint.CheckpointError(
                f"checkpoint {source} was made with another configuration ({state.get('config')}, "
                f"now {self.settings.digest()}): give the same keys, or start a new run"
            )
        checkpoint.load_into(self.bare, tensors.get(_NETWORK, {}), source)
        checkpoint.load_into(self.average.module, tensors.get(_AVERAGE, {}), source)
        optimiser = self.optimiser.optimizer
        checkpoint.restore_optimiser(optimiser, tensors.get(_OPTIMISER, {}), source)
        self.stage.load_extra(tensors.get(_EXTRA, {}))
        self.best_weights = tensors.get(_BEST, {})
        self.best = state.get("best") or self.best
        if self.best["score"] is None:
            self.best["score"] = -math.inf
        self.step, self.seconds = state["step"], state.get("seconds", 0.0)

    # the loop ------------------------------------------------------------------------------------
    def loop(self, progress: Progress | None, caught: _Caught) -> Outcome:
        """All remaining steps."""
        settings = self.settings
        journal = Journal(self.folder, self.step) if self.chief else None
        try:
            while self.step < settings.steps:
                started = time.monotonic()
                terms = self._advance()
                self.seconds += time.monotonic() - started
                if journal is not None:
                    journal.record(self.step, "train", terms)
                if progress is not None and self.chief:
                    progress(self.step, settings.steps, terms)
                self._housekeeping(journal)
                if self._any(caught.signal is not None):
                    self.save()
                    raise Interrupted(f"stopped after step {self.step}; the state was saved")
            if self._any(self._found_problem()):  # its last check ended it, and it was resumed
                self._fail(self.stage.problem)
        finally:
            if journal is not None:
                journal.close()
        network = self.average.module
        if self.best_weights:
            network.load_state_dict(self.best_weights)
        return Outcome(
            network, self.best["scores"], self.best["step"], self.step, round(self.seconds, 1)
        )

    def _advance(self) -> dict[str, float]:
        """One optimiser step."""
        settings, fabric, step = self.settings, self.fabric, self.step
        rate = learning_rate(settings, step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        # dropout and noise depend on the step alone: a resumed run draws what it would have drawn
        torch.manual_seed(seed_for(settings.seed, "step", step, fabric.global_rank))
        self.network.train()
        batch = self.stage.batch(step, fabric.global_rank, fabric.world_size)
        before = [buffer.clone() for buffer in self.bare.buffers()]
        with self.autocast():
            loss, terms = self.stage.loss(self.network, batch, step)
        if self._any(not torch.isfinite(loss)):
            self._fail(f"loss is not finite at step {step}", before)
        self.optimiser.zero_grad()
        fabric.backward(loss)
        norm = fabric.clip_gradients(
            self.network,
            self.optimiser,
            max_norm=settings.clip_norm or math.inf,
            error_if_nonfinite=False,
        )
        if self._any(not torch.isfinite(norm)):
            self._fail(f"gradient is not finite at step {step}", before)
        terms = {"loss": float(loss.detach()), **terms, **self._beside(step, before)}
        self.optimiser.step()
        self.average.update(self.bare, step)
        self.step += 1
        return self._mean(terms)

    def _beside(self, step: int, before: list[torch.Tensor]) -> dict[str, float]:
        """The stage's work besides the main optimiser, which has not made its step yet."""
        terms, failure = {}, None
        try:
            terms = self.stage.beside(step)
        except TrainingFailed as error:
            failure = str(error)
        if self._any(failure is not None):
            self._fail(failure, before)
        return terms

    def _fail(self, reason: str | None, buffers: list[torch.Tensor] | None = None) -> None:
        """Save the state and end the run.

        Args:
            reason: None where another process has it.
            buffers: of the network before the step: its forward pass has moved running statistics.
        """
        if buffers is not None:
            with torch.no_grad():
                for buffer, kept in zip(self.bare.buffers(), buffers, strict=True):
                    buffer.copy_(kept)
        self.save()
        raise TrainingFailed(f"{reason or 'another process failed'}; the state was saved")

    def _found_problem(self) -> bool:
        """Whether a validation, which the first process makes, has found that the run must end."""
        return self.chief and self.stage.problem is not None

    def _mean(self, terms: dict[str, float]) -> dict[str, float]:
        """Terms over all processes, which have the same ones at every step."""
        if self.fabric.world_size == 1:
            return terms
        values = torch.tensor(list(terms.values()), device=self.fabric.device)
        return dict(zip(terms, self.fabric.all_reduce(values).tolist(), strict=True))

    def _any(self, happened: bool) -> bool:
        """Whether it happened in any process, so that all leave the loop together."""
        if self.fabric.world_size == 1:
            return bool(happened)
        flag = torch.tensor(float(happened), device=self.fabric.device)
        return bool(self.fabric.all_reduce(flag, reduce_op="max"))

    def _housekeeping(self, journal: Journal | None) -> None:
        settings, last = self.settings, self.step == self.settings.steps
        if last or _due(self.step, settings.validate_every):
            if self.chief:
                self._validate(journal)
            self.fabric.barrier()
            if self._any(self._found_problem()):
                self._fail(self.stage.problem)
        if journal is not None and (last or _due(self.step, settings.picture_every)):
            shown = self.stage.pictures(self.average.module)
            journal.pictures(self.step, shown)
        if last or _due(self.step, settings.save_every):
            self.save()

    def _validate(self, journal: Journal) -> None:
        scores = self.stage.validate(self.average.module)
        journal.record(self.step, "validation", scores)
        score = scores["score"] if math.isfinite(scores["score"]) else -math.inf
        if score > self.best["score"] or not self.best_weights:
            self.best = {"score": score, "step": self.step, "scores": scores}
            self.best_weights = {k: v.clone() for k, v in self.average.module.state_dict().items()}


def _due(step: int, every: int) -> bool:
    return bool(every) and step % every == 0


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


class _Caught:
    signal: int | None = None


@contextmanager
def _caught_signals():
    """SIGINT and SIGTERM are noted instead of ending the process; a second one ends it."""
    caught = _Caught()
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def note(number, frame):
        caught.signal = number
        signal.signal(number, before[number])

    for number in numbers:
        signal.signal(number, note)
    try:
        yield caught
    finally:
        for number in numbers:
            signal.signal(number, before[number])
