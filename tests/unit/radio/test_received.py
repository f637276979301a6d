# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.radio.received import finite_samples


def test_good_samples_pass_untouched():
    samples = np.array([[1 + 2j, -3e5], [0, 1j]], np.complex64)

    same, bad = finite_samples(samples)

    assert same is samples and bad == 0


@pytest.mark.parametrize("value", [np.nan, 1j * np.nan, np.inf, -1j * np.inf, 1e30, -1e7j])
def test_absurd_sample_becomes_zero_and_is_counted(value):
    samples = np.ones((2, 4), np.complex64)
    samples[1, 2] = value

    cleaned, bad = finite_samples(samples)

    assert bad == 1 and cleaned[1, 2] == 0 and np.count_nonzero(cleaned == 1) == 7
