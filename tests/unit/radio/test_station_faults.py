# SPDX-License-Identifier: GPL-3.0-or-later
"""Both stations with the real waveform when the samples between them are not what they should be."""

from dataclasses import replace

import numpy as np
import pytest

from scsc_core.evaluation.metrics import psnr_db
from scsc_core.radio import FeedbackQueue, front_end_options
from scsc_core.radio.air_link import receive_station, transmit_station
from scsc_core.radio.counters_board import CountersBoard
from scsc_core.radio.image_sources import StreamSource
from scsc_core.radio.sim import SimFrontEnd
from scsc_core.radio.station import InTurn
from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.session import WaveformTransmitter

COUNT = 5
H = np.array([[0.9, 0.2j], [-0.3, 0.7]])


def waveform(**named):
    return WaveformConfig(codec="jpeg", qp=60, precoder="none", slices=1, **named)


def image(seed):
    return np.random.default_rng(seed).integers(0, 256, (64, 96, 3), np.uint8)


class Air:
    """A fixed H and some noise; `others` lie at their sample indices beside what is sent."""

    def __init__(self, others=()):
        self._others, self._index = others, 0

    def apply(self, samples):
        samples = samples.copy()
        begin, end = self._index, self._index + samples.shape[1]
        for start, x in self._others:
            low, high = max(begin, start), min(end, start + x.shape[1])
            if low < high:
                samples[:, low - begin : high - begin] += x[:, low - start : high - start]
        self._index = end
        noise = np.random.default_rng(begin).normal(0, 0.01, (2, 2, end - begin))
        return (H @ samples + noise[0] + 1j * noise[1]).astype(np.complex64)


class Losing(SimFrontEnd):
    """Loses every read that begins within one of the given ranges of samples, as an overflow does."""

    def __init__(self, losses, **parts):
        super().__init__(front_end_options("sim"), **parts)
        self._losses, self._lost = losses, False

    def read(self, n, timeout_s):
        chunk = super().read(n, timeout_s)
        while any(low <= chunk.sample_index < high for low, high in self._losses):
            if not self._lost:
                self._log.add("overflow", chunk.time_s)
            self._lost = True
            chunk = super().read(n, timeout_s)
        chunk = replace(chunk, discontinuity=self._lost or chunk.discontinuity)
        self._lost = False
        return chunk


def run(config, front_end, count=COUNT):
    """The pictures that came, and the counters, after `count` were sent."""
    front_end.open()
    board, queue, pictures = CountersBoard(), FeedbackQueue(), []
    source = StreamSource(lambda: (image(k) for k in range(count)), "noise", live=False)
    tx = transmit_station(config, front_end, source, queue, board, simulated=True)
    rx = receive_station(
        config, front_end, pictures.append, queue, board, simulated=True,
        sender_done=lambda: tx.done,
    )  # fmt: skip
    both = InTurn(tx, rx)
    for _ in range(20_000):
        if both.done:
            break
        both.step()
    assert both.done, "the stations never end"
    both.finish()
    front_end.close()
    return pictures, board.snapshot()


def delivered(pictures):
    return [picture.payload.image_id for picture in pictures if picture.picture.delivered]


def test_without_a_fault_all_arrives():
    pictures, counted = run(waveform(), Losing([], channel=Air()))

    assert delivered(pictures) == list(range(COUNT)) and not counted["events"].get("overflow")


@pytest.mark.parametrize("where", ["in a frame", "over a frame and more"])
def test_overflow_costs_the_frames_in_it_and_no_others(where):
    """Five pictures of five frames, at most 5664 samples each."""
    length = 4000 if where == "in a frame" else 15_000
    front_end = Losing([(100_000, 100_000 + length)], channel=Air())

    pictures, counted = run(waveform(), front_end)

    lost_frames = -(-length // 5664) + 1
    assert counted["events"]["overflow"] == counted["rx"]["discontinuities"] == 1
    assert 1 <= counted["rx"]["frames_lost"] + counted["rx"].get("block_errors", 0) <= lost_frames
    assert len(pictures) == COUNT and len(delivered(pictures)) >= COUNT - 2


def test_retransmissions_make_up_for_overflows():
    losses = [(k, k + 3000) for k in range(50_000, 250_000, 40_000)]

    pictures, counted = run(waveform(harq=True), Losing(losses, channel=Air()))

    assert sorted(delivered(pictures)) == list(range(COUNT))
    assert counted["events"]["overflow"] == 5 and counted["tx"]["harq_retransmissions"] >= 1


def other_bursts(count, distance, first_image_id):
    """Bursts of a second transmitter, every `distance` samples, that know nothing of the first one."""
    other = WaveformTransmitter(waveform(), lambda: 0.0, first_image_id=first_image_id)
    for seed in range(100, 102):
        other.offer(image(seed))
    bursts = []
    for k in range(count):
        burst = other.next_burst()
        if burst is None:
            break
        bursts.append((20_000 + k * distance, burst.samples))
    return bursts


@pytest.mark.parametrize("first_image_id", [0, 100])
def test_second_transmitter_on_the_air_costs_frames_and_is_counted(first_image_id):
    """With equal picture numbers its frames even claim to belong to the first one's pictures."""
    others = other_bursts(10, 20_000, first_image_id)

    pictures, counted = run(waveform(harq=True), Losing([], channel=Air(others)))

    values = counted["rx"]
    shown = [p.picture.image for p in pictures if p.picture.delivered]
    # a noise picture comes back with 12 dB, another one has 9
    ours = [any(psnr_db(picture, image(k)) > 11 for picture in shown) for k in range(COUNT)]
    told = ("block_errors", "inconsistent", "frames_lost", "duplicates", "late")
    assert len(others) == 10 and sum(ours) >= COUNT - 1
    assert sum(values.get(name, 0) for name in told) > 0
    assert len(pictures) <= COUNT + len(others)


def test_noise_and_a_strong_carrier_give_no_pictures_and_no_frames():
    class Jammed(Air):
        def apply(self, samples):
            n = np.arange(self._index, self._index + samples.shape[1])
            y = super().apply(np.zeros_like(samples))
            return (y + 3 * np.exp(0.3j * n)).astype(np.complex64)

    pictures, counted = run(waveform(), Losing([], channel=Jammed()), count=2)

    assert pictures == [] and counted["rx"].get("ofdm_frames", 0) == 0
    assert counted["tx"]["pictures_sent"] == 2
