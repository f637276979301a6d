# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of frames against waveform.md section 2."""

import numpy as np
import pytest

from scsc_core.waveform.numerology import Numerology, numerology


@pytest.mark.parametrize(
    "name, used, data, header_symbols, overhead, max_nsym",
    [("64", 52, 48, 8, 1216, 100), ("128", 104, 96, 4, 1536, 50), ("256", 208, 192, 2, 2176, 25)],
)
def test_sizes_are_those_of_the_format(name, used, data, header_symbols, overhead, max_nsym):
    n = numerology(name)

    found = (len(n.used), len(n.data), n.header_symbols, n.overhead_samples, n.max_nsym)

    assert found == (used, data, header_symbols, overhead, max_nsym)
    assert (n.n_used, n.n_data, n.n_pilots) == (used, data, used - data)


@pytest.mark.parametrize("name", ["64", "128", "256", "64-cp8", "128-cp16"])
def test_carriers_are_pilots_and_data_without_the_middle(name):
    n = numerology(name)

    assert sorted([*n.pilots, *n.data]) == n.used.tolist()
    assert 0 not in n.used and (np.diff(n.used) >= 1).all()
    assert n.used[n.pilot_rows].tolist() == n.pilots.tolist()
    assert n.used[n.data_rows].tolist() == n.data.tolist()
    assert n.name == name


def test_default_frame_has_5536_samples():
    assert numerology().frame_samples(54) == 5536
    assert numerology().data_share(54) == 4320 / 5536


@pytest.mark.parametrize("name", ["", "63", "64-cp", "64-cp3", "64-cp2", "512", "64-cp40", None])
def test_names_without_a_numerology_are_refused(name):
    with pytest.raises(ValueError, match="must be"):
        numerology(name)


def test_longer_prefix_than_half_a_symbol_is_refused():
    with pytest.raises(ValueError, match="n_cp must be a multiple of 4 in 4..32 .* got 36"):
        Numerology(64, 36)
