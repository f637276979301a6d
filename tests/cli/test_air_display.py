# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs over the air show: counters, events, warnings, and the channel they simulate."""

import io
import json
import logging

import numpy as np
import pytest

from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.cli.air_arguments import air_config
from scsc_core.cli.air_display import JsonDisplay, NotedWarnings, PlainDisplay, TableDisplay
from scsc_core.cli.air_tuning import channel_summary, summary
from scsc_core.config import ConfigError
from scsc_core.radio import Event, front_end_options
from scsc_core.radio.counters_board import CountersBoard
from scsc_core.waveform.configuration import WaveformConfig


@pytest.fixture
def board():
    board = CountersBoard()
    board.update("tx", bursts=3, samples=1_000_000)
    return board


def happened(board, *events):
    board.add_events([Event(kind, 0.0, count) for kind, count in events])


def test_kind_of_event_is_told_once_with_its_cure_and_counted(board, capsys):
    display = PlainDisplay(board)

    for _ in range(3):
        happened(board, ("late", 2))
        display.tick()

    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and shown.err.startswith("late x 2: a burst came after")
    assert [line.split("events: ")[1] for line in shown.out.splitlines()] == [
        f"late {count}" for count in (2, 4, 6)
    ]


def test_peers_are_told_each_time(board, capsys):
    display = PlainDisplay(board)

    for kind in ("peer_gone", "peer_back", "peer_gone"):
        happened(board, (kind, 1))
        display.tick()

    assert [line.split(" x ")[0] for line in capsys.readouterr().err.splitlines()] == [
        *("peer_gone", "peer_back", "peer_gone")
    ]


@pytest.mark.parametrize(("clips", "lines"), [(2000, 0), (2001, 1)])
def test_clips_are_told_once_they_matter(board, capsys, clips, lines):
    """One in a thousand of the samples of both antennas."""
    display = PlainDisplay(board)

    for count in (clips - 1, 1):
        happened(board, ("clip", count))
        display.tick()

    shown = capsys.readouterr()
    assert shown.err.count("\n") == lines and f"clip {clips}" in shown.out
    assert f"clip x {clips}: " in shown.err or not lines


def test_line_that_did_not_change_is_shown_again_after_ten_seconds(capsys):
    clock = iter([0.0, *np.arange(0.5, 15.0, 0.5)])
    board = CountersBoard(lambda: next(clock))
    board.update("rx", frames=1)
    display = PlainDisplay(board)

    for _ in range(12):  # the board is looked at twice a tick
        display.tick()

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" s  ")[0].strip() for line in lines] == ["1.0", "11.0"]


def test_line_without_counters_is_left_out(capsys):
    PlainDisplay(CountersBoard()).tick()

    assert capsys.readouterr().out == ""


def test_json_has_every_event_with_kind_and_count(board, capsys):
    display = JsonDisplay(board)

    for _ in range(2):
        happened(board, ("clip", 5))
        display.tick()

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    events = [line for line in lines if line["type"] == "event"]
    assert [(event["kind"], event["count"]) for event in events] == [("clip", 5)] * 2
    assert lines[-1]["events"] == {"clip": 10}


def test_end_says_what_was_reached(board, capsys):
    values = {
        "outcome": "stopped",
        "pictures_sent": 3,
        "pictures_received": 2,
        "delivered": 1,
        "unwritten": None,
        "mean_psnr_db": 30.5,
        "missing": "not all pictures were sent",
        "code": 4,
    }

    PlainDisplay(board).end(values)

    assert capsys.readouterr().out.splitlines()[-1] == (
        "stopped: pictures 3 sent, 2 received, 1 whole, mean PSNR 30.50 dB; "
        "not all pictures were sent"
    )


