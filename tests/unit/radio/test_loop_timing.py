# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of a closed loop over front ends that hand bursts over before they leave."""

from collections import Counter, deque
from types import SimpleNamespace

import numpy as np
import pytest

from scsc_core.config import ConfigError, load_config
from scsc_core.radio import FeedbackQueue, RxChunk, front_end_options
from scsc_core.radio.air_link import receive_station, transmit_station
from scsc_core.radio.image_sources import StreamSource
from scsc_core.radio.levels import scale_burst
from scsc_core.radio.loop_timing import loop_timing, with_loop_limits
from scsc_core.radio.station import InTurn
from scsc_core.radio.timeline import BurstTimeline
from scsc_core.waveform.configuration import WaveformConfig

SMALL = {"codec": "jpeg", "qp": 60, "precoder": "svd_wf", "harq": True}
H = np.array([[0.8, 0.3j], [-0.2, 0.6]])


def waveform(**named):
    return load_config(WaveformConfig, [], {**SMALL, **named})


def uhd(**named):
    return front_end_options("uhd", named)


class LeadingRadio:
    """Time goes on with each read; a burst leaves `lead_s` from now or behind those that wait."""

    kind, frequency_hz = "uhd", 2.4e9

    def __init__(self, options):
        self.options, self.rate_hz = options, options.rate_hz
        self._air = BurstTimeline(options.gap_samples, options.buffer_samples)

    def now(self):
        return self._air.position / self.rate_hz

    def tx_burst(self, x):
        leaves = round((self.now() + self.options.lead_s) * self.rate_hz)
        self._air.place(scale_burst(x).samples, None, 0.0, leaves)

    def flush(self, timeout_s):
        return self._air.position >= self._air.end

    def read(self, n, timeout_s):
        index = self._air.position
        samples = H @ self._air.take(n)
        noise = np.random.default_rng(index).normal(0, 0.01, (2, 2, n))
        samples = (samples + noise[0] + 1j * noise[1]).astype(np.complex64)
        return RxChunk(samples, index, index / self.rate_hz)

    def events(self):
        return []


class SlowFeedback(FeedbackQueue):
    """Messages arrive 8 ms late on the radio's clock."""

    def __init__(self, radio):
        super().__init__()
        self._radio, self._on_the_way = radio, deque()

    def send(self, payload):
        self._on_the_way.append((self._radio.now() + 0.008, payload))
        return True

    def receive(self):
        while self._on_the_way and self._on_the_way[0][0] <= self._radio.now():
            super().send(self._on_the_way.popleft()[1])
        return super().receive()


def run_loop(config, options, pictures=6):
    """Counters of both ends after pictures over a radio with a lead."""
    radio = LeadingRadio(options)
    queue = SlowFeedback(radio)
    image = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    source = StreamSource(lambda: iter([image] * pictures), "noise", live=False)
    tx = transmit_station(config, radio, source, queue, simulated=True)
    rx = receive_station(
        config, radio, lambda picture: None, queue, simulated=True, sender_done=lambda: tx.done
    )
    both = InTurn(tx, rx)
    while not both.done:
        both.step()
    both.finish()
    return SimpleNamespace(tx=Counter(tx.transmitter.counters), rx=rx.receiver.counters)


def test_default_limits_close_the_loop_of_a_radio():
    config, warnings = with_loop_limits(waveform(), uhd())

    counted = run_loop(config, uhd())

    assert warnings == [] and counted.rx["pictures_delivered"] == 6
    assert counted.tx["frames_closed_loop"] > 20 and counted.tx["frames_open_loop"] == 0
    assert counted.tx["harq_retransmissions"] == 0


def test_limits_of_a_link_without_lead_would_keep_it_open():
    config = waveform(csi_max_age_s=0.016)

    counted = run_loop(config, uhd())

    assert counted.tx["frames_open_loop"] > counted.tx["frames_closed_loop"]
    assert counted.tx["harq_retransmissions"] > 0


@pytest.mark.parametrize("rate_hz", [1e6, 5e6])
def test_ages_are_the_sum_of_their_parts(rate_hz):
    config, options = waveform(), uhd(rate_hz=rate_hz, lead_s=0.02, gap_samples=1000)

    timing = loop_timing(config, options)

    frame_s = 5536 / rate_hz  # 1216 samples of overhead, 54 symbols of 80
    assert timing.least_s == pytest.approx(0.02 + frame_s)
    assert timing.first_s == pytest.approx(0.035 + frame_s)  # 5 ms ahead, 10 ms for the answer
    assert timing.kept_s == pytest.approx(16 * max(0.005, frame_s + 1000 / rate_hz))
    assert 0 <= timing.limit_s - 2 * timing.first_s < 0.001


def test_limits_that_are_long_enough_stay():
    config = waveform(csi_max_age_s=0.5, harq_timeout_s=0.3)

    assert with_loop_limits(config, uhd()) == (config, [])


def test_only_what_is_used_is_raised():
    plain = load_config(WaveformConfig, [], {"precoder": "none"})

    assert with_loop_limits(plain, uhd(lead_s=1.0)) == (plain, [])


def test_short_limits_that_were_named_are_kept_and_warned_of():
    config, warnings = with_loop_limits(waveform(csi_max_age_s=0.02, harq_timeout_s=0.01), uhd())

    assert (config.csi_max_age_s, config.harq_timeout_s) == (0.02, 0.01)
    assert len(warnings) == 2
    assert warnings[0].startswith("csi_max_age_s = 0.02 is short: ") and "open loop" in warnings[0]
    assert warnings[1].startswith("harq_timeout_s = 0.01 is short: ") and "again" in warnings[1]


@pytest.mark.parametrize(
    ("named", "lead_s", "words"),
    [
        ({"csi_max_age_s": 0.015}, 0.01, "csi_max_age_s must be above lead_s and a frame together"),
        ({}, 0.2, "lead_s must be below 0.0751 s in a closed loop"),
    ],
)
def test_loop_that_can_never_close_is_refused(named, lead_s, words):
    with pytest.raises(ConfigError, match=words):
        with_loop_limits(waveform(**named), uhd(lead_s=lead_s))


def test_time_of_the_samples_follows_a_clock_with_a_radio_or_realtime():
    kinds = {"uhd": {}, "zmq": {}, "sim": {"realtime": True}}

    follows = {kind: front_end_options(kind, named).follows_clock for kind, named in kinds.items()}

    assert follows == {"uhd": True, "zmq": False, "sim": True}
