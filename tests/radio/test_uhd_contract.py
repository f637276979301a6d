# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call to gr-uhd, against a stand-in that runs in a real flowgraph; no radio is needed."""

import time

import numpy as np
import pmt
import pytest

from scsc_core.radio import FrontEnd, FrontEndError, create_front_end
from scsc_core.radio.levels import FULL_SCALE

RATE_HZ = 1e6
LEAD_S = 0.2


@pytest.fixture
def opened(radio):
    """Function that opens a front end on the stand-in; all are closed at the end."""
    front_ends = []

    def open_one(**options):
        options = {"rate_hz": RATE_HZ, "lead_s": LEAD_S, **options}
        front_end = create_front_end("uhd", options, api=radio)
        front_ends.append(front_end)
        front_end.open()
        return front_end

    yield open_one
    for front_end in front_ends:
        front_end.close()


def _burst(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n))
    return (x / np.abs(x) / np.sqrt(2)).astype(np.complex64)


def _times(radio):
    return [
        (offset, pmt.to_uint64(pmt.tuple_ref(value, 0)) + pmt.to_double(pmt.tuple_ref(value, 1)))
        for channel, offset, key, value in radio.tags
        if key == "tx_time"
    ]


def test_one_source_and_one_sink_with_both_antennas(radio, opened):
    front_end = opened(args="type=b200", master_clock_hz=20e6, stream_args="recv_frame_size=8000")

    args = "type=b200,master_clock_rate=2e+07"
    stream = {"cpu_format": "fc32", "args": "recv_frame_size=8000", "channels": [0, 1]}
    assert radio.named("source", "make") == [(args, stream)]
    assert radio.named("sink", "make") == [(args, stream, "packet_len")]
    assert isinstance(front_end, FrontEnd)


def test_both_channels_of_both_sides_are_set_up(radio, opened):
    opened(
        frequency_hz=2.4e9,
        tx_gain_db=12,
        rx_gain_db=34,
        bandwidth_hz=2e6,
        tx_subdev="A:A A:B",
        rx_subdev="A:A A:B",
    )

    for side, gain, ports in (("source", 34, "RX2"), ("sink", 12, "TX/RX")):
        assert radio.named(side, "set_subdev_spec") == [("A:A A:B", 0)]
        assert radio.named(side, "set_clock_source") == [("internal", 0)]
        assert radio.named(side, "set_samp_rate") == [(RATE_HZ,)]
        assert radio.named(side, "set_gain") == [(gain, 0), (gain, 1)]
        assert radio.named(side, "set_antenna") == [(ports, 0), (ports, 1)]
        assert radio.named(side, "set_bandwidth") == [(2e6, 0), (2e6, 1)]
        tunes = radio.named(side, "set_center_freq")
        assert [channel for _, channel in tunes] == [0, 1]
        assert all((t.target_freq, t.lo_offset) == (2.4e9, 0.75e6) for t, _ in tunes)


def test_clock_comes_before_rate_and_rate_before_frequency(radio, opened):
    opened(rx_subdev="A:A A:B")

    order = [method for side, method, _ in radio.calls if side == "source"]
    wanted = ["make", "set_subdev_spec", "set_clock_source", "set_samp_rate", "set_center_freq"]
    assert [order.index(method) for method in wanted] == sorted(map(order.index, wanted))


def test_time_starts_at_zero_without_a_time_source(radio, opened):
    opened()

    assert radio.named("source", "set_time_now") == [(("time_spec", 0.0),)]
    assert not radio.named("sink", "set_time_now")  # the same device


def test_time_source_starts_the_time_at_its_pulse(radio, opened):
    opened(clock_source="external", time_source="external")

    assert radio.named("source", "set_time_unknown_pps") == [(("time_spec", 0.0),)]
    for side in ("source", "sink"):
        assert radio.named(side, "set_clock_source") == [("external", 0)]
        assert radio.named(side, "set_time_source") == [("external", 0)]


@pytest.mark.parametrize(
    ("direction", "made", "missing"), [("tx", "sink", "source"), ("rx", "source", "sink")]
)
def test_only_the_wanted_side_is_claimed(radio, opened, direction, made, missing):
    front_end = opened(direction=direction)

    assert radio.named(made, "make") and not radio.named(missing, "make")
    with pytest.raises(FrontEndError, match="is not open for"):
        front_end.read(10, 0) if direction == "tx" else front_end.tx_burst(_burst(10))