def test_table_shows_counters_events_and_end(board, monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    display = TableDisplay(board)

    happened(board, ("overflow", 1))
    display.tick()
    display.end({"outcome": "done", "pictures_sent": 1})
    display.close()

    shown = screen.getvalue()
    assert "overflow x 1" in shown and "bursts" in shown
    assert shown.endswith("done: pictures 1 sent\n")


def test_warnings_of_the_library_become_notes_and_repeated_ones_are_rare():
    notes, seconds = [], iter([0.0, 1.0, 2.0, 13.0, 14.0])
    log = logging.getLogger("scsc_core.waveform.csi_book")

    with NotedWarnings(notes.append, lambda: next(seconds)):
        for text in ("too old", "too old", "no report", "no report", "no report"):
            log.warning("channel feedback: %s", text)
        log.info("closed loop")

    assert notes == [f"channel feedback: {text}" for text in ("too old", "no report", "no report")]
    assert not logging.getLogger("scsc_core").handlers


def test_programs_simulate_a_slowly_fading_channel():
    config = air_config([], {})

    assert (config.model, config.profile, config.delay_spread_ns) == ("tdl", "A", 30)
    assert (config.block, config.doppler_hz, config.snr_db) == ("doppler", 5, 15)


@pytest.mark.parametrize(
    ("named", "got"),
    [
        ({"snr_db": "3"}, {"snr_db": 3, "model": "tdl"}),
        ({"model": "awgn"}, {"block": "per_frame", "doppler_hz": 0}),
        ({"model": "tdl"}, {"delay_spread_ns": 50, "block": "doppler"}),
        ({"block": "per_frame"}, {"doppler_hz": 0, "model": "tdl"}),
        ({"doppler_hz": "20"}, {"block": "doppler", "doppler_hz": 20}),
    ],
)
def test_what_is_named_changes_what_belongs_to_it(named, got):
    config = air_config([], named)

    assert {key: getattr(config, key) for key in got} == got


def test_file_names_keys_too_and_flags_win(tmp_path):
    layer = tmp_path / "air.yaml"
    layer.write_text("model: rayleigh\nblock: per_frame\nsnr_db: 3\n", encoding="utf-8")

    config = air_config([str(layer)], {"snr_db": "4"}, {"sample_rate_hz": 2e6})

    default = StreamChannelConfig().model_dump()
    assert config.model_dump() == {**default, "snr_db": 4, "sample_rate_hz": 2e6}
    with pytest.raises(ConfigError, match="air.yaml: unknown key"):
        layer.write_text("modell: rayleigh\n", encoding="utf-8")
        air_config([str(layer)], {})


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ({}, "channel TDL-A 30 ns, 5 Hz Doppler, SNR 15 dB (pz_n0)"),
        ({"model": "awgn"}, "channel awgn, SNR 15 dB (pz_n0)"),
        (
            {"model": "rician", "block": "samples:500", "noise_var": 0.5},
            "channel rician 9 dB, samples:500, noise_var 0.5",
        ),
    ],
)
def test_channel_is_said_in_some_words(named, text):
    assert channel_summary(air_config([], named)) == text


@pytest.mark.parametrize(
    ("kind", "options", "where"),
    [
        ("zmq", {"direction": "tx", "rate_hz": 5e6}, "zmq tcp://127.0.0.1:5555 at 5 Msps"),
        ("zmq", {"direction": "rx"}, "zmq tcp://127.0.0.1:5556 at 1 Msps"),
        ("file", {"sigmf": "air"}, "file air at 1 Msps"),
        ("uhd", {"args": "type=b200"}, "uhd type=b200, 2450 MHz at 1 Msps"),
        ("sim", {}, "sim at 1 Msps"),
    ],
)
def test_first_line_says_what_runs_and_where(kind, options, where):
    config = WaveformConfig(precoder="svd_wf", qp=37, harq=True)

    text = summary(kind, front_end_options(kind, options), config, feedback="tcp://127.0.0.1:5557")

    link = "bpg QP 37, qpsk 1/2, precoder svd_wf, HARQ"
    assert text == f"{where}; {link}; feedback tcp://127.0.0.1:5557"
