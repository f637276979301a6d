# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver that does not stop: every frame of every pass counts, and memory has a slope."""

import json

import numpy as np
import pytest

from scsc_core import cli
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.evaluation import bench_sustained as sustained
from scsc_core.evaluation import transmission
from scsc_core.evaluation.bench_sustained import Sustained
from scsc_core.radio.sigmf_file import SigmfReader
from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.receiver import OfdmReceiver
from scsc_core.waveform.session import WaveformTransmitter

CONFIG = WaveformConfig(precoder="none", nsym=14, slices=1)


def made_of(payloads, config=CONFIG):
    return transmission.bursts_of(WaveformTransmitter(config, lambda: 0.0), payloads)


def test_every_frame_of_every_pass_arrives():
    result = sustained.sustain(0.3, lambda done, total: None)

    assert result.passes >= 1 and result.seconds >= 0.3
    assert result.frames == result.blocks_ok > 0
    assert result.pictures == result.delivered == 12 * result.passes
    # frames of 5536 samples and a gap of 128, the last of a picture shorter
    assert 0.8 < result.samples / (result.frames * 5664) <= 1
    assert len(result.memory) >= 1 and result.memory[0][1] > 10


def test_recording_is_longer_than_a_picture_is_remembered():
    payloads = sustained.make_payloads(sustained.config())
    samples = sum(b.samples.shape[1] + 128 for b in made_of(payloads, sustained.config()))

    one_picture = samples / len(payloads)
    assert (samples - one_picture) / sustained.RATE_HZ > sustained.config().picture_timeout_s
    assert len({bytes(payload) for payload in payloads}) == 12


def test_figures_say_what_was_lost_and_grew():
    memory = [(10.0 * k, 50.0 + (30 if k == 0 else 0.5 * k)) for k in range(7)]
    result = Sustained(60.0, 30.0, 360_000_000, 3, 300, 36, 298, 35, [5e6, 7e6], memory)

    rows = {row.name: row for row in sustained.rows(result)}

    assert rows["receive chain, sustained"].value == pytest.approx(6.0)
    assert rows["receive chain, sustained"].spread == (5.0, 7.0)
    assert rows["receive chain, per second of the processor"].value == pytest.approx(12.0)
    assert rows["frames lost"].value == 2 and rows["frames lost"].met is False
    assert rows["pictures not delivered"].value == 1
    assert rows["share of the processor"].value == pytest.approx(50)
    # half a MiB in ten seconds, the first third left out
    assert rows["growth of memory"].value == pytest.approx(3.0) and not rows["growth of memory"].met


def test_flat_memory_does_not_grow_whatever_the_start_took():
    assert sustained.growth([(0, 10), (1, 90), (2, 90), (3, 90)]) == 0
    assert sustained.growth([(0, 10)]) == 0


def test_command_runs_for_the_seconds_given(tmp_path):
    output = tmp_path / "s.json"

    assert cli.main(["bench", "sustained", "--seconds", "0.2", "--output", str(output)]) == 0

    rows = {row["name"]: row for row in json.loads(output.read_text())["rows"]}
    assert rows["frames lost"]["value"] == 0 and rows["frames lost"]["met"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sustained", "--seconds", "0"], "seconds must be > 0, got 0"),
        (["fec", "--seconds", "3"], "--seconds is for sustained, not for fec"),
    ],
)
def test_wrong_seconds_get_one_line(words, told, capsys):
    assert cli.main(["bench", *words]) == 2
    assert told in capsys.readouterr().err


# Transmissions as samples ----------------------------------------------------------------------------
def test_recorded_transmission_is_received(tmp_path):
    air = StreamChannelConfig(model="awgn", snr_db=30, delay_samples="200")
    bursts = made_of([bytes(range(200)), bytes(100)])

    samples = transmission.received_samples(bursts, air, tail_samples=300)
    transmission.write_recording(tmp_path / "r", samples, 2e6, "two payloads")

    with SigmfReader(tmp_path / "r") as reader:
        read = reader.read(reader.n_samples)
        assert reader.rate_hz == 2e6 and reader.complete
    np.testing.assert_array_equal(read, samples)
    receiver = OfdmReceiver()
    headers = [frame.header for frame in receiver.push(read) + receiver.flush()]
    assert headers == [burst.header for burst in bursts]
    assert {header.image_id for header in headers} == {0, 1}


def test_level_is_that_of_the_front_ends():
    air = StreamChannelConfig(model="awgn", noise_var=0)
    (burst,) = made_of([bytes(100)])

    samples = transmission.received_samples([burst], air)

    # A receive antenna of the model awgn gets both transmit antennas: an rms of 0.30
    n = burst.samples.shape[1]
    rms = np.sqrt(np.mean(np.abs(samples[:, :n]) ** 2))
    assert rms == pytest.approx(0.30, rel=0.05)
    assert np.abs(samples[:, n:]).max() < 1e-6 and samples.shape[1] == n + 128


def test_what_needs_answers_or_more_room_is_refused():
    closed = WaveformTransmitter(WaveformConfig(precoder="svd_wf"), lambda: 0.0)
    with pytest.raises(ValueError, match="precoder must be none, got svd_wf"):
        transmission.bursts_of(closed, [b"x"])
    with pytest.raises(ValueError, match="payloads must be at most 8, got 9"):
        made_of([b"x"] * 9)
