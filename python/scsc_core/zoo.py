# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained models that come with the module: index, verified files, networks with weights."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml

INDEX = "index.yaml"
REQUIRED = ("name", "file", "sha256", "network", "data", "licence")
WEIGHTS_SUFFIX = ".safetensors"
PICKLE_SUFFIXES = (".pth", ".pt", ".pkl", ".pickle", ".ckpt", ".bin")
# network field of the index -> "module:class"; the class has from_tensors(tensors, config)
NETWORKS = {
    "pcen": "scsc_core.mimo.pcen:PcenNetwork",
    "pcen_unfolded": "scsc_core.mimo.pcen_unfolded:UnfoldedPcen",
    "pcen_paper": "scsc_core.mimo.pcen_paper:PaperPcen",
    "ppen": "scsc_core.nets.preprocessor:Preprocessor",
    "erf_pspnet": "scsc_core.tasks.segmentation:Segmenter",
    "proxy": "scsc_core.nets.proxy:Proxy",
    "residual_proxy": "scsc_core.nets.residual_proxy:ResidualProxy",
}


# tensors that are maps of labels, not weights, and therefore integers
LABEL_MAPS = ("kappa",)


class ModelError(ValueError):
    """A trained model is missing, damaged, or has no stated origin or licence."""


def _candidates() -> list[Path]:
    package = Path(__file__).resolve().parent
    folders = [package.parents[1] / "trained_models"]
    prefixes = list(package.parents) + [Path(sys.prefix), Path("/usr/local"), Path("/usr")]
    folders += [prefix / "share" / "scsc" / "trained_models" for prefix in prefixes]
    return folders


def folders() -> list[Path]:
    """The folders of trained models; a model is taken from the first that has it.

    Environment variable SCSC_MODELS names one folder or several with ":" between them. Without it,
    the source tree's trained_models, or share/scsc/trained_models under the installation prefix.

    Raises:
        ModelError: there is none, or a named one has no index.yaml.
    """
    override = os.environ.get("SCSC_MODELS")
    if override:
        named = [Path(part) for part in override.split(os.pathsep) if part]
        for candidate in named:
            if not (candidate / INDEX).is_file():
                raise ModelError(f"SCSC_MODELS={candidate} has no {INDEX}")
        return named
    for candidate in _candidates():
        if (candidate / INDEX).is_file():
            return [candidate]
    raise ModelError("no trained_models folder found; set SCSC_MODELS to one with an index.yaml")


def folder(name: str | None = None) -> Path:
    """The folder that holds a model; the first of `folders()` when None or when none has it."""
    searched = folders()
    return next((f for f in searched if name in _index_of(f)), searched[0])


