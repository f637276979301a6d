# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core.channels import csi_estimate
from scsc_core.channels.path_models import AWGN
from scsc_core.channels.stream_channel import StreamChannel
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.config import build

N_FFT, CP = 64, 16
USED = np.array([k for k in range(-26, 27) if k])
CLEAN = dict(snr_db=200)


def _channel(**options):
    return StreamChannel(build(StreamChannelConfig, options))


def _noise_like(n, seed=0):
    parts = np.random.default_rng(seed).standard_normal((2, n, 2), dtype=np.float32) * 0.5
    return parts.view(np.complex64)[..., 0]


def _ofdm(n_symbols, seed=0):
    """Carriers complex [n_symbols, 52, 2] and their samples complex64 [2, 80 n_symbols]."""
    rng = np.random.default_rng(seed)
    x = rng.choice([1, -1, 1j, -1j], (n_symbols, USED.size, 2)) / np.sqrt(2)
    bins = np.zeros((n_symbols, N_FFT, 2), complex)
    bins[:, USED] = x
    body = np.fft.ifft(bins, axis=1) * N_FFT / np.sqrt(USED.size)
    symbols = np.concatenate([body[:, -CP:], body], 1)
    return x, symbols.reshape(-1, 2).T.astype(np.complex64)


def _carriers(samples, start, n_symbols):
    """Carriers complex [n_symbols, 52, 2] of received samples, first symbol at `start`."""
    part = samples[:, start : start + 80 * n_symbols].reshape(2, n_symbols, 80)[:, :, CP:]
    bins = np.fft.fft(part, axis=2)[:, :, USED] * np.sqrt(USED.size) / N_FFT
    return bins.transpose(1, 2, 0)


ALL = dict(
    model="tdl",
    delay_spread_ns=300,
    sample_rate_hz=5e6,
    delay_samples="0:99",
    sfo_ppm=40,
    cfo_hz=1e4,
    phase_noise=0.003,
    tx_iq_gain_db=0.5,
    rx_iq_phase_deg=2,
    dc_dbc=-20,
    cw_db=-10,
    cw_hz=3e5,
    tx_clip_dbfs=-3,
    quant_bits=10,
)
CHUNKED = {
    "everything": ALL,
    "flat": dict(model="rician", correlation_tx=0.3),
    "doppler": dict(
        model="tdl", sample_rate_hz=5e6, block="doppler", doppler_hz=100, delay_samples="3:90"
    ),
    "clusters in motion": dict(model="cdl", block="doppler", doppler_hz=50),
    "geometry in motion": dict(model="nonstationary", block="doppler", doppler_hz=300),
    "blocks": dict(model="exp", delay_spread_ns=2000, block="samples:777", delay_frac=0.3),
    "slow clock": dict(sfo_ppm=-900),
}


@pytest.mark.parametrize("name", CHUNKED)
@settings(max_examples=4, deadline=None, derandomize=True)
@given(cuts=st.lists(st.integers(0, 7000), max_size=8))
def test_any_chunking_gives_the_same_samples(name, cuts):
    x = _noise_like(7000)
    x[:, :50] = x[:, 2000:2500] = x[:, 4100:4132] = x[:, 6000:6031] = 0
    whole = _channel(**CHUNKED[name]).apply(x)
    channel = _channel(**CHUNKED[name])

    bounds = [0, *sorted(cuts), 7000]
    parts = [channel.apply(x[:, a:b]) for a, b in zip(bounds[:-1], bounds[1:])]

    np.testing.assert_array_equal(np.concatenate(parts, 1), whole)


def test_awgn_is_two_clean_streams_through_a_fixed_matrix():
    x = _noise_like(1000)

    y = _channel(model="awgn", **CLEAN).apply(x)

    np.testing.assert_allclose(y, AWGN @ x, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        dict(model="rayleigh"),
        dict(model="tdl", profile="C", delay_spread_ns=100),
        dict(model="cdl", profile="D", delay_spread_ns=100, delay_frac=0.4),
        dict(model="exp", delay_spread_ns=500, delay_samples=37),
        dict(model="nonstationary"),
        dict(model="taps", delays_ns="0 130", powers_db="0 -3", delay_frac=0.5),
    ],
    ids=lambda options: options["model"],
)
def test_true_channel_is_what_every_carrier_sees(options):
    x, samples = _ofdm(6)
    channel = _channel(sample_rate_hz=5e6, seed=3, **CLEAN, **options)

    received = np.concatenate([channel.apply(samples), channel.flush()], 1)

    (true,) = channel.truth
    h = true.carriers(USED, N_FFT)
    # 3 samples early, as receivers do: what comes before the first path is still in the prefix
    early = 3
    y = _carriers(np.pad(received, ((0, 0), (early, 0))), true.output_sample, 6)[1:5]
    y *= np.exp(2j * np.pi * USED[:, None] * early / N_FFT)
    error = y - np.einsum("krt,skt->skr", h, x[1:5])
    # sinc tails beyond the prefix leak from symbol to symbol at about -45 dB
    assert np.mean(np.abs(error) ** 2) < 10**-4 * np.mean(np.abs(h) ** 2)


