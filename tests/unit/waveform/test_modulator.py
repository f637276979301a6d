# SPDX-License-Identifier: GPL-3.0-or-later
"""Modulator: what lies where in a frame, and its power."""

import numpy as np
import pytest
from sample_channel import TABLE, data_frame

from scsc_core.waveform import sequences
from scsc_core.waveform.header import FrameHeader, encode_header, pack
from scsc_core.waveform.modulator import Modulator
from scsc_core.waveform.numerology import numerology

N = numerology("64")
NAMES = ["64", "128", "256", "64-cp8"]


def carriers_of(x, first, count, n):
    """Used carriers [count, n_used, 2] of the symbols that begin at a sample."""
    starts = first + n.n_cp + n.symbol_samples * np.arange(count)
    return sequences.to_carriers(x[:, starts[:, None] + np.arange(n.n_fft)], n).transpose(1, 2, 0)


@pytest.mark.parametrize("name", NAMES)
def test_symbols_carry_header_rows_and_pilots(name):
    n, rng = numerology(name), np.random.default_rng(1)
    x, index = data_frame(rng, n, 5, image_id=9)

    found = carriers_of(x, n.preamble_samples, n.header_symbols + 5, n)

    sent = encode_header(pack(FrameHeader(nsym=5, image_id=9)), n)
    np.testing.assert_allclose(found[: n.header_symbols], sent, atol=1e-5)  # float32 samples
    data = found[n.header_symbols :]
    rows = TABLE[index].reshape(5, n.n_data, 2) / np.sqrt(2)
    np.testing.assert_allclose(data[:, n.data_rows], rows, atol=1e-5)
    pilots = sequences.pilots(n, n.header_symbols + 5)[n.header_symbols :]
    np.testing.assert_allclose(data[:, n.pilot_rows], pilots, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_part_of_a_frame_has_unit_power(name):
    n = numerology(name)
    x, _ = data_frame(np.random.default_rng(2), n, n.max_nsym)

    power = (np.abs(x) ** 2).sum(0)

    bounds = [0, 256, n.preamble_samples, n.overhead_samples, len(power)]
    means = [power[a:b].mean() for a, b in zip(bounds[:-1], bounds[1:])]
    # fields are exact up to their guard; a prefix repeats random samples
    np.testing.assert_allclose(means, 1, atol=0.03)


def test_every_carrier_has_its_own_table():
    rng = np.random.default_rng(3)
    tables = rng.standard_normal((N.n_data, 4, 2)) + 1j * rng.standard_normal((N.n_data, 4, 2))
    index = rng.integers(0, 4, 2 * N.n_data).astype(np.uint16)

    x = Modulator().modulate(FrameHeader(nsym=2), index, tables)

    found = carriers_of(x, N.overhead_samples, 2, N)[:, N.data_rows]
    expected = tables[np.arange(N.n_data), index.reshape(2, -1)] / np.sqrt(2)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_sounding_frame_is_the_head_of_any_frame():
    x = Modulator().sounding()

    assert (x.shape, x.dtype) == ((2, N.overhead_samples), np.complex64)
    data, _ = data_frame(np.random.default_rng(4), N, 1)
    np.testing.assert_array_equal(x[:, : N.preamble_samples], data[:, : N.preamble_samples])


@pytest.mark.parametrize(
    "nsym, size, tables, message",
    [
        (101, 101 * 48, TABLE[None], "nsym must be 1..100"),
        (2, 95, TABLE[None], "index must be integers .96."),
        (2, 96, TABLE, "tables must be"),
        (2, 96, TABLE[None, :8], "index must be 0..7, got"),
        (2, 96, np.full((1, 16, 2), np.nan), "tables must be finite"),
    ],
)
def test_bad_arguments_are_refused(nsym, size, tables, message):
    index = np.full(size, 15, np.uint16)

    with pytest.raises(ValueError, match=message):
        Modulator().modulate(FrameHeader(nsym=nsym), index, tables)


def test_sounding_refuses_data_symbols():
    with pytest.raises(ValueError, match="nsym must be 0 for a frame without data, got 54"):
        Modulator().sounding(FrameHeader())
