# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc tx`, `scsc rx` and `scsc channel` as processes: pictures, peers that go, signals, HTTP."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
pytest.importorskip("zmq", reason="pyzmq is not installed")


ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0
LINK = ["--codec", "jpeg", "--qp", "50"]
SIM = ["--sim", *LINK, "--snr-db", "25"]


def start(name, *words):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment["QT_QPA_PLATFORM"] = "offscreen"
    command = [sys.executable, ROOT / "apps" / f"scsc_{name}.py", *words]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def processes():
    """Programs that are ended with the test, whatever happens."""
    with contextlib.ExitStack() as stack:

        def launch(name, *words):
            process = start(name, *words)
            stack.callback(process.stdout.close)
            stack.callback(process.stderr.close)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield launch


def addresses(count):
    """Free loopback addresses."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [f"tcp://127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return found


def test_three_processes_deliver_pictures_over_the_virtual_radio(pictures, processes):
    sent_at, heard_at, feedback = addresses(3)
    common = [*LINK, "--precoder", "svd_wf", "--harq", "--feedback", feedback, "--timeout", 30]
    air = ["--tx-address", sent_at, "--rx-address", heard_at, "--snr-db", 20]

    receiver = processes("rx", "--zmq", heard_at, *common, "--json", "--reference", pictures)
    processes("channel", *air, "--duration", 60)
    sender = processes("tx", "--zmq", sent_at, *common, "--image", pictures, "--json")
    sent, _ = sender.communicate(timeout=LIMIT_S)
    heard, _ = receiver.communicate(timeout=LIMIT_S)

    assert (sender.returncode, receiver.returncode) == (0, 0)
    end, tx_end = json_lines(heard)[-1], json_lines(sent)[-1]
    assert end["delivered"] == tx_end["pictures_sent"] == 3 and end["mean_psnr_db"] > 35
    counters = [line for line in json_lines(sent) if line["type"] == "counters"][-1]
    # The last report of a picture may come too late to count; none of them at all would be a fault.
    assert counters["tx"]["harq_status"] >= 1 and counters["tx"]["csi_used"] >= 1


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_receiver_of_the_virtual_radio_draws_its_live_view_until_told_to_end(
    pictures, processes, theme
):
    pytest.importorskip("PyQt5.QtWidgets", reason="PyQt5 is not installed")
    sent_at, heard_at, feedback = addresses(3)
    common = [*LINK, "--precoder", "svd_wf", "--feedback", feedback, "--timeout", 10 * LIMIT_S]

    receiver = processes("rx", "--zmq", heard_at, *common, "--json", "--gui", "--theme", theme)
    processes("channel", "--tx-address", sent_at, "--rx-address", heard_at, "--snr-db", 20)
    processes("tx", "--zmq", sent_at, *common, "--image", pictures, "--repeat", 0,
              "--picture-interval", 0.2)  # fmt: skip
    lines = (json.loads(line) for line in receiver.stdout)
    shown = [line for line, _ in zip((p for p in lines if p["type"] == "picture"), range(3))]
    assert len(shown) == 3, receiver.stderr.read()
    receiver.send_signal(signal.SIGINT)
    out, err = receiver.communicate(timeout=LIMIT_S)

    assert receiver.returncode == 0 and "Traceback" not in err, err
    assert json_lines(out)[-1]["outcome"] == "stopped"


def test_receiver_ends_with_a_transmitter_that_is_broken_off(pictures, processes):
    address, feedback = addresses(2)
    common = [*LINK, "--precoder", "none", "--feedback", feedback, "--json", "--zmq", address]

    receiver = processes("rx", *common, "--timeout", 10 * LIMIT_S)
    sender = processes("tx", *common, "--image", pictures, "--repeat", 0, "--picture-interval", 1)
    next(line for line in receiver.stdout if json.loads(line)["type"] == "picture")
    sender.send_signal(signal.SIGINT)
    sender.communicate(timeout=LIMIT_S)
    heard, _ = receiver.communicate(timeout=LIMIT_S)

    assert (sender.returncode, receiver.returncode) == (0, 0)
    assert json_lines(heard)[-1]["outcome"] == "done"


@pytest.mark.parametrize("name", ["tx", "rx"])
def test_program_without_a_peer_ends_with_code_4(processes, name):
    address, feedback = addresses(2)

    program = processes(name, "--zmq", address, "--feedback", feedback, "--timeout", 0.5,
                        "--feedback-wait", 0)  # fmt: skip
    out, err = program.communicate(timeout=LIMIT_S)

    assert program.returncode == 4 and "is the other end there?" in out, err


@pytest.mark.parametrize(
    ("repeat", "number", "code"),
    [(0, signal.SIGINT, 0), (10**6, signal.SIGTERM, 4)],
)
def test_signals_end_a_transmission_in_order(pictures, processes, repeat, number, code):
    """Without end: that was all. Of a million pictures: most are missing."""
    program = processes(
        "tx", *SIM, "--precoder", "none", "--image", pictures, "--repeat", repeat, "--json",
        "--interval", 0.1,
    )  # fmt: skip
    line = next(line for line in program.stdout if json.loads(line)["type"] == "picture")

    program.send_signal(number)
    out, err = program.communicate(timeout=LIMIT_S)

    assert line and program.returncode == code, err
    assert json_lines(out)[-1]["outcome"] == "stopped" and "Traceback" not in err


def test_counters_and_pictures_are_served_while_it_runs(pictures, processes):
    program = processes(
        "rx", *SIM, "--precoder", "none", "--image", pictures, "--repeat", 0, "--http", 0, "--json"
    )
    lines = (json.loads(line) for line in program.stdout)
    texts = (line["text"] for line in lines if line["type"] == "note")
    url = next(text.split()[-1] for text in texts if "http" in text)
    next(line for line in lines if line["type"] == "picture")

    deadline, counters = time.monotonic() + LIMIT_S, {}
    while not counters.get("rx", {}).get("pictures"):
        assert time.monotonic() < deadline
        counters = json.load(urllib.request.urlopen(url + "counters.json", timeout=10))
    picture = urllib.request.urlopen(url + "received.png", timeout=10).read()

    assert picture.startswith(b"\x89PNG") and counters["pictures"]["received"]["delivered"]
