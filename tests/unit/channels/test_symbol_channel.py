# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.channels.nonstationary_sets import ChannelSet
from scsc_core.channels.symbol_channel import SymbolChannel
from scsc_core.config import ConfigError, LinkConfig, build
from scsc_core.evaluation.channel_acceptance import Moments


def _draws(n, **options):
    return SymbolChannel(LinkConfig(**options)).sound(n)[0]


@pytest.fixture
def small_set(monkeypatch):
    """A set whose matrices tell their own number."""
    h = np.arange(12)[:, None, None] * np.ones((12, 2, 2), np.complex64)
    monkeypatch.setattr(
        "scsc_core.channels.symbol_channel.channel_set",
        lambda name: ChannelSet(name, h[:8], h[8:], ""),
    )


@pytest.mark.parametrize("channel", ["tdl", "cdl"])
@pytest.mark.parametrize("profile", ["A", "D"])
def test_standard_channels_have_unit_mean_power(channel, profile):
    h = _draws(1500, channel=channel, channel_profile=profile)

    power = (np.abs(h) ** 2).mean((1, 2))
    assert h.shape == (1500, 2, 2)
    assert abs(power.mean() - 1) < 3.29 * power.std() / np.sqrt(len(power))


def test_profiles_differ_as_scattered_and_direct_channels_do():
    scattered = Moments.of(_draws(1500, channel="cdl", channel_profile="A"))
    direct = Moments.of(_draws(1500, channel="cdl", channel_profile="D"))

    # 10.2 and 15.8 dB; 99.9 % of a median of 1500 draws: 0.7 dB
    assert scattered.condition_db[1] == pytest.approx(10.2, abs=0.7)
    assert direct.condition_db[1] == pytest.approx(15.8, abs=0.7)


def test_tapped_lines_take_correlation():
    h = _draws(3000, channel="tdl", channel_profile="B", correlation_tx=0.8)

    moments = Moments.of(h)

    assert moments.correlation_tx == pytest.approx(0.8, abs=0.06)
    assert moments.correlation_rx < 0.06


def test_standard_channels_take_any_number_of_antennas():
    for channel in ("tdl", "cdl"):
        assert _draws(3, channel=channel, n_tx=4, n_rx=3).shape == (3, 3, 4)


@pytest.mark.parametrize("channel", ["tdl", "cdl", "nonstationary"])
def test_matrices_depend_on_the_seed_and_not_on_the_sizes_of_the_draws(channel, small_set):
    config = LinkConfig(channel=channel, seed=5)
    whole, parts = SymbolChannel(config), SymbolChannel(config)

    joined = np.concatenate([parts.sound(n)[0] for n in (1, 4, 5)])

    h = whole.sound(10)[0]
    np.testing.assert_array_equal(joined, h)
    assert not np.array_equal(_draws(10, channel=channel, seed=6), h)


def test_scenes_come_from_the_chosen_split(small_set):
    test = _draws(200, channel="nonstationary")[:, 0, 0].real
    train = _draws(200, channel="nonstationary", channel_split="train")[:, 0, 0].real

    assert set(test) == {8, 9, 10, 11}
    assert set(train) == set(range(8))


def test_track_goes_on_from_block_to_block(small_set):
    options = dict(channel="nonstationary", channel_set="nonstationary-track-v1")
    h = [_draws(6, **options, seed=seed)[:, 0, 0].real - 8 for seed in range(12)]

    assert all((np.diff(steps) % 4 == 1).all() for steps in h)
    assert len({steps[0] for steps in h}) > 1


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(channel="tld"), "channel must be one of .*did you mean tdl"),
        (dict(channel="tdl", channel_profile="F"), "channel_profile must be one of A, B, C, D, E"),
        (dict(channel="nonstationary", n_rx=3), "n_tx and n_rx must be 2 with channel nonstat"),
        (dict(channel="cdl", correlation_tx=0.5), "must be 0 with channel cdl and nonstationary"),
        (dict(channel_set="v2"), "channel_set must be one of nonstationary-v1"),
    ],
)
def test_configuration_names_the_wrong_channel(options, message):
    with pytest.raises(ConfigError, match=message):
        build(LinkConfig, options)
