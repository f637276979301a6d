# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc tx` and `scsc rx`: options, exit codes, and pictures from end to end."""

import json
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scsc_core.cli import air_program, air_view
from scsc_core.cli.air_arguments import WAVEFORM_KEYS
from scsc_core.cli.air_program import run_program
from scsc_core.codecs import save_image
from scsc_core.radio import received_pictures
from scsc_core.radio.image_sources import StreamSource
from scsc_core.radio.sigmf_file import RecordingError, SigmfReader, SigmfWriter
from scsc_core.waveform.configuration import WaveformConfig

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0
LINK = ["--codec", "jpeg", "--qp", "50"]
SIM = ["--sim", *LINK, "--snr-db", "25"]


@pytest.fixture(autouse=True)
def no_display_needed(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


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


@pytest.mark.parametrize("precoder", ["none", "pcen_lite"])
def test_densest_alphabet_passes_the_simulated_link(pictures, capsys, precoder):
    words = ["--modulation", "64qam", "--precoder", precoder, "--snr-db", 35, "--rate-hz", "5e6"]

    code = tx("--sim", *LINK, *words, "--image", pictures, "--json")

    shown = [p for p in json_lines(capsys.readouterr().out) if p["type"] == "picture"]
    assert code == 0 and [p["delivered"] for p in shown] == [True] * 3
    assert min(p["psnr_db"] for p in shown) > 35


def test_dense_alphabet_does_not_fail_more_often_the_higher_the_snr_is(tmp_path, capsys):
    """The channel changes while a frame lasts, which soft bits must not take for certainty."""
    folder, failed = tmp_path / "noise", {}
    folder.mkdir()
    rng = np.random.default_rng(5)
    for k in range(3):
        save_image(folder / f"p{k}.png", rng.integers(0, 256, (48, 64, 3), np.uint8))

    for snr_db in (25, 40):
        words = ["--modulation", "64qam", "--precoder", "none", "--snr-db", snr_db, "--repeat", 8]
        tx("--sim", *LINK, *words, "--image", folder, "--json")
        lines = json_lines(capsys.readouterr().out)
        counters = [line["rx"] for line in lines if line["type"] == "counters"][-1]
        failed[snr_db] = counters.get("block_errors", 0)
        assert counters["frames"] == 24

    assert failed[40] <= failed[25] + 3


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
    assert "3 received, 3 whole" in capsys.readouterr().out


def test_pictures_that_do_not_arrive_are_code_4(pictures, capsys):
    code = tx("--sim", *LINK, "--precoder", "none", "--snr-db", "-25", "--image", pictures)

    assert code == 4
    assert "3 pictures did not arrive" in capsys.readouterr().out


def test_full_disk_ends_recording_and_pictures_but_not_the_link(
    pictures, tmp_path, monkeypatch, capsys
):
    def full(*_):
        raise RecordingError("air.sigmf-data cannot be written: no space left", "free some space")

    monkeypatch.setattr(SigmfWriter, "write", full)
    words = [*SIM, "--precoder", "none", "--image", pictures, "--json"]

    code = rx(*words, "--record", tmp_path / "air")

    lines = json_lines(capsys.readouterr().out)
    assert code == 4 and lines[-1]["delivered"] == 3
    assert lines[-1]["missing"] == "the recording ended early"
    (event,) = (line for line in lines if line.get("kind") == "unrecorded")
    assert "no space left" in event["text"]


def test_pictures_that_cannot_be_written_are_code_4(pictures, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise ValueError("no space left")

    monkeypatch.setattr(received_pictures.codecs, "save_image", full)
    words = [*SIM, "--precoder", "none", "--image", pictures, "--json"]

    assert tx(*words, "--output", tmp_path / "out") == 4

    end = json_lines(capsys.readouterr().out)[-1]
    assert end["delivered"] == end["unwritten"] == 3
    assert end["missing"] == "3 received pictures could not be written"


def test_transmission_without_pictures_is_code_4(monkeypatch, capsys):
    empty = StreamSource(lambda: iter([]), "empty", live=False)
    monkeypatch.setattr(air_program, "video_source", lambda *_: empty)

    assert tx(*SIM, "--precoder", "none", "--video", "empty.avi") == 4
    assert "there was no picture to send" in capsys.readouterr().out


def test_recording_without_pictures_is_code_4(tmp_path, capsys):
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
        (tx, ["--sim", "--video", "no/such.mp4"], "no/such.mp4 does not exist"),
        (tx, ["--zmq", "--output", "x"], "--output has no meaning here"),
        (tx, ["--zmq", "--gui"], "--gui has no meaning here"),
        (rx, ["--sim", "--theme", "light"], "--theme is of the live view: add --gui, got light"),
        (tx, ["--sim", "--gui", "--theme", "red"], "theme must be one of dark, light, got 'red'"),
        (tx, ["--zmq", "--theme", "dark"], "--theme is of the live view"),
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


@pytest.mark.parametrize("run", [tx, rx])
def test_help_begins_with_what_is_needed(run, capsys):
    with pytest.raises(SystemExit) as ended:
        run("--help")

    usage, rest = capsys.readouterr().out.split("\n\n", 1)
    assert ended.value.code == 0 and len(usage.splitlines()) <= 3
    assert "--usrp [ARGS] | --zmq [ADDR] | --file NAME | --sim" in " ".join(usage.split())
    assert "--csi-max-age-s" in rest and "--doppler-hz" in rest


@pytest.mark.parametrize("words", [[], ["--sim", "--zmq"], ["--sim", "--modulatoin", "qpsk"]])
def test_parser_complains_in_one_line(words, capsys):
    with pytest.raises(SystemExit) as ended:
        tx(*words)

    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_missing_live_view_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(air_view, "_MODULE", "gnuradio.scsc.qtgui.no_such_view")

    assert rx("--sim", "--gui") == 2
    assert "the live view cannot be loaded" in capsys.readouterr().err


def test_live_view_without_a_display_is_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, air_view._MODULE, SimpleNamespace())
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)

    assert rx("--sim", "--gui") == 2
    shown = capsys.readouterr().err
    assert "no display" in shown and "--http PORT" in shown and shown.count("\n") == 1


