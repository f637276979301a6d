# SPDX-License-Identifier: GPL-3.0-or-later
"""Training checkpoints: safetensors and JSON, whole or not at all, never a pickle."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

FOLDER = "ckpt"
_STATE = "state.json"
_STEP = re.compile(r"step-(\d+)")


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; one line that names the file and the reason."""


def save(
    run: Path,
    step: int,
    tensors: dict[str, dict[str, torch.Tensor]],
    state: dict[str, Any],
    keep_every: int = 0,
) -> Path:
    """Write <run>/ckpt/step-N: one safetensors file for each group of tensors, and state.json.

    The folder appears under its name when it is complete. Older ones are removed but for every
    `keep_every`-th.
    """
    folder = Path(run) / FOLDER / f"step-{step}"
    if folder.is_dir():
        return folder  # the same step of the same run: nothing has changed
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for group, values in tensors.items():
        kept = {key: value.detach().cpu().contiguous() for key, value in values.items()}
        save_file(kept, partial / f"{group}.safetensors")
    content = {"step": step, "groups": sorted(tensors), **state}
    (partial / _STATE).write_text(json.dumps(content), encoding="utf-8")
    os.replace(partial, folder)
    for other, path in _saved(run):
        if other != step and not (keep_every and other % keep_every == 0):
            shutil.rmtree(path, ignore_errors=True)
    return folder


def _saved(run: Path) -> list[tuple[int, Path]]:
    folder = Path(run) / FOLDER
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _STEP.fullmatch(path.name)
        if match and path.is_dir():
            found.append((int(match[1]), path))
    return sorted(found)


def latest(run: Path) -> Path:
    """The checkpoint of the highest step in a run folder, or the folder itself if it is one.

    Raises:
        CheckpointError: there is none.
    """
    run = Path(run)
    if (run / _STATE).is_file():
        return run
    if not run.exists():
        raise CheckpointError(f"--resume wants a run folder, {run} does not exist")
    if run.is_file():
        raise CheckpointError(
            f"{run} is a file: --resume wants a run folder (pickled checkpoints are refused, since "
            "loading one can run code)"
        )
    saved = _saved(run)
    if not saved:
        raise CheckpointError(f"{run} holds no checkpoint ({FOLDER}/step-N)")
    return saved[-1][1]


def load(folder: Path) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, Any]]:
    """Tensors by group, and the state, of one checkpoint folder.

    Raises:
        CheckpointError: missing or damaged.
    """
    folder = Path(folder)
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        tensors = {p.stem: load_file(p) for p in sorted(folder.glob("*.safetensors"))}
    except (OSError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"checkpoint {folder} is damaged: {reason}") from None
    if not isinstance(state, dict) or not isinstance(state.get("step"), int):
        raise CheckpointError(f"checkpoint {folder} is damaged: state.json has no step")
    for group in state.get("groups", []):
        if group not in tensors:
            raise CheckpointError(f"checkpoint {folder} is damaged: {group}.safetensors is missing")
    return tensors, state


def load_into(module: torch.nn.Module, tensors: dict[str, torch.Tensor], source: Path) -> None:
    """Put a group of tensors into a module.

    Raises:
        CheckpointError: they are of another architecture.
    """
    own = module.state_dict()
    differing = sorted(set(own) ^ set(tensors)) or sorted(
        key for key, value in own.items() if value.shape != tensors[key].shape
    )
    if differing:
        raise CheckpointError(
            f"checkpoint {source} is of another architecture: {differing[0]} differs "
            f"({len(differing)} of {len(own)} tensors)"
        )
    module.load_state_dict(tensors)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The state of AdamW as named tensors: "<parameter index>.<key>"."""
    state = optimiser.state_dict()["state"]
    return {
        f"{index}.{key}": torch.as_tensor(value)
        for index, entry in state.items()
        for key, value in entry.items()
    }


def restore_optimiser(
    optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor], source: Path
) -> None:
    """The inverse of `optimiser_tensors`; CheckpointError when the parameters differ."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    content = optimiser.state_dict()
    count = sum(len(group["params"]) for group in content["param_groups"])
    if any(index >= count for index in state):
        raise CheckpointError(f"checkpoint {source} is of another architecture: its optimiser")
    optimiser.load_state_dict({"state": state, "param_groups": content["param_groups"]})
