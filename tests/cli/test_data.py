# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc data preview` and `check-streets`."""

import numpy as np
import pytest
import typer
from PIL import Image

from scsc_core.cli import data as command
from scsc_core.data import streets_acceptance


def run(*words):
    return typer.main.get_command(command.app).main(
        [str(word) for word in words], standalone_mode=False
    )


def test_preview_writes_a_sheet(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SCSC_DATA", str(tmp_path))  # keeps no scenes
    file = tmp_path / "sheet.png"

    run("preview", "streets", "--count", 1, "--output", file)

    assert capsys.readouterr().out.strip() == f"{file}: 1 of 1000 samples of streets train"
    assert np.asarray(Image.open(file)).shape[1] == 1440


def test_preview_uses_the_scenes_that_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SCSC_DATA", str(tmp_path))
    (tmp_path / "streets").mkdir()

    run("preview", "streets", "--count", 1, "--output", tmp_path / "sheet.png")

    names = [path.name for path in (tmp_path / "streets" / "v2-train-pinhole-480x360").iterdir()]
    assert sorted(names) == ["scene-0000000-label.png", "scene-0000000.png"]


def test_preview_refuses_a_missing_folder(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        run("preview", "streets", "--output", tmp_path / "none" / "sheet.png")


def test_missed_acceptance_test_gives_code_3(monkeypatch, capsys):
    missed = streets_acceptance.Check(4, "a claim", ">= 35", "12", False)
    monkeypatch.setattr(streets_acceptance, "evaluate", lambda quick, progress: [missed])

    assert run("check-streets") == 3
    assert "MISSED" in capsys.readouterr().out