def test_first_burst_is_timed_and_the_next_follow_with_the_gap(radio, opened, monkeypatch):
    front_end = opened(gap_samples=100, pad_samples=64)
    monkeypatch.setattr(front_end, "now", lambda: 5.0)
    bursts = [_burst(3000), _burst(2000, 1), _burst(10, 2)]

    for x in bursts:
        front_end.tx_burst(x)
    sent = radio.wait_for_sent(5010 + 3 * 64)

    times = _times(radio)
    assert [offset for offset, _ in times] == [0, 3064, 3064 + 2064]
    first = times[0][1]
    assert first == pytest.approx(5.0 + LEAD_S, abs=1e-9)  # of the device's time
    assert times[1][1] - first == pytest.approx(3164 / RATE_HZ, abs=1e-9)
    assert times[2][1] - times[1][1] == pytest.approx(2164 / RATE_HZ, abs=1e-9)
    lengths = [pmt.to_long(value) for _, _, key, value in radio.tags if key == "packet_len"]
    assert lengths == [3064, 2064, 74]
    expected = np.concatenate([np.pad(x, ((0, 0), (0, 64))) for x in bursts], 1) * FULL_SCALE
    np.testing.assert_allclose(sent, expected, rtol=1e-6)  # bursts and their padding, no more


def test_tags_are_on_channel_0_only(radio, opened):
    front_end = opened()
    front_end.tx_burst(_burst(1000))
    radio.wait_for_sent(1064)

    assert {channel for channel, _, _, _ in radio.tags} == {0}
    assert sorted(key for _, _, key, _ in radio.tags) == ["packet_len", "tx_time"]


def test_burst_at_a_time_leaves_at_it(radio, opened):
    front_end = opened()
    front_end.tx_burst(_burst(100), at=6.25)
    front_end.tx_burst(_burst(100))
    radio.wait_for_sent(328)

    assert _times(radio)[0][1] == 6.25
    assert _times(radio)[1][1] == pytest.approx(6.25 + (164 + 128) / RATE_HZ, abs=1e-9)
    assert front_end.events() == []


@pytest.mark.parametrize("at", [1.0, 6.25])
def test_time_that_has_passed_or_is_taken_is_late(radio, opened, at):
    front_end = opened()
    front_end.tx_burst(_burst(1000), at=6.25)
    front_end.tx_burst(_burst(100), at=at)
    radio.wait_for_sent(1064 + 164)

    assert _times(radio)[1][1] == pytest.approx(6.25 + (1064 + 128) / RATE_HZ, abs=1e-9)
    assert [(event.kind, event.count) for event in front_end.events()] == [("late", 1)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("underflow", "underflow"), ("underflow_in_packet", "underflow"), ("time_error", "late")],
)
def test_missed_time_is_counted_and_the_next_burst_rescheduled(
    radio, opened, code, kind, monkeypatch
):
    front_end = opened()
    monkeypatch.setattr(front_end, "now", lambda: 5.0)
    front_end.tx_burst(_burst(100), at=50.0)
    radio.wait_for_sent(164)

    radio.sink.tell(code, time_s=50.25, channel=1)
    event = _wait_for_event(front_end)
    front_end.tx_burst(_burst(100))
    radio.wait_for_sent(328)

    assert (event.kind, event.time_s, event.count) == (kind, 50.25, 1)
    assert event.detail == "channel 1"
    # not behind the burst at 50 s
    assert _times(radio)[1][1] == pytest.approx(5.0 + LEAD_S, abs=1e-9)


def test_waiting_bursts_are_moved_together_and_never_forward():
    from gnuradio.scsc.front_ends.uhd_blocks import burst_source

    source = burst_source(10_000, pytest.fail)
    for time_s in (5.0, 5.1, 9.0):
        source.send(_burst(10), time_s)

    assert source.postpone(5.5) == 0.5
    assert [time_s for _, time_s in source._bursts] == [5.5, 5.6, 9.5]
    assert source.postpone(2.0) == 0.0
    assert [time_s for _, time_s in source._bursts] == [5.5, 5.6, 9.5]
    assert burst_source(10_000, pytest.fail).postpone(7.0) == 0.0


