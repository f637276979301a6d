# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishing a trained model: safetensors file, index entry, card."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save

from ..zoo import read_weights
from .loop import TrainingFailed


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def check_weights(name: str, tensors: dict[str, np.ndarray]) -> None:
    """TrainingFailed where a tensor of a model holds numbers that are not finite."""
    for key, values in tensors.items():
        if not np.isfinite(values).all():
            raise TrainingFailed(f"{name} is not published: its {key} is not finite")


def publish(folder: Path, entry: dict, tensors: dict[str, np.ndarray], card: str) -> Path:
    """Write <name>.safetensors, its entry in index.yaml and cards/<name>.md into a folder.

    An entry of the same name is replaced, others stay. The entry also goes into the file's
    metadata (key `model`, JSON), so that the file alone tells what it is.

    Args:
        folder: created if missing.
        entry: index entry (keys of `zoo.REQUIRED`) without file, sha256 and bytes.
        tensors: weights.
        card: Markdown text.
    Returns:
        Path of the weights.
    Raises:
        TrainingFailed: a tensor holds numbers that are not finite; nothing is written.
    """
    check_weights(entry["name"], tensors)
    folder = Path(folder)
    (folder / "cards").mkdir(parents=True, exist_ok=True)
    name = entry["name"]
    weights = folder / f"{name}.safetensors"
    described = {"name": name, "file": weights.name} | _save(weights, tensors, entry) | entry
    index = folder / "index.yaml"
    entries = _entries(index) if index.is_file() else []
    _save_index(index, [e for e in entries if e["name"] != name] + [described])
    _replace(folder / "cards" / f"{name}.md", card)
    return weights


def _save(weights: Path, tensors: dict[str, np.ndarray], entry: dict) -> dict:
    """Write a weight file; what the index says of it: sha256, bytes."""
    partial = weights.with_suffix(".part")
    # one key: the order of several is random in the file, and equal runs should give equal bytes
    metadata = {"model": json.dumps(entry, sort_keys=True)}
    content = save({k: np.ascontiguousarray(v) for k, v in tensors.items()}, metadata)
    partial.write_bytes(content)
    os.replace(partial, weights)
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _entries(index: Path) -> list[dict]:
    return yaml.safe_load(index.read_text(encoding="utf-8")) or []


def _save_index(index: Path, entries: list[dict]) -> None:
    entries = sorted(entries, key=lambda e: e["name"])
    _replace(index, yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=100))


def _find(folder: Path, name: str) -> tuple[list[dict], dict, Path]:
    """All entries of a folder, that of one model among them, and its card."""
    entries, card = _entries(folder / "index.yaml"), folder / "cards" / f"{name}.md"
    found = next((e for e in entries if e["name"] == name), None)
    if found is None or not card.is_file():
        raise ValueError(f"{folder} has no model {name!r} with a card")
    return entries, found, card


def amend(
    folder: Path, name: str, entry: Callable[[dict], None], card: Callable[[str], str]
) -> bool:
    """Change what is said of a published model: metadata of its file, index and card.

    Args:
        folder: of the models.
        name: of a model there.
        entry: changes an entry in place; called for the metadata's and for the index's.
        card: gives the card's new text.
    Returns:
        Whether anything changed. The weights never do.
    Raises:
        ValueError: the folder has no such model with a card.
    """
    folder = Path(folder)
    entries, found, path = _find(folder, name)
    text = path.read_text(encoding="utf-8")
    weights = folder / found["file"]
    tensors, described = read_weights(weights)
    before = json.dumps([described, found]), text
    entry(described)
    entry(found)
    changed = card(text)
    if (json.dumps([described, found]), changed) == before:
        return False
    found |= _save(weights, tensors, described)
    _replace(path, changed)
    _save_index(folder / "index.yaml", entries)
    return True


def publish_log(folder: Path, name: str, records: list[dict]) -> None:
    """logs/<name>.csv: the records of a run (see `journal.read_records`), thinned, every score."""
    training = [r for r in records if r["kind"] == "train"]
    kept = training[:: max(1, len(training) // 200)]
    scores = [r for r in records if r["kind"] == "validation"]
    lines = ["step,kind,name,value"]
    for record in sorted(kept + scores, key=lambda r: r["step"]):
        values = {k: v for k, v in record.items() if k not in ("step", "kind") and v is not None}
        lines += [f"{record['step']},{record['kind']},{k},{v:.6g}" for k, v in values.items()]
    path = Path(folder) / "logs" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def note_test(folder: Path, name: str, figures: dict, table: str) -> None:
    """Put measured test figures into a model's index entry (key `test`) and card.

    Args:
        folder: of the models.
        name: of a model there.
        figures: plain values, for the index.
        table: Markdown, becomes the card's section "**Test**" in front of "**Limits**"; an older
            one is replaced.
    Raises:
        ValueError: the folder has no such model, or its card no section "**Limits**".
    """
    folder = Path(folder)
    entries, found, card = _find(folder, name)
    text = card.read_text(encoding="utf-8")
    head, limits, tail = text.partition("**Limits**")
    if not limits:
        raise ValueError(f"{card} has no section **Limits**")
    head = head.partition("**Test**")[0].rstrip()
    _replace(card, f"{head}\n\n**Test** {table.strip()}\n\n{limits}{tail}")
    found["test"] = figures
    _save_index(folder / "index.yaml", entries)
