# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from scsc_core.config import ConfigError
from scsc_core.radio import FRONT_ENDS, OPTIONS, front_end_options
from scsc_core.radio.options import SimOptions, UhdOptions, ZmqOptions


def test_every_front_end_has_options():
    assert set(OPTIONS) == set(FRONT_ENDS)


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("zmq", {"tx_adress": "x"}, "unknown key 'tx_adress'; did you mean tx_address"),
        ("sim", {"rate": 1e6}, "unknown key 'rate'; did you mean rate_hz"),
        ("sim", {"rate_hz": -1}, "rate_hz must be greater than 0, got -1"),
        ("sim", {"rate_hz": float("nan")}, "rate_hz"),
        ("sim", {"gap_samples": 63}, "gap_samples must be greater than or equal to 64, got 63"),
        ("sim", {"direction": "rxx"}, "direction must be one of tx, rx, both, got 'rxx'"),
        ("file", {}, "sigmf"),
        ("file", {"sigmf": "a", "direction": "both"}, "direction must be one of tx, rx"),
        ("zmq", {"rx_address": "127.0.0.1:5555"}, "tcp://HOST:PORT"),
        ("zmq", {"rx_address": "tcp://127.0.0.1:70000"}, "tcp://HOST:PORT"),
        ("uhd", {"tx_antennas": "TX/RX"}, "two port names with a comma, got 'TX/RX'"),
        ("uhd", {"lo_offset_hz": 5e5}, "lo_offset_hz must be above 0.6 rate_hz = 600000"),
    ],
)
def test_impossible_option_is_one_line(kind, values, words):
    with pytest.raises(ConfigError) as caught:
        front_end_options(kind, values)

    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"front end {kind}: ")


def test_sockets_stay_on_this_host_unless_told_otherwise():
    options = ZmqOptions()

    assert options.tx_address.startswith("tcp://127.0.0.1:")
    assert options.rx_address.startswith("tcp://127.0.0.1:")
    assert ZmqOptions(tx_address="tcp://*:5555").tx_address == "tcp://*:5555"
    assert ZmqOptions(tx_address="ipc:///run/scsc").tx_address == "ipc:///run/scsc"


def test_oscillator_leaves_the_band_by_default():
    assert UhdOptions(rate_hz=5e6).lo_offset == 3.75e6
    assert UhdOptions(rate_hz=5e6, lo_offset_hz=-4e6).lo_offset == -4e6
    assert UhdOptions(lo_offset_hz=0).lo_offset == 0


def test_options_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="options must be ZmqOptions, got SimOptions"):
        front_end_options("zmq", SimOptions())


def test_ready_options_pass():
    options = SimOptions(rate_hz=2e6)

    assert front_end_options("sim", options) is options
