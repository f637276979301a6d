# SPDX-License-Identifier: GPL-3.0-or-later
"""Every .grc compiles with every one of its blocks, and the generated programs run."""

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
import sys, importlib.util
from PyQt5 import QtCore, QtWidgets
spec = importlib.util.spec_from_file_location("generated", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
app = QtWidgets.QApplication(["generated"])
flowgraph = getattr(module, sys.argv[2])(max_images=2, rate=0)
flowgraph.start()
flowgraph.set_snr_db(30)
flowgraph.set_precoder("rank_adaptive")
def look():
    if flowgraph.link_metrics.counters["frames"] >= 2 and flowgraph.received.counters["frames"] >= 2:
        app.quit()
timer = QtCore.QTimer()
timer.timeout.connect(look)
timer.start(50)
QtCore.QTimer.singleShot(30000, app.quit)
app.exec_()
flowgraph.stop()
flowgraph.wait()
print("COUNTERS", flowgraph.link_metrics.counters["frames"], flowgraph.link_metrics.counters["delivered"])
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
    assert "scsc_loopback" in [path.stem for path in FLOWGRAPHS]


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


def test_generated_loopback_runs_to_its_end_with_every_control(compiled):
    folder, _ = compiled
    program = folder / "scsc_loopback.py"

    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(program), "scsc_loopback"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert "COUNTERS 2" in done.stdout, done.stdout + done.stderr


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
