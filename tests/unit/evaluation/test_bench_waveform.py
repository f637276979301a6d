# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of the waveform: the trials tell the truth, and a reduced run gives every row."""

import json

import numpy as np
import pytest

from scsc_core.cli.bench import BENCHMARKS
from scsc_core.evaluation import bench_waveform, waveform_data, waveform_effects, waveform_loop
from scsc_core.evaluation import waveform_figures as figures
from scsc_core.evaluation import waveform_speed as speed
from scsc_core.evaluation import waveform_trials as trials
from scsc_core.evaluation.benchmark import Host, to_json
from scsc_core.waveform.header import FrameHeader
from scsc_core.waveform.modulator import Modulator
from scsc_core.waveform.sequences import to_carriers

REDUCED = bench_waveform.Counts(
    headers=100,
    header_words=1000,
    noise_samples=1_000_000,
    tone_samples=50_000,
    data=40,
    coded=100,
    channels=60,
    effects=20,
    speed=(2, 1),
)
# What depends on the machine and on what else runs there.
SPEED_UNITS = {"Msps", "ms"}


def sent_frame(air, nsym=3):
    """A frame over a new channel, its index, and the plain table."""
    index, table = trials.random_index(air.rng, nsym), trials.tables_for("none")
    x = Modulator(trials.NUMEROLOGY).modulate(FrameHeader(nsym=nsym), index, table)
    return air.carry(x), index, table


@pytest.mark.parametrize("rms_samples", [0.0, 2.0])
def test_genie_sees_the_channel_without_error(rms_samples):
    reception, index, table = sent_frame(trials.Air(120.0, rms_samples, seed=3))

    genie = trials.genie_frame(reception, 3)

    z = table[0, index].reshape(3, -1, 2)
    expected = np.einsum("dra,tda->drt", genie.h_data, z)
    phase = np.vdot(expected, genie.y)  # the carrier's phase at the start is part of the truth
    assert abs(np.angle(phase)) < 1e-4
    # single precision of samples and of the rotation
    np.testing.assert_allclose(genie.y, expected, atol=1e-4)


def test_noise_has_the_variance_of_the_received_snr():
    air = trials.Air(6.0, seed=4)
    n = trials.NUMEROLOGY
    noise = sent_frame(air, nsym=90)[0].noise

    windows = noise[:, : noise.shape[1] // n.n_fft * n.n_fft].reshape(2, -1, n.n_fft)
    variance = np.mean(np.abs(to_carriers(windows, n)) ** 2)

    # 12000 exponential values or more: 4 standard deviations are 4 %
    assert variance == pytest.approx(10**-0.6, rel=0.04)


def test_genie_with_stronger_noise_adds_only_noise():
    reception, _, _ = sent_frame(trials.Air(6.0, seed=5))

    quiet, loud = (trials.genie_frame(reception, 3, offset) for offset in (0.0, 20.0))

    assert loud.noise_var == pytest.approx(100 * quiet.noise_var)
    clean = trials.genie_frame(reception, 3, -200.0).y
    np.testing.assert_allclose(loud.y - clean, 10 * (quiet.y - clean), atol=1e-3)


def test_tables_of_the_true_channel_have_the_total_power():
    h = trials.carrier_channel(trials.Air(0.0, 1.0, seed=6).draw())

    tables = trials.tables_for("svd_equal", h, 0.5)

    np.testing.assert_allclose((np.abs(tables) ** 2).sum(2).mean(1), 2.0)


def test_bits_come_most_significant_first():
    assert trials.bits_of(np.array([0b1000, 0b0110], np.uint16)).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 1, 0],
    ]


def test_perfect_soft_bits_carry_everything_and_none_carry_nothing():
    index = trials.random_index(np.random.default_rng(1), 2)
    signs = 1.0 - 2.0 * trials.bits_of(index).reshape(-1)

    assert trials.information(40 * signs, index) == pytest.approx(1)
    assert trials.information(0 * signs, index) == pytest.approx(0)


def test_detection_is_that_of_the_frame_and_not_of_another():
    air = trials.Air(20.0, seed=7)
    first, second = (sent_frame(air)[0] for _ in range(2))
    samples = np.concatenate([first.samples, second.samples], axis=1)
    start = first.samples.shape[1] + second.start

    peak, _ = trials.detect(samples, start)

    assert abs(peak - start) <= 2
    between = first.start + 500
    assert trials.detect(samples, between) is None


def test_share_has_a_wilson_interval_in_per_cent():
    row = trials.share_row("x", 99, 100, 0.97, "somewhere")

    assert (row.value, row.target, row.met) == (99, 97, True)
    # closed form of 99 of 100 at 95 %
    assert row.spread == pytest.approx((94.55, 99.82), abs=0.01)


def test_headers_arrive_at_0_db():
    counts = figures.header_trial(0.0, 0.0, 100, seed=1)

    # 99.7 % in the long run: 94 or fewer of 100 come less than once in a million runs
    assert counts["accepted"] >= 95 and counts["detected"] >= 95
    assert counts["sent"] == 100 and counts["wrong"] == 0


