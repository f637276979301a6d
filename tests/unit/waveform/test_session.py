# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends together over a channel on data carriers, with losses of frames and feedback."""

import dataclasses

import numpy as np
import pytest
from carrier_link import Clock, Schedule
from session_link import RATE_HZ, Link, config, payloads

from scsc_core.waveform.receiver import ReceiverConfig
from scsc_core.waveform.session import WaveformReceiver, WaveformTransmitter


def data_headers(link):
    return [h for h in link.headers if h.type == "data"]


@pytest.mark.parametrize("precoder", ["none", "svd_wf", "pcen", "pcen_lite"])
def test_pictures_arrive_with_every_kind_of_table(precoder):
    link = Link(config(precoder=precoder), snr_db=18.0)

    sent = link.run(payloads(6))

    assert link.arrived(sent) == set(sent) and link.receiver.ended
    if precoder != "none":
        assert link.transmitter.counters["frames_closed_loop"] > 50
        assert link.receiver.counters.get("table_mismatch", 0) == 0


@pytest.mark.parametrize(
    ("precoder", "modulation"),
    [
        ("svd_wf", "bpsk"),
        ("svd_wf", "16qam"),
        ("none", "64qam"),
        ("svd_wf", "64qam"),
        ("pcen_lite", "64qam"),
    ],
)
def test_pictures_arrive_with_other_alphabets(precoder, modulation):
    link = Link(config(precoder=precoder, modulation=modulation), snr_db=35.0)

    sent = link.run(payloads(2))

    assert link.arrived(sent) == set(sent)
    assert {(h.precoder, h.modulation) for h in data_headers(link)} == {(precoder, modulation)}


@pytest.mark.parametrize("numerology", ["128", "256"])
def test_pictures_arrive_with_other_numerologies(numerology):
    link = Link(config(precoder="svd_wf", numerology=numerology), snr_db=25.0)

    sent = link.run(payloads(3))

    assert link.arrived(sent) == set(sent)


