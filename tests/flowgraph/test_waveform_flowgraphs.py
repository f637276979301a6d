# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs of the link over the air run, again too, alone and as two processes; their radio twins."""

import socket
import subprocess
import sys

import pytest
from generated import LIMIT_S, document, environment, finish, run, start

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


def free_addresses(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    addresses = [f"tcp://127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return addresses


@pytest.fixture
def options(picture):
    """Parameters of each flowgraph: a small picture as fast as it goes, free addresses."""
    air, feedback = free_addresses(2)
    sends = {"image": picture, "rate": 0}
    return {
        "scsc_waveform": sends,
        "scsc_closed_loop": sends,
        "scsc_zmq_tx": {**sends, "tx_address": air, "feedback_address": feedback},
        "scsc_zmq_rx": {"rx_address": air, "feedback_address": feedback},
    }


def test_waveform_delivers_with_every_control(compiled, options):
    controls = [
        ("snr_db", 25),
        ("model", "rayleigh"),
        ("precoder_name", "svd_wf"),
        ("cfo_hz", 20_000),
    ]
    wanted = [("waveform_receiver", "delivered", 3), ("spectrum", "frames", 1)]

    flowgraph = {"scsc_waveform": options["scsc_waveform"]}

    counters, log = run(compiled, flowgraph, controls, wanted, runs=2)

    assert counters["waveform_receiver"]["delivered"] >= 6, log


def test_closed_loop_closes_and_survives_lost_feedback(compiled, options):
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

    flowgraph = {"scsc_closed_loop": options["scsc_closed_loop"]}

    counters, log = run(compiled, flowgraph, controls, wanted, runs=2)

    assert counters["waveform_transmitter"]["frames_closed_loop"] >= 2, log


def test_segmentation_scores_what_arrives_and_fills_the_slot_of_the_live_view(compiled):
    controls = [("snr_db", 30), ("quality", 40), ("ppen_model", "ppen-tiny-streets")]
    wanted = [("segmenter", "delivered", 2), ("live", "frames", 2), ("ppen", "frames", 2)]
    flowgraph = {"scsc_waveform_segmentation": {"scenes": 3, "rate": 0, "theme": "light"}}

    counters, log = run(compiled, flowgraph, controls, wanted)

    assert counters["ppen"]["model"] == "ppen-tiny-streets", log
    assert counters["segmenter"]["delivered"] >= 2
    # Against the labels of its own scene 0.54 to 0.68 without the link, of another one 0.15 to 0.29.
    assert counters["segmenter"]["mean_miou"] > 0.4, log


def test_explorer_sounds_whatever_channel_is_chosen(compiled):
    controls = [("model", "cdl"), ("profile", "D"), ("delay_spread_ns", 100), ("doppler_hz", 0)]
    controls += [("snr_db", 25), ("cfo_hz", -5000), ("sfo_ppm", 10), ("phase_noise", 0.001)]
    wanted = [("channel", "frames", 8), ("radio", "frames", 8), ("spectrum", "frames", 1)]

    counters, log = run(compiled, {"scsc_channel_explorer": {}}, controls, wanted, runs=2)

    assert counters["channel"]["dropped"] == 0, log


def test_two_halves_in_two_processes_deliver(compiled, options):
    receiver = start(
        compiled,
        {"scsc_zmq_rx": options["scsc_zmq_rx"]},
        wanted=[("waveform_receiver", "delivered", 3)],
    )
    transmitter = start(
        compiled,
        {"scsc_zmq_tx": options["scsc_zmq_tx"]},
        controls=[("precoder_name", "svd_wf")],
        wanted=[("waveform_transmitter", "pictures_sent", 3), ("csi_link", "received", 1)],
    )
    try:
        heard, _ = finish(receiver)
    finally:
        sent, log = finish(transmitter)

    assert heard["waveform_receiver"]["delivered"] >= 3
    back = sent["csi_link"]
    assert back["received"] >= 1 and not back.get("malformed"), log


def test_two_halves_that_are_stopped_go_on_when_they_are_started_again(compiled, options):
    halves = {name: options[name] for name in ("scsc_zmq_rx", "scsc_zmq_tx")}

    counters, log = run(compiled, halves, wanted=[("waveform_receiver", "delivered", 2)], runs=3)

    assert counters["waveform_receiver"]["delivered"] >= 6, log


@pytest.mark.parametrize("name", ["scsc_zmq_rx", "scsc_zmq_tx"])
def test_half_without_a_peer_can_be_stopped_and_started_again(compiled, options, name):
    run(compiled, {name: options[name]}, runs=2)


def without_front_end(folder, name):
    """Blocks and connections of a flowgraph without what tells a radio from a simulation."""
    flowgraph = document(folder, name)
    blocks = {
        block["name"]: (block["id"], block["parameters"])
        for block in flowgraph["blocks"]
        if block["name"] not in FRONT_END_VARIABLES | {"air"}
    }
    return blocks, sorted(map(tuple, flowgraph["connections"]))


@pytest.mark.parametrize("simulated", TWINS)
def test_radio_twin_differs_in_its_front_end_only(simulated):
    expected = without_front_end("simulation", simulated)

    assert without_front_end("usrp", TWINS[simulated]) == expected


@pytest.mark.parametrize("name", TWINS.values())
def test_radio_flowgraph_says_that_nobody_tried_it(name):
    comment = document("usrp", name)["options"]["parameters"]["comment"]

    assert "Nobody has run this on a radio yet" in comment


@pytest.mark.parametrize("name", TWINS.values())
def test_radio_flowgraph_without_its_device_ends_in_one_line(compiled, name):
    pytest.importorskip("gnuradio.uhd", reason="gr-uhd is not installed")
    command = [sys.executable, str(compiled / f"{name}.py"), "--args", "serial=none"]

    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=LIMIT_S
    )

    assert done.returncode == 2, done.stderr
    assert "gnuradio.scsc: uhd: no device found" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
