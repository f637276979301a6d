# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc models export`: networks as ONNX files."""

import json

import pytest

from scsc_core import cli


@pytest.fixture
def weights(tmp_path):
    """A weight file of one's own: PPEN as it starts."""
    from safetensors.numpy import save_file

    from scsc_core.nets.inference import weights_of
    from scsc_core.nets.ppen import Ppen, PpenConfig

    path = tmp_path / "own.safetensors"
    entry = {
        "name": "own",
        "network": "ppen",
        "config": {"variant": "tiny"},
        "data": [{"name": "none", "licence": "none"}],
        "licence": "GPL-3.0-or-later",
    }
    save_file(weights_of(Ppen(PpenConfig("tiny"))), path, {"model": json.dumps(entry)})
    return path


def error_of(words, capsys):
    status = cli.main(words)
    shown = capsys.readouterr()
    assert status == 2 and shown.err.count("\n") == 1
    return shown.err


def test_model_without_pictures_is_refused(tmp_path, capsys):
    told = error_of(["models", "export", "pcen", str(tmp_path / "x.onnx")], capsys)

    assert "model pcen has no ONNX form: network pcen" in told


def test_folder_is_checked_before_the_model_is_read(tmp_path, capsys):
    told = error_of(["models", "export", "no-model", str(tmp_path / "no" / "x.onnx")], capsys)

    assert f"folder {tmp_path / 'no'}" in told


def test_size_is_checked(weights, tmp_path, capsys):
    words = ["models", "export", str(weights), str(tmp_path / "x.onnx"), "--width", "3"]

    assert "width must be >= 16, got 3" in error_of(words, capsys)


@pytest.mark.slow
def test_file_names_its_licence_and_size(weights, tmp_path, capsys):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra onnx)")
    import onnx

    file = tmp_path / "x.onnx"
    words = ["models", "export", str(weights), str(file), "--width", "48", "--height", "32"]

    assert cli.main(words) == 0

    shown = capsys.readouterr()
    assert shown.out == f"{file}: picture, qp -> shaped, pictures of 48 x 32\n"
    model = onnx.load(file)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata["licence"] == "GPL-3.0-or-later"
    assert json.loads(metadata["model"])["name"] == "own"
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape == [1, 3, 32, 48]
