# SPDX-License-Identifier: GPL-3.0-or-later
"""Every .grc compiles with every one of its blocks, and the generated programs run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FLOWGRAPHS = sorted((ROOT / "flowgraphs").rglob("*.grc"))
GRCC = Path("/usr/bin/grcc")
RUNNER = """
import sys, importlib.util, json
from PyQt5 import QtCore, QtWidgets
spec = importlib.util.spec_from_file_location("generated", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
app = QtWidgets.QApplication(["generated"])
options, controls, blocks = map(json.loads, sys.argv[3:6])
flowgraph = getattr(module, sys.argv[2])(rate=0, **options)
flowgraph.start()
for name, value in controls:
    getattr(flowgraph, f"set_{name}")(value)
def look():
    if all(getattr(flowgraph, name).counters["frames"] >= options["max_images"] for name in blocks):
        app.quit()
timer = QtCore.QTimer()
timer.timeout.connect(look)
timer.start(50)
QtCore.QTimer.singleShot(90000, app.quit)
app.exec_()
flowgraph.stop()
flowgraph.wait()
counters = {name: getattr(flowgraph, name).counters for name in blocks}
print("COUNTERS", json.dumps(counters, default=list))
"""


def environment():
    env = dict(os.environ, GRC_BLOCKS_PATH=str(ROOT / "grc"), QT_QPA_PLATFORM="offscreen")
    env.pop("DISPLAY", None)
    return env


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Folder with the programs of all flowgraphs, and what grcc said of each."""
    if not GRCC.exists():
        pytest.skip("grcc is not installed")
    folder = tmp_path_factory.mktemp("generated")
    command = [sys.executable, str(GRCC), "-o", str(folder), *map(str, FLOWGRAPHS)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
    return folder, done


def test_there_are_flowgraphs():
    assert {"scsc_loopback", "scsc_segmentation"} <= {path.stem for path in FLOWGRAPHS}


@pytest.mark.parametrize("path", FLOWGRAPHS, ids=lambda path: path.stem)
def test_flowgraph_compiles_with_each_of_its_blocks(compiled, path):
    folder, done = compiled
    document = yaml.safe_load(path.read_text())

    program = (folder / f"{path.stem}.py").read_text()

    assert done.returncode == 0, done.stdout + done.stderr
    for block in document["blocks"]:  # grcc drops unknown blocks without a word
        if block["states"]["state"] == "enabled":
            assert re.search(rf"\b{block['name']}\b", program), block["name"]
        if block["id"].startswith("scsc_") and block["id"] != "scsc_config":
            made = rf"self\.{block['name']} = scsc\.{block['id'].removeprefix('scsc_')}\("
            assert re.search(made, program), block["name"]


@pytest.mark.parametrize("path", FLOWGRAPHS, ids=lambda path: path.stem)
def test_flowgraph_says_what_it_is(path):
    options = yaml.safe_load(path.read_text())["options"]["parameters"]

    assert options["title"] and options["author"]
    assert "What you should see" in options["comment"]


def run(folder, name, options, controls, blocks):
    """Counters of some blocks when each has seen every picture, and what was logged on the way."""
    words = [json.dumps(part) for part in (options, controls, blocks)]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(folder / f"{name}.py"), name, *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("COUNTERS ")[1]), done.stdout + done.stderr


def test_generated_loopback_runs_to_its_end_with_every_control(compiled):
    controls = [("snr_db", 30), ("precoder", "rank_adaptive")]

    counters, log = run(
        compiled[0], "scsc_loopback", {"max_images": 2}, controls, ["link_metrics", "received"]
    )

    assert counters["link_metrics"]["frames"] == 2, log


def test_generated_segmentation_runs_to_its_end_with_every_control(compiled, untrained_models):
    controls = [("snr_db", 30), ("qp", 40), ("ppen_model", "ppen-tiny-streets")]
    controls += [("task_model", "erf-pspnet-camvid-7"), ("precoder", "rank_adaptive")]
    blocks = ["link_metrics", "segmenter", "segmentation", "received", "prepared", "ppen"]

    counters, log = run(
        compiled[0], "scsc_segmentation", {"max_images": 2, "scenes": 1}, controls, blocks
    )

    assert counters["segmenter"]["delivered"] == 2, log
    assert 0 < counters["segmenter"]["mean_miou"] < 1
    assert counters["segmenter"]["model"] == "erf-pspnet-streets-7"
    assert "model stays erf-pspnet-streets-7: no segmentation model 'erf-pspnet-camvid-7'" in log
    assert counters["ppen"]["model"] == "ppen-tiny-streets"


def test_generated_two_boxes_ends_by_itself_with_its_results(compiled, tmp_path):
    folder, _ = compiled
    command = [sys.executable, str(folder / "scsc_two_boxes.py"), "-n", "2", "-o", str(tmp_path)]

    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "received").glob("*.png"))) == 2
    assert len(list((tmp_path / "runs").glob("*/metrics.json"))) == 1


def test_unknown_block_would_be_noticed(tmp_path):
    document = yaml.safe_load((ROOT / "flowgraphs/simulation/scsc_loopback.grc").read_text())
    document["blocks"] = [block for block in document["blocks"] if block["name"] == "ppen"]
    document["blocks"][0].update(id="scsc_no_such_block", name="odd")
    document["connections"] = []
    path = tmp_path / "odd.grc"
    path.write_text(yaml.safe_dump(document))

    subprocess.run(
        [sys.executable, str(GRCC), "-o", str(tmp_path), str(path)],
        env=environment(),
        capture_output=True,
        timeout=60,
    )

    program = tmp_path / "scsc_loopback.py"
    assert not program.exists() or not re.search(r"\bodd\b", program.read_text())
