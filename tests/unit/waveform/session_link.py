# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of a session over a channel on data carriers, on a clock that the air time drives."""

import numpy as np
from carrier_link import CarrierChannel, Clock, Schedule

from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.session import WaveformReceiver, WaveformTransmitter

RATE_HZ = 5e6
BASE = {"nsym": 14, "codec": "jpeg", "qp": 50}


class Link:
    """Transmitter, receiver, schedules for both ways, and their clocks, which the air time drives."""

    def __init__(self, config, snr_db=20.0, down=None, up=None, latency=0, seed=1):
        self.config = config
        self.clock, self.receiver_clock = Clock(), Clock(7.0)
        self.transmitter = WaveformTransmitter(config, self.clock, first_image_id=250)
        self.receiver = WaveformReceiver(config, self.receiver_clock)
        self.channel = CarrierChannel(config.carriers, snr_db, seed=seed)
        self.down, self.up = down or Schedule(), up or Schedule()
        self.deliver_feedback = True
        self.pictures = []
        self.headers = []

    def advance(self, seconds):
        self.clock.advance(seconds)
        self.receiver_clock.advance(seconds)

    def step(self):
        frame = self.transmitter.next_frame()
        if frame is None:
            self.advance(0.001)
            self.pictures += self.receiver.poll()
        else:
            self.headers.append(frame.header)
            self.advance(self.config.carriers.frame_samples(frame.header.nsym) / RATE_HZ)
            for arrived in self.down.pass_on(frame):
                self.pictures += self.receiver.push_frame(self.channel.carry(arrived))
        for message in self.receiver.messages():
            for arrived in self.up.pass_on(message):
                if self.deliver_feedback:
                    self.transmitter.receive(arrived)

    def run(self, payloads, max_steps=5000):
        """Send payloads to the end; {image_id: payload}."""
        sent, waiting, ending = {}, list(payloads), False
        for _ in range(max_steps):
            while waiting and not self.transmitter.queue_full:
                payload = waiting.pop(0)
                sent[self.transmitter.offer_payload(payload)] = payload
            if not waiting and not ending:
                self.transmitter.end()
                ending = True
            self.step()
            if ending and self.transmitter.ended:
                break
        self.pictures += self.receiver.flush()
        return sent

    def arrived(self, sent):
        """Ids of the pictures that arrived whole and right."""
        return {
            p.payload.image_id
            for p in self.pictures
            if p.payload.complete
            and p.payload.data[: len(sent[p.payload.image_id])] == sent[p.payload.image_id]
        }


def payloads(count, n_bytes=1500):
    rng = np.random.default_rng(7)
    return [rng.integers(0, 256, n_bytes, np.uint8).tobytes() for _ in range(count)]


def config(**changes):
    return WaveformConfig(**{**BASE, **changes})
