# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc models`: what the index says, files that are intact or not, networks as ONNX files."""

import json
import shutil

import pytest
import yaml

from scsc_core import cli, zoo


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


def shown_by(words, capsys):
    assert cli.main(words) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def error_of(words, capsys):
    status = cli.main(words)
    shown = capsys.readouterr()
    assert status == 2 and shown.err.count("\n") == 1
    return shown.err


def test_list_names_every_model_with_network_and_licence(untrained_models, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # a narrow table breaks long names

    table = shown_by(["models", "list"], capsys)

    assert str(untrained_models) in table
    rows = [line.split() for line in table.splitlines()]
    for name, entry in zoo.index().items():
        row = next(row for row in rows if name in row)
        assert {entry["network"], entry["file"], entry["licence"]} <= set(row)


def test_list_as_json_is_the_index(untrained_models, capsys):
    listed = json.loads(shown_by(["models", "list", "--json"], capsys))

    assert set(listed) == set(zoo.index()) and "ppen-tiny-streets" in listed
    assert listed["pcen"]["sha256"] == zoo.entry("pcen")["sha256"]


@pytest.mark.parametrize(("words", "read"), [([], yaml.safe_load), (["--json"], json.loads)])
def test_info_is_the_entry_of_one_model(untrained_models, capsys, words, read):
    entry = read(shown_by(["models", "info", "ppen-tiny-streets", *words], capsys))

    assert entry == zoo.entry("ppen-tiny-streets")


@pytest.mark.parametrize("command", ["info", "verify", "card"])
def test_unknown_model_is_named_beside_those_there_are(untrained_models, capsys, command):
    told = error_of(["models", command, "pcem"], capsys)

    assert "no model 'pcem'; there are: " in told and "pcen-paper" in told


def test_verify_names_each_intact_file(untrained_models, capsys):
    every = shown_by(["models", "verify"], capsys).splitlines()
    two = shown_by(["models", "verify", "pcen-paper", "pcen"], capsys).splitlines()

    ok = {
        name: f"ok  {name}  {untrained_models / entry['file']}"
        for name, entry in zoo.index().items()
    }
    assert every == [ok[name] for name in sorted(ok)]
    assert two == [ok["pcen-paper"], ok["pcen"]]


@pytest.mark.parametrize("words", [[], ["pcen"]])
def test_verify_stops_at_an_altered_file(untrained_models, tmp_path, capsys, monkeypatch, words):
    models = shutil.copytree(untrained_models, tmp_path / "models")
    monkeypatch.setenv("SCSC_MODELS", str(models))
    content = bytearray((models / "pcen.safetensors").read_bytes())
    content[-1] ^= 1
    (models / "pcen.safetensors").write_bytes(content)

    status = cli.main(["models", "verify", *words])

    shown = capsys.readouterr()
    assert status == 2 and shown.err.count("\n") == 1
    assert "model pcen: SHA-256 of pcen.safetensors is " in shown.err
    assert "ok  pcen " not in shown.out


def test_card_is_the_file_beside_the_weights(untrained_models, capsys):
    card = shown_by(["models", "card", "ppen-tiny-streets"], capsys)

    path = untrained_models / "cards" / "ppen-tiny-streets.md"
    assert card == path.read_text(encoding="utf-8") == "# ppen-tiny-streets\n\nNever trained.\n"


def test_model_without_a_card_is_named(untrained_models, capsys):
    told = error_of(["models", "card", "pcen"], capsys)

    assert f"model pcen has no card at {untrained_models / 'cards' / 'pcen.md'}" in told


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