def test_headers_in_deep_noise_are_not_accepted():
    counts = figures.header_trial(-25.0, 0.0, 5, seed=1)

    assert (counts["accepted"], counts["wrong"]) == (0, 0)


def test_half_of_the_headers_fail_at_their_threshold():
    row = figures.wrong_header_row(200)

    passed = int(row.condition.split(": ")[1].split()[0])
    assert 60 < passed < 160  # more than 5 standard deviations around 110
    assert row.value == 0 and row.met


def test_no_frame_is_heard_in_noise_with_strong_dc():
    counters = figures.listen(150_000, 2, tone_db=9.0, dc=True)

    assert counters["samples"] == 3 * 65536
    assert counters["frames"] == 0


def test_receiver_comes_close_to_the_genie():
    part = waveform_data.data_trials(6.0, "svd_equal", 12)

    assert len(part) == 12
    loss = np.mean([trial.mi_genie - trial.mi for trial in part])
    assert -0.002 < loss < 0.02  # .006 in the long run
    means = 10 * np.log10(np.mean([trial.nmse for trial in part], axis=0))
    assert means[0] > means[1] > means[2]
    assert means[0] == pytest.approx(-9.0, abs=0.7)  # noise variance over two symbols
    assert max(abs(trial.cfo_error) for trial in part) < 2e-3
    assert np.mean([trial.noise_ratio for trial in part]) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(
    ("failed", "genie_failed", "offset_db"),
    [
        (10, [10, 12, 14, 16, 18], 0.0),
        (13, [10, 12, 14, 16, 18], 0.3),
        (12, [10, 12, 12, 12, 18], 0.2),
        (30, [10, 12, 14, 16, 18], 0.9),
        (13, [10, 12, 11, 14, 18], 0.4),
        (0, [0, 0, 0, 0, 0], 0.0),
    ],
)
def test_coded_loss_is_the_noise_that_the_genie_bears(failed, genie_failed, offset_db):
    assert waveform_data.equal_offset_db(failed, genie_failed) == pytest.approx(offset_db)


def test_genie_loses_more_coded_frames_in_more_noise():
    failed, genie_failed = waveform_data.coded_failures(12)

    assert genie_failed == sorted(genie_failed)
    assert 0 < genie_failed[0] <= failed < 12


def test_reports_cost_little_and_pcen_gains():
    results = waveform_loop.loop_information(6.0, 8)

    reported, perfect, lower = results["pcen"].mean(0)
    assert lower < perfect
    assert reported == pytest.approx(perfect, abs=0.01)
    assert results["pcen"][:, 0].mean() > results["svd_wf"][:, 0].mean() + 0.05


def test_error_vectors_are_noise_without_faults_and_grow_with_them():
    clean, noisy = (
        waveform_effects.error_vectors(6, phase_noise=deviation) for deviation in (0.0, 0.02)
    )

    # noise, and the error of the estimate
    assert np.median(clean) == pytest.approx(1.02, abs=0.05)
    assert (noisy > 1.5 * clean).all()


def test_lost_frames_have_no_error_vector():
    assert np.isnan(waveform_effects.error_vectors(2, cfo_hz=1e5)).all()


def test_timed_chain_decodes_every_frame():
    assert speed.receive(speed._stream(3), decode=True) == 3


def test_reduced_run_meets_every_target_but_those_of_speed():
    rows = bench_waveform.run(counts=REDUCED)

    names = {row.name for row in rows}
    assert len(names) == len(rows)
    for name in (
        "frames detected at 0 dB, flat",
        "headers accepted at 6 dB, selective",
        "wrong headers accepted",
        "wrong headers accepted at the threshold",
        "false frames, noise",
        "false triggers, noise and DC",
        "false frames, noise and a tone",
        "CFO rms at 12 dB",
        "H NMSE at 0 dB, with header",
        "noise variance at 6 dB, deviation from truth",
        "information lost to genie at 9 dB, svd_equal",
        "uncoded BER over genie's at 12 dB",
        "false frames beside good frames",
        "coded loss to genie at 6 dB",
        "closed-loop loss to perfect CSI at 6 dB, svd_wf",
        "gain of pcen over svd_wf at 6 dB",
        "error growth, CFO +2 spacings",
        "modulator",
        "receive chain, full duty",
        "latency of a frame, last samples to bits",
    ):
        assert name in names
    content = json.loads(to_json("waveform", Host.current(), rows))
    assert all(np.isfinite(row["value"]) for row in content["rows"])
    judged = [row for row in rows if row.met is not None and row.unit not in SPEED_UNITS]
    assert len(judged) > 50
    assert [(row.name, row.value, row.target) for row in judged if not row.met] == []


def test_command_knows_the_benchmark():
    assert "waveform" in BENCHMARKS
    assert bench_waveform.QUICK.headers < bench_waveform.FULL.headers
