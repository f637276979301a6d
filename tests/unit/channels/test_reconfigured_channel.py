# SPDX-License-Identifier: GPL-3.0-or-later
"""A stream channel whose parameters change while it runs."""

import numpy as np
import pytest

from scsc_core.channels.path_models import path_model
from scsc_core.channels.stream_channel import StreamChannel
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.config import build

CLEAN = dict(noise_var=0)
N, TURN = 9000, 4001


def _config(**options):
    return build(StreamChannelConfig, options)


def _samples(n=N, seed=0):
    parts = np.random.default_rng(seed).standard_normal((2, n, 2), dtype=np.float32) * 0.5
    return parts.view(np.complex64)[..., 0]


def _run(before, after=None, x=None, cuts=()):
    """Output, and the channel, of samples whose configuration changes at sample TURN."""
    x = _samples() if x is None else x
    channel = StreamChannel(_config(**before))
    bounds = sorted({0, *cuts, TURN, x.shape[1]})
    parts = []
    for a, b in zip(bounds[:-1], bounds[1:]):
        if a == TURN and after is not None:
            channel.reconfigure(_config(**after))
        parts.append(channel.apply(x[:, a:b]))
    return np.concatenate(parts, 1), channel


def test_carrier_turns_at_another_speed_and_nothing_else_changes():
    fading = dict(model="tdl", delay_spread_ns=800, block="doppler", doppler_hz=100, **CLEAN)
    still, _ = _run(fading | {"cfo_hz": 0})

    y, channel = _run(fading | {"cfo_hz": 300}, fading | {"cfo_hz": -5000})

    turns = np.concatenate([300 * np.arange(TURN), 300 * TURN - 5000 * np.arange(N - TURN)]) / 1e6
    np.testing.assert_allclose(y, still * np.exp(2j * np.pi * turns), atol=2e-5)
    assert channel.config.cfo_hz == -5000


def test_noise_goes_on_at_another_level():
    clean, _ = _run(CLEAN)
    steady, _ = _run({"snr_db": 10})

    y, _ = _run({"snr_db": 10}, {"snr_db": 30})

    np.testing.assert_array_equal(y[:, :TURN], steady[:, :TURN])
    np.testing.assert_allclose((y - clean)[:, TURN:], 0.1 * (steady - clean)[:, TURN:], atol=2e-6)


def test_front_ends_change_at_once():
    x = np.ones((2, N), np.complex64)
    faults = dict(tx_clip_dbfs=-20, dc_dbc=0, cw_db=-10, cw_hz=1e4, quant_bits=6, rx_iq_gain_db=1)

    clean, _ = _run(CLEAN, x=x)
    y, channel = _run(faults | CLEAN, CLEAN, x=x)

    assert channel.clip_count == 2 * TURN and np.abs(y - clean)[:, :TURN].min() > 0.01
    np.testing.assert_array_equal(y[:, TURN:], clean[:, TURN:])


@pytest.mark.parametrize("model", ["rician", "cdl", "nonstationary"])
def test_another_doppler_shift_makes_the_same_fading_faster(model):
    slow, fast = (dict(model=model, block="doppler", doppler_hz=hz, **CLEAN) for hz in (200, 500))
    paths = path_model(_config(**slow), _config(**slow).process_seeds().fading)

    _, channel = _run(slow, fast)

    knots = np.array([true.input_sample for true in channel.truth])
    turn = knots[knots >= TURN][0]  # a ramp that has begun is not changed
    times = np.minimum(knots, turn) + 2.5 * np.maximum(knots - turn, 0)
    expected = paths.at(times / 1e6).sum(1)
    found = np.array([true.taps.sum(0) for true in channel.truth])
    # taps at sample spacing add up to the paths within the error of the interpolation
    np.testing.assert_allclose(found, expected, atol=5e-3)
    assert set(np.diff(knots[knots < TURN])) == {79} and set(np.diff(knots[knots > turn])) == {31}


