# SPDX-License-Identifier: GPL-3.0-or-later
"""The transmitting and the receiving station with stand-ins on all sides."""

import sys
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from station_fakes import (  # noqa: E402
    BURST_SAMPLES,
    RATE_HZ,
    Clock,
    FakeFeed,
    FakeFrontEnd,
    FakeOfdm,
    FakeReceiver,
    FakeTransmitter,
    chunk,
)

from scsc_core.radio import Event, FeedbackQueue  # noqa: E402
from scsc_core.radio.counters_board import CountersBoard  # noqa: E402
from scsc_core.radio.receive_station import END_WAIT_S, ReceiveStation  # noqa: E402
from scsc_core.radio.station_clock import AirClock, ArrivalClock  # noqa: E402
from scsc_core.radio.transmit_station import TransmitStation  # noqa: E402


class Sending:
    """A transmitting station and everything around it."""

    def __init__(self, payloads, endless=False, ahead_s=0.0015, feedback_wait_s=0.0, **transmitter):
        self.clock, self.front_end = Clock(), FakeFrontEnd()
        self.transmitter = FakeTransmitter(**transmitter)
        self.feedback, self.board = FeedbackQueue(), CountersBoard(self.clock)
        self.air = AirClock(self.front_end, 100, 0.0, self.clock.waiting())
        self.station = TransmitStation(
            self.transmitter, self.front_end, FakeFeed(payloads, endless), self.air,
            self.feedback, self.board, ahead_s, feedback_wait_s, self.clock,
        )  # fmt: skip

    def steps(self, count, passing=0):
        for _ in range(count):
            if self.station.done:
                return
            self.station.step()
            self.front_end.pass_samples(passing)


def test_all_pictures_and_the_end_go_out_then_the_station_is_done():
    sending = Sending([b"a", b"b", b"c"])

    sending.steps(100, passing=500)

    assert sending.station.done
    assert len(sending.front_end.bursts) == 4
    assert set(sending.station.sent) == {0, 1, 2}
    assert sending.board.picture("sent").number == 3


def test_bursts_are_made_only_shortly_before_the_air():
    sending = Sending([b"a"] * 20)

    sending.steps(50)  # no sample leaves

    assert len(sending.front_end.bursts) == 2  # 2 x 1.1 ms fill the 1.5 ms that may wait


def test_front_end_that_takes_bursts_at_once_is_never_waited_for():
    sending = Sending([b"a"] * 5)
    sending.front_end.tx_burst = lambda x: sending.front_end.pass_samples(x.shape[1] + 100)

    sending.steps(8)

    assert sending.station.done


def test_peer_that_takes_nothing_stops_progress_but_not_the_station():
    sending = Sending([b"a"] * 20)
    sending.steps(3, passing=500)
    before = sending.station.progress_s

    sending.steps(2000)
    stalled = sending.station.progress_s
    sending.steps(1, passing=100)
    sending.steps(2)

    assert sending.clock() - before > 1.0
    assert stalled - before < 0.01
    assert sending.station.progress_s > stalled


def test_nothing_to_send_is_no_stall():
    sending = Sending([], endless=True)

    sending.steps(1000)

    assert sending.clock() - sending.station.progress_s < 0.01


def test_time_goes_on_while_nothing_is_sent_and_stands_while_samples_wait():
    sending = Sending([b"a"], endless=True)
    sending.steps(1)
    with_burst = sending.air()

    sending.steps(500)
    held = sending.air()
    sending.front_end.pass_samples(BURST_SAMPLES + 100)
    sending.steps(500)

    assert held == with_burst == pytest.approx((BURST_SAMPLES + 100) / RATE_HZ)
    assert sending.air() - held == pytest.approx(0.5, rel=0.02)


def test_feedback_reaches_the_transmitter():
    sending = Sending([b"a"])
    sending.feedback.send(b"report")

    sending.steps(1)

    assert sending.transmitter.heard == [b"report"]