@lru_cache(maxsize=8)
def _read_index(path: Path, stamp: int) -> dict[str, dict]:
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ModelError(f"{path} is no valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise ModelError(f"{path} must be a list of models")
    named = [e for e in entries if "name" in e]
    if len(named) != len(entries) or len({e["name"] for e in named}) != len(named):
        raise ModelError(f"every model of {path} needs a name of its own")
    return {e["name"]: e for e in entries}


def _index_of(place: Path) -> dict[str, dict]:
    path = place / INDEX
    return _read_index(path, path.stat().st_mtime_ns)


def index() -> dict[str, dict]:
    """All models by name: the entries of index.yaml in `folders()`."""
    merged: dict[str, dict] = {}
    for place in reversed(folders()):
        merged |= _index_of(place)
    return merged


def entry(name: str) -> dict:
    """The index entry of one model.

    Raises:
        ModelError: unknown name, an entry without file, hash, network, data or licence, or one
            whose fields are of another kind.
    """
    models = index()
    if name not in models:
        raise ModelError(f"no model {name!r}; there are: {', '.join(sorted(models)) or 'none'}")
    _check_described(name, models[name], REQUIRED, INDEX)
    return models[name]


def _check_described(name: str, described: dict, required: tuple[str, ...], where: str) -> None:
    missing = [key for key in required if described.get(key) in (None, "")]
    if missing:
        raise ModelError(f"model {name} has no {', '.join(missing)} in {where}: refused")
    for key in ("file", "sha256", "network", "licence"):
        if not isinstance(described.get(key, ""), str):
            raise _wrong_kind(name, key, "text", described, where)
    if not isinstance(described.get("config") or {}, dict):
        raise _wrong_kind(name, "config", "a table of key: value", described, where)


def _wrong_kind(name: str, key: str, kind: str, described: dict, where: str) -> ModelError:
    shown = repr(described[key])
    shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
    return ModelError(f"model {name}: {key} in {where} must be {kind}, got {shown}: refused")


def path(name: str) -> Path:
    """File of a model, its SHA-256 verified.

    Raises:
        ModelError: unknown, missing or altered.
    """
    described = entry(name)
    file = folder(name) / described["file"]
    if not file.is_file():
        raise ModelError(f"model {name}: file {described['file']} is missing in {file.parent}")
    found = _sha256(file, file.stat().st_mtime_ns)
    if found != described["sha256"]:
        raise ModelError(
            f"model {name}: SHA-256 of {described['file']} is {found[:12]}..., "
            f"{INDEX} says {str(described['sha256'])[:12]}...; restore the file"
        )
    return file


@lru_cache(maxsize=32)
def _sha256(file: Path, stamp: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def tensors(name: str | Path) -> dict[str, np.ndarray]:
    """Weights of a model as numpy arrays, by name (verified) or .safetensors file, see `load`.

    Raises:
        ModelError: as `load`; weights that are integers, which a network would take for real
            numbers, other than the maps of `LABEL_MAPS`.
    """
    describe(name)
    own = str(name).endswith(WEIGHTS_SUFFIX)
    weights = read_weights(Path(name) if own else path(str(name)))[0]
    for key, values in weights.items():
        if values.dtype.kind != "f" and key not in LABEL_MAPS:
            raise ModelError(
                f"model {name}: weights must be real numbers, {key} is {values.dtype}: refused"
            )
    return weights


def load(name: str | Path):
    """The network of a model with its weights.

    Args:
        name: a key of `index()`, for example "pcen", or a path that ends in .safetensors: a file
            of one's own whose metadata hold the entry, as `training.publish` writes it.
    Returns:
        The object its `network` class builds (`NETWORKS`), such as `mimo.pcen.PcenNetwork`.
    Raises:
        ModelError: unknown, missing, altered, damaged, of another architecture, or without stated
            data and licence.
    """
    described = describe(name)
    weights = tensors(name)
    if not str(name).endswith(WEIGHTS_SUFFIX):
        _note_licence(str(name), described["licence"], described.get("commercial_use", True))
    network = described["network"]
    if network not in NETWORKS:
        raise ModelError(
            f"model {name}: unknown network {network!r}; known: {', '.join(sorted(NETWORKS))}"
        )
    module, _, attribute = NETWORKS[network].partition(":")
    builder = getattr(importlib.import_module(module), attribute)
    try:
        return builder.from_tensors(weights, described.get("config") or {})
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"model {name}: {error}") from None


def describe(name: str | Path) -> dict:
    """What is said of a model: its index entry, or the one in the metadata of a weight file.

    Raises:
        ModelError: unknown, a missing or damaged file, or no stated network, data and licence.
    """
    refuse_pickle(name)
    if not str(name).endswith(WEIGHTS_SUFFIX):
        return entry(str(name))
    described = read_weights(Path(name))[1]
    _check_described(str(name), described, ("name", "network", "data", "licence"), "its metadata")
    return described


def refuse_pickle(name: str | Path) -> None:
    """ModelError for a file that is a pickle by its suffix."""
    if str(name).endswith(PICKLE_SUFFIXES):
        raise ModelError(
            f"model file {name} is a pickle, and loading one can run code: refused; zoo.import_pth "
            "reads state dicts of known content"
        )


def import_pth(path: str | Path, sha256: str | None = None) -> dict[str, np.ndarray]:
    """Tensors of another project's PyTorch file; see `foreign_weights.import_pth`."""
    from .foreign_weights import import_pth as read

    return read(path, sha256)


def read_weights(file: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """Tensors of a safetensors file, and the entry in its metadata ({} without one).

    Raises:
        ModelError: missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    file = Path(file)
    if not file.is_file():
        raise ModelError(f"model file {file} does not exist")
    try:
        with safe_open(file, "np") as content:
            weights = {key: content.get_tensor(key) for key in content.keys()}
            described = json.loads((content.metadata() or {}).get("model", "{}"))
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ModelError(f"model file {file} is damaged: {error}") from None
    if not isinstance(described, dict):
        raise ModelError(f"model file {file} is damaged: its metadata is no table")
    return weights, described


@lru_cache(maxsize=32)
def _note_licence(name: str, licence: str, commercial_use: bool) -> None:
    """Say once for each model that its weights may not be used commercially."""
    if not commercial_use:
        print(f"note: weights {name}: {licence}, no commercial use", file=sys.stderr)
