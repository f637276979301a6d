# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo program: one comparison from the picture to the run folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

DEMO = Path(__file__).resolve().parents[2] / "apps" / "scsc_demo.py"
LIMIT_S = 90.0
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1")


def demo(*arguments):
    return subprocess.run(
        [sys.executable, str(DEMO), *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=ENVIRONMENT,
    )


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "ramp.png"
    ramp = np.add.outer(np.arange(96), np.arange(128)) // 2
    Image.fromarray(np.stack([ramp, ramp[::-1], 200 - ramp], -1).astype(np.uint8)).save(path)
    return str(path)


def test_demo_compares_the_schemes_and_keeps_a_run_folder(picture, tmp_path):
    done = demo("--image", picture, "--count", "6", "--json", "--run-root", str(tmp_path))

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    schemes = report["schemes"]
    assert [row["precoder"] for row in schemes] == ["svd_wf", "none", "rank_adaptive", "pcen"]
    assert len({row["cbr_k"] for row in schemes}) == 1
    assert all(row["pictures"] == 6 for row in schemes)
    run = Path(report["run"])
    assert {path.name for path in run.iterdir()} == {
        "config.yaml",
        "metrics.json",
        "panel.png",
        "sent.png",
    }
    assert yaml.safe_load((run / "config.yaml").read_text())["config"]["seed"] == 1
    assert json.loads((run / "metrics.json").read_text()) == schemes


def test_demo_prints_a_table_with_every_scheme(picture):
    done = demo("--image", picture, "--count", "2", "--no-run", "--snr-db", "20")

    assert done.returncode == 0, done.stderr
    for text in ("SVD-WF", "no precoding", "rank adaptive", "PCEN", "R_k", "MS-SSIM", "bit/use"):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--count", "0"), "count must be in 1..100000, got 0"),
        (("--image", "missing.png"), "missing.png: cannot be read"),
        (("--snr-db", "nan"), "snr_db must be a finite number, got 'nan'"),
        (("--mode", "adaptive", "--cbr-target", "0.1"), "mode must be fixed or rate_matched"),
        (("--precoder", "pcen"), "unknown argument --precoder"),
    ],
)
def test_wrong_argument_is_one_line_and_exit_code_2(arguments, complaint, tmp_path):
    done = demo(*arguments, "--run-root", str(tmp_path / "runs"))

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and complaint in done.stderr
    assert not (tmp_path / "runs").exists()