def _wait_for_event(front_end):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if events := front_end.events():
            return events[0]
        front_end.read(1, 0.01)
    raise AssertionError("no event came")


def test_acknowledged_bursts_and_lost_packets_are_counted(radio, opened):
    front_end = opened()

    radio.sink.tell("burst_ack", time_s=1.0)
    radio.sink.tell("never_heard_of")
    radio.sink.tell("seq_error")  # without a time
    event = _wait_for_event(front_end)

    assert front_end.acknowledged == 1
    assert event.kind == "sequence" and event.time_s == pytest.approx(5.0, abs=1)


def test_overflow_is_a_discontinuity_with_the_lost_samples_counted(radio, opened):
    first, second = _burst(1000), _burst(500, 1)
    radio.received = [(5.0, first), (5.0 + 3000 / RATE_HZ, second)]
    front_end = opened()

    chunks = []
    while sum(chunk.samples.shape[1] for chunk in chunks) < 1500:
        chunks.append(front_end.read(4000, 5.0))
        assert chunks[-1].samples.shape[1], "samples are missing"

    before = [chunk for chunk in chunks if chunk.sample_index < 1000]
    after = [chunk for chunk in chunks if chunk.sample_index >= 1000]
    np.testing.assert_array_equal(np.concatenate([c.samples for c in before], 1), first)
    np.testing.assert_array_equal(np.concatenate([c.samples for c in after], 1), second)
    assert (after[0].sample_index, after[0].discontinuity) == (3000, True)
    assert after[0].time_s == pytest.approx(5.003, abs=1e-9)
    assert not any(chunk.discontinuity for chunk in before + after[1:])
    assert [(event.kind, event.detail) for event in front_end.events()] == [
        ("overflow", "2000 samples lost")
    ]


def test_clock_that_jumps_back_is_told_and_the_index_goes_on(radio, opened):
    radio.received = [(5.0, _burst(1000)), (4.0, _burst(500, 1))]
    front_end = opened()

    indices, count = [], 0
    while count < 1500:
        chunk = front_end.read(4000, 5.0)
        indices.append((chunk.sample_index, chunk.discontinuity))
        count += chunk.samples.shape[1]

    assert (1000, True) in indices
    assert [event.kind for event in front_end.events()] == ["timing"]


def test_reader_that_sleeps_loses_the_oldest_samples(radio, opened):
    radio.received = [(5.0 + n * 10_000 / RATE_HZ, _burst(10_000, n)) for n in range(8)]
    front_end = opened(buffer_samples=30_000)
    last = radio.received[-1][1]
    front_end.read(1, 5.0)

    _wait_for_index(front_end, 80_000)
    chunk = front_end.read(100_000, 5.0)

    assert chunk.discontinuity and 0 < chunk.samples.shape[1] <= 30_000
    np.testing.assert_array_equal(chunk.samples[:, -10_000:], last)
    assert [event.kind for event in front_end.events()] == ["overflow"]


def test_what_came_before_the_first_read_is_not_missed(radio, opened):
    radio.received = [(5.0 + n * 10_000 / RATE_HZ, _burst(10_000, n)) for n in range(8)]
    front_end = opened(buffer_samples=30_000)

    _wait_for_index(front_end, 80_000)
    chunk = front_end.read(100_000, 5.0)

    assert chunk.samples.shape[1] > 0 and not chunk.discontinuity
    assert chunk.time_s == pytest.approx(5.0 + chunk.sample_index / RATE_HZ, abs=1e-9)
    assert front_end.events() == []


def _wait_for_index(front_end, index):
    """Until so many samples have reached the collector."""
    deadline = time.monotonic() + 10
    while front_end._collector.nitems_read(0) < index and time.monotonic() < deadline:
        time.sleep(0.01)
    assert front_end._collector.nitems_read(0) == index


def test_read_without_samples_ends_in_time(opened):
    assert opened().read(100, 0.01).samples.shape == (2, 0)


