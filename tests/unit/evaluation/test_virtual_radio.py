# SPDX-License-Identifier: GPL-3.0-or-later
"""The three programs of the virtual radio as processes: lines, ends, faults; and the whole command."""

import json
import os
import sys
import textwrap
import time

import numpy as np
import pytest

from scsc_core import cli, codecs
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.config import ConfigError
from scsc_core.evaluation import link_run, virtual_radio
from scsc_core.evaluation.virtual_radio import ProgramError, VirtualRadio
from scsc_core.waveform.configuration import WaveformConfig

CONFIG = WaveformConfig(precoder="none", codec="jpeg", qp=50)
LINES = """
    import json, sys
    print("something a library says")
    print(json.dumps({"type": "note", "text": " ".join(sys.argv[1:])}), flush=True)
"""
WAITS = """
    import json, signal, sys
    signal.signal(signal.SIGINT, lambda *_: (print(json.dumps({"samples": 7}), flush=True), sys.exit(0)))
    while True: signal.pause()
"""


@pytest.fixture
def radio(tmp_path):
    """Two small pictures, three to be sent."""
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for number, path in enumerate(paths):
        y, x = np.mgrid[0:64, 0:64]
        image = np.stack([4 * x, 4 * y, (x + y) * (number + 1) // 2], -1).astype(np.uint8)
        codecs.save_image(path, image)
    return VirtualRadio(CONFIG, StreamChannelConfig(seed=3), paths, 3)


@pytest.fixture
def stand_ins(tmp_path):
    """Function that writes programs of a few lines and gives their paths."""

    def write(**texts):
        programs = {}
        for name in virtual_radio.PROGRAMS:
            text = texts.get(name, WAITS if name == "channel" else LINES)
            programs[name] = tmp_path / f"{name}.py"
            programs[name].write_text(textwrap.dedent(text), encoding="utf-8")
        return programs

    return write


def test_lines_of_all_programs_are_kept(radio, stand_ins):
    transcript = virtual_radio.run(radio, stand_ins())

    assert [line["type"] for line in transcript.tx] == ["note"]
    assert transcript.channel == [{"type": "counters", "samples": 7}]
    words = transcript.tx[0]["text"]
    assert "--repeat 2 --max-images 3" in words and "a.png --image" in words
    assert "--reference" in transcript.rx[0]["text"] and "--image" not in transcript.rx[0]["text"]


@pytest.mark.parametrize("name", ["tx", "rx"])
def test_missed_pictures_are_no_fault_and_others_are(radio, stand_ins, name):
    virtual_radio.run(radio, stand_ins(**{name: "raise SystemExit(4)"}))
    text = "import sys; print('no such thing', file=sys.stderr); raise SystemExit(2)"

    with pytest.raises(ProgramError, match=f"scsc {name} ended with code 2: no such thing"):
        virtual_radio.run(radio, stand_ins(**{name: text}))


def test_nothing_runs_on_when_a_part_is_gone(radio, stand_ins, tmp_path):
    """The channel goes while both ends would run for ever."""
    mark = tmp_path / "pid"
    endless = f"""
        import os, pathlib, time
        pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))
        time.sleep(1000)
    """
    gone = f"""
        import pathlib, time
        while not pathlib.Path({str(mark)!r}).exists(): time.sleep(0.01)
    """

    with pytest.raises(ProgramError, match="scsc channel ended with code 0"):
        virtual_radio.run(radio, stand_ins(channel=gone, tx=endless, rx=endless))

    pid, deadline = int(mark.read_text()), time.monotonic() + 10
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)


def test_received_pictures_are_told_as_they_come(radio, stand_ins):
    lines = "import json\nfor k in range(3): print(json.dumps({'type': 'picture', 'number': k}))"
    found = []

    virtual_radio.run(radio, stand_ins(rx=lines), found.append)

    assert [values["number"] for values in found] == [0, 1, 2]


def test_channel_has_the_profile_behind_its_name():
    air = link_run.channel_config("tdl-c", CONFIG, 5.0, delay_spread_ns=30.0, snr_db=10.0)

    assert (air.model, air.profile, air.block, air.doppler_hz) == ("tdl", "C", "doppler", 5.0)
    assert air.carrier_share == 52 / 64
    assert link_run.channel_config("awgn", CONFIG, 0).block == "per_frame"
    with pytest.raises(ConfigError, match="did you mean tdl"):
        link_run.channel_config("tld-a", CONFIG, 5.0)


def test_settings_are_checked(tmp_path):
    air = StreamChannelConfig()
    for values, told in (
        ({"count": 0}, "pictures must be in 1"),
        ({"timeout_s": 0}, "timeout must be > 0"),
        ({"images": [tmp_path / "no.png"]}, "does not exist"),
        ({"size": "big"}, "size must be WIDTHxHEIGHT"),
    ):
        good = {"images": [__file__], "count": 1, "config": CONFIG, "channel": air}
        with pytest.raises(ValueError, match=told):
            link_run.Settings(**{**good, **values})


def test_expected_score_is_that_of_a_picture_without_loss(radio):
    pictures = {path: codecs.load_image(path) for path in radio.pictures}

    for slices in (1, 4):
        expected = link_run._expect(pictures, CONFIG.with_changes(slices=slices))

        for sent, image in zip(expected, pictures.values()):
            decoded = codecs.get("jpeg").decode(codecs.get("jpeg").encode(image, 50))
            error = np.mean((decoded.astype(float) - image) ** 2)
            assert sent.psnr_db == pytest.approx(10 * np.log10(255**2 / error))


# The command ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--harq", "--both"], "give one of --harq, --no-harq and --both"),
        (["--channel", "tdk-a"], "did you mean tdl"),
        (["--precoder", "pcem"], "did you mean pcen"),
        (["--image", "no/such.png"], "no/such.png does not exist"),
        (["--output", "no/such/folder/x.json"], "no/such/folder"),
    ],
)
def test_wrong_input_gets_one_line_and_code_2(words, told, capsys):
    assert cli.main(["evaluate", "link", *words]) == 2

    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and told in shown.err


def test_three_processes_deliver_pictures_and_the_account_is_whole(
    radio, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("gnuradio.gr", reason="GNU Radio is not installed")
    pytest.importorskip("zmq", reason="pyzmq is not installed")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    link = tmp_path / "link.yaml"
    link.write_text("codec: jpeg\nqp: 50\nprecoder: svd_wf\n", encoding="utf-8")
    images = [word for path in radio.pictures for word in ("--image", str(path))]
    output = tmp_path / "link.json"

    code = cli.main(
        ["evaluate", "link", "--pictures", "3", "--harq", "--snr-db", "20", *images]
        + ["--config", str(link), "--size", "none", "--output", str(output)]
    )

    shown, content = capsys.readouterr().out, json.loads(output.read_text())
    assert code == 0 and "every picture was delivered" in shown
    (run,) = content["runs"]
    assert (run["offered"], run["delivered"], run["undelivered"]) == (3, 3, [])
    assert run["harq"] and run["data_frames"] >= run["data_frames_heard"] >= 3
    assert run["goodput_bits"] > 0 and content["channel"]["doppler_hz"] == 5
    assert run["counters"]["tx"]["csi_used"] >= 1
