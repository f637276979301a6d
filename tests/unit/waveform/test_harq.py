# SPDX-License-Identifier: GPL-3.0-or-later
"""HARQ at the transmitter: redundancy versions, windows, and feedback that is lost, late or wrong."""

import numpy as np
import pytest

from scsc_core.waveform.csi_feedback import SoundRef
from scsc_core.waveform.feedback_message import HarqStatus
from scsc_core.waveform.harq import HarqOptions, HarqSender
from scsc_core.waveform.sent_log import SentLog

OPTIONS = HarqOptions(transmissions=6, timeout_s=0.02, silence_s=1.0)


class Sender:
    """A HarqSender and a receiver's memory that the test fills by hand."""

    def __init__(self, clock, window=4, options=OPTIONS):
        self.clock = clock
        self.log = SentLog(clock)
        self.harq = HarqSender(window, options, clock, self.log)
        self.decoded: dict[int, np.ndarray] = {}
        self.heard: dict[int, np.ndarray] = {}
        self.ref = None

    def add(self, image_id, n_frames):
        self.harq.add(image_id, n_frames)
        self.decoded[image_id] = np.zeros(n_frames, bool)
        self.heard[image_id] = np.zeros(n_frames, np.uint8)

    def send(self, arrives=True, decodes=True):
        """Send the next frame; (image_id, frame, rv) or None."""
        found = self.harq.next_frame()
        if found is not None:
            image_id, frame, rv = found
            ref = SoundRef("data", image_id, frame, 0, rv)
            self.harq.sent(image_id, frame, rv, self.log.add(ref))
            if arrives:
                self.ref = ref
                self.heard[image_id][frame] |= 1 << rv
                self.decoded[image_id][frame] |= decodes
        self.clock.advance(0.001)
        return found

    def status(self, image_id, closed=False):
        return HarqStatus(
            image_id, self.ref, self.decoded[image_id].copy(), self.heard[image_id].copy(), closed
        )

    def report(self, image_id):
        self.harq.receive(self.status(image_id))


@pytest.fixture
def sender(clock):
    return Sender(clock)


def test_failed_block_comes_again_with_the_next_versions_in_order(sender):
    sender.add(0, 1)
    versions = []

    for _ in range(4):
        versions.append(sender.send(decodes=False)[2])
        sender.report(0)

    assert versions == [0, 2, 3, 1]


def test_lost_transmission_comes_again_with_the_same_version(sender):
    sender.add(0, 2)
    sender.send(arrives=False)
    sender.send()
    sender.report(0)

    assert sender.send() == (0, 0, 0)


def test_only_failed_frames_come_again(sender):
    sender.add(0, 4)
    for frame in range(4):
        sender.send(decodes=frame != 2)
    sender.report(0)

    assert sender.send() == (0, 2, 2)
    assert sender.send() is None


def test_feedback_says_nothing_of_frames_sent_after_it(sender):
    sender.add(0, 3)
    sender.send(decodes=False)
    early = sender.status(0)
    sender.send()
    sender.send()

    sender.harq.receive(early)

    assert sender.send() == (0, 0, 2)
    assert sender.send() is None  # frames 1 and 2 are still on their way


def test_picture_is_complete_when_all_frames_are_decoded(sender):
    sender.add(0, 2)
    sender.send()
    sender.send()
    assert sender.harq.finish() == []
    sender.report(0)

    assert sender.harq.finish() == [(0, True)]
    assert sender.harq.counters["harq_complete"] == 1


def test_late_and_repeated_feedback_never_takes_an_acknowledgement_back(sender):
    sender.add(0, 2)
    old = HarqStatus(0, SoundRef("data", 9, 9, 0, 0), np.zeros(2, bool), np.zeros(2, np.uint8))
    sender.send()
    sender.send()
    sender.report(0)
    sender.harq.receive(old)

    assert sender.send() is None
    assert sender.harq.finish() == [(0, True)]