def test_pictures_wait_for_the_first_feedback():
    sending = Sending([b"a"], feedback_wait_s=5.0)

    sending.steps(1000)
    before = len(sending.front_end.bursts)
    sending.feedback.send(b"state")
    sending.steps(1)

    assert (before, len(sending.front_end.bursts)) == (0, 1)


def test_pictures_do_not_wait_for_feedback_for_ever():
    sending = Sending([b"a"], feedback_wait_s=0.5)

    sending.steps(400)
    before = len(sending.front_end.bursts)
    sending.steps(200)

    assert (before, len(sending.front_end.bursts)) == (0, 2)  # and the end frame


def test_picture_that_is_too_large_is_counted_and_left_out():
    sending = Sending([b"a", b"huge", b"c"], refuses=(b"huge",))

    sending.steps(100, passing=500)

    assert sending.station.done and len(sending.front_end.bursts) == 3
    assert sending.station.counters["pictures_too_large"] == 1


def test_transmission_that_is_broken_off_tells_the_receiver_that_it_ends():
    sending = Sending([b"a"] * 20)
    sending.front_end.tx_burst = lambda x: sending.front_end.pass_samples(x.shape[1] + 100)
    sending.steps(3)
    before = sending.transmitter.ends_left, sending.station.done

    sending.station.finish()

    assert before == (0, False) and sending.station.done
    assert sending.transmitter.ended and sending.station.counters["bursts"] == 4


def test_transmission_that_is_broken_off_does_not_wait_for_a_peer_that_has_gone():
    sending = Sending([b"a"] * 20)
    sending.steps(3)
    before = sending.clock()

    sending.station.finish()

    assert sending.clock() - before == pytest.approx(1.0, abs=0.01) and not sending.station.done


def test_end_waits_until_the_front_end_is_empty():
    sending = Sending([b"a"])
    sending.front_end.flushes = False

    sending.steps(100, passing=500)
    waiting = sending.station.done
    sending.front_end.flushes = True
    sending.steps(100, passing=500)

    assert not waiting and sending.station.done


def test_events_and_counters_reach_the_board():
    sending = Sending([b"a"])
    sending.front_end.happened = [Event("clip", 0.0, 7), Event("late", 0.0)]

    sending.steps(100, passing=500)
    sending.station.finish()

    board = sending.board.snapshot()
    assert board["events"] == {"clip": 7, "late": 1}
    assert board["tx"]["bursts"] == 2 and board["tx"]["channel_state"] == "closed"


def test_device_whose_clock_is_set_back_goes_on_sending():
    sending = Sending([b"a"] * 20)
    sending.front_end.pass_samples(10**9)
    sending.steps(10)
    before = len(sending.front_end.bursts)

    sending.front_end.position = 0
    sending.steps(200, passing=500)

    assert before == 2 and sending.station.done
    assert len(sending.front_end.bursts) == 21


def test_device_whose_clock_jumps_ahead_goes_on_sending():
    sending = Sending([b"a"] * 20)
    sending.steps(10)

    sending.front_end.pass_samples(10**12)
    sending.steps(200, passing=500)

    assert sending.station.done and len(sending.front_end.bursts) == 21


def test_ahead_must_be_positive():
    with pytest.raises(ValueError, match="ahead_s must be > 0, got 0"):
        Sending([], ahead_s=0)


class Receiving:
    """A receiving station and everything around it."""

    def __init__(self, chunks=(), frames=(), **options):
        self.clock, self.front_end = Clock(), FakeFrontEnd(chunks)
        self.receiver, self.ofdm = FakeReceiver(), FakeOfdm(frames)
        self.feedback, self.board, self.pictures = FeedbackQueue(), CountersBoard(), []
        self.arrival = ArrivalClock(RATE_HZ, self.clock.waiting())
        self.station = ReceiveStation(
            self.receiver, self.ofdm, self.front_end, self.arrival, self.pictures.append,
            feedback=self.feedback, board=self.board, now=self.clock, **options,
        )  # fmt: skip

    def steps(self, count, seconds=0.01):
        for _ in range(count):
            if self.station.done:
                return
            self.front_end.on_read = partial(self.clock.sleep, seconds)
            self.station.step()


