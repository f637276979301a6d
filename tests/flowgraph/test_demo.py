# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo program: one comparison from the picture to the run folder, with networks of seeded weights."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from scsc_core import zoo

DEMO = Path(__file__).resolve().parents[2] / "apps" / "scsc_demo.py"
LIMIT_S = 300.0
NAMES = [
    "digital",
    "digital_ml",
    "digital_fair",
    "low_pass_fair",
    "scsc_without_ppen",
    "scsc_without_pcen",
    "scsc",
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The bundled models, and the demo's PPEN and task network with weights that were never trained."""
    from scsc_core.training.untrained import publish_untrained

    folder = tmp_path_factory.mktemp("models") / "trained_models"
    shutil.copytree(zoo.folder(), folder)
    return publish_untrained(folder, {"ppen-small-streets": {}}, ("erf-pspnet-streets-7",))


@pytest.fixture(scope="module")
def demo(models):
    environment = dict(
        os.environ, OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1", SCSC_MODELS=str(models)
    )

    def call(*arguments):
        return subprocess.run(
            [sys.executable, str(DEMO), *arguments],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment,
        )

    return call


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "ramp.png"
    ramp = np.add.outer(np.arange(96), np.arange(128)) // 2
    Image.fromarray(np.stack([ramp, ramp[::-1], 200 - ramp], -1).astype(np.uint8)).save(path)
    return str(path)


def test_demo_compares_the_schemes_on_a_street_scene_and_keeps_a_run_folder(demo, tmp_path):
    done = demo("--count", "2", "--scene-seed", "3", "--json", "--run-root", str(tmp_path))

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    schemes = report["schemes"]
    assert [row["name"] for row in schemes] == NAMES
    assert all(0 < row["channel_uses"] <= report["budget_channel_uses"] for row in schemes)
    assert all(row["pictures"] == 2 for row in schemes)
    assert report["image"] == "street scene 3" and report["task_judged_by"] == "ground truth"
    run = Path(report["run"])
    assert {path.name for path in run.iterdir()} == {
        "config.yaml",
        "metrics.json",
        "panel.png",
        "sent.png",
    }
    with Image.open(run / "sent.png") as sent:
        assert sent.size == (480, 352)
    saved = yaml.safe_load((run / "config.yaml").read_text())
    assert saved["config"]["seed"] == 1 and saved["ppen"] == "ppen-small-streets"
    assert json.loads((run / "metrics.json").read_text())["schemes"] == schemes


def test_flowgraph_delivers_what_the_library_made_to_fit(demo, picture):
    done = demo("--image", picture, "--count", "2", "--no-run", "--json", "--snr-db", "40")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["task_judged_by"] == "prediction on the clean picture"
    rows = {row["name"]: row for row in report["schemes"]}
    for row in rows.values():
        assert row["delivered"] == 2
        assert row["psnr_db"] == pytest.approx(row["psnr_undamaged_db"], abs=1e-9)
    assert rows["scsc"]["psnr_db"] == rows["scsc_without_pcen"]["psnr_db"]
    assert rows["scsc"]["psnr_db"] != rows["scsc_without_ppen"]["psnr_db"]


def test_table_has_every_scheme_and_without_ppen_those_that_need_none(demo, picture):
    done = demo("--image", picture, "--count", "2", "--no-run", "--ppen", "none")

    assert done.returncode == 0, done.stderr
    for text in ("SVD-WF", "no precoding", "rank adaptive", "low-pass", "SCSC w/o PPEN"):
        assert text in done.stdout
    for text in ("QP", "mIoU *", "agreement with the prediction", "R_k", "MS-SSIM", "ms a picture"):
        assert text in done.stdout
    assert "SCSC w/o PCEN" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--count", "0"), "count must be in 1..100000, got 0"),
        (("--scene-seed", "-1"), "scene_seed must be >= 0, got -1"),
        (("--image", "missing.png"), "missing.png: cannot be read"),
        (("--snr-db", "nan"), "snr_db must be a finite number, got 'nan'"),
        (("--mode", "adaptive", "--cbr-target", "0.1"), "mode must be fixed or rate_matched"),
        (("--precoder", "pcen"), "unknown argument --precoder"),
        (("--ppen", "ppen-smal-streets"), "did you mean ppen-small-streets?"),
        (("--task-model", "pcen"), "pcen holds a network 'pcen', not a segmentation model"),
        (("--mode", "rate_matched", "--cbr-target", "0.001"), "channel uses is too small"),
    ],
)
def test_wrong_argument_is_one_line_and_exit_code_2(demo, picture, arguments, complaint, tmp_path):
    given = () if "--image" in arguments else ("--image", picture)

    done = demo(*given, *arguments, "--run-root", str(tmp_path / "runs"), "--json")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and complaint in done.stderr
    assert not any((tmp_path / "runs").glob("*"))
