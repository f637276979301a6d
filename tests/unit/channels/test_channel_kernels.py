# SPDX-License-Identifier: GPL-3.0-or-later
"""The native kernels of the sample channel against their NumPy references."""

import os
import subprocess
import sys
from math import erfc, sqrt
from pathlib import Path

import numpy as np
import pytest
import reference_channel as reference

from scsc_core import _native

KEY = 0x0123456789ABCDEF


def samples(*shape, seed=0):
    parts = np.random.default_rng(seed).standard_normal((*shape, 2), dtype=np.float32)
    return parts.view(np.complex64)[..., 0]


def noise(n, first=0, deviation=1.0, key=KEY):
    y = np.zeros((2, n), np.complex64)
    _native.add_noise(y, key, first, deviation)
    return y


def test_reference_gives_the_published_words_of_philox():
    ones = 0xFFFFFFFF
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]  # digits of pi, as in the publication

    words = [
        reference.philox([[0] * 4], [0, 0])[0],
        reference.philox([[ones] * 4], [ones, ones])[0],
        reference.philox([pi], [0xA4093822, 0x299F31D0])[0],
    ]

    np.testing.assert_array_equal(
        words,
        [
            [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8],
            [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ],
    )


@pytest.mark.parametrize("first", [0, 123_456, 2**32 - 500, 2**63])
def test_noise_is_as_defined(first):
    found = noise(1003, first, 0.7)

    expected = reference.white_noise(KEY, first, 1003, 0.7)
    # u is rounded to 2^-25, which moves the length r of a number by up to 3e-8 / r
    error = np.abs(found - expected) / 0.7
    assert (error < 3e-6 + 4e-8 / np.maximum(np.abs(expected) / 0.7, 1e-4)).all()


def test_noise_of_a_sample_depends_on_its_number_alone():
    whole = noise(1000, 7)

    parts = [noise(b - a, 7 + a) for a, b in ((0, 1), (1, 17), (17, 500), (500, 1000))]

    np.testing.assert_array_equal(np.concatenate(parts, 1), whole)


def test_noise_is_added_to_what_is_there():
    y = samples(2, 37)
    expected = y + noise(37, 5, 0.1)

    _native.add_noise(y, KEY, 5, 0.1)

    np.testing.assert_allclose(y, expected, atol=1e-6)


@pytest.fixture(scope="module")
def normals():
    """Two million numbers, float64 [4, n]: real and imaginary parts of both antennas."""
    y = noise(500_000).astype(complex)
    return np.stack([y.real, y.imag], 1).reshape(4, -1)


def test_noise_has_the_moments_of_a_normal_variable(normals):
    n = normals.size
    moments = [np.mean(normals**k) for k in range(1, 7)]

    # 99.9 % intervals; the variance of x^k is E x^2k - (E x^k)^2
    for moment, expected, variance in zip(moments, (0, 1, 0, 3, 0, 15), (1, 2, 15, 96, 945, 10170)):
        assert abs(moment - expected) < 3.29 * sqrt(variance / n)


def test_noise_has_normal_tails(normals):
    n = normals.size

    for limit in (0.01, 0.1, 1.0, 2.0, 3.0, 4.0, 4.5):
        share, p = np.mean(np.abs(normals) > limit), erfc(limit / sqrt(2))
        assert abs(share - p) < 3.29 * sqrt(p * (1 - p) / n) + 1 / n


def test_noise_of_antennas_parts_and_samples_is_independent(normals):
    n = normals.shape[1]
    correlation = np.corrcoef(normals)[~np.eye(4, dtype=bool)]
    powers = np.corrcoef(normals**2)[~np.eye(4, dtype=bool)]
    lags = [np.mean(row[:-lag] * row[lag:]) for row in normals for lag in (1, 2, 16, 64)]

    # 40 numbers: 4.5 deviations each
    for values in (correlation, powers, lags):
        assert np.abs(values).max() < 4.5 / sqrt(n)


def test_other_keys_make_other_noise():
    correlation = np.mean(noise(50_000) * noise(50_000, key=KEY + 1).conj()) / 2

    assert abs(correlation) < 4.5 / sqrt(2 * 50_000)


@pytest.mark.parametrize("n", [1, 15, 16, 1001])
def test_rotation_is_as_defined(n):
    y, turns = samples(3, n), np.linspace(-0.5, 0.5, n, dtype=np.float32)
    expected = y * np.exp(2j * np.pi * turns)

    _native.rotate(y, turns)

    np.testing.assert_allclose(y, expected, atol=3e-6)


# taps, changing, lag, first, last: of 900 samples
FILTERS = [
    (1, False, 0, 0, 900),
    (1, True, 0, 10, 850),
    (2, False, 5, 100, 101),
    (25, False, 40, 0, 900),
    (25, True, 40, 33, 700),
    (150, True, 600, 0, 600),
    (3, False, 0, 500, 500),
    (4, True, 1000, 0, 900),
]


def filtered(x, n, first, last, lag, taps, change, ramp_start=-20, ramp_step=1 / 1024):
    y = np.zeros((2, n), np.complex64)
    _native.filter_taps(y, x, first, last, lag, taps, change, ramp_start, ramp_step)
    return y


@pytest.mark.parametrize("n_taps, changing, lag, first, last", FILTERS)
def test_filter_is_as_defined(n_taps, changing, lag, first, last):
    x, taps = samples(2, 900), samples(n_taps, 2, 2, seed=1)
    change = samples(n_taps, 2, 2, seed=2) if changing else None
    taps[n_taps // 2, 0] = 0

    y = filtered(x, 700, first, last, lag, taps, change)

    expected = reference.filter_taps(x, 700, first, last, lag, taps, change, -20, 1 / 1024)
    # float32 sums of 8 n_taps products of about 1
    np.testing.assert_allclose(y, expected, atol=2e-5 * sqrt(n_taps))


def test_filter_gives_the_same_for_any_part_of_the_output():
    x, taps, change = samples(2, 900), samples(25, 2, 2, seed=1), samples(25, 2, 2, seed=2)
    whole = filtered(x, 800, 0, 900, 50, taps, change)

    parts = [
        filtered(np.ascontiguousarray(x[:, a:]), b - a, 0, 900 - a, 50, taps, change, -20 - a)
        for a, b in ((0, 3), (3, 300), (300, 800))
    ]

    np.testing.assert_array_equal(np.concatenate(parts, 1), whole)


def test_filter_leaves_taps_of_zero_out():
    x, taps = samples(2, 300), np.zeros((100, 2, 2), np.complex64)
    taps[[0, 60, 99]] = samples(3, 2, 2, seed=3)

    y = filtered(x, 300, 0, 300, 0, taps, None)

    expected = reference.filter_taps(x, 300, 0, 300, 0, taps, None, 0, 0)
    np.testing.assert_allclose(y, expected, atol=2e-6)


@pytest.mark.parametrize("n", [1, 8, 100])
def test_interpolation_is_as_defined(n):
    rng = np.random.default_rng(4)
    x, polynomials = samples(2, 300), rng.standard_normal((8, 24)).astype(np.float32)
    starts = np.arange(n) + (np.arange(n) > n // 3) - (np.arange(n) > n // 2) + 1
    fractions = rng.random(n).astype(np.float32)

    y = _native.interpolate(x, starts, fractions, polynomials)

    expected = reference.interpolate(x, starts, fractions.astype(float), polynomials)
    np.testing.assert_allclose(y, expected, atol=3e-5)


def wrong_filter(**changes):
    arguments = dict(y=samples(2, 10), x=samples(2, 20), first=0, last=20, lag=5, change=None)
    arguments |= dict(taps=samples(3, 2, 2), ramp_start=0, ramp_step=0.0)
    return lambda: _native.filter_taps(**{**arguments, **changes})


def wrong_interpolation(**changes):
    arguments = dict(x=samples(2, 20), starts=np.arange(3), fractions=np.zeros(3, np.float32))
    arguments["polynomials"] = np.ones((2, 4), np.float32)
    return lambda: _native.interpolate(**{**arguments, **changes})


@pytest.mark.parametrize(
    "call, message",
    [
        (wrong_filter(y=samples(3, 10)), "y's rows must be 2, got 3"),
        (wrong_filter(x=samples(1, 20)), "x's rows must be 2, got 1"),
        (wrong_filter(last=21), "0 <= first <= last <= 20 is needed, got 0 and 21"),
        (wrong_filter(first=-1), "0 <= first <= last <= 20 is needed, got -1 and 20"),
        (wrong_filter(taps=samples(0, 2, 2)), "taps' length must be at least 1, got 0"),
        (wrong_filter(taps=samples(3, 1, 2)), "taps' receive antennas must be 2, got 1"),
        (wrong_filter(change=samples(2, 2, 2)), "change's length must be 3, got 2"),
        (wrong_interpolation(starts=np.array([0, 1, 17])), "starts must be in 0..16, got 17"),
        (wrong_interpolation(starts=np.array([-1, 1, 7])), "starts must be in 0..16, got -1"),
        (wrong_interpolation(fractions=np.zeros(2, np.float32)), "fractions' length must be 3"),
        (
            wrong_interpolation(polynomials=np.ones((1, 65), np.float32)),
            "polynomials must have 1..64 columns, got 65",
        ),
        (lambda: _native.add_noise(samples(1, 5), 1, 0, 1.0), "y's rows must be 2, got 1"),
        (
            lambda: _native.rotate(samples(2, 5), np.zeros(4, np.float32)),
            "turns' length must be 5, got 4",
        ),
    ],
)
def test_wrong_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_samples_that_must_not_change_are_refused():
    y = samples(2, 5)
    y.flags.writeable = False

    with pytest.raises(ValueError, match="not writeable"):
        _native.add_noise(y, 1, 0, 1.0)


_CHILD = """
import test_channel_kernels as tests
tests.test_noise_is_as_defined(2**32 - 500)
tests.test_noise_of_a_sample_depends_on_its_number_alone()
tests.test_rotation_is_as_defined(1001)
for case in tests.FILTERS:
    tests.test_filter_is_as_defined(*case)
tests.test_filter_gives_the_same_for_any_part_of_the_output()
tests.test_interpolation_is_as_defined(100)
"""


@pytest.mark.parametrize("isa", [isa for isa in _native.available_isas() if isa != _native.isa()])
def test_every_instruction_set_computes_as_defined(isa):
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])

    subprocess.run(
        [sys.executable, "-c", _CHILD],
        check=True,
        env=os.environ | {"SCSC_ISA": isa, "PYTHONPATH": path},
    )
