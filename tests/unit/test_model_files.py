# SPDX-License-Identifier: GPL-3.0-or-later
"""Weight files whose content is of the wrong kind: one line that names it, wherever they are given."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from scsc_core import cli, preprocessing, zoo

pytest.importorskip("torch", reason="the networks need torch")

TASK, PPEN = "erf-pspnet-streets-7", "ppen-tiny-streets"


def rewritten(folder, name, weights=None, **fields):
    """A copy of a model's file with other weights or metadata."""
    tensors, described = zoo.read_weights(zoo.path(name))
    tensors = {key: (weights or (lambda x: x))(value) for key, value in tensors.items()}
    file = folder / f"{name}.safetensors"
    save_file(tensors, file, {"model": json.dumps({**described, **fields})})
    return str(file)


@pytest.mark.parametrize("config", [[1], "wide", 3])
@pytest.mark.parametrize("name", [TASK, PPEN, "pcen"])
def test_configuration_that_is_no_table_is_refused(untrained_models, tmp_path, name, config):
    file = rewritten(tmp_path, name, config=config)

    with pytest.raises(zoo.ModelError, match="config in its metadata must be a table .*, got"):
        zoo.load(file)


@pytest.mark.parametrize("config", [None, {}])
def test_configuration_may_be_left_out(untrained_models, tmp_path, config):
    assert zoo.load(rewritten(tmp_path, "pcen", config=config)) is not None


@pytest.mark.parametrize("key", ["network", "licence"])
def test_field_that_is_no_text_is_refused(untrained_models, tmp_path, key):
    file = rewritten(tmp_path, PPEN, **{key: ["ppen"]})

    with pytest.raises(zoo.ModelError, match=f"{key} in its metadata must be text"):
        zoo.load(file)


def test_integer_weights_are_refused_and_the_label_map_is_not(untrained_models, tmp_path):
    assert zoo.tensors("pcen")["kappa"].dtype == np.int8
    for name in (TASK, PPEN):
        file = rewritten(tmp_path, name, weights=lambda x: np.round(x).astype(np.int64))
        for read in (zoo.load, zoo.tensors):
            with pytest.raises(zoo.ModelError, match="weights must be real numbers, .* is int64"):
                read(file)


def test_number_format_that_numpy_lacks_is_told_in_one_line(tmp_path):
    import torch
    from safetensors.torch import save_file as save_torch

    file = tmp_path / "a.safetensors"
    save_torch({"a": torch.ones(2, dtype=torch.bfloat16)}, file)

    with pytest.raises(zoo.ModelError, match="a.safetensors is damaged: .*bfloat16"):
        zoo.read_weights(file)


def test_equivalent_qualities_that_are_no_table_are_refused(untrained_models, tmp_path):
    described = zoo.describe(PPEN)
    file = rewritten(tmp_path, PPEN, config={**described["config"], "equivalent_qp": [1]})

    with pytest.raises(zoo.ModelError, match="equivalent_qp must be a table by codec"):
        preprocessing.load(file, "jpeg")


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "task", "--data", "streets", "--frames", "1", "--networks", TASK],
        ["evaluate", "ppen", "--data", "streets", "--frames", "1", "--models", PPEN],
        ["evaluate", "scsc-link", "--data", "streets", "--frames", "1", "--ppen", PPEN],
        ["train", "ppen", f"start={PPEN}"],
        ["train", "ppen", f"tasks=[{TASK}]"],
    ],
)
def test_command_ends_with_one_line(untrained_models, tmp_path, capsys, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    for name in (TASK, PPEN):
        rewritten(tmp_path, name, config=[1])
    files = [w.replace(TASK, f"{TASK}.safetensors") for w in words]
    files = [w.replace(PPEN, f"{PPEN}.safetensors") for w in files]

    status = cli.main(files)

    shown = capsys.readouterr().err
    assert status == 2 and shown.count("\n") == 1
    assert "config in its metadata must be a table" in shown


def test_index_that_is_no_text_is_named(tmp_path, monkeypatch):
    (tmp_path / zoo.INDEX).write_bytes(b"- name: \xff\n")
    monkeypatch.setenv("SCSC_MODELS", str(tmp_path))

    with pytest.raises(zoo.ModelError, match=f"{tmp_path / zoo.INDEX} cannot be read: .*utf-8"):
        zoo.index()
