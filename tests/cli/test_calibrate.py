# SPDX-License-Identifier: GPL-3.0-or-later
"""`scsc calibrate`: what it measures, what it refuses, and the file that it keeps."""

import dataclasses
import json

import numpy as np
import pytest

from scsc_core.channels.stream_channel import StreamChannel
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.cli import air_calibration
from scsc_core.cli.air_calibration import run_calibration
from scsc_core.cli.air_program import run_program
from scsc_core.radio.options import SimOptions
from scsc_core.radio.sim import SimFrontEnd

DOC = "Measure.\n\nExit codes: 0 all is well."


def calibrate(*words):
    return run_calibration(DOC, [str(word) for word in words])


def test_calibration_finds_the_delay_of_the_simulated_channel(capsys):
    code = calibrate("--sim", "--snr-db", 25, "--delay-samples", 37, "--seconds", 0.05, "--model", "rayleigh",
                     "--count", 5, "--json")  # fmt: skip

    shown = json.loads(capsys.readouterr().out)
    assert code == 0 and shown["good"] and shown["found"] == 5
    assert shown["delay"]["delay_samples"] == 37 and shown["delay"]["spread_samples"] == 0
    assert min(shown["noise"]["rms_dbfs"]) < -30


def test_calibration_says_what_is_not_well(capsys):
    code = calibrate("--sim", "--snr-db", -40, "--seconds", 0.05, "--count", 2)

    assert code == 4 and "0 of 2 sounding frames found" in capsys.readouterr().out


def test_calibration_sends_into_a_radio_only_through_attenuators(capsys):
    assert calibrate("--usrp", "--attenuation-db", 10) == 2
    assert "attenuation_db must be in 30..200" in capsys.readouterr().err
    assert calibrate("--usrp", "--dry-run") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["sends"] is False and shown["options"]["direction"] == "rx"
    assert calibrate("--usrp", "--attenuation-db", 40, "--dry-run") == 0
    assert json.loads(capsys.readouterr().out)["options"]["direction"] == "both"


@pytest.fixture
def attenuated_radio(monkeypatch):
    """A simulated device that stands for a USRP and has a gain: 0.015 rms at 20 dB."""
    gains = []

    class Device(SimFrontEnd):
        def set_gain(self, tx_db, rx_db):
            gains.append(rx_db)

        def read(self, n, timeout_s):
            chunk = super().read(n, timeout_s)
            gain = np.float32(0.05 * 10 ** ((gains[-1] if gains else 20) / 20 - 1))
            return dataclasses.replace(chunk, samples=chunk.samples * gain)

    channel = StreamChannelConfig(model="awgn", snr_db=30, delay_samples=37)

    def open_device(kind, options):
        device = Device(SimOptions(rate_hz=options.rate_hz), StreamChannel(channel))
        device.open()
        return device

    monkeypatch.setattr(air_calibration, "open_front_end", open_device)


def test_gains_found_good_are_kept_for_the_next_program(attenuated_radio, tmp_path, capsys):
    kept = tmp_path / "radio.yaml"

    code = calibrate("--usrp", "type=b200", "--attenuation-db", 30, "--tx-gain-db", 3, "--gains",
                     "0:60:20", "--rate-hz", "2e6", "--seconds", 0.01, "--count", 3,
                     "--save", kept)  # fmt: skip

    shown = capsys.readouterr().out
    assert code == 0 and f"use --radio-config {kept}" in shown
    words = ["--usrp", "type=b200", "--radio-config", str(kept), "--dry-run"]
    assert run_program("rx", "Receive.", words) == 0
    options = json.loads(capsys.readouterr().out)["options"]
    assert (options["rx_gain_db"], options["tx_gain_db"], options["rate_hz"]) == (40, 3, 2e6)
    comment = kept.read_text().splitlines()[0]
    assert comment == "# measured delay: 37 samples at 2e+06 Hz = 18.50 us, spread 0, of 3 frames"


def test_gains_are_kept_when_no_delay_was_found(attenuated_radio, monkeypatch, tmp_path, capsys):
    kept, calibration = tmp_path / "radio.yaml", air_calibration.calibration
    recommend = calibration.recommend_gain

    def deaf_behind_the_sweep(points):
        monkeypatch.setattr(calibration, "sound", lambda *_: None)
        return recommend(points)

    monkeypatch.setattr(calibration, "recommend_gain", deaf_behind_the_sweep)

    code = calibrate("--usrp", "type=b200", "--attenuation-db", 30, "--gains", "40:40:10",
                     "--seconds", 0.01, "--count", 1, "--save", kept)  # fmt: skip

    assert code == 4 and "0 of 1 sounding frames found" in capsys.readouterr().out
    assert "#" not in kept.read_text() and "rx_gain_db: 40" in kept.read_text()


def test_only_a_radio_has_gains_to_keep(tmp_path, capsys):
    assert calibrate("--sim", "--save", tmp_path / "radio.yaml") == 2
    assert "--save keeps the gains of a radio" in capsys.readouterr().err
    assert calibrate("--usrp", "--save", tmp_path / "no" / "radio.yaml") == 2
    assert "does not exist" in capsys.readouterr().err


def test_guide_explains_the_cables(capsys):
    assert calibrate("--guide") == 0
    assert "attenuator" in capsys.readouterr().out


@pytest.mark.parametrize("gains", ["1:2", "30:0:10", "0:60:0", "a:b:c", "0:1e9:1"])
def test_gains_are_checked(gains, capsys):
    assert calibrate("--sim", "--gains", gains) == 2
    assert "gains must" in capsys.readouterr().err