def test_flush_waits_for_the_time_of_the_last_burst(radio, opened):
    front_end = opened()
    front_end.tx_burst(_burst(100))
    assert front_end.flush(5.0)

    front_end.tx_burst(_burst(100), at=60.0)
    assert not front_end.flush(0.01)


def test_gain_can_be_changed_and_stays_in_its_range(radio, opened):
    front_end = opened()

    front_end.set_gain(5.0, 7.0)

    assert radio.named("sink", "set_gain")[-2:] == [(5.0, 0), (5.0, 1)]
    assert radio.named("source", "set_gain")[-2:] == [(7.0, 0), (7.0, 1)]
    with pytest.raises(FrontEndError, match="rx_gain_db 99 is out of range; use 0..76 dB"):
        front_end.set_gain(5.0, 99.0)


def _stops_at_close(radio, front_end):
    """How often the source and the sink were stopped by closing; the flowgraph is stopped after it."""
    # Held until then: blocks that nobody holds must not run.
    held = front_end._bursts, front_end._collector, front_end._listener, front_end.device
    flowgraph = front_end._top
    assert not radio.named("source", "stop") and not radio.named("sink", "stop")
    front_end.close()
    front_end.close()
    stops = len(radio.named("source", "stop")), len(radio.named("sink", "stop"))
    flowgraph.stop()
    flowgraph.wait()
    del held
    return stops


@pytest.mark.parametrize(("direction", "stops"), [("both", (1, 1)), ("rx", (1, 0)), ("tx", (0, 1))])
def test_closing_stops_everything_and_may_be_repeated(radio, opened, direction, stops):
    front_end = opened(direction=direction)
    if direction != "rx":
        front_end.tx_burst(_burst(100))

    assert _stops_at_close(radio, front_end) == stops
    with pytest.raises(FrontEndError, match="is not open"):
        front_end.read(1, 0)
    with pytest.raises(FrontEndError, match="is not open"):
        front_end.tx_burst(_burst(100))


def test_radio_that_takes_no_samples_does_not_hang_the_sender(radio, opened):
    front_end = opened(buffer_samples=20_000, timeout_s=0.05)
    front_end._bursts.work = lambda *_: 0  # the driver has stopped asking
    front_end._top.stop()
    front_end._top.wait()
    front_end.tx_burst(_burst(19_000))

    with pytest.raises(FrontEndError, match="takes no samples any more"):
        front_end.tx_burst(_burst(19_000))


@pytest.mark.parametrize(
    ("radio_is", "options", "words"),
    [
        ({"found": []}, {}, "no device found; connect it"),
        ({"found": []}, {"args": "type=x300"}, "no device found for args 'type=x300'"),
        ({}, {"args": "a,,="}, "invalid args string"),
        ({"channels": 1}, {}, "two channels cannot be opened"),
        ({}, {"rate_hz": 3e6}, "use one of 2.5e+06, 3.33333e+06"),
        ({"frequency_range": (70e6, 2e9)}, {}, "2.45e+09 Hz is outside the range"),
        ({"locked": False}, {"clock_source": "external"}, "clock source external does not lock"),
        ({"locked": False}, {}, "the oscillator of channel 0 to receive does not lock"),
        ({"boards": 2}, {}, "2 devices have no common time"),
        ({}, {"clock_source": "gps"}, "clock_source 'gps' is not offered; use internal, external"),
        ({}, {"time_source": "gps"}, "time_source 'gps' is not offered"),
        ({}, {"rx_antennas": "RX2,RX3"}, "channel 1 has no port 'RX3' to receive"),
        ({}, {"tx_antennas": "RX2,RX2"}, "set tx_antennas to two of TX/RX"),
        ({}, {"tx_gain_db": 100}, "tx_gain_db 100 is out of range; use 0..76 dB"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_told_with_its_cure(radio, opened, monkeypatch, radio_is, options, words):
    monkeypatch.setattr("gnuradio.scsc.front_ends.uhd_device._LOCK_WAIT_S", 0.1)
    for name, value in radio_is.items():
        setattr(radio, name, value)

    with pytest.raises(FrontEndError) as caught:
        opened(**options)

    assert words in str(caught.value) and caught.value.cure and "\n" not in str(caught.value)
