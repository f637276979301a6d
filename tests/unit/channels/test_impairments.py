# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.channels import impairments
from scsc_core.channels.impairments import BurstFinder, PhaseOscillator, Tone


def _planes(x):
    return np.stack([x.real, x.imag], 1).astype(np.float32)


def _complex(planes):
    return planes[:, 0] + 1j * planes[:, 1]


def test_iq_imbalance_makes_an_image_of_the_stated_level():
    tone = np.exp(2j * np.pi * 5 / 64 * np.arange(64))[None]

    spectrum = np.fft.fft(_complex(impairments.iq_imbalance(_planes(tone), 0.5, 2.0)))[0]

    # image rejection of gain g and phase p: |g - e^jp|^2 / |g + e^jp|^2
    g, p = 10 ** (0.5 / 20), np.deg2rad(2.0)
    expected = abs(g - np.exp(1j * p)) ** 2 / abs(g + np.exp(1j * p)) ** 2
    assert abs(spectrum[-5] / spectrum[5]) ** 2 == pytest.approx(expected, rel=1e-3)


def test_clipping_limits_the_magnitude_and_keeps_the_phase():
    x = np.array([[0.5 + 0.5j, 3 - 4j, -2j]])

    y, count = impairments.clip_envelope(_planes(x), 1.0)

    np.testing.assert_allclose(_complex(y), [[0.5 + 0.5j, 0.6 - 0.8j, -1j]], rtol=1e-6)
    assert count == 2


def test_quantiser_rounds_to_its_steps_and_saturates():
    x = np.array([[0.13 - 0.13j, 5.0 - 5.0j]])

    y = _complex(impairments.quantise(_planes(x), 4, 1.0))

    np.testing.assert_allclose(y, [[0.125 - 0.125j, 0.875 - 1.0j]])


def test_quantiser_noise_is_six_db_per_bit():
    rng = np.random.default_rng(1)
    x = rng.uniform(-0.9, 0.9, (2, 2, 20_000)).astype(np.float32)

    error = [np.mean((impairments.quantise(x, bits, 1.0) - x) ** 2) for bits in (6, 7)]

    assert error[0] == pytest.approx((2 / 64) ** 2 / 12, rel=0.03)
    assert error[0] / error[1] == pytest.approx(4, rel=0.05)


def test_rotation_turns_all_antennas_alike():
    x = np.array([[1, 1j], [2, -1]])

    y = _complex(impairments.rotate(_planes(x), np.array([np.pi / 2, 2e9 * np.pi + np.pi])))

    np.testing.assert_allclose(y, x * [1j, -1], atol=1e-5)


@pytest.mark.parametrize(
    "zeros, found",
    [(31, []), (32, [0]), (100, [0])],
)
def test_burst_begins_after_32_zeros(zeros, found):
    finder = BurstFinder()
    finder.push(np.ones((2, 2, 10), np.float32))
    finder.push(np.zeros((2, 2, zeros), np.float32))

    assert finder.push(np.ones((2, 2, 5), np.float32)).tolist() == found


def test_burst_is_found_on_the_second_antenna_and_behind_a_pause_in_the_same_chunk():
    x = np.zeros((2, 2, 200), np.float32)
    x[1, 1, 40:60] = 1
    x[0, 0, 75:80] = 1  # 15 zeros: the same burst
    x[0, 0, 150] = 1

    assert BurstFinder().push(x).tolist() == [40, 150]


def test_first_sample_is_no_burst_start_of_its_own():
    assert BurstFinder().push(np.ones((2, 2, 5), np.float32)).size == 0


def test_oscillator_keeps_its_frequency_over_many_calls():
    oscillator = PhaseOscillator(0.1234567, 0.0, np.random.default_rng(0))
    for _ in range(50):
        oscillator.phase(99_991)

    phase = oscillator.phase(3)

    expected = 2 * np.pi * 0.1234567 * (50 * 99_991 + np.arange(3))
    np.testing.assert_allclose(np.exp(1j * phase), np.exp(1j * expected), atol=1e-6)


def test_phase_noise_is_a_random_walk_of_the_stated_step():
    phase = PhaseOscillator(0.0, 0.01, np.random.default_rng(2)).phase(50_000)

    # 99.9 % interval of a standard deviation
    assert np.diff(phase).std() == pytest.approx(0.01, rel=3.29 / np.sqrt(2 * 50_000))


def test_tone_has_one_frequency_and_a_phase_per_antenna():
    x = np.zeros((2, 2, 128), np.float32)
    tone = Tone(0.5, 3 / 64, 2, np.random.default_rng(3))

    tone.add_to(x[:, :, :64])
    tone.add_to(x[:, :, 64:])

    spectrum = np.fft.fft(_complex(x)) / 128
    np.testing.assert_allclose(np.abs(spectrum[:, 6]), 0.5, rtol=1e-5)
    assert np.abs(np.delete(spectrum, 6, 1)).max() < 1e-6
    assert abs(np.angle(spectrum[0, 6] / spectrum[1, 6])) > 0.01