def test_blocks_follow_the_bursts_and_their_echoes_stay_theirs():
    x = np.zeros((2, 400), np.complex64)
    x[0, 50] = x[0, 150] = 1  # impulses 99 zeros apart
    channel = _channel(model="exp", delay_spread_ns=3e4, **CLEAN)  # 30 samples: tails of 150

    y = channel.apply(x)

    first, second = channel.truth[1:]
    assert [first.input_sample, second.input_sample] == [50, 150]
    expected = np.zeros((2, 400), complex)
    for true in (first, second):
        taps = true.taps[:, :, 0].T[:, : 400 - true.input_sample]
        expected[:, true.input_sample :][:, : taps.shape[1]] += taps
    np.testing.assert_allclose(y, expected, atol=1e-6)


def test_caller_can_say_where_bursts_begin():
    x = _noise_like(300)
    channel = _channel(model="rayleigh", **CLEAN)

    y = channel.apply(x, burst_starts=[0, 100, 101])

    starts = [true.input_sample for true in channel.truth]
    assert starts == [0, 100, 101]
    for true, end in zip(channel.truth, [100, 101, 300]):
        part = slice(true.input_sample, end)
        np.testing.assert_allclose(y[:, part], true.taps[0] @ x[:, part], atol=1e-5)
    with pytest.raises(ValueError, match=r"burst_starts must ascend within 0..299, got \[5, 5\]"):
        channel.apply(x, burst_starts=[5, 5])


def test_blocks_of_a_number_of_samples():
    channel = _channel(block="samples:100", **CLEAN)

    channel.apply(_noise_like(250))
    channel.apply(_noise_like(60))

    assert [true.input_sample for true in channel.truth] == [0, 100, 200, 300]
    assert len({complex(true.taps[0, 0, 0]) for true in channel.truth}) == 4


def test_delays_are_drawn_for_every_burst():
    x = np.zeros((2, 3000), np.complex64)
    starts = np.arange(100, 3000, 100)
    x[0, starts] = 1
    channel = _channel(model="awgn", delay_samples="5:40", **CLEAN)

    y = channel.apply(x)

    delays = np.array([true.delay_samples for true in channel.truth[1:]])
    assert delays.min() >= 5 and delays.max() <= 40 and len(set(delays)) > 10
    arrived = np.flatnonzero(np.abs(y[0]) > 0.5)
    np.testing.assert_array_equal(arrived, (starts + delays)[: len(arrived)])
    np.testing.assert_array_equal(arrived, [true.output_sample for true in channel.truth[1:]][:29])


def test_taps_change_without_jumps_under_doppler():
    channel = _channel(block="doppler", doppler_hz=200, **CLEAN)

    y = channel.apply(np.full((2, 20_000), 1, np.complex64))

    steps = np.abs(np.diff(y, axis=1))
    # |dh/dt| of two paths: at most 2 sqrt(16) 2 pi f_d per sample
    assert 0 < steps.max() < 2 * 4 * 2 * np.pi * 200 / 1e6
    assert np.abs(y[:, -1] - y[:, 0]).max() > 0.1


@pytest.mark.parametrize("snr_def, factor", [("pz_n0", 1.0), ("rx_ant", 2.0)])
def test_noise_per_carrier_has_the_stated_snr(snr_def, factor):
    n_symbols = 500
    channel = _channel(snr_db=7, snr_def=snr_def, signal_power=0.18)

    noise = _carriers(channel.apply(np.zeros((2, 80 * n_symbols))), 0, n_symbols)

    # link units: a burst of power `signal_power` has Ptot = 2
    power = np.abs(noise.ravel()) ** 2 * 2 / 0.18
    expected = factor * 10**-0.7
    assert abs(power.mean() - expected) < 3.29 * power.std() / np.sqrt(power.size)
    assert channel.config.link_noise_var == pytest.approx(expected)


