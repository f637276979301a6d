# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of feedback, of clocks and of other transmitters: what they cost, and that they end."""

import numpy as np
import pytest
from carrier_link import Schedule
from session_link import Link, config, payloads

from scsc_core import framing
from scsc_core.waveform.session import WaveformReceiver, WaveformTransmitter

CLOSED = {"precoder": "svd_wf", "nsym": 14}


# feedback ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "up, counter",
    [
        (Schedule(lost=0.7, seed=5), None),
        (Schedule(delayed=0.5, max_delay=12, seed=6), "csi_late"),
        (Schedule(duplicated=0.5, seed=7), "csi_duplicate"),
    ],
    ids=["lost", "delayed", "duplicated"],
)
@pytest.mark.parametrize("harq", [False, True])
def test_faults_of_feedback_cost_no_picture(up, counter, harq):
    link = Link(config(**CLOSED, harq=harq), up=up)

    sent = link.run(payloads(30))

    counters = link.transmitter.counters
    assert link.arrived(sent) == set(sent) and link.transmitter.ended
    assert counters["frames_closed_loop"] > 100
    assert counter is None or counters[counter] > 0
    assert link.receiver.counters.get("table_mismatch", 0) == 0


def test_feedback_that_comes_too_late_is_open_loop_and_no_loss():
    """Every message takes longer than reports may be old."""
    link = Link(config(**CLOSED, csi_max_age_s=0.003))
    link.up.pass_on = _delay(link, 0.005)

    sent = link.run(payloads(6))

    counters = link.transmitter.counters
    assert link.arrived(sent) == set(sent)
    assert counters["csi_used"] > 0 and not counters.get("frames_closed_loop")


def _delay(link, seconds):
    """A way back on which every message takes `seconds`."""
    waiting = []

    def pass_on(message):
        waiting.append((link.clock() + seconds, message))
        ready = [item for due, item in waiting if due <= link.clock()]
        waiting[:] = [entry for entry in waiting if entry[0] > link.clock()]
        return ready

    return pass_on


# clocks ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("jump_s", [-3600.0, -0.05, 0.05, 3600.0])
@pytest.mark.parametrize("end", ["transmitter", "receiver"])
@pytest.mark.parametrize("harq", [False, True])
def test_clock_that_jumps_costs_what_was_in_flight_at_most(jump_s, end, harq):
    link = Link(config(**CLOSED, harq=harq))
    sent = {link.transmitter.offer_payload(one): one for one in payloads(8)}
    for _ in range(12):
        link.step()

    (link.clock if end == "transmitter" else link.receiver_clock).advance(jump_s)

    sent |= link.run(payloads(8))
    lost = set(sent) - link.arrived(sent)
    assert link.transmitter.ended
    assert len(lost) <= (0 if end == "transmitter" else 1)
    assert link.transmitter.csi.state == "closed"


def test_overflow_within_a_frame_is_repaired_by_harq(clock):
    config_ = config(precoder="none", slices=1, harq=True)
    transmitter, receiver = WaveformTransmitter(config_, clock), WaveformReceiver(config_, clock)
    payload = payloads(1)[0]
    transmitter.offer_payload(payload)
    pictures = []

    for count in range(60):
        burst = transmitter.next_burst()
        if burst is not None:
            first, second = np.array_split(burst.samples, 2, axis=1)
            pictures += receiver.push(first)
            if count in (3, 7, 10):
                pictures += receiver.discontinuity(second.shape[1])
            else:
                pictures += receiver.push(second)
        pictures += receiver.push(np.zeros((2, 300), np.complex64))
        clock.advance(0.001)
        for message in receiver.messages():
            transmitter.receive(message)

    assert transmitter.idle and transmitter.counters["harq_complete"] == 1
    assert receiver.counters["ofdm_truncated"] == 3
    assert pictures[0].payload.data[: len(payload)] == payload


# two transmitters --------------------------------------------------------------------------------
@pytest.mark.parametrize("n_bytes", [1500, 1100], ids=["equal length", "another length"])
@pytest.mark.parametrize("harq", [False, True])
def test_two_transmitters_with_equal_ids_deliver_nothing_that_was_not_sent(n_bytes, harq):
    link = Link(config(precoder="none", slices=1, harq=harq))
    other = WaveformTransmitter(link.config, link.clock, first_image_id=250)
    ours, theirs = (_jpegs(link, 8, seed) for seed in (1, 2))
    theirs = [one[:n_bytes] for one in theirs]
    for one, two in zip(ours, theirs):
        link.transmitter.offer_payload(one)
        other.offer_payload(two)
    for _ in range(400):
        link.step()
        frame = other.next_frame()
        if frame is not None:
            link.pictures += link.receiver.push_frame(link.channel.carry(frame))

    link.advance(1.0)
    shown, link.pictures = link.pictures, []
    sent = link.run(_jpegs(link, 4, 3))

    known = {framing.unpack(one).data for one in ours + theirs}
    for one in shown:
        if one.picture.delivered:
            assert framing.unpack(one.payload.data).data in known
        elif one.payload.complete:
            assert one.trusted == 0
    counters = link.receiver.counters
    assert sum(counters.get(name, 0) for name in ("duplicates", "late", "inconsistent")) > 10
    assert link.arrived(sent) == set(sent)


def _jpegs(link, count, seed):
    """Payloads of small pictures, all of 1500 bytes."""
    rng, out = np.random.default_rng(seed), []
    for number in range(count):
        image = rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        data = link.transmitter._link.codec.encode(image)
        header = framing.PayloadHeader(number, 64, 64, "jpeg", 50)
        out.append(framing.pack(data, header).ljust(1500, b"\0"))
    return out


def test_frames_of_two_transmitters_that_overlap_on_the_air_end_in_right_pictures_or_none(clock):
    """Two senders of equal strength whose frames start anywhere: their own channels, one receiver."""
    config_ = config(precoder="none", slices=1)
    receiver = WaveformReceiver(config_, clock)
    rng = np.random.default_rng(3)
    senders = [WaveformTransmitter(config_, clock, first_image_id=i) for i in (10, 10)]
    sent = []
    for sender in senders:
        for _ in range(4):
            sent.append(rng.bytes(900))
            sender.offer_payload(sent[-1])
    air = np.zeros((2, 120_000), complex)
    for sender in senders:
        h, at = np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0], 500
        while (burst := sender.next_burst()) is not None:
            air[:, at : at + burst.samples.shape[1]] += h @ burst.samples
            at += burst.samples.shape[1] + int(rng.integers(100, 3000))
    air += 0.05 * (rng.normal(size=air.shape) + 1j * rng.normal(size=air.shape))

    pictures = receiver.push(air.astype(np.complex64)) + receiver.flush()

    assert receiver.counters["ofdm_frames"] > 0
    for shown in pictures:
        if shown.payload.complete:
            blocks = [shown.payload.data[start:stop] for start, stop in shown.payload.good]
            assert len(blocks) == 1
        assert not shown.picture.delivered  # these payloads are no pictures
