# SPDX-License-Identifier: GPL-3.0-or-later
"""What the receiver measures of channel, noise and clock, against what was set."""

import numpy as np
import pytest
from sample_channel import TABLE, data_frame, normal, received, resample, taps, through, with_noise

from scsc_core.waveform import estimation
from scsc_core.waveform.modulator import Modulator
from scsc_core.waveform.numerology import numerology
from scsc_core.waveform.receiver import OfdmReceiver, ReceiverConfig


def carrier_powers(gains, n) -> np.ndarray:
    """|H|^2 [n_used, 2, 2] of taps."""
    turns = np.exp(-2j * np.pi / n.n_fft * np.outer(n.used, np.arange(len(gains))))
    return np.abs(np.tensordot(turns, gains, 1)) ** 2


@pytest.mark.parametrize("name, rms", [("64", 0.0), ("64", 2.0), ("256", 0.0)])
def test_snr_and_noise_at_0_db_are_right_frame_by_frame(name, rms):
    n, rng, snr_db, n_frames = numerology(name), np.random.default_rng(31), 0.0, 60
    errors, noise = [], []
    for _ in range(n_frames):
        gains = taps(rng, rms)
        x = Modulator(n).sounding()
        samples = received(rng, x, n, snr_db, 0.1, gains, before=300, after=300)
        for frame in OfdmReceiver(ReceiverConfig(numerology=n)).push(samples):
            signal_db = 10 * np.log10(carrier_powers(gains, n).mean())
            errors.append(frame.snr_db - snr_db - signal_db)
            noise.append(frame.noise_var / 2)

    # standard deviation of a frame: 0.27 dB for the SNR, 3.6 % for the noise with 832 degrees of freedom
    assert len(errors) >= n_frames - 2
    assert abs(np.mean(errors)) < 0.15
    assert np.sqrt(np.mean(np.square(errors))) < 0.4
    # N0 includes the error of the estimate: 2 to 4 % of the noise
    assert 1.0 < np.mean(noise) / 10 ** (-snr_db / 10) < 1.07


@pytest.mark.parametrize("name, nsym, rms", [("64", 54, 0.0), ("64", 54, 2.0), ("256", 14, 4.0)])
@pytest.mark.parametrize("ppm", [20.0, -40.0])
def test_sampling_clock_has_no_bias_and_costs_nothing(name, nsym, rms, ppm):
    """Neither what H gained until the header nor carriers that do not balance are left in the slope."""
    n, rng = numerology(name), np.random.default_rng(32)
    errors, growth = [], []
    for _ in range(4):
        x, index = data_frame(rng, n, nsym)
        y = np.pad(through(x, taps(rng, rms)), ((0, 0), (300, 300)))
        samples = with_noise(rng, resample(y, ppm), 30.0, n)
        (frame,) = OfdmReceiver(ReceiverConfig(numerology=n)).push(samples)
        sent = TABLE[index].reshape(nsym, n.n_data, 2)
        wrong = frame.y - np.einsum("dra,tda->drt", frame.h_data, sent)
        errors.append(frame.sfo_ppm + ppm)
        growth.append(np.mean(np.abs(wrong) ** 2) / frame.noise_var)

    # standard deviations of a frame: 0.5 to 2 ppm, and 5 % of the noise
    assert np.abs(np.mean(errors)) < 2.5
    assert np.mean(growth) < 1.15


def test_path_between_two_samples_is_smoothed_no_worse_than_it_must():
    """Its weak taps grow: the error is 7 dB below that of least squares."""
    n, rng, noise_var = numerology("64"), np.random.default_rng(33), 10 ** (-6 / 10)
    errors = []
    for _ in range(60):
        gain = normal(rng, 1, 2, 2)
        h = gain * np.exp(-2j * np.pi * n.used * 4.5 / n.n_fft)[:, None, None]
        seen = h + normal(rng, *h.shape) * np.sqrt(noise_var / 6)
        found = estimation.smooth(seen, noise_var / 6, noise_var, n).h
        errors.append(np.mean(np.abs(found - h) ** 2))

    # 0.0322 with a standard error of 0.0006; 0.0384 when taps begin at a tenth of the noise's power
    assert np.mean(errors) < 0.0352 * noise_var
