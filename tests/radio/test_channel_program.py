# SPDX-License-Identifier: GPL-3.0-or-later
"""The program scsc_channel.py between a transmitter and a receiver, as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
pytest.importorskip("zmq", reason="pyzmq is not installed")

from gnuradio.scsc.front_ends.zmq_feedback import FeedbackReceiver, FeedbackSender  # noqa: E402

from scsc_core.cli.air_channel import run_channel  # noqa: E402
from scsc_core.radio import open_front_end  # noqa: E402

PROGRAM = Path(__file__).resolve().parents[2] / "apps" / "scsc_channel.py"
LIMIT_S = 60.0


def _command(*arguments):
    return [sys.executable, str(PROGRAM), *arguments]


def main(*words):
    """Exit code of the program, run in this process."""
    try:
        return run_channel("Pass samples.\n\nExit codes: 0 done.", list(words))
    except SystemExit as end:
        return end.code


def _start(ends, *arguments):
    process = subprocess.Popen(
        _command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1"),
    )
    ends.callback(process.wait, LIMIT_S)
    ends.callback(process.kill)
    return process


def test_samples_and_feedback_pass_and_ctrl_c_ends_with_the_counters(ends, tmp_path):
    tx_address, rx_address = f"ipc://{tmp_path}/tx", f"ipc://{tmp_path}/rx"
    listen, forward = f"ipc://{tmp_path}/listen", f"ipc://{tmp_path}/forward"
    process = _start(
        ends,
        *("--tx-address", tx_address, "--rx-address", rx_address, "--json"),
        *("--feedback-listen", listen, "--feedback-forward", forward),
        *("--model", "awgn", "--noise-var", "0", "--interval", "0.1"),
    )
    options = {"tx_address": tx_address, "rx_address": rx_address, "timeout_s": LIMIT_S}
    tx = open_front_end("zmq", {"direction": "tx", "tail_samples": 5000, **options})
    rx = open_front_end("zmq", {"direction": "rx", **options})
    receiver, sender = FeedbackReceiver(forward), FeedbackSender(listen)
    for end in (tx, rx, receiver, sender):
        ends.callback(end.close)
    x = np.zeros((2, 1000), np.complex64)
    x[0] = np.exp(1j * np.arange(1000)) / 2
    x[1] = -1j * x[0]

    tx.tx_burst(x)
    y = np.zeros((2, 0))
    deadline = time.monotonic() + LIMIT_S
    while y.shape[1] < 2000 and time.monotonic() < deadline:
        y = np.concatenate([y, rx.read(4096, 0.1).samples], axis=1)
    payloads = []
    while not payloads and time.monotonic() < deadline:
        sender.send(b"report")
        payloads = receiver.receive(0.05)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=LIMIT_S)

    # H = [[1, 1], [1, -1]] of the model awgn; a receiver at full power is at 0.30 rms
    h = np.array([[1, 1], [1, -1]])
    start = np.flatnonzero(np.abs(y[0]) > 1e-6)[0]
    np.testing.assert_allclose(y[:, start : start + 1000], 0.30 * h @ x, atol=1e-4)
    assert payloads[0] == b"report"
    assert process.returncode == 0, errors
    lines = [json.loads(line) for line in output.splitlines()]
    last = lines[-1]
    assert [line["type"] for line in lines[:2]] == ["note", "counters"]
    assert last["samples"] >= 2000 and last["feedback_sent"] >= 1 and errors == ""


def test_duration_ends_it_without_any_peer(tmp_path):
    done = subprocess.run(
        _command(
            *("--tx-address", f"ipc://{tmp_path}/tx", "--rx-address", f"ipc://{tmp_path}/rx"),
            *("--duration", "0.1"),
        ),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )

    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith(
        "channel TDL-A 30 ns, 5 Hz Doppler, SNR 15 dB (pz_n0); samples from ipc:"
    )
    assert "0.00 M samples" in last and "transmitter missing  receiver missing" in last


def test_dry_run_prints_what_would_be_used(capsys, tmp_path):
    layer = tmp_path / "channel.yaml"
    layer.write_text("model: tdl\nprofile: C\nsnr_db: 3\n", encoding="utf-8")

    assert main("--config", str(layer), "--snr-db", "10", "--dry-run") == 0

    values = json.loads(capsys.readouterr().out)
    assert (values["model"], values["profile"], values["snr_db"]) == ("tdl", "C", 10)
    assert (values["delay_spread_ns"], values["block"]) == (50, "doppler")
    assert values["tx_address"] == "tcp://127.0.0.1:5555"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--modl", "tdl"], "did you mean --model"),
        (["--model", "tld"], "did you mean tdl"),
        (["--snr-db", "loud"], "snr_db"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--rx-address", "127.0.0.1"], "tcp://HOST:PORT"),
        (["--rx-address", "tcp://192.0.2.1:5555"], "cannot bind"),
        (["--feedback-listen", "tcp://127.0.0.1:5560"], "must be given together"),
        (["--interval", "0"], "interval must be > 0"),
        (["--duration", "-1"], "duration must be > 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_the_user_can_mend_is_one_line_and_code_2(capsys, arguments, words):
    code = main(*arguments)

    errors = capsys.readouterr().err
    assert code == 2
    assert words in errors and len(errors.splitlines()) == 1


def test_help_and_version(capsys):
    assert main("--help") == 0 and "--delay-spread-ns" in capsys.readouterr().out
    assert main("--version") == 0 and capsys.readouterr().out.startswith("scsc ")
