# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib
from pathlib import Path

import numpy as np
import pytest

from scsc_core.channels import tr38901
from scsc_core.channels.tr38901 import PROFILES, RAY_OFFSETS, cdl_profile, tdl_profile

DATA = Path(tr38901.__file__).with_name("data")
SHA256 = {
    "cdl.csv": "6b0a1ac22da4724de98d6741b8288a82b8f49089412fd9684832c52ca0249f82",
    "cdl_spreads.csv": "a3010023e09f6bac534cf8bdeb1dbb96895f20d0b6abdc270000195c2e45639b",
    "tdl.csv": "9d56d1fe2cbafba609186af38d7dcfbfaf5cae58108bc378713784615d5049f4",
}
# sums of the linear powers of the tables before they are scaled to one
POWER_SUMS = {"A": 3.4677, "B": 7.0930, "C": 5.8745, "D": 1.0756, "E": 1.1106}


@pytest.mark.parametrize("name", SHA256)
def test_tables_are_the_checked_ones(name):
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == SHA256[name]


@pytest.mark.parametrize("profile", PROFILES)
def test_tapped_delay_line_has_unit_rms_delay(profile):
    expected = 0.994 if profile == "D" else 1.0

    assert tdl_profile(profile).rms_delay() == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("profile", PROFILES)
def test_power_sum_is_that_of_the_standard(profile):
    paths = tdl_profile(profile)
    strongest_db = {"D": -0.2, "E": -0.03}.get(profile, 0.0)

    # the strongest entry's share of the sum gives the sum
    total = 10 ** (strongest_db / 10) / paths.powers.max()

    assert total == pytest.approx(POWER_SUMS[profile], abs=0.0001)
    assert paths.powers.sum() == pytest.approx(1)


@pytest.mark.parametrize("profile, k_db", [("D", 13.3), ("E", 22.0)])
def test_line_of_sight_exceeds_the_first_fading_path_by_k(profile, k_db):
    for paths in (tdl_profile(profile), cdl_profile(profile).paths):
        ratio_db = 10 * np.log10(paths.powers[0] / paths.powers[1])

        assert paths.line_of_sight.tolist() == [True] + [False] * (len(paths.powers) - 1)
        assert ratio_db == pytest.approx(k_db, abs=0.01)


@pytest.mark.parametrize("profile", PROFILES)
def test_clusters_arrive_as_the_taps_do(profile):
    clusters, taps = cdl_profile(profile).paths, tdl_profile(profile)

    np.testing.assert_allclose(clusters.powers, taps.powers)
    # the last entry of E differs between the standard's tables: 20.6419 and 20.6519
    np.testing.assert_allclose(clusters.delays, taps.delays, atol=0.0101 if profile == "E" else 0)


@pytest.mark.parametrize("profile", PROFILES)
def test_angles_are_azimuths_and_zeniths(profile):
    clusters = cdl_profile(profile)

    for azimuth in (clusters.aod, clusters.aoa):
        assert (np.abs(azimuth) <= np.pi).all() and np.ptp(azimuth) > 1
    for zenith in (clusters.zod, clusters.zoa):
        assert ((zenith > 0) & (zenith < np.pi)).all()


def test_ray_offsets_have_unit_rms_and_zero_mean():
    assert RAY_OFFSETS.size == 20
    assert RAY_OFFSETS.mean() == pytest.approx(0)
    # rounded to four digits and cut at the 20th ray in the standard
    assert np.sqrt(np.mean(RAY_OFFSETS**2)) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("read", [tdl_profile, cdl_profile])
def test_unknown_profile_is_named(read):
    with pytest.raises(ValueError, match="profile must be one of A, B, C, D, E, got 'F'"):
        read("F")