def test_picture_comes_back_as_a_picture():
    link = Link(config(precoder="none"))
    y, x = np.mgrid[0:128, 0:128]
    image = np.stack([x, y, x // 2 + y // 2], -1).astype(np.uint8)

    link.transmitter.offer(image)
    while not link.transmitter.idle:
        link.step()
    link.step()

    (picture,) = link.pictures
    assert picture.picture.delivered and picture.trusted == 1.0
    assert np.abs(picture.picture.image.astype(int) - image).mean() < 6


def test_without_feedback_the_link_falls_back_to_open_loop():
    link = Link(config(precoder="svd_wf"))
    link.deliver_feedback = False

    sent = link.run(payloads(4))

    assert link.arrived(sent) == set(sent)
    assert {h.precoder for h in data_headers(link)} == {"none"}
    assert link.headers[0].type == "sounding"
    assert link.transmitter.counters["csi_stale"] == 1


def test_feedback_that_stops_is_noticed_and_its_return_too():
    link = Link(config(precoder="svd_wf"))
    link.run(payloads(3))
    link.deliver_feedback = False
    for one in payloads(8):
        link.transmitter.offer_payload(one)
    for _ in range(60):
        link.step()
    without = link.headers[-1]
    link.deliver_feedback = True
    for _ in range(20):
        link.step()

    assert (without.precoder, link.headers[-1].precoder) == ("none", "svd_wf")


def test_open_loop_alamouti_sends_one_stream():
    link = Link(config(precoder="svd_wf", open_loop="alamouti"), snr_db=6.0)
    link.deliver_feedback = False

    sent = link.run(payloads(3))

    assert link.arrived(sent) == set(sent)
    data = data_headers(link)
    assert {(h.precoder, h.streams) for h in data} == {("alamouti", 1)}


def test_picture_keeps_its_scheme_when_feedback_comes_back():
    link = Link(config(precoder="svd_wf", open_loop="alamouti", csi_wait_s=0.0))

    sent = link.run(payloads(3))

    assert link.arrived(sent) == set(sent)
    schemes = {}
    for header in data_headers(link):
        schemes.setdefault(header.image_id, set()).add(header.precoder)
    assert {"alamouti"} in schemes.values() and {"svd_wf"} in schemes.values()


def test_open_loop_drop_sends_no_data_without_feedback():
    link = Link(config(precoder="svd_wf", open_loop="drop"))
    link.deliver_feedback = False

    link.run(payloads(3), max_steps=400)

    assert not data_headers(link)
    assert link.transmitter.counters["pictures_dropped"] == 3


def test_idle_link_keeps_sounding_and_starts_in_closed_loop():
    link = Link(config(precoder="svd_wf"))
    for _ in range(300):
        link.step()

    link.transmitter.offer_payload(payloads(1)[0])
    link.step()

    assert link.headers[-1].precoder == "svd_wf"
    assert sum(h.type == "sounding" for h in link.headers) > 15


def test_harq_delivers_everything_through_losses_of_frames_and_feedback():
    link = Link(
        config(precoder="none", harq=True, queue_pictures=4),
        snr_db=12.0,
        down=Schedule(lost=0.2, duplicated=0.05, delayed=0.1, seed=2),
        up=Schedule(lost=0.2, duplicated=0.1, delayed=0.2, seed=3),
    )

    sent = link.run(payloads(12))

    assert link.arrived(sent) == set(sent)
    assert link.transmitter.counters["harq_retransmissions"] > 10
    assert link.transmitter.cost.k_total > 1.2 * link.transmitter.cost.k_payload


def test_the_same_losses_without_harq_damage_pictures_and_are_explained():
    link = Link(config(precoder="none"), snr_db=12.0, down=Schedule(lost=0.2, seed=2))

    sent = link.run(payloads(12))

    lost = len(sent) - len(link.arrived(sent))
    assert lost > 0
    counters = link.receiver.counters
    assert counters["payloads_damaged"] + counters.get("pictures_lost", 0) == lost
    assert counters["frames_lost"] > 0


def test_harq_combines_versions_at_an_snr_where_one_fails():
    link = Link(config(precoder="none", code_rate="2/3", harq=True), snr_db=2.0, seed=5)

    sent = link.run(payloads(4))

    assert link.arrived(sent) == set(sent)
    assert link.receiver.counters["block_errors"] > 10


def test_harq_repeats_a_picture_of_which_only_soundings_were_heard():
    link = Link(config(precoder="svd_wf", harq=True, nsym=54))
    carry = link.down.pass_on
    link.down.pass_on = lambda frame: [] if len(data_headers(link)) == 1 else carry(frame)

    sent = link.run([b"a picture of one frame" * 4])

    assert link.arrived(sent) == set(sent)
    assert [h.rv for h in data_headers(link)] == [0, 0]


def test_harq_without_a_state_of_any_picture_still_ends():
    link = Link(config(precoder="svd_wf", harq=True))
    link.receiver.reassembly.statuses = list  # a receiver without HARQ

    sent = link.run(payloads(2))

    assert link.transmitter.ended and link.arrived(sent) == set(sent)
    transmissions = len(data_headers(link)) / len(
        {(h.image_id, h.frame) for h in data_headers(link)}
    )
    assert transmissions == link.config.harq_transmissions


@pytest.mark.parametrize("fec", ["polar", "none"])
def test_harq_works_with_codes_of_one_version(fec):
    link = Link(config(precoder="none", fec=fec, harq=True), 25.0, down=Schedule(lost=0.2, seed=4))

    sent = link.run(payloads(3))

    assert link.arrived(sent) == set(sent)


def test_harq_with_a_deaf_peer_ends():
    link = Link(config(precoder="none", harq=True))
    link.deliver_feedback = False

    sent = link.run(payloads(6))

    assert link.transmitter.ended and link.arrived(sent) == set(sent)
    assert link.transmitter.counters["harq_given_up"] == 6


def test_receiver_that_starts_again_gets_pictures_again():
    link = Link(config(precoder="svd_wf"))
    link.run(payloads(3))
    link.receiver = WaveformReceiver(link.config, link.receiver_clock)
    link.channel.new_channel()
    link.pictures.clear()

    sent = link.run(payloads(8))

    assert len(link.arrived(sent)) >= 6
    assert link.receiver.counters["csi_unknown"] + link.receiver.counters.get("table_mismatch", 0)


def test_transmitter_that_starts_again_gets_through():
    link = Link(config(precoder="svd_wf"))
    link.run(payloads(3))
    link.transmitter = WaveformTransmitter(link.config, link.clock, first_image_id=100)
    link.pictures.clear()

    sent = link.run(payloads(4))

    assert link.arrived(sent) == set(sent)


def test_garbage_as_feedback_is_counted_and_harmless():
    link = Link(config(precoder="none"))
    rng = np.random.default_rng(1)
    for size in rng.integers(0, 500, 200):
        link.transmitter.receive(rng.integers(0, 256, size, np.uint8).tobytes())

    sent = link.run(payloads(2))

    bad = {k: v for k, v in link.transmitter.counters.items() if k.startswith("feedback_bad")}
    assert sum(bad.values()) == 200 and link.arrived(sent) == set(sent)


def test_hostile_payload_is_a_damaged_picture():
    link = Link(config(precoder="none"))

    link.run([b"\x10" * 1500, bytes(1500)])

    assert [p.picture.delivered for p in link.pictures] == [False, False]


@pytest.mark.parametrize(
    "change", [{"nsym": 13}, {"streams": 2}, {"precoder": "pcen", "csi_id": 3}]
)
def test_headers_that_contradict_themselves_are_counted(change):
    link = Link(config(precoder="svd_wf", open_loop="alamouti", csi_wait_s=0.0))
    link.transmitter.offer_payload(payloads(1)[0])
    frame = link.channel.carry(link.transmitter.next_frame())
    hostile = dataclasses.replace(frame.header, **change)
    y = frame.y[..., : hostile.nsym]

    link.receiver.push_frame(dataclasses.replace(frame, header=hostile, y=y))

    counters = link.receiver.counters
    assert counters["frames_without_table"] == 1 and "blocks_ok" not in counters


def test_receiver_of_another_numerology_is_refused(clock):
    ofdm = ReceiverConfig(numerology=config(numerology="128").carriers)

    with pytest.raises(ValueError, match="ofdm must have numerology 64, got 128"):
        WaveformReceiver(config(), clock, ofdm=ofdm)


def test_missing_samples_cost_the_frame_that_they_cut(clock):
    config_ = config(precoder="none", slices=1)
    transmitter, receiver = WaveformTransmitter(config_, clock), WaveformReceiver(config_, clock)
    transmitter.offer_payload(payloads(1)[0])

    count = 0
    while (burst := transmitter.next_burst()) is not None:
        half = burst.samples.shape[1] // 2
        receiver.push(burst.samples[:, :half])
        if count == 3:
            receiver.discontinuity(100)
        receiver.push(np.pad(burst.samples[:, half:], ((0, 0), (0, 300))))
        count += 1
    (picture,) = receiver.flush()

    np.testing.assert_array_equal(picture.payload.frame_ok, np.arange(count) != 3)


def test_queue_is_bounded():
    link = Link(config(precoder="none", queue_pictures=2))

    ids = [link.transmitter.offer_payload(b"abc") for _ in range(4)]

    assert ids == [250, 251, None, None]
    assert link.transmitter.counters["pictures_refused"] == 2


def test_messages_that_nobody_fetches_are_bounded(clock):
    link = Link(config(precoder="svd_wf"))
    frame = link.transmitter.next_frame()
    for _ in range(600):
        link.receiver.push_frame(link.channel.carry(frame))
        link.advance(0.01)

    assert len(link.receiver.messages()) <= 258


def test_state_message_tells_the_transmitter_what_was_lost():
    link = Link(config(precoder="none"), down=Schedule(lost=0.3, seed=2))
    link.run(payloads(8))
    link.advance(1.0)
    for message in link.receiver.messages():
        link.transmitter.receive(message)

    state = link.transmitter.receiver_state
    assert state.frames_lost == link.receiver.counters["frames_lost"] > 0
    assert state.snr_db == pytest.approx(20.0)


def test_pictures_arrive_from_samples_with_noise_and_carrier_offset():
    config_ = config(precoder="svd_wf", slices=1)
    clock = Clock()
    transmitter = WaveformTransmitter(config_, clock)
    receiver = WaveformReceiver(config_, clock)
    rng = np.random.default_rng(11)
    h = np.array([[0.9 + 0.3j, -0.2 + 0.5j], [0.1 - 0.4j, 1.0 + 0.2j]])
    sent = {transmitter.offer_payload(one): one for one in payloads(3)}
    transmitter.end()

    pictures, start = [], 0
    for _ in range(200):
        burst = transmitter.next_burst()
        quiet = np.zeros((2, 300), np.complex64)
        samples = quiet if burst is None else np.concatenate([quiet, burst.samples, quiet], axis=1)
        turn = np.exp(2j * np.pi * 0.002 * (start + np.arange(samples.shape[1])))
        start += samples.shape[1]
        noise = rng.normal(size=(2, *samples.shape)) * 0.05
        received = (h @ samples) * turn + noise[0] + 1j * noise[1]
        clock.advance(samples.shape[1] / RATE_HZ)
        pictures += receiver.push(received.astype(np.complex64))
        for message in receiver.messages():
            transmitter.receive(message)
        if transmitter.ended and burst is None:
            break

    arrived = {p.payload.image_id: p.payload for p in pictures}
    assert all(arrived[i].data[: len(one)] == one for i, one in sent.items())
    assert receiver.ended
    assert transmitter.counters["frames_closed_loop"] > 20
    assert not receiver.counters.get("table_mismatch") and not receiver.counters.get("block_errors")


def test_end_frames_close_what_is_open():
    link = Link(config(precoder="none"))
    link.down = Schedule(lost=0.3, seed=9)

    link.run(payloads(4))

    assert [h.type for h in link.headers[-3:]] == ["end"] * 3 and link.headers[-1].last
    assert link.receiver.reassembly.open_pictures == ()


def test_transmitter_that_gives_up_drops_its_pictures_and_sends_end_frames():
    link = Link(config(precoder="none"))
    transmitter = link.transmitter
    for payload in payloads(3):
        transmitter.offer_payload(payload)
    first = [transmitter.next_frame().header.type for _ in range(2)]

    transmitter.abandon()
    last = [frame.header.type for frame in iter(transmitter.next_frame, None)]

    assert first == ["data"] * 2 and last == ["end"] * 3
    assert transmitter.ended and transmitter.counters["pictures_dropped"] == 3
