# SPDX-License-Identifier: GPL-3.0-or-later
"""Modulation and code rate follow the information of the channel."""

import numpy as np
import pytest

from scsc_core import mimo
from scsc_core.config import LinkConfig
from scsc_core.link_adaptation import adapt, choose, operating_points
from scsc_core.link_parameters import total_power


def one_channel(gain):
    return gain * np.eye(2)[None].astype(complex)


def test_known_channel_gets_the_largest_rate_below_its_information():
    config = LinkConfig(precoder="none", snr_db=6)
    h = one_channel(1.0)
    table = mimo.transmit_table(h, 10**-0.5, precoder="none", total_power=total_power(config))
    # SNR 6 dB less the margin of 1 dB leaves 5 dB
    _, information = mimo.mutual_information(h, table, 10**-0.5)

    choice = choose(config, h)

    same = [p for p in operating_points(config, h) if p.modulation == "qpsk"]
    feasible = [p.efficiency for p in same if p.efficiency <= float(information[0])]
    assert choice.outage == 0
    assert choice.efficiency >= max(feasible)


def test_operating_points_are_sorted_and_outage_grows_with_efficiency():
    points = operating_points(LinkConfig(snr_db=8, seed=2))

    efficiencies = [point.efficiency for point in points]
    assert efficiencies == sorted(efficiencies, reverse=True)
    qpsk = [point.outage for point in points if point.modulation == "qpsk"]
    assert qpsk == sorted(qpsk, reverse=True)


def test_precoder_made_for_qpsk_keeps_qpsk():
    assert {p.modulation for p in operating_points(LinkConfig(precoder="pcen"))} == {"qpsk"}


def test_hopeless_channel_gets_the_least_lossy_point():
    choice = choose(LinkConfig(snr_db=-40))

    assert choice.code_rate == "1/10"
    assert choice.outage == 1


def test_adapted_configuration_is_rate_matched():
    config = LinkConfig(mode="adaptive", cbr_target=0.05, snr_db=10)

    adapted = adapt(config)

    assert adapted.mode == "rate_matched"
    assert adapted.cbr_target == 0.05


@pytest.mark.parametrize(("name", "value"), [("margin_db", -1), ("outage_target", 1.0)])
def test_bad_arguments_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        choose(LinkConfig(), **{name: value})
