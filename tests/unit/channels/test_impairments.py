# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.channels import impairments
from scsc_core.channels.impairments import BurstFinder, PhaseOscillator, Tone, WhiteNoise


def _single(x):
    return np.asarray(x, np.complex64)


def test_iq_imbalance_makes_an_image_of_the_stated_level():
    tone = np.exp(2j * np.pi * 5 / 64 * np.arange(64))[None]

    spectrum = np.fft.fft(impairments.iq_imbalance(_single(tone), 0.5, 2.0))[0]

    # image rejection of gain g and phase p: |g - e^jp|^2 / |g + e^jp|^2
    g, p = 10 ** (0.5 / 20), np.deg2rad(2.0)
    expected = abs(g - np.exp(1j * p)) ** 2 / abs(g + np.exp(1j * p)) ** 2
    assert abs(spectrum[-5] / spectrum[5]) ** 2 == pytest.approx(expected, rel=1e-3)


def test_clipping_limits_the_magnitude_and_keeps_the_phase():
    x = np.array([[0.5 + 0.5j, 3 - 4j, -2j]])

    y, count = impairments.clip_envelope(_single(x), 1.0)

    np.testing.assert_allclose(y, [[0.5 + 0.5j, 0.6 - 0.8j, -1j]], rtol=1e-6)
    assert count == 2


def test_quantiser_rounds_to_its_steps_and_saturates():
    x = np.array([[0.13 - 0.13j, 5.0 - 5.0j]])

    y = impairments.quantise(_single(x), 4, 1.0)

    np.testing.assert_allclose(y, [[0.125 - 0.125j, 0.875 - 1.0j]])


def test_quantiser_noise_is_six_db_per_bit():
    rng = np.random.default_rng(1)
    x = rng.uniform(-0.9, 0.9, (2, 40_000)).astype(np.float32).view(np.complex64)

    error = [np.mean(np.abs(impairments.quantise(x, bits, 1.0) - x) ** 2) for bits in (6, 7)]

    assert error[0] == pytest.approx(2 * (2 / 64) ** 2 / 12, rel=0.03)
    assert error[0] / error[1] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(
    "zeros, found",
    [(31, []), (32, [0]), (100, [0])],
)
def test_burst_begins_after_32_zeros(zeros, found):
    finder = BurstFinder()
    finder.push(np.ones((2, 10), np.complex64))
    finder.push(np.zeros((2, zeros), np.complex64))

    assert finder.push(np.ones((2, 5), np.complex64)).tolist() == found


def test_burst_is_found_on_the_second_antenna_and_behind_a_pause_in_the_same_chunk():
    x = np.zeros((2, 200), np.complex64)
    x[1, 40:60] = 1j
    x[0, 75:80] = 1  # 15 zeros: the same burst
    x[0, 150] = 1

    assert BurstFinder().push(x).tolist() == [40, 150]


def test_first_sample_is_no_burst_start_of_its_own():
    assert BurstFinder().push(np.ones((2, 5), np.complex64)).size == 0


def test_oscillator_keeps_its_frequency_over_many_calls():
    oscillator = PhaseOscillator(0.1234567, 0.0, np.random.default_rng(0))
    for _ in range(50):
        oscillator.turns(99_991)

    turns = oscillator.turns(3)

    expected = 0.1234567 * (50 * 99_991 + np.arange(3))
    assert np.abs(turns).max() <= 0.5
    np.testing.assert_allclose(np.exp(2j * np.pi * (turns - expected)), 1, atol=1e-6)


def test_oscillator_goes_on_from_its_phase_at_another_frequency():
    oscillator = PhaseOscillator(0.01, 0.0, np.random.default_rng(0))
    before = oscillator.turns(995)

    oscillator.tune(-0.002, 0.0)
    after = oscillator.turns(1000)
    oscillator.tune(0.0, 0.0)
    rest = oscillator.turns(2)

    steps = np.diff(np.concatenate([before, after, rest]))
    steps -= np.round(steps)
    # steps belong to the sample before them
    np.testing.assert_allclose(steps[:995], 0.01, atol=1e-6)
    np.testing.assert_allclose(steps[995:1995], -0.002, atol=1e-6)
    assert rest[0] == rest[1] and not oscillator.idle


def test_phase_noise_is_a_random_walk_of_the_stated_step():
    oscillator = PhaseOscillator(0.0, 0.01, np.random.default_rng(2))

    steps = 2 * np.pi * np.diff(oscillator.turns(50_000))

    steps -= 2 * np.pi * np.round(steps / (2 * np.pi))
    # 99.9 % interval of a standard deviation
    assert steps.std() == pytest.approx(0.01, rel=3.29 / np.sqrt(2 * 50_000))


def test_phase_noise_that_is_turned_off_stays_where_it_is():
    oscillator = PhaseOscillator(0.0, 0.1, np.random.default_rng(2))
    last = oscillator.turns(100)[-1]

    oscillator.tune(0.0, 0.0)

    np.testing.assert_allclose(oscillator.turns(50), last, atol=1e-7)


def test_noise_is_the_same_in_any_chunking_and_goes_on_where_it_was_off():
    whole, parts = np.zeros((2, 2, 100), np.complex64)
    WhiteNoise(np.random.SeedSequence(3)).add_to(whole, 2.0)
    noise = WhiteNoise(np.random.SeedSequence(3))

    for a, b, variance in ((0, 13, 2.0), (13, 40, 0.0), (40, 100, 2.0)):
        part = np.zeros((2, b - a), np.complex64)
        noise.add_to(part, variance)
        parts[:, a:b] = part

    assert not parts[:, 13:40].any() and whole[:, 13:40].all()
    whole[:, 13:40] = 0
    np.testing.assert_array_equal(parts, whole)


def test_noise_has_the_stated_variance():
    x = np.zeros((2, 20_000), np.complex64)

    WhiteNoise(np.random.SeedSequence(4)).add_to(x, 0.3)

    # exponential powers: 99.9 % interval of their mean
    power = np.mean(np.abs(x) ** 2)
    assert abs(power - 0.3) < 3.29 * 0.3 / np.sqrt(x.size)


def test_tone_has_one_frequency_and_a_phase_per_antenna():
    x = np.zeros((2, 128), np.complex64)
    tone = Tone(0.5, 3 / 64, 2, np.random.default_rng(3))

    tone.add_to(x[:, :64])
    tone.add_to(x[:, 64:])

    spectrum = np.fft.fft(x) / 128
    np.testing.assert_allclose(np.abs(spectrum[:, 6]), 0.5, rtol=1e-5)
    assert np.abs(np.delete(spectrum, 6, 1)).max() < 1e-6
    assert abs(np.angle(spectrum[0, 6] / spectrum[1, 6])) > 0.01