def test_given_noise_variance_overrides_the_snr():
    assert build(StreamChannelConfig, dict(noise_var=0.5)).link_noise_var == 0.5
    assert not _channel(noise_var=0).apply(np.zeros((2, 50))).any()


@pytest.mark.parametrize(
    "model", ["rayleigh", "rician", "exp", "tdl", "cdl", "taps", "nonstationary"]
)
def test_every_model_has_unit_mean_gain(model):
    options = dict(delays_ns=[0, 100], powers_db=[0, -6]) if model == "taps" else {}
    channel = _channel(model=model, block="samples:16", **CLEAN, **options)

    channel.apply(np.zeros((2, 16 * 400)))

    power = [np.sum(np.abs(true.carriers([0, 7], 64)[1]) ** 2) for true in channel.truth]
    assert abs(np.mean(power) - 4) < 3.29 * np.std(power) / np.sqrt(len(power))


def test_cfo_turns_the_output_at_its_frequency():
    y = _channel(model="awgn", cfo_hz=1500.0, **CLEAN).apply(np.ones((2, 1000)))

    np.testing.assert_allclose(y[0], 2 * np.exp(2j * np.pi * 1.5e-3 * np.arange(1000)), atol=1e-5)


def test_clock_offset_moves_the_end_of_a_burst():
    x = np.zeros((2, 12_000), np.complex64)
    x[0, 100], x[0, 10_100] = 1, 1e-3
    x[0, 101:10_100] = 1e-9  # one burst
    channel = _channel(model="awgn", sfo_ppm=300.0, **CLEAN)

    y = channel.apply(x)[0]

    # 300 ppm over 10 000 samples: the receiver, too slow, meets the end 3 samples early
    assert np.argmax(np.abs(y)) == channel.truth[1].output_sample == 100 + channel.latency_samples
    late = np.abs(y[5000:])
    assert 5000 + np.argmax(late) == 10_100 + channel.latency_samples - 3


def test_faults_stand_at_the_stated_levels():
    x = np.full((2, 64 * 20), np.sqrt(0.5), np.complex64)
    quiet = dict(model="awgn", noise_var=0)

    dc = _channel(dc_dbc=-20, **quiet).apply(x * 0)
    tone = _channel(cw_db=-10, cw_hz=1e6 / 64, **quiet).apply(x * 0)
    clipped = _channel(tx_clip_dbfs=-20, **quiet)
    low = clipped.apply(x)
    rough = _channel(quant_bits=4, **quiet).apply(_noise_like(2000))

    np.testing.assert_allclose(np.abs(dc) ** 2, 0.01, rtol=1e-5)
    np.testing.assert_allclose(np.abs(tone) ** 2, 0.1, rtol=1e-4)
    # full scale is 1 / 0.30 of an antenna's rms
    np.testing.assert_allclose(low[0], 2 * 0.1 * np.sqrt(0.5) / 0.3, rtol=1e-5)
    assert clipped.clip_count == x.size
    assert len(np.unique(rough.real)) <= 16


def test_one_process_never_disturbs_another():
    x = _noise_like(500)
    x[:, 200:300] = 0
    plain = _channel(model="tdl", noise_var=0, seed=9)
    plain.apply(x)

    for options in (dict(snr_db=0), dict(phase_noise=0.1), dict(cw_db=0), dict(csi_error=0.1)):
        other = _channel(model="tdl", **(dict(noise_var=0) | options), seed=9)
        other.apply(x)
        np.testing.assert_array_equal(other.truth[1].taps, plain.truth[1].taps)
    noisy, delayed = _channel(seed=9), _channel(seed=9, delay_samples="0:50")
    np.testing.assert_array_equal(noisy.apply(0 * x), delayed.apply(0 * x))


def test_same_seed_same_samples_and_another_seed_others():
    x = _noise_like(100)

    assert (_channel(seed=4).apply(x) == _channel(seed=4).apply(x)).all()
    assert not np.allclose(_channel(seed=4).apply(x), _channel(seed=5).apply(x))