def test_silence_after_the_last_frame_ends_in_a_repetition(sender, clock):
    sender.add(0, 2)
    sender.send()
    sender.report(0)
    sender.send(arrives=False)
    assert sender.send() is None
    wakeup = sender.harq.wakeup_s
    clock.now = wakeup + 1e-6

    assert sender.send() == (0, 1, 0)


def test_deaf_peer_gets_every_frame_once(sender, clock):
    sender.add(0, 3)
    for _ in range(3):
        sender.send(arrives=False)
    clock.advance(OPTIONS.timeout_s)

    assert sender.send() is None
    assert sender.harq.finish() == [(0, False)]


def test_message_of_another_kind_is_a_sign_of_life(sender, clock):
    sender.add(0, 1)
    sender.send(arrives=False)
    clock.advance(OPTIONS.timeout_s)
    sender.harq.peer_heard()

    assert sender.harq.finish() == []
    assert sender.send() == (0, 0, 0)


def test_picture_is_given_up_after_its_transmissions(sender, clock):
    sender.add(0, 1)
    sent = 0
    for _ in range(100):
        sent += sender.send(decodes=False) is not None
        sender.report(0)

    assert sent == OPTIONS.transmissions
    assert sender.harq.finish() == [(0, False)]
    assert sender.harq.counters["harq_given_up"] == 1


def test_picture_that_the_receiver_closed_is_not_sent_any_more(sender):
    sender.add(0, 3)
    sender.send()

    sender.harq.receive(sender.status(0, closed=True))

    assert sender.send() is None and sender.harq.finish() == [(0, False)]


def test_window_of_one_stops_and_waits(clock):
    sender = Sender(clock, window=1)
    sender.add(0, 1)

    assert sender.harq.full
    sender.send()
    sender.report(0)
    sender.harq.finish()
    assert not sender.harq.full


def test_window_sends_on_while_feedback_is_on_its_way(sender):
    sender.add(0, 1)
    sender.add(1, 1)

    order = [sender.send(decodes=False), sender.send()]
    sender.report(0)
    order.append(sender.send())

    assert order == [(0, 0, 0), (1, 0, 0), (0, 0, 2)]


def test_feedback_of_unknown_pictures_and_sizes_is_counted(sender):
    sender.add(0, 2)
    sender.send()
    status = sender.status(0)

    sender.harq.receive(HarqStatus(77, status.ref, status.decoded, status.heard))
    sender.harq.receive(HarqStatus(0, status.ref, np.ones(5, bool), np.ones(5, np.uint8)))

    assert sender.harq.counters["harq_unknown_picture"] == 2
    assert sender.send() == (0, 1, 0)


def test_clock_that_is_set_back_does_not_stop_the_link(sender, clock):
    sender.add(0, 1)
    sender.send()
    clock.advance(-1000.0)

    assert sender.harq.finish() == [(0, False)]


@pytest.mark.parametrize("seed", range(6))
def test_no_loss_of_frames_or_feedback_ever_deadlocks(clock, seed):
    rng = np.random.default_rng(seed)
    sender = Sender(clock, window=3)
    loss, feedback_loss, block_errors = rng.random(3)
    todo, done, late = list(range(250, 256)) + list(range(6)), [], []

    for _ in range(20000):
        while todo and not sender.harq.full:
            sender.add(todo.pop(0), int(rng.integers(1, 8)))
        sender.send(rng.random() > loss, rng.random() > block_errors)
        for image_id in sender.harq.in_flight:
            if sender.ref is not None and rng.random() > feedback_loss:
                late.append(sender.status(image_id))
        while late and rng.random() < 0.7:
            sender.harq.receive(late.pop(int(rng.integers(len(late)))))
        del late[:-20]
        done += sender.harq.finish()
        if not todo and not sender.harq.in_flight:
            break

    assert sorted(image_id for image_id, _ in done) == [*range(6), *range(250, 256)]
    for image_id, complete in done:
        assert not complete or sender.decoded[image_id].all()
