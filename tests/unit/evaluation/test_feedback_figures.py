# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of channel reports, HARQ and slices: closed forms, bounds, and the commands."""

import json

import numpy as np
import pytest

from scsc_core import cli, codecs, framing
from scsc_core.evaluation import csi_reports, harq_gain, slice_damage
from scsc_core.evaluation.harq_gain import Case
from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.picture_output import PictureOutput
from scsc_core.waveform.picture_slices import SlicedCodec
from scsc_core.waveform.transport import cut_payload


# Reports ---------------------------------------------------------------------------------------------
def test_leakage_of_a_small_turn_of_the_streams_is_its_sine():
    s, angle = np.array([2.0, 1.0]), 0.01
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    phases = np.exp(1j * np.array([0.3, -1.2]))  # of the columns of V: no power moves

    leak = csi_reports.leakage_db(np.diag(s), np.diag(s * phases) @ turn.T)

    # A = S turn: |A_12|^2 + |A_21|^2 = (s1^2 + s2^2) sin^2
    assert leak == pytest.approx(20 * np.log10(np.tan(angle)), abs=0.01)


def test_nearly_true_reports_leak_next_to_nothing():
    h = np.random.default_rng(1).normal(size=(5, 2, 2))

    assert csi_reports.leakage_db(h, h + 1e-6 * h[::-1]) < -100


def test_leakage_grows_with_group_and_delay_spread():
    found = {(row.group, row.rms_samples): row.leakage_db for row in csi_reports.leakages(20, 3)}

    assert found[1, 0.0] < -40  # 8 bits: 6 dB each, less the peak of what is scaled
    for rms in (1.0, 2.0, 4.0):
        assert found[1, rms] < found[2, rms] < found[4, rms]
    assert found[4, 1.0] < found[4, 2.0] < found[4, 4.0]


def test_information_of_reports_is_that_of_the_true_channel(monkeypatch):
    monkeypatch.setattr(csi_reports, "CASES", (("pcen", 3.0, 2.0),))

    (row,) = csi_reports.information(4, 3)

    assert 2 < row.perfect < 4
    assert row.reported[1] == pytest.approx(row.perfect, abs=2e-3)
    assert row.estimated == pytest.approx(row.perfect, abs=0.05)
    assert list(row.reported) == [1, 2, 4] and row.interval >= 0


# HARQ ------------------------------------------------------------------------------------------------
def test_strong_channel_delivers_at_the_cost_of_the_frames_alone():
    arrived, cost = harq_gain.deliver(Case("x", True), 60.0, (1, 0))

    n, nsym = 10, 27  # frames of a payload, symbols of one
    assert arrived == 2 and cost.frames["retransmission"] == 0
    assert 2 * (n - 1) * nsym * 48 < cost.k_payload <= 2 * n * nsym * 48
    once = harq_gain.deliver(Case("x", False), 60.0, (1, 0))[1]
    assert once.k_total == cost.k_total


def test_lost_frames_are_sent_again_and_arrive():
    arrived, cost = harq_gain.deliver(Case("x", True, 0.2, 0.2), 60.0, (1, 0))
    without, _ = harq_gain.deliver(Case("x", False, 0.2, 0.2), 60.0, (1, 0))

    assert arrived == 2 and without < 2
    assert cost.frames["retransmission"] >= 2


def test_noise_alone_delivers_nothing():
    assert harq_gain.deliver(Case("x", False), -30.0, (1, 0))[0] == 0


# Slices ----------------------------------------------------------------------------------------------
@pytest.fixture
def picture(tmp_path):
    """256 rows of structure that costs several frames."""
    rng = np.random.default_rng(3)
    blocks = rng.integers(0, 256, (32, 16, 3)).repeat(8, 0).repeat(8, 1)
    image = (blocks + rng.normal(0, 12, blocks.shape)).clip(0, 255).astype(np.uint8)
    codecs.save_image(tmp_path / "picture.png", image)
    return tmp_path / "picture.png"


def test_lost_frames_are_spread_from_the_first_to_the_last():
    assert slice_damage.lost_frames(3) == [0, 1, 2]
    assert slice_damage.lost_frames(29) == [0, 4, 8, 12, 16, 20, 24, 28]


def test_hole_holds_zeros_and_all_else_is_good():
    payload = bytes(range(1, 256)) * 8
    frames = cut_payload(payload, WaveformConfig(precoder="none"))

    for lost in range(frames.n_frames):
        found = slice_damage.received(frames, lost)

        assert len(found.data) == len(payload) and not found.complete
        covered = sum(stop - start for start, stop in found.good)
        assert covered == sum(a == b for a, b in zip(found.data, payload))
        assert not found.frame_ok[lost] and found.frame_ok.sum() == frames.n_frames - 1


def test_slices_cost_bytes_and_save_pixels(picture):
    rows = slice_damage.run([picture], ["jpeg"], (1, 4))

    assert [row.what for row in rows] == [slice_damage.WHOLE_FILE, "1 slice", "4 slices"]
    hole, one, four = rows
    assert hole.trusted is None and one.extra_bytes == hole.extra_bytes == 0
    assert 0 < four.extra_bytes < 0.6  # tables and a header of each slice of a small picture
    assert 0 < one.trusted < four.trusted < 1
    assert four.psnr_db > one.psnr_db


def test_pixels_that_are_trusted_are_those_of_the_undamaged_picture(picture):
    config = slice_damage._config("jpeg", 4)
    image = codecs.load_image(picture)
    (frames,) = slice_damage._encode([image], config)
    output = PictureOutput(config)

    good = SlicedCodec(codecs.get("jpeg"), 4).decode(framing.unpack(frames.payload).data)
    shown, trusted = output.reconstruct(slice_damage.received(frames, frames.n_frames - 1))

    same = (shown.image == good).all(-1).mean()
    assert trusted <= same < 1


# Commands --------------------------------------------------------------------------------------------
def test_feedback_command_prints_and_writes_every_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(csi_reports, "CASES", (("svd_wf", 9.0, 0.0),))
    monkeypatch.setattr(harq_gain, "SNRS_DB", (20.0,))
    output = tmp_path / "f.json"

    words = ["--channels", "2", "--links", "1", "--output", str(output)]
    assert cli.main(["evaluate", "feedback", *words]) == 0

    shown, content = capsys.readouterr().out, json.loads(output.read_text())
    for title in ("Power between the streams", "bits per channel use", "k_total over k_payload"):
        assert title in shown
    assert len(content["leakage"]) == 12 and len(content["information"]) == 1
    assert [row["case"] for row in content["harq"]] == [case.name for case in harq_gain.CASES]


def test_slices_command_prints_and_writes_the_table(picture, tmp_path, capsys):
    output = tmp_path / "s.json"

    words = ["--image", str(picture), "--codec", "jpeg", "--count", "2", "--output", str(output)]
    assert cli.main(["evaluate", "slices", *words]) == 0

    rows = json.loads(output.read_text())["rows"]
    assert [row["what"] for row in rows] == [slice_damage.WHOLE_FILE, "1 slice", "2 slices"]
    assert "2 slices" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["slices", "--codec", "bgp"], "codec must be of bpg, jpeg, jpeg2000, got 'bgp'"),
        (["slices", "--count", "99"], "slices must be less than or equal to 16"),
        (["slices", "--count", "many"], "count must be integers"),
        (["slices", "--image", "no.png"], "no.png does not exist"),
        (["feedback", "--channels", "1"], "--channels"),
    ],
)
def test_wrong_input_gets_one_line_and_code_2(words, told, capsys):
    assert cli.main(["evaluate", *words]) == 2

    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and told in shown
