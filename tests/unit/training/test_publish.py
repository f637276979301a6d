# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing what is said of a published model: file, index and card stay one, weights as they are."""

import numpy as np
import pytest
import yaml

from scsc_core import zoo
from scsc_core.training.loop import TrainingFailed
from scsc_core.training.publish import amend, note_test, publish

TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([1.5, -2], np.float16),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two published models, the first with test figures."""
    monkeypatch.setenv("SCSC_MODELS", str(tmp_path))
    for name in ("first", "second"):
        entry = {"name": name, "network": "ppen", "data": [{"name": "streets"}], "licence": "own"}
        publish(tmp_path, entry | {"trained_with": {"hash": 1}}, TENSORS, "hash 1\n**Limits**: -")
    note_test(tmp_path, "first", {"miou": 0.5}, "table")
    return tmp_path


def use_hash(value):
    return (
        lambda entry: entry["trained_with"].update(hash=value),
        lambda text: text.replace("hash 1", f"hash {value}"),
    )


def test_change_reaches_file_index_and_card_and_no_weight(folder):
    second = (folder / "second.safetensors").read_bytes()

    assert amend(folder, "first", *use_hash(2222))

    entry = zoo.entry("first")
    assert entry["trained_with"] == {"hash": 2222} and entry["test"] == {"miou": 0.5}
    assert entry["bytes"] == (folder / "first.safetensors").stat().st_size
    tensors, described = zoo.read_weights(zoo.path("first"))  # verifies the hash
    assert described["trained_with"] == {"hash": 2222} and "test" not in described
    for key, value in TENSORS.items():
        assert tensors[key].dtype == value.dtype and np.array_equal(tensors[key], value)
    assert "hash 2222" in (folder / "cards" / "first.md").read_text()
    assert (folder / "second.safetensors").read_bytes() == second
    assert zoo.entry("second")["trained_with"] == {"hash": 1}


def test_what_is_so_already_leaves_every_file_alone(folder):
    amend(folder, "first", *use_hash(2))
    before = {p: p.stat().st_mtime_ns for p in folder.glob("**/*")}

    assert not amend(folder, "first", *use_hash(2))
    assert {p: p.stat().st_mtime_ns for p in folder.glob("**/*")} == before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_not_published(folder, value):
    before = {p: p.read_bytes() for p in folder.rglob("*.*")}
    spoilt = TENSORS | {"b": np.array([1, value], np.float16)}

    with pytest.raises(TrainingFailed, match="^first is not published: its b is not finite$"):
        publish(folder, zoo.entry("first"), spoilt, "card")

    assert {p: p.read_bytes() for p in folder.rglob("*.*")} == before


def test_unknown_model_is_refused(folder):
    with pytest.raises(ValueError, match="has no model 'third' with a card"):
        amend(folder, "third", *use_hash(2))
    assert [e["name"] for e in yaml.safe_load((folder / "index.yaml").read_text())] == [
        "first",
        "second",
    ]