def test_genie_estimate_comes_from_its_own_process():
    channel = _channel(csi_error=0.1, seed=2)
    csi = np.random.default_rng(np.random.SeedSequence(2).spawn(6)[3])

    np.testing.assert_array_equal(
        channel.csi_estimate(np.eye(2)), csi_estimate(np.eye(2), 0.1, csi)
    )


def test_recorded_channels_are_replayed_in_order_and_scaled(tmp_path):
    h = np.random.default_rng(6).standard_normal((3, 2, 2, 4, 2)).view(complex)[..., 0]
    np.savez(tmp_path / "h.npz", h=h.astype(np.complex64), fs=1e6, source="a test")
    path = str(tmp_path / "h.npz")
    channel = _channel(model="file", channel_file=path, block="samples:16", **CLEAN)

    channel.apply(np.zeros((2, 16 * 4)))

    scale = np.sqrt(np.mean((np.abs(h) ** 2).sum(-1)))
    for true, index in zip(channel.truth, [0, 1, 2, 0]):
        np.testing.assert_allclose(true.taps, h[index].transpose(2, 0, 1) / scale, rtol=1e-6)


def test_recorded_taps_at_another_rate_keep_their_delays(tmp_path):
    h = np.zeros((1, 2, 2, 2))
    h[..., 1] = 1
    np.savez(tmp_path / "h.npz", h=h, fs=2e6)  # the second tap: 500 ns

    channel = _channel(model="file", channel_file=str(tmp_path / "h.npz"), **CLEAN)
    channel.apply(np.zeros((2, 1)))

    np.testing.assert_allclose(
        channel.truth[0].carriers(USED)[:, 0, 0],
        np.exp(-2j * np.pi * USED * 0.5 / 64),
        atol=1e-3,
    )


def test_truth_is_bounded():
    channel = _channel(block="samples:16")

    channel.apply(np.zeros((2, 16 * 1100)))

    assert len(channel.truth) == 1024 and channel.truth[-1].index == 1099


@pytest.mark.parametrize("shape", [(2,), (3, 5), (1, 5)])
def test_samples_of_another_shape_are_named(shape):
    with pytest.raises(ValueError, match=r"samples must be complex \[2, n\], got shape"):
        _channel().apply(np.zeros(shape))


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(model="rice"), "model must be one of awgn, rayleigh"),
        (dict(modle="tdl"), "unknown key 'modle'; did you mean model"),
        (dict(profile="F"), "profile must be one of A, B, C, D, E, got 'F'"),
        (dict(block="samples:3"), "block must be per_frame, doppler or samples:<n> with n >= 16"),
        (dict(block="burst"), "block must be per_frame, doppler or samples:<n>"),
        (dict(doppler_hz=5), "doppler_hz must be > 0 with block doppler, and 0 without"),
        (dict(block="doppler"), "doppler_hz must be > 0 with block doppler"),
        (dict(block="doppler", doppler_hz=1, model="awgn"), "block doppler needs a fading model"),
        (dict(block="doppler", doppler_hz=2e3), "at most sample_rate_hz / 1000, got 2000"),
        (dict(delay_samples="9:3"), "with lo <= hi, got '9:3'"),
        (dict(delay_samples="-1"), "delay_samples must be an integer or lo:hi, got '-1'"),
        (dict(delay_frac=1.0), "delay_frac must be less than 1, got 1.0"),
        (dict(snr_db=np.nan), "snr_db must be a finite number"),
        (dict(cfo_hz=6e5), r"cfo_hz must be within \+-sample_rate_hz / 2, got 600000"),
        (dict(model="taps"), "delays_ns and powers_db must be given with model taps"),
        (dict(delays_ns=[0], powers_db=[0]), "given with model taps, and only there"),
        (dict(model="taps", delays_ns=[-1], powers_db=[0]), "delays_ns must be >= 0, got -1"),
        (dict(model="file"), "channel_file must be given with model file"),
        (dict(model="cdl", correlation_tx=0.5), "correlation_tx and correlation_rx need model"),
        (dict(quant_bits=1), "quant_bits must be greater than or equal to 2"),
    ],
)
def test_configuration_names_the_wrong_value(options, message):
    with pytest.raises(ValueError, match=message):
        build(StreamChannelConfig, options)


def test_file_of_another_size_is_refused(tmp_path):
    np.savez(tmp_path / "h.npz", h=np.ones((1, 3, 2)))

    with pytest.raises(ValueError, match="holds 3x2 matrices"):
        _channel(model="file", channel_file=str(tmp_path / "h.npz"))
