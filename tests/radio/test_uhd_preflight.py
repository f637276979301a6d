# SPDX-License-Identifier: GPL-3.0-or-later
import subprocess
import sys

import numpy as np
import pytest

from scsc_core.radio.options import UhdOptions

RATE_HZ = 1e6
HOST = ["gr-uhd", "UHD images", "USB", "socket buffers", "real-time priority"]
STEPS = ["device", "channels", "clock and time", "sample rate", "frequency", "antenna ports"]


def _preflight(radio, seconds=0.02, **options):
    from gnuradio.scsc.front_ends.uhd_preflight import preflight

    return list(preflight(UhdOptions(rate_hz=RATE_HZ, **options), radio, seconds))


def _noise(n, rms, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n))
    return (x * rms / np.sqrt(2)).astype(np.complex64)


def test_good_radio_passes_every_check(radio):
    radio.received = [(5.0, _noise(100_000, 0.01))]

    findings = _preflight(radio)

    names = [*HOST, *STEPS, "gains", "connection", "reception", "levels"]
    assert [finding.name for finding in findings] == names
    assert {finding.status for finding in findings[len(HOST) :]} == {"ok"}
    assert findings[0].detail == "UHD 4.3.0.0"
    assert findings[len(HOST)].detail == "type=b200,serial=1"


def test_nothing_is_sent(radio):
    radio.received = [(5.0, _noise(100_000, 0.01))]

    _preflight(radio)

    assert radio.sent == ([], []) and radio.tags == []


def test_first_problem_ends_the_report_with_its_cure(radio):
    radio.channels = 1

    findings = _preflight(radio)

    names = [finding.name for finding in findings if finding.name not in HOST]
    assert names == ["device", "channels"]
    assert findings[-1].status == "problem" and "B210" in findings[-1].cure


def test_lost_samples_are_a_problem(radio):
    radio.received = [(5.0, _noise(10_000, 0.01)), (6.0, _noise(100_000, 0.01))]

    finding = next(f for f in _preflight(radio) if f.name == "reception")

    assert finding.status == "problem" and "overflow x 1" in finding.detail


def test_radio_that_gives_nothing_is_a_problem(radio):
    finding = _preflight(radio, seconds=0.001)[-1]

    assert (finding.name, finding.status) == ("reception", "problem")
    assert finding.detail.startswith("0 samples within")


@pytest.mark.parametrize(
    ("rms", "words"), [(0.9, "lower rx_gain_db"), (0.0, "no signal at all"), (0.2, "")]
)
def test_levels_recommend_a_gain(radio, rms, words):
    radio.received = [(5.0, _noise(100_000, rms))]

    finding = _preflight(radio)[-1]

    assert finding.name == "levels" and words in finding.cure
    assert finding.status == ("note" if words else "ok")


def test_silent_antenna_is_noticed_in_silence(radio):
    samples = _noise(100_000, 0.001)
    samples[1] = 0
    radio.received = [(5.0, samples)]

    assert "receive antenna 2 is silent" in _preflight(radio)[-1].cure


@pytest.mark.parametrize(
    ("rate_hz", "args", "status", "detail"),
    [
        (1e6, "type=b200", "ok", "8 MB/s each way"),
        (5e6, "type=b200", "note", "40 MB/s each way"),
        (5e6, "addr=192.168.10.2", None, "bytes to receive"),
    ],
)
def test_connection_is_judged_by_rate_and_kind(radio, rate_hz, args, status, detail):
    from gnuradio.scsc.front_ends.uhd_device import UhdDevice

    finding = UhdDevice(UhdOptions(rate_hz=rate_hz, args=args), radio).connection()

    assert finding.name == "connection" and detail in finding.detail
    assert status is None or finding.status == status


def test_oscillator_in_the_band_is_a_note(radio):
    names = {f.name: f.status for f in _preflight(radio, seconds=0, lo_offset_hz=0)}

    assert names["oscillator"] == "note"


def test_without_a_device_it_is_one_line():
    code = (
        "from scsc_core.radio import open_front_end, FrontEndError\n"
        "try:\n"
        "    open_front_end('uhd', {'args': 'type=b200,serial=none'})\n"
        "except FrontEndError as error:\n"
        "    raise SystemExit(f'error: {error}')\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    lines = done.stderr.splitlines()
    assert done.stdout == "" and len(lines) == 1, done.stderr
    assert lines[0].startswith("error: uhd: no device found for args 'type=b200,serial=none'; ")
