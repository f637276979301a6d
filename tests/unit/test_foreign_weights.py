# SPDX-License-Identifier: GPL-3.0-or-later
"""State dicts of other projects: known content only, nothing run, kept as safetensors."""

import hashlib
import pickle
import re

import numpy as np
import pytest
import torch

from scsc_core import foreign_weights, zoo
from scsc_core.foreign_weights import KNOWN, cache_folder, import_pth


class Touch:
    """A pickle of it creates a file when it is opened carelessly."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SCSC_CACHE", str(folder))
    return folder


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"a.weight": torch.arange(6.0).view(2, 3), "a.steps": torch.tensor(7)}, path)
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_unknown_hash_is_refused_with_the_reason(weights, cache):
    with pytest.raises(zoo.ModelError, match="can run code .* is not known; .* pass sha256="):
        import_pth(weights)
    assert not cache.exists()


def test_named_hash_opens_the_file(weights):
    tensors = zoo.import_pth(weights, sha256(weights).upper())

    assert set(tensors) == {"a.weight", "a.steps"}
    np.testing.assert_array_equal(tensors["a.weight"], [[0, 1, 2], [3, 4, 5]])
    assert tensors["a.steps"].dtype == np.int64 and tensors["a.steps"].shape == ()


def test_known_hash_opens_the_file_and_leaves_a_copy(weights, cache, monkeypatch):
    monkeypatch.setitem(KNOWN, sha256(weights), "test")

    import_pth(weights)

    assert [p.name for p in (cache / "weights").iterdir()] == [f"{sha256(weights)}.safetensors"]


def test_copy_is_read_instead_of_the_pickle(weights, monkeypatch):
    first = import_pth(weights, sha256(weights))
    monkeypatch.setattr(torch, "load", None)

    second = import_pth(weights, sha256(weights))

    assert first.keys() == second.keys()
    np.testing.assert_array_equal(first["a.weight"], second["a.weight"])


def test_altered_file_is_refused_in_spite_of_its_copy(weights):
    expected = sha256(weights)
    import_pth(weights, expected)
    weights.write_bytes(weights.read_bytes() + b"\0")

    with pytest.raises(zoo.ModelError, match=f"expected {expected[:12]}"):
        import_pth(weights, expected)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"a.weight": x}], ids=["bare", "inside"])
@pytest.mark.parametrize("dump", ["pickle", "torch"])
def test_code_in_a_pickle_never_runs(tmp_path, wrap, dump):
    path, target = tmp_path / "evil.pth", tmp_path / "touched"
    if dump == "torch":
        torch.save(wrap(Touch(target)), path)
    else:
        path.write_bytes(pickle.dumps(wrap(Touch(target)), protocol=2))

    with pytest.raises(zoo.ModelError, match="refused: no state dict of plain tensors"):
        import_pth(path, sha256(path))
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "must hold a state dict, got list"),
        ({}, "must hold a state dict, got dict"),
        ({"epoch": 3}, "'epoch' must be a tensor"),
        ({"w": torch.zeros(2, dtype=torch.bfloat16)}, "numpy has no such tensors"),
    ],
)
def test_file_that_is_no_state_dict_is_refused(tmp_path, content, message):
    path = tmp_path / "other.pth"
    torch.save(content, path)

    with pytest.raises(zoo.ModelError, match=message):
        import_pth(path, sha256(path))


@pytest.mark.parametrize("content", [b"", b"no pickle at all", b"PK\3\4 cut off"])
def test_damaged_file_is_one_line(tmp_path, content):
    path = tmp_path / "damaged.pth"
    path.write_bytes(content)

    with pytest.raises(zoo.ModelError) as caught:
        import_pth(path, sha256(path))
    assert "refused" in str(caught.value) and "\n" not in str(caught.value)


def test_bad_hash_and_missing_file_are_named(weights, tmp_path):
    with pytest.raises(zoo.ModelError, match="sha256 must be 64 hex digits, got 'abc'"):
        import_pth(weights, "abc")
    with pytest.raises(zoo.ModelError, match="missing.pth cannot be read: No such file"):
        import_pth(tmp_path / "missing.pth")


def test_damaged_copy_is_named(weights, cache):
    import_pth(weights, sha256(weights))
    copy = cache / "weights" / f"{sha256(weights)}.safetensors"
    copy.write_bytes(b"nothing")

    with pytest.raises(zoo.ModelError, match=f"{re.escape(str(copy))} are damaged.*delete them"):
        import_pth(weights, sha256(weights))


def test_cache_that_cannot_be_written_says_what_to_set(weights, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()

    with pytest.raises(zoo.ModelError, match="set SCSC_CACHE to a folder that can be written"):
        import_pth(weights, sha256(weights), cache=blocked)


def test_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SCSC_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"

    monkeypatch.delenv("SCSC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "scsc"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(foreign_weights.Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "scsc"


def test_every_published_file_here_is_known(research_data):
    files = sorted((research_data / "weights").glob("*.pth"))
    if not files:
        pytest.skip("no published weights in the research data")

    assert {sha256(path) for path in files} <= set(KNOWN)
