# SPDX-License-Identifier: GPL-3.0-or-later
import threading

import numpy as np
import pytest

from scsc_core.radio.timeline import BurstTimeline, Pacer


def _burst(n, value=1):
    return np.full((2, n), value, np.complex64)


def test_bursts_lie_at_their_samples_and_zeros_between():
    timeline = BurstTimeline(gap_samples=64, buffer_samples=1000)

    first = timeline.place(_burst(10), None, 0)
    second = timeline.place(_burst(5, 2), 200, 0)

    assert (first, second) == ((64, False), (200, False))
    assert timeline.pending == 205
    out = timeline.take(300)
    expected = np.zeros(300)
    expected[64:74], expected[200:205] = 1, 2
    np.testing.assert_array_equal(out, np.stack([expected] * 2))
    assert timeline.pending == 0


def test_any_chunking_gives_the_same_samples():
    rng = np.random.default_rng(1)
    whole, parts = BurstTimeline(64, 10_000), BurstTimeline(64, 10_000)
    for n in rng.integers(1, 300, 20):
        x = rng.standard_normal((2, n)).astype(np.complex64)
        assert whole.place(x, None, 0) == parts.place(x, None, 0)
    total = whole.pending + 100

    taken = []
    while parts.position < total:
        taken.append(parts.take(min(int(rng.integers(1, 97)), total - parts.position)))

    np.testing.assert_array_equal(np.concatenate(taken, 1), whole.take(total))


def test_next_slot_does_not_wait_for_a_gap_that_has_passed():
    timeline = BurstTimeline(100, 1000)
    timeline.place(_burst(10), None, 0)  # 100 .. 110
    timeline.take(1000)

    assert timeline.place(_burst(1), None, 0) == (1000, False)


def test_burst_that_comes_too_late_moves_to_the_next_slot():
    timeline = BurstTimeline(64, 1000)
    timeline.place(_burst(10), 500, 0)

    assert timeline.place(_burst(10), 505, 0) == (574, True)  # inside the burst before
    assert timeline.place(_burst(10), None, 0, earliest=5000) == (5000, False)


def test_full_timeline_makes_the_sender_wait_for_the_reader():
    timeline = BurstTimeline(64, 1000)
    timeline.place(_burst(900), None, 0)
    placed = []

    sender = threading.Thread(target=lambda: placed.append(timeline.place(_burst(900), None, 10)))
    sender.start()
    timeline.take(2000)
    sender.join(10)

    assert placed == [(2000, False)]


def test_full_timeline_gives_up_in_time_or_when_closed():
    timeline = BurstTimeline(64, 1000)
    timeline.place(_burst(900), None, 0)

    assert timeline.place(_burst(900), None, 0.01) is None
    sender = threading.Thread(target=lambda: timeline.place(_burst(900), None, None))
    sender.start()
    timeline.close()
    sender.join(10)

    assert not sender.is_alive() and timeline.place(_burst(1), None, 0) is None


def test_waiting_ends_when_the_samples_have_passed():
    timeline = BurstTimeline(64, 1000)
    timeline.place(_burst(36), None, 0)

    assert not timeline.passed(100, 0.0)
    timeline.take(100)
    assert timeline.passed(100, 0.0)


class Clock:
    def __init__(self):
        self.time = 50.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


def test_pacer_waits_until_samples_exist_but_not_longer_than_allowed():
    clock = Clock()
    pacer = Pacer(1000.0, clock)

    assert pacer.wait(500, timeout_s=0.1) == 100
    assert pacer.wait(500, timeout_s=10) == pytest.approx(500, abs=1)
    assert clock.time == pytest.approx(50.5, abs=2e-3)
    assert pacer.wait(10, timeout_s=10) == pacer.index()
