# SPDX-License-Identifier: GPL-3.0-or-later
"""Every .grc compiles with every one of its blocks, and the generated programs run."""

import re
import subprocess
import sys

import pytest
import yaml
from generated import FLOWGRAPHS, LIMIT_S, compile_flowgraphs, document, environment, run


def test_there_are_flowgraphs():
    assert {"scsc_loopback", "scsc_segmentation"} <= {path.stem for path in FLOWGRAPHS}


@pytest.mark.parametrize("path", FLOWGRAPHS, ids=lambda path: path.stem)
def test_flowgraph_compiles_with_each_of_its_blocks(compiled, path):
    program = (compiled / f"{path.stem}.py").read_text()

    for block in document(path.parent.name, path.stem)[
        "blocks"
    ]:  # grcc drops unknown blocks without a word
        if block["states"]["state"] == "enabled":
            assert re.search(rf"\b{block['name']}\b", program), block["name"]
        if block["id"].startswith("scsc_") and not block["id"].endswith("config"):
            made = rf"self\.{block['name']} = scsc\.{block['id'].removeprefix('scsc_')}\("
            assert re.search(made, program), block["name"]


@pytest.mark.parametrize("path", FLOWGRAPHS, ids=lambda path: path.stem)
def test_flowgraph_says_what_it_is(path):
    options = yaml.safe_load(path.read_text())["options"]["parameters"]

    assert options["title"] and options["author"]
    assert "What you should see" in options["comment"]


@pytest.mark.parametrize("path", FLOWGRAPHS, ids=lambda path: path.stem)
def test_short_options_of_a_flowgraph_differ(path):
    blocks = document(path.parent.name, path.stem)["blocks"]

    short = [block["parameters"].get("short_id") for block in blocks if block["id"] == "parameter"]

    assert all(short) and len(set(short)) == len(short) and "h" not in short


@pytest.mark.parametrize("path", FLOWGRAPHS, ids=lambda path: path.stem)
def test_events_of_a_front_end_reach_the_counters_that_are_shown(path):
    flowgraph = document(path.parent.name, path.stem)
    ids = {block["name"]: block["id"] for block in flowgraph["blocks"]}
    shown = [n for n, kind in ids.items() if kind in ("scsc_counter_view", "scsc_live_view")]

    for view in shown:
        assert ["air", "status", view, "status"] in flowgraph["connections"]


def all_frames(blocks, count):
    """Each of these blocks has seen so many frames."""
    return [(block, "frames", count) for block in blocks]


def test_generated_loopback_runs_to_its_end_with_every_control(compiled):
    controls = [("snr_db", 30), ("precoder", "rank_adaptive")]
    wanted = all_frames(["link_metrics", "received"], 2)
    flowgraph = {"scsc_loopback": {"max_images": 2, "rate": 0}}

    counters, log = run(compiled, flowgraph, controls, wanted)

    assert counters["link_metrics"]["frames"] == 2, log


def test_generated_segmentation_runs_to_its_end_with_every_control(compiled, untrained_models):
    controls = [("snr_db", 30), ("qp", 40), ("ppen_model", "ppen-tiny-streets")]
    controls += [("task_model", "erf-pspnet-camvid-7"), ("precoder", "rank_adaptive")]
    blocks = ["link_metrics", "segmenter", "segmentation", "received", "prepared", "ppen"]
    flowgraph = {"scsc_segmentation": {"max_images": 2, "scenes": 1, "rate": 0}}

    counters, log = run(compiled, flowgraph, controls, all_frames(blocks, 2))

    assert counters["segmenter"]["delivered"] == 2, log
    assert 0 < counters["segmenter"]["mean_miou"] < 1
    assert counters["segmenter"]["model"] == "erf-pspnet-streets-7"
    assert "model stays erf-pspnet-streets-7: no segmentation model 'erf-pspnet-camvid-7'" in log
    assert counters["ppen"]["model"] == "ppen-tiny-streets"


def test_generated_two_boxes_ends_by_itself_with_its_results(compiled, tmp_path):
    command = [sys.executable, str(compiled / "scsc_two_boxes.py"), "-n", "2", "-o", str(tmp_path)]

    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=LIMIT_S
    )

    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "received").glob("*.png"))) == 2
    assert len(list((tmp_path / "runs").glob("*/metrics.json"))) == 1


def test_unknown_block_would_be_noticed(grcc, tmp_path):
    odd = document("simulation", "scsc_loopback")
    odd["blocks"] = [block for block in odd["blocks"] if block["name"] == "ppen"]
    odd["blocks"][0].update(id="scsc_no_such_block", name="odd")
    odd["connections"] = []
    path = tmp_path / "odd.grc"
    path.write_text(yaml.safe_dump(odd))

    compile_flowgraphs(tmp_path, path)

    program = tmp_path / "scsc_loopback.py"
    assert not program.exists() or not re.search(r"\bodd\b", program.read_text())
