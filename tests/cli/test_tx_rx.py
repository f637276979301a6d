# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc tx`, `scsc rx`, `scsc calibrate`: options, exit codes, and pictures from end to end."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scsc_core import codecs
from scsc_core.cli import air_view
from scsc_core.cli.air_arguments import WAVEFORM_KEYS
from scsc_core.cli.air_calibration import run_calibration
from scsc_core.cli.air_program import run_program
from scsc_core.radio.sigmf_file import SigmfReader
from scsc_core.waveform.configuration import WaveformConfig

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0
CALIBRATE = "Measure.\n\nExit codes: 0 all is well."
LINK = ["--codec", "jpeg", "--qp", "50"]
SIM = ["--sim", *LINK, "--snr-db", "25"]


@pytest.fixture
def pictures(tmp_path):
    """Three small pictures with some structure."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    y, x = np.mgrid[0:64, 0:64]
    for k in range(3):
        image = np.stack([4 * x, 4 * y, (x + y) * (k + 1) // 2], -1).astype(np.uint8)
        codecs.save_image(folder / f"p{k}.png", image)
    return folder


def tx(*words):
    return run_program("tx", "Send.", [str(word) for word in words])


def rx(*words):
    return run_program("rx", "Receive.", [str(word) for word in words])


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("precoder", ["none", "svd_wf"])
def test_pictures_pass_the_simulated_link(pictures, tmp_path, capsys, precoder):
    out = tmp_path / "out"

    code = tx(*SIM, "--precoder", precoder, "--image", pictures, "--output", out, "--json")

    lines = json_lines(capsys.readouterr().out)
    shown = [line for line in lines if line["type"] == "picture"]
    assert code == 0 and lines[-1]["type"] == "end" and lines[-1]["delivered"] == 3
    assert [line["name"] for line in shown] == ["p0", "p1", "p2"]
    assert min(line["psnr_db"] for line in shown) > 35
    assert len(list(out.iterdir())) == 3
    counters = [line for line in lines if line["type"] == "counters"][-1]
    assert counters["rx"]["pictures_delivered"] == counters["tx"]["pictures_sent"] == 3
    closed = counters["tx"].get("frames_closed_loop", 0)
    assert closed >= 3 if precoder == "svd_wf" else closed == 0


def test_equal_runs_of_the_simulation_are_equal(pictures, capsys):
    words = [*SIM, "--image", pictures, "--precoder", "svd_wf", "--json", "--harq"]

    outputs = []
    for _ in range(2):
        assert tx(*words) == 0
        lines = json_lines(capsys.readouterr().out)
        outputs.append([line for line in lines if line["type"] == "picture"])

    assert outputs[0] == outputs[1]


def test_recorded_reception_gives_the_same_pictures_again(pictures, tmp_path, capsys):
    name, words = tmp_path / "air", ["--precoder", "none", "--image", pictures]
    assert rx(*SIM, *words, "--record", name) == 0
    with SigmfReader(name) as recording:
        assert [a["core:label"] for a in recording.annotations][:3] == ["data"] * 3
    capsys.readouterr()

    code = rx("--file", name, *LINK, "--precoder", "none", "--reference", pictures, "--json")

    end = json_lines(capsys.readouterr().out)[-1]
    assert code == 0 and end["delivered"] == 3 and end["mean_psnr_db"] > 35


def test_transmission_written_to_a_file_can_be_received(pictures, tmp_path, capsys):
    name = tmp_path / "sent"
    words = [*LINK, "--precoder", "none", "--file", name]

    assert tx(*words, "--image", pictures) == 0
    assert rx(*words, "--max-images", 3) == 0
    assert "delivered 3" in capsys.readouterr().out


def test_pictures_that_do_not_arrive_are_code_4(pictures, capsys):
    code = tx("--sim", *LINK, "--precoder", "none", "--snr-db", "-25", "--image", pictures)

    assert code == 4
    assert "3 pictures did not arrive" in capsys.readouterr().out


def test_recording_without_pictures_is_code_4(tmp_path, capsys):
    from scsc_core.radio.sigmf_file import SigmfWriter

    with SigmfWriter(tmp_path / "noise", 1e6, 2.4e9) as writer:
        rng = np.random.default_rng(1)
        writer.write(0.1 * (rng.normal(size=(2, 50_000)) + 1j * rng.normal(size=(2, 50_000))))

    assert rx("--file", tmp_path / "noise", "--precoder", "none") == 4
    assert "pictures were wanted" in capsys.readouterr().out


def test_dry_run_shows_what_would_be_tuned_and_opens_nothing(capsys):
    code = tx("--usrp", "type=b200", "--rate-hz", "5e6", "--tx-gain-db", "3", "--dry-run")

    shown = json.loads(capsys.readouterr().out)
    assert code == 0
    assert shown["tuning"]["lo_frequency_hz"] == 2.45e9 + 3.75e6
    assert (shown["tuning"]["tx_gain_db"], shown["tuning"]["args"]) == (3.0, "type=b200")
    assert shown["tuning"]["frame_ms"] == shown["tuning"]["frame_samples"] / 5e3
    # lead 10 ms, frame 1.1 ms, 5 ms ahead, 10 ms for the answer; twice
    limits = {"csi_max_age_s": 0.053}
    assert shown["waveform"] == {**WaveformConfig().model_dump(mode="json"), **limits}
    assert shown["warnings"] == []


def test_dry_run_warns_of_limits_that_keep_the_loop_open(capsys):
    assert tx("--usrp", "--csi-max-age-s", "0.02", "--dry-run") == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert "csi_max_age_s = 0.02 is short" in warning
    # where samples wait for the bursts, and where nobody answers, there is nothing to warn of
    for words in (["--zmq"], ["--usrp", "--feedback", "none"]):
        assert tx(*words, "--csi-max-age-s", "0.001", "--dry-run") == 0
        assert json.loads(capsys.readouterr().out)["warnings"] == []


def test_configuration_file_has_every_key_with_its_default():
    import yaml

    content = yaml.safe_load((ROOT / "configs" / "waveform.yaml").read_text())

    default = WaveformConfig().model_dump(mode="json")
    assert content == {key: default[key] for key in WAVEFORM_KEYS}


def test_files_and_flags_are_layered(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("modulation: 16qam\nprecoder: none\n")
    (tmp_path / "b.yaml").write_text("rate_hz: 2.0e6\nrealtime: true\n")

    tx("--sim", "--config", tmp_path / "a.yaml", "--radio-config", tmp_path / "b.yaml",
       "--precoder", "svd_wf", "--dry-run")  # fmt: skip

    shown = json.loads(capsys.readouterr().out)
    assert (shown["waveform"]["modulation"], shown["waveform"]["precoder"]) == ("16qam", "svd_wf")
    assert shown["options"]["realtime"] is True
    assert shown["channel"]["sample_rate_hz"] == shown["tuning"]["rate_hz"] == 2e6


@pytest.mark.parametrize(
    ("run", "words", "told"),
    [
        (tx, ["--sim", "--modulation", "qspk"], "did you mean qpsk"),
        (tx, ["--zmq", "--tx-gain-db", "3"], "unknown key 'tx_gain_db'"),
        (tx, ["--zmq", "--snr-db", "3"], "--snr-db is for --sim"),
        (tx, ["--zmq", "nonsense"], "address must be tcp://HOST:PORT"),
        (tx, ["--zmq", "--feedback", "nonsense"], "feedback"),
        (tx, ["--sim", "--image", "no/such.png"], "no/such.png does not exist"),
        (tx, ["--sim", "--image", "x", "--camera", "0"], "give one of"),
        (tx, ["--zmq", "--output", "x"], "--output has no meaning here"),
        (tx, ["--zmq", "--gui"], "--gui has no meaning here"),
        (tx, ["--sim", "--stay"], "--stay has no meaning with --sim"),
        (tx, ["--sim", "--timeout", "0"], "timeout must be > 0, got 0"),
        (tx, ["--sim", "--max-images", "-1"], "max_images must be >= 0"),
        (tx, ["--sim", "--http", "70000"], "http must be a port"),
        (tx, ["--usrp", "--csi-max-age-s", "0.01"], "csi_max_age_s must be above"),
        (tx, ["--usrp", "--lead-s", "0.2"], "lead_s must be below"),
        (rx, ["--zmq", "--image", "x"], "--image has no meaning here"),
        (rx, ["--file", "no/such"], "cannot be read"),
        (rx, ["--sim", "--config", "no.yaml"], "no.yaml cannot be read"),
    ],
)
def test_wrong_input_gets_one_line_and_code_2(run, words, told, capsys):
    code = run(*words)

    shown = capsys.readouterr().err
    assert code == 2
    assert shown.startswith("scsc ") and shown.count("\n") == 1 and told in shown


@pytest.mark.parametrize("words", [[], ["--sim", "--zmq"], ["--sim", "--modulatoin", "qpsk"]])
def test_parser_complains_in_one_line(words, capsys):
    with pytest.raises(SystemExit) as ended:
        tx(*words)

    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_missing_live_view_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(air_view, "_MODULE", "gnuradio.scsc.qtgui.no_such_view")

    assert rx("--sim", "--gui") == 2
    assert "the live view cannot be loaded" in capsys.readouterr().err


@pytest.mark.parametrize("precoder", ["none", "svd_wf"])
def test_live_view_gets_frames_pictures_and_counters(pictures, monkeypatch, precoder):
    updates = []
    window = SimpleNamespace(
        closed=False,
        close=lambda: updates.append({"closed": threading.current_thread()}),
        update=lambda **values: updates.append(values),
    )
    module = SimpleNamespace(open_live_view=lambda title, numerology: window)
    monkeypatch.setitem(sys.modules, air_view._MODULE, module)

    code = tx(*SIM, "--precoder", precoder, "--image", pictures, "--repeat", 10, "--gui")

    frames = [u for u in updates if "frame" in u and u["frame"].header.type == "data"]
    assert code == 0 and frames
    assert {len(u["tables"]) for u in frames} <= {1, 48}
    assert max(len(u["tables"]) for u in frames) == (1 if precoder == "none" else 48)
    assert any(u.get("picture") is not None for u in updates)
    assert updates[-1]["closed"] is threading.main_thread()


def test_closed_window_ends_the_program(pictures, monkeypatch):
    window = SimpleNamespace(closed=True, close=lambda: None, update=lambda **values: None)
    module = SimpleNamespace(open_live_view=lambda title, numerology: window)
    monkeypatch.setitem(sys.modules, air_view._MODULE, module)

    assert tx(*SIM, "--precoder", "none", "--image", pictures, "--repeat", 0, "--gui") == 0


def test_missing_radio_is_one_line_and_code_2(capsys):
    pytest.importorskip("gnuradio.uhd", reason="gr-uhd is not installed")

    code = tx("--usrp", "addr=127.0.0.1,type=none")

    shown = capsys.readouterr().err
    assert code == 2 and shown.count("\n") == 1 and "no device found" in shown


# Programs as processes ------------------------------------------------------------------------------
def start(name, *words):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, ROOT / "apps" / f"scsc_{name}.py", *words]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


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
    pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
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


@pytest.mark.parametrize("name", ["tx", "rx"])
def test_program_without_a_peer_ends_with_code_4(processes, name):
    pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
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
    url = next(line["text"].split()[-1] for line in lines if line["type"] == "note")
    next(line for line in lines if line["type"] == "picture")

    deadline, counters = time.monotonic() + LIMIT_S, {}
    while not counters.get("rx", {}).get("pictures"):
        assert time.monotonic() < deadline
        counters = json.load(urllib.request.urlopen(url + "counters.json", timeout=10))
    picture = urllib.request.urlopen(url + "received.png", timeout=10).read()

    assert picture.startswith(b"\x89PNG") and counters["pictures"]["received"]["delivered"]


# Calibration ----------------------------------------------------------------------------------------
def calibrate(*words):
    return run_calibration(CALIBRATE, [str(word) for word in words])


def test_calibration_finds_the_delay_of_the_simulated_channel(tmp_path, capsys):
    path = tmp_path / "c.json"

    code = calibrate("--sim", "--snr-db", 25, "--delay-samples", 37, "--seconds", 0.05,
                     "--count", 5, "--save", path, "--json")  # fmt: skip

    shown = json.loads(capsys.readouterr().out)
    assert code == 0 and shown["good"] and shown["found"] == 5
    assert shown["delay"]["delay_samples"] == 37 and shown["delay"]["spread_samples"] == 0
    assert json.loads(path.read_text())["delays"] == [shown["delay"]]
    assert min(shown["noise"]["rms_dbfs"]) < -30


def test_calibration_says_what_is_not_well(capsys):
    code = calibrate("--sim", "--snr-db", -40, "--seconds", 0.05, "--count", 2, "--save", "none")

    assert code == 4 and "0 of 2 sounding frames found" in capsys.readouterr().out


def test_calibration_sends_into_a_radio_only_through_attenuators(capsys):
    assert calibrate("--usrp", "--attenuation-db", 10) == 2
    assert "attenuation_db must be in 30..200" in capsys.readouterr().err
    assert calibrate("--usrp", "--dry-run") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["sends"] is False and shown["options"]["direction"] == "rx"
    assert calibrate("--usrp", "--attenuation-db", 40, "--dry-run") == 0
    assert json.loads(capsys.readouterr().out)["options"]["direction"] == "both"


def test_guide_explains_the_cables(capsys):
    assert calibrate("--guide") == 0
    assert "attenuator" in capsys.readouterr().out


@pytest.mark.parametrize("gains", ["1:2", "30:0:10", "0:60:0", "a:b:c", "0:1e9:1"])
def test_gains_are_checked(gains, capsys):
    assert calibrate("--sim", "--gains", gains) == 2
    assert "gains must" in capsys.readouterr().err
