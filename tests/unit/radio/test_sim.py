# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core.radio import FrontEnd, FrontEndError, SampleChannel, create_front_end, open_front_end
from scsc_core.radio.levels import FULL_SCALE


class Recorder:
    """A channel that swaps the antennas, halves, and keeps what it saw."""

    def __init__(self):
        self.seen = []

    def apply(self, samples):
        self.seen.append(samples)
        return samples[::-1] / 2


class Clock:
    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


def _burst(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n))
    return (x / np.abs(x) / np.sqrt(2)).astype(np.complex64)


def _read(front_end, n, size=1000):
    parts = []
    while n > 0:
        parts.append(front_end.read(min(n, size), 0).samples)
        n -= parts[-1].shape[1]
    return np.concatenate(parts, axis=1)


def test_front_end_has_the_protocol():
    front_end = create_front_end("sim")

    assert isinstance(front_end, FrontEnd) and isinstance(Recorder(), SampleChannel)
    assert front_end.capabilities == {"tx", "rx", "timed", "full_duplex"}


def test_bursts_arrive_in_one_time_line_at_full_scale_level():
    front_end = open_front_end("sim", {"gap_samples": 100})
    first, second = _burst(300), _burst(200, 1)

    front_end.tx_burst(first)
    front_end.tx_burst(second)
    y = _read(front_end, 1000)

    np.testing.assert_allclose(y[:, 100:400], first * FULL_SCALE, rtol=1e-6)
    np.testing.assert_allclose(y[:, 500:700], second * FULL_SCALE, rtol=1e-6)
    assert not y[:, :100].any() and not y[:, 400:500].any() and not y[:, 700:].any()


def test_channel_works_in_units_of_the_link():
    channel = Recorder()
    front_end = open_front_end("sim", channel=channel)
    x = _burst(500)

    front_end.tx_burst(x)
    y = _read(front_end, 128 + 500)

    seen = np.concatenate(channel.seen, axis=1)
    np.testing.assert_allclose(seen[:, 128:], x, rtol=1e-6)
    assert not seen[:, :128].any()  # zeros stay zeros: a channel may find bursts by them
    np.testing.assert_allclose(y[:, 128:], x[::-1] * 0.30 / 2, rtol=1e-6)


def test_time_and_index_count_every_sample():
    front_end = open_front_end("sim", {"rate_hz": 1000.0})

    front_end.tx_burst(_burst(100), at=0.5)
    chunks = [front_end.read(300, 0) for _ in range(3)]

    assert [chunk.sample_index for chunk in chunks] == [0, 300, 600]
    assert [chunk.samples.shape[1] for chunk in chunks] == [300, 300, 300]
    assert chunks[1].time_s == 0.3 and not any(chunk.discontinuity for chunk in chunks)
    assert np.abs(chunks[1].samples[0]).astype(bool).nonzero()[0][0] == 200
    assert front_end.now() == 0.9


def test_past_time_is_late_and_goes_out_next():
    front_end = open_front_end("sim", {"rate_hz": 1000.0})
    front_end.read(500, 0)

    front_end.tx_burst(_burst(10), at=0.1)

    assert [(event.kind, event.count) for event in front_end.events()] == [("late", 1)]
    assert front_end.read(600, 0).samples.any()


def test_clipped_samples_are_told():
    front_end = open_front_end("sim")
    x = _burst(100)
    x[0, :7] *= 10

    front_end.tx_burst(x)

    assert [(event.kind, event.count) for event in front_end.events()] == [("clip", 7)]


def test_sender_without_reader_gets_an_error_and_the_buffer_stays_bounded():
    front_end = open_front_end("sim", {"buffer_samples": 20_000, "timeout_s": 0.01})
    front_end.tx_burst(_burst(15_000))

    with pytest.raises(FrontEndError, match="^sim: the transmit buffer of 20000 samples"):
        front_end.tx_burst(_burst(15_000))


def test_flush_tells_whether_all_was_read():
    front_end = open_front_end("sim")
    front_end.tx_burst(_burst(100))

    assert not front_end.flush(0.0)
    front_end.read(1000, 0)
    assert front_end.flush(0.0)


def test_realtime_gives_what_the_clock_allows():
    clock = Clock()
    front_end = open_front_end("sim", {"rate_hz": 1e6, "realtime": True}, clock=clock)

    assert front_end.read(1000, 0.0).samples.shape[1] == 0
    chunk = front_end.read(1000, 1.0)

    assert chunk.samples.shape[1] == 1000
    assert clock.time == pytest.approx(1e-3, abs=3e-6)
    assert front_end.now() == pytest.approx(1e-3, abs=3e-6)


def test_realtime_begins_with_the_first_read():
    clock = Clock()
    front_end = open_front_end("sim", {"rate_hz": 1e6, "realtime": True}, clock=clock)
    clock.time = 60.0  # a network was loaded

    chunk = front_end.read(1000, 1.0)

    assert (chunk.sample_index, chunk.discontinuity) == (0, False)
    assert front_end.events() == []


def test_slow_reader_overflows_as_with_a_radio():
    clock = Clock()
    channel = Recorder()
    options = {"rate_hz": 1e6, "realtime": True, "buffer_samples": 20_000}
    front_end = open_front_end("sim", options, clock=clock, channel=channel)
    front_end.read(100, 1.0)
    clock.time = 1.0

    chunk = front_end.read(500, 0.0)

    assert chunk.discontinuity and chunk.sample_index == 1_000_000 - 500
    assert [event.kind for event in front_end.events()] == ["overflow"]
    assert [part.shape[1] for part in channel.seen] == [100, 500]  # what is lost costs no time
    assert not front_end.read(500, 1.0).discontinuity


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros(5), "complex .2, n., n > 0, got float64 .5."),
        (np.zeros((2, 0)), "n > 0"),
        (np.zeros((3, 5)), "got float64 .3, 5."),
        (np.full((2, 5), np.nan), "x must be finite"),
        (np.zeros((2, (1 << 20) + 1)), "at most 1048576 samples, got 1048577"),
        (np.zeros((2, 5), "U1"), "complex"),
    ],
)
def test_what_is_no_burst_is_refused(x, words):
    with pytest.raises(ValueError, match=words):
        open_front_end("sim").tx_burst(x)


@pytest.mark.parametrize("at", [-1.0, 1e9, float("nan")])
def test_impossible_time_is_refused(at):
    with pytest.raises(ValueError, match="at must be in 0..now"):
        open_front_end("sim").tx_burst(_burst(5), at=at)


def test_closed_front_end_says_so():
    front_end = open_front_end("sim")
    front_end.close()
    front_end.close()

    with pytest.raises(FrontEndError, match="sim: is not open; call open"):
        front_end.read(10, 0)


def test_unknown_front_end_names_the_close_one():
    with pytest.raises(ValueError, match="sim, file, zmq, uhd, got 'uhf'; did you mean uhd"):
        open_front_end("uhf")