@pytest.mark.parametrize("precoder", ["none", "svd_wf"])
def test_live_view_gets_frames_pictures_and_counters(pictures, monkeypatch, precoder):
    updates = []
    window = SimpleNamespace(
        closed=False,
        close=lambda: updates.append({"closed": threading.current_thread()}),
        update=lambda **values: updates.append(values),
    )
    module = SimpleNamespace(open_live_view=lambda title, theme, numerology: window)
    monkeypatch.setitem(sys.modules, air_view._MODULE, module)

    code = tx(*SIM, "--precoder", precoder, "--image", pictures, "--repeat", 10, "--gui")

    frames = [u for u in updates if "frame" in u and u["frame"].header.type == "data"]
    assert code == 0 and frames
    assert {len(u["tables"]) for u in frames} <= {1, 48}
    assert max(len(u["tables"]) for u in frames) == (1 if precoder == "none" else 48)
    assert any(u.get("picture") is not None for u in updates)
    assert updates[-1]["closed"] is threading.main_thread()


@pytest.mark.parametrize(
    ("words", "theme"),
    [([], "dark"), (["--theme", "light"], "light"), (["--theme", "dark"], "dark")],
)
def test_live_view_opens_in_the_theme_of_the_flag(pictures, monkeypatch, words, theme):
    opened = []
    window = SimpleNamespace(closed=True, close=lambda: None, update=lambda **values: None)

    def open_live_view(title, theme, numerology):
        opened.append((title, theme, numerology))
        return window

    module = SimpleNamespace(open_live_view=open_live_view)
    monkeypatch.setitem(sys.modules, air_view._MODULE, module)

    rx(*SIM, "--precoder", "none", "--numerology", "128", "--image", pictures, "--gui", *words)

    assert opened == [("scsc rx", theme, "128")]


def test_themes_are_those_of_the_views():
    pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
    pytest.importorskip("PyQt5.QtWidgets", reason="PyQt5 is not installed")
    from gnuradio.scsc.qtgui import theme

    assert tuple(theme.THEMES) == air_view.THEMES


def test_closed_window_ends_the_program(pictures, monkeypatch):
    window = SimpleNamespace(closed=True, close=lambda: None, update=lambda **values: None)
    module = SimpleNamespace(open_live_view=lambda title, theme, numerology: window)
    monkeypatch.setitem(sys.modules, air_view._MODULE, module)

    assert tx(*SIM, "--precoder", "none", "--image", pictures, "--repeat", 0, "--gui") == 0


def test_missing_radio_is_one_line_and_code_2(capsys):
    pytest.importorskip("gnuradio.uhd", reason="gr-uhd is not installed")

    code = tx("--usrp", "addr=127.0.0.1,type=none")

    shown = capsys.readouterr()
    assert code == 2 and shown.out == "" and shown.err.count("\n") == 1
    assert "no device found" in shown.err