def test_another_delay_spread_moves_the_same_paths():
    before, after = (
        dict(model="tdl", delay_spread_ns=spread, block="doppler", doppler_hz=20, **CLEAN)
        for spread in (100, 900)
    )

    _, channel = _run(before, after)

    (new,) = [true for true in channel.truth if true.input_sample == TURN]
    old = channel.truth[new.index - 1]
    assert old.index + 1 == new.index and len(old.taps) < len(new.taps)
    # 800 samples of 1 us at 20 Hz: 0.1 rad
    np.testing.assert_allclose(new.taps.sum(0), old.taps.sum(0), atol=0.25)


def test_another_model_begins_a_block_and_echoes_keep_theirs():
    x = np.zeros((2, N), np.complex64)
    x[0, TURN - 1] = x[0, TURN + 200] = 1
    before = dict(model="exp", delay_spread_ns=5000, delay_samples=3, **CLEAN)

    y, channel = _run(before, dict(model="awgn", **CLEAN), x=x)

    echoes, _ = _run(before, x=x)
    np.testing.assert_array_equal(y[:, : TURN + 100], echoes[:, : TURN + 100])
    assert np.abs(y[:, TURN + 2 : TURN + 20]).min() > 0
    np.testing.assert_allclose(y[:, TURN + 200], [1, 1], atol=1e-6)
    assert [true.index for true in channel.truth] == list(range(len(channel.truth)))


def test_latency_follows_the_interpolation():
    channel = StreamChannel(_config())
    assert channel.latency_samples == 0

    for options, latency in (
        (dict(model="tdl"), 12),
        (dict(model="tdl", sfo_ppm=5), 40),
        (dict(sfo_ppm=-5), 28),
        (dict(), 28),  # the clock runs on
    ):
        channel.reconfigure(_config(**options))
        assert channel.latency_samples == latency
        channel.apply(_samples(200))


def test_clock_that_begins_to_drift_follows_the_bursts():
    x = np.zeros((2, N), np.complex64)
    x[0, [TURN + 2000, N - 1000]] = 1

    y, channel = _run(dict(model="awgn", **CLEAN), dict(model="awgn", sfo_ppm=900, **CLEAN), x=x)

    # the drift starts anew with each, so that none shows: the peaks are whole
    arrivals = [true.output_sample for true in channel.truth[-2:]]
    assert arrivals == [TURN + 2028, N - 972]
    np.testing.assert_allclose(y[0, arrivals], 1, atol=1e-3)


CHANGES = {
    "Doppler": (dict(doppler_hz=100), dict(doppler_hz=300)),
    "Doppler to draws": (dict(doppler_hz=100), dict(doppler_hz=0, block="samples:700")),
    "draws to Doppler": (dict(block="samples:700"), dict(doppler_hz=100)),
    "flat to delays": (dict(sfo_ppm=50), dict(model="tdl", delay_samples="10:90", sfo_ppm=-70)),
    "faults": (dict(cfo_hz=100, snr_db=3), dict(phase_noise=0.01, snr_db=9, cw_db=-3, sfo_ppm=9)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_any_chunking_gives_the_same_samples_after_a_change(name):
    before, after = (
        {"block": "doppler" if options.get("doppler_hz") else "per_frame", **options}
        for options in CHANGES[name]
    )
    x = _samples()
    x[:, 5000:5100] = 0

    whole, _ = _run(before, after, x)
    parts, _ = _run(before, after, x, cuts=[1, 700, 3999, 4002, 5050, 7001])

    np.testing.assert_array_equal(parts, whole)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(seed=2), "seed of a running channel must stay 1, got 2"),
        (dict(sample_rate_hz=2e6), "sample_rate_hz of a running channel must stay 1000000.0"),
        (dict(model="file", channel_file="/no/such.npz"), "such.npz"),
    ],
)
def test_what_cannot_change_is_refused_and_the_channel_goes_on(options, message):
    x = _samples()
    channel, same = StreamChannel(_config()), StreamChannel(_config())
    channel.apply(x[:, :TURN])

    with pytest.raises(ValueError, match=message):
        channel.reconfigure(_config(**options))

    same.apply(x[:, :TURN])
    np.testing.assert_array_equal(channel.apply(x[:, TURN:]), same.apply(x[:, TURN:]))
