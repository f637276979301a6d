# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of the link over the air."""

import re

import pytest

from scsc_core.config import ConfigError, LinkConfig, build, load_config
from scsc_core.mimo import PRECODERS
from scsc_core.waveform.configuration import WaveformConfig


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nsym": 101}, "nsym must be at most 100 with numerology 64, got 101"),
        ({"numerology": "65"}, "n_fft must be one of 64, 128, 256, got 65"),
        ({"code_rate": "7/11"}, "code_rate must be one of 1/6, .* over the air, got 7/11"),
        ({"n_rx": 4}, "n_tx and n_rx must be 2 over the air, got 2 and 4"),
        ({"mode": "adaptive", "cbr_target": 0.1}, "mode must be fixed or rate_matched"),
        ({"harq": True, "harq_window": 9}, "harq_window must be at most pictures_in_flight = 4"),
        ({"open_loop": "alamuti"}, "open_loop must be one of .* did you mean alamouti"),
        ({"csi_max_age": 1}, "unknown key 'csi_max_age'; did you mean csi_max_age_s"),
        ({"modulation": "256qam"}, "modulation must be one of bpsk, qpsk, 16qam, 64qam"),
        ({"nsym": 1, "code_rate": "1/6"}, "nsym must be larger"),
        ({"csi_max_age_s": float("nan")}, "csi_max_age_s"),
        (
            {"precoder": "pcen_unfolded"},
            "takes 0.06 s .* csi_report_interval_s to at least 0.12 .* or take precoder pcen",
        ),
        (
            {"precoder": "pcen_unfolded", "csi_report_interval_s": 0.12, "csi_max_age_s": 0.2},
            "csi_max_age_s to at least 0.24",
        ),
    ],
)
def test_impossible_values_are_named(values, message):
    with pytest.raises(ConfigError, match=message):
        build(WaveformConfig, values)


@pytest.mark.parametrize(
    ("values", "rule", "pcen_lite"),
    [
        ({"precoder": "pcen", "modulation": "16qam"}, "modulation 16qam and 2 streams", True),
        ({"precoder": "pcen_paper", "modulation": "64qam"}, "modulation 64qam and 2 streams", True),
        ({"precoder": "pcen_lite", "modulation": "bpsk"}, "modulation bpsk and 2 streams", False),
        ({"precoder": "pcen", "n_streams": 1}, "modulation qpsk and 1 stream", False),
    ],
)
def test_refused_precoder_comes_with_those_that_are_allowed(values, rule, pcen_lite):
    with pytest.raises(ConfigError) as caught:
        build(WaveformConfig, values)

    told = re.fullmatch(rf"precoder must be one of (.+) with {rule}, got (\w+)", str(caught.value))
    allowed = told[1].split(", ")
    assert told[2] == values["precoder"] and ("pcen_lite" in allowed) == pcen_lite
    for name in PRECODERS:
        if name in allowed:
            assert build(WaveformConfig, {**values, "precoder": name}).precoder == name
        else:
            with pytest.raises(ConfigError):
                build(WaveformConfig, {**values, "precoder": name})


def test_files_of_a_link_and_of_the_waveform_are_layered(tmp_path):
    (tmp_path / "link.yaml").write_text("codec: jpeg\ncode_rate: 0.5\n")
    (tmp_path / "air.yaml").write_text("nsym: 81\nharq: true\nnumerology: 64\n")

    config = load_config(
        WaveformConfig, [tmp_path / "link.yaml", tmp_path / "air.yaml"], {"nsym": 30}
    )

    assert (config.codec, config.nsym, config.harq) == ("jpeg", 30, True)
    assert config.nominal_rate == "1/2"


@pytest.mark.parametrize(("name", "nsym"), [("64", 54), ("128", 27), ("256", 14)])
def test_full_frame_has_the_same_length_in_every_numerology(name, nsym):
    assert WaveformConfig(numerology=name).full_nsym == nsym


def test_link_part_is_a_link_config():
    config = WaveformConfig(codec="jpeg", qp=40, fec="none", precoder="none")

    assert type(config.link) is LinkConfig
    assert (config.link.codec, config.link.qp) == ("jpeg", 40)


def test_changes_are_validated():
    config = WaveformConfig().with_changes(nsym=81)

    assert isinstance(config, WaveformConfig) and config.full_nsym == 81
    with pytest.raises(ConfigError):
        config.with_changes(nsym=0)


@pytest.mark.parametrize(("name", "interval_s"), [("64", 0.12), ("256", 0.48)])
def test_slow_precoder_is_taken_when_reports_are_rare(name, interval_s):
    rare = {"csi_report_interval_s": interval_s, "csi_max_age_s": 2 * interval_s}

    assert WaveformConfig(precoder="pcen_unfolded", numerology=name, **rare).closed_loop


def test_slices_follow_harq_unless_given():
    assert WaveformConfig().n_slices == 4
    assert WaveformConfig(harq=True).n_slices == 1
    assert WaveformConfig(harq=True, slices=2).n_slices == 2
