# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishing a trained model: safetensors file, index entry, card."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save_file


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


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
    """
    folder = Path(folder)
    (folder / "cards").mkdir(parents=True, exist_ok=True)
    name = entry["name"]
    weights = folder / f"{name}.safetensors"
    partial = weights.with_suffix(".part")
    # one key: the order of several is random in the file, and equal runs should give equal bytes
    metadata = {"model": json.dumps(entry, sort_keys=True)}
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, partial, metadata)
    os.replace(partial, weights)
    content = weights.read_bytes()
    described = {"name": name, "file": weights.name}
    described |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    described |= entry
    index = folder / "index.yaml"
    entries = yaml.safe_load(index.read_text(encoding="utf-8")) if index.is_file() else None
    entries = [e for e in entries or [] if e["name"] != name] + [described]
    entries.sort(key=lambda e: e["name"])
    _replace(index, yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=100))
    _replace(folder / "cards" / f"{name}.md", card)
    return weights


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
    index, card = folder / "index.yaml", folder / "cards" / f"{name}.md"
    entries = yaml.safe_load(index.read_text(encoding="utf-8")) or []
    found = next((e for e in entries if e["name"] == name), None)
    if found is None or not card.is_file():
        raise ValueError(f"{folder} has no model {name!r} with a card")
    text = card.read_text(encoding="utf-8")
    head, limits, tail = text.partition("**Limits**")
    if not limits:
        raise ValueError(f"{card} has no section **Limits**")
    head = head.partition("**Test**")[0].rstrip()
    _replace(card, f"{head}\n\n**Test** {table.strip()}\n\n{limits}{tail}")
    found["test"] = figures
    _replace(index, yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=100))