def test_pictures_of_frames_are_handed_on():
    receiving = Receiving([chunk(), chunk(index=4096)], [[{"pictures": ["a"]}], [{}, {}]])

    receiving.steps(2)

    assert receiving.pictures == ["a"]


def test_station_is_done_after_as_many_pictures_as_wanted():
    receiving = Receiving([chunk()], [[{"pictures": ["a", "b", "c"]}]], max_images=2)

    receiving.steps(1)
    receiving.station.finish()

    assert receiving.station.done and receiving.pictures == ["a", "b"]


def test_end_frame_ends_the_station_a_little_later():
    receiving = Receiving([chunk()], [[{"end": True}]])

    receiving.steps(1)
    at_once = receiving.station.done
    receiving.steps(round(END_WAIT_S / 0.01) + 2)

    assert not at_once and receiving.station.done and receiving.station.ended


def test_station_does_not_wait_for_an_end_frame_that_was_lost():
    receiving = Receiving(sender_done=lambda: True)

    receiving.steps(round(END_WAIT_S / 0.01) + 2)

    assert receiving.station.done


def test_station_that_stays_hears_the_next_transmission():
    chunks = [chunk(), *[chunk(0)] * 100, chunk(index=4096)]
    frames = [[{"end": True}], [{"pictures": ["b"]}]]
    receiving = Receiving(chunks, frames, stay=True)

    receiving.steps(102)

    assert not receiving.station.done and receiving.pictures == ["b"]


def test_lost_samples_restart_the_search():
    receiving = Receiving([chunk(), chunk(index=9000, discontinuity=True)])
    receiving.ofdm.at_gap = [{"pictures": ["before"]}]

    receiving.steps(2)

    assert receiving.ofdm.gaps == 1 and receiving.pictures == ["before"]
    assert receiving.station.counters["discontinuities"] == 1
    assert receiving.arrival() == pytest.approx((9000 + 4096) / RATE_HZ)


def test_end_of_a_recording_shows_what_is_left():
    receiving = Receiving([chunk(end=True)])
    receiving.ofdm.at_end = [{"pictures": ["last"]}]
    receiving.receiver.rest = ["incomplete"]

    receiving.steps(1)
    receiving.station.finish()

    assert receiving.station.done and receiving.pictures == ["last", "incomplete"]


def test_timers_go_on_while_no_samples_come():
    receiving = Receiving()
    receiving.receiver.given_up = ["late"]

    receiving.steps(100)

    assert receiving.pictures == ["late"]
    assert receiving.arrival() == pytest.approx(1.0)
    assert receiving.clock() - receiving.station.progress_s >= 1.0


def test_feedback_leaves_at_once():
    receiving = Receiving([chunk()])
    receiving.receiver.out = [b"one", b"two"]

    receiving.steps(1)

    assert receiving.feedback.receive() == [b"one", b"two"]


def test_counters_of_all_parts_reach_the_board():
    receiving = Receiving([chunk()])

    receiving.steps(1)
    receiving.station.finish()

    values = receiving.board.snapshot()["rx"]
    assert (values["samples"], values["ofdm_triggers"], values["snr_db"]) == (4096, 3, 12.5)


@pytest.mark.parametrize("jump", [-100_000, 0, 4096])
def test_arrival_time_never_goes_back(jump):
    clock = ArrivalClock(RATE_HZ, Clock().waiting())
    clock.arrived(1_000_000, 4096)

    clock.arrived(1_004_096 + jump, 4096)

    assert clock() == pytest.approx((2 * 4096 + max(jump, 0)) / RATE_HZ)
