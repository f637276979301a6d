# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for what a station joins: waveform, front end, pictures, clock."""

from collections import Counter, deque
from types import SimpleNamespace

import numpy as np

from scsc_core.radio import RxChunk
from scsc_core.radio.front_end import no_samples
from scsc_core.radio.image_sources import SourcePicture
from scsc_core.radio.picture_feed import EncodedPicture
from scsc_core.radio.station_clock import WaitingTime

BURST_SAMPLES = 1000
RATE_HZ = 1e6


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds

    def waiting(self, follows_clock=False):
        return WaitingTime(self.sleep, self, follows_clock)


class FakeFrontEnd:
    """Bursts pass when `pass_samples` is called; reads give scripted chunks."""

    kind = "sim"
    rate_hz, frequency_hz = RATE_HZ, 2.4e9

    def __init__(self, chunks=()):
        self.options = SimpleNamespace(gap_samples=100, realtime=False)
        self.bursts, self.chunks = [], deque(chunks)
        self.position, self.happened = 0, []
        self.flushes, self.on_read = True, lambda: None

    def now(self):
        return self.position / RATE_HZ

    def pass_samples(self, n):
        self.position += n

    def tx_burst(self, x, at=None):
        self.bursts.append(x)

    def flush(self, timeout_s):
        return self.flushes

    def read(self, n, timeout_s):
        self.on_read()
        return self.chunks.popleft() if self.chunks else RxChunk(no_samples(), 0, 0.0)

    def events(self):
        happened, self.happened = self.happened, []
        return happened

    def close(self):
        pass


class FakeTransmitter:
    """Every payload is one burst; end() makes one more."""

    def __init__(self, queue=2, refuses=()):
        self.payloads, self.heard, self.ends_left = deque(), [], 0
        self.counters, self.receiver_state = Counter(), None
        self.csi = SimpleNamespace(state="closed")
        self._queue, self._refuses, self._count = queue, refuses, 0

    @property
    def queue_full(self):
        return len(self.payloads) >= self._queue

    @property
    def ended(self):
        return not self.payloads and not self.ends_left

    def offer_payload(self, payload):
        if payload in self._refuses:
            raise ValueError("payload must have fewer bytes")
        self.payloads.append(payload)
        self._count += 1
        return (self._count - 1) % 256

    def receive(self, message):
        self.heard.append(message)

    def end(self):
        self.ends_left = 1

    def abandon(self):
        self.payloads.clear()
        self.end()

    def next_burst(self):
        if self.payloads:
            self.payloads.popleft()
        elif self.ends_left:
            self.ends_left -= 1
        else:
            return None
        return SimpleNamespace(samples=np.ones((2, BURST_SAMPLES), np.complex64))


class FakeFeed:
    """Payloads of a list."""

    def __init__(self, payloads, endless=False):
        self.counters, self._left, self._endless = Counter(), deque(payloads), endless

    @property
    def exhausted(self):
        return not self._left and not self._endless

    def take(self):
        if not self._left:
            return None
        image = np.zeros((8, 8, 3), np.uint8)
        return EncodedPicture(SourcePicture(image, "p"), self._left.popleft(), False, 0.0)


class FakeReceiver:
    """A frame is a dict: pictures that it finishes, whether it is an end frame."""

    def __init__(self):
        self.ended, self.given_up, self.rest = False, [], []
        self.counters = Counter()
        self.state = SimpleNamespace(snr_db=12.5)
        self.out = []

    def push_frame(self, frame):
        self.ended = frame.get("end", False)
        return frame.get("pictures", [])

    def poll(self):
        pictures, self.given_up = self.given_up, []
        return pictures

    def flush(self):
        pictures, self.rest = self.rest, []
        return pictures

    def messages(self):
        out, self.out = self.out, []
        return out


class FakeOfdm:
    """Gives the frames scripted per push; a discontinuity and the end give what they are told to."""

    def __init__(self, frames=(), at_gap=(), at_end=()):
        self._frames, self.at_gap, self.at_end = deque(frames), at_gap, at_end
        self.counters = {"triggers": 3}
        self.gaps = 0

    def push(self, samples):
        return self._frames.popleft() if self._frames else []

    def discontinuity(self):
        self.gaps += 1
        return list(self.at_gap)

    def flush(self):
        return list(self.at_end)


def chunk(n=4096, index=0, **more):
    return RxChunk(np.zeros((2, n), np.complex64), index, index / RATE_HZ, **more)
