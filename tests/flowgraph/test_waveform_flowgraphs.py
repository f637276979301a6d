# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs of the link over the air run, alone and as two processes, and have their radio twins."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
FLOWGRAPHS = ROOT / "flowgraphs"
GRCC = Path("/usr/bin/grcc")
TWINS = {
    "scsc_zmq_tx": "scsc_tx",
    "scsc_zmq_rx": "scsc_rx",
    "scsc_waveform": "scsc_radio_loopback",
    "scsc_channel_explorer": "scsc_calibration",
}
# What belongs to a simulated channel or to a device: the only difference of twins beside block air.
FRONT_END_VARIABLES = {
    *("snr_db", "model", "cfo_hz", "profile", "delay_spread_ns", "doppler_hz", "sfo_ppm"),
    *("phase_noise", "tx_address", "rx_address", "args", "frequency", "tx_gain", "rx_gain"),
    "config",  # the age of reports that a radio needs
}
RUNNER = """
import sys, importlib.util, json
from PyQt5 import QtCore, QtWidgets
program, options, controls, wanted = sys.argv[1], *map(json.loads, sys.argv[2:5])
name = program.rpartition("/")[2].removesuffix(".py")
spec = importlib.util.spec_from_file_location(name, program)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
app = QtWidgets.QApplication(["generated"])
flowgraph = getattr(module, name)(**options)
flowgraph.start()
for control, value in controls:
    getattr(flowgraph, f"set_{control}")(value)
counters = lambda: {block: getattr(flowgraph, block).counters for block, _, _ in wanted}
def look():
    if all(getattr(flowgraph, block).counters.get(key, 0) >= least for block, key, least in wanted):
        app.quit()
timer = QtCore.QTimer()
timer.timeout.connect(look)
timer.start(20)
QtCore.QTimer.singleShot(45000, app.quit)
app.exec_()
flowgraph.stop()
flowgraph.wait()
print("COUNTERS", json.dumps(counters(), default=str))
"""


def environment():
    env = dict(os.environ, GRC_BLOCKS_PATH=str(ROOT / "grc"), QT_QPA_PLATFORM="offscreen")
    env.pop("DISPLAY", None)
    return env


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Folder with the programs of the simulated flowgraphs."""
    if not GRCC.exists():
        pytest.skip("grcc is not installed")
    pytest.importorskip("PyQt5.QtWidgets", reason="PyQt5 is not installed")
    folder = tmp_path_factory.mktemp("generated")
    names = [*TWINS, "scsc_closed_loop"]
    paths = [str(FLOWGRAPHS / "simulation" / f"{name}.grc") for name in names]
    command = [sys.executable, str(GRCC), "-o", str(folder), *paths]
    subprocess.run(command, env=environment(), capture_output=True, timeout=60, check=True)
    return folder


@pytest.fixture
def picture(tmp_path):
    ramp = np.add.outer(np.arange(96), np.arange(128)) // 2
    image = np.stack([ramp, ramp[::-1], 200 - ramp], -1).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "ramp.png")
    return str(tmp_path / "ramp.png")


def start(folder, name, options, controls, wanted):
    """The process of a program that runs until every (block, counter, least) of `wanted` holds."""
    words = [json.dumps(part) for part in (options, controls, wanted)]
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder / f"{name}.py"), *words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """Counters of the blocks when it has ended by itself."""
    try:
        out, err = process.communicate(timeout=90)
    finally:
        process.kill()
    assert process.returncode == 0, err
    return json.loads(out.split("COUNTERS ")[1])


def test_waveform_delivers_with_every_control(compiled, picture):
    controls = [
        ("snr_db", 25),
        ("model", "rayleigh"),
        ("precoder_name", "svd_wf"),
        ("cfo_hz", 20_000),
    ]
    wanted = [("waveform_receiver", "delivered", 3), ("spectrum", "frames", 1)]

    counters = finish(
        start(compiled, "scsc_waveform", {"image": picture, "rate": 0}, controls, wanted)
    )

    assert counters["waveform_receiver"]["delivered"] >= 3


def test_closed_loop_closes_and_survives_lost_feedback(compiled, picture):
    controls = [
        ("snr_db", 20),
        ("doppler_hz", 4),
        ("delay_s", 0.005),
        ("loss", 0.2),
        ("quality", 40),
    ]
    wanted = [
        ("waveform_receiver", "delivered", 4),
        ("waveform_transmitter", "frames_closed_loop", 1),
        ("radio", "frames", 4),
    ]

    counters = finish(
        start(compiled, "scsc_closed_loop", {"image": picture, "rate": 0}, controls, wanted)
    )

    assert counters["waveform_transmitter"]["frames_closed_loop"] >= 1


def test_explorer_sounds_whatever_channel_is_chosen(compiled):
    controls = [("model", "cdl"), ("profile", "D"), ("delay_spread_ns", 100), ("doppler_hz", 0)]
    controls += [("snr_db", 25), ("cfo_hz", -5000), ("sfo_ppm", 10), ("phase_noise", 0.001)]
    wanted = [("channel", "frames", 8), ("radio", "frames", 8), ("spectrum", "frames", 1)]

    counters = finish(start(compiled, "scsc_channel_explorer", {}, controls, wanted))

    assert counters["channel"]["dropped"] == 0


def free_addresses(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    addresses = [f"tcp://127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return addresses


def test_two_halves_in_two_processes_deliver(compiled, picture):
    air, feedback = free_addresses(2)
    common = {"feedback_address": feedback}
    receiver = start(
        compiled,
        "scsc_zmq_rx",
        {**common, "rx_address": air},
        [],
        [("waveform_receiver", "delivered", 3)],
    )
    transmitter = start(
        compiled,
        "scsc_zmq_tx",
        {**common, "tx_address": air, "image": picture, "rate": 0},
        [("precoder_name", "svd_wf")],
        [("waveform_transmitter", "pictures_sent", 3), ("csi_link", "received", 1)],
    )
    try:
        heard = finish(receiver)
    finally:
        sent = finish(transmitter)

    assert heard["waveform_receiver"]["delivered"] >= 3
    assert sent["csi_link"]["received"] >= 1 and not sent["csi_link"].get("malformed")


def without_front_end(folder, name):
    """Blocks and connections of a flowgraph without what tells a radio from a simulation."""
    document = yaml.safe_load((FLOWGRAPHS / folder / f"{name}.grc").read_text())
    blocks = {
        block["name"]: (block["id"], block["parameters"])
        for block in document["blocks"]
        if block["name"] not in FRONT_END_VARIABLES | {"air"}
    }
    return blocks, sorted(map(tuple, document["connections"]))


@pytest.mark.parametrize("simulated", TWINS)
def test_radio_twin_differs_in_its_front_end_only(simulated):
    expected = without_front_end("simulation", simulated)

    assert without_front_end("usrp", TWINS[simulated]) == expected


@pytest.mark.parametrize("name", TWINS.values())
def test_radio_flowgraph_says_that_nobody_tried_it(name):
    document = yaml.safe_load((FLOWGRAPHS / "usrp" / f"{name}.grc").read_text())

    assert "Nobody has run this on a radio yet" in document["options"]["parameters"]["comment"]
