# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads cut into frames, and put together again whatever happens to the frames."""

import dataclasses

import numpy as np
import pytest
from carrier_link import Clock, Schedule
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core.waveform.configuration import WaveformConfig
from scsc_core.waveform.frame_code import frame_code
from scsc_core.waveform.header import FrameHeader
from scsc_core.waveform.reassembly import CLOSED_REMEMBERED, Reassembler
from scsc_core.waveform.statistics import AirCost, LossRuns
from scsc_core.waveform.transport import cut_payload

CONFIG = WaveformConfig(precoder="none", nsym=12)
HARQ = CONFIG.with_changes(harq=True)
BLOCK = frame_code(CONFIG.frame_format()).payload_bytes


def payload_bytes(count, seed=1):
    return np.random.default_rng(seed).integers(0, 256, count, np.uint8).tobytes()


def frames_of(payload, image_id=0, rv=0, config=CONFIG):
    """[(header, LLRs without noise)] of one payload."""
    cut = cut_payload(payload, config)
    out = []
    for frame in range(cut.n_frames):
        form = cut.form(frame)
        header = FrameHeader(
            streams=form.streams, nsym=form.nsym, frame=frame, n_frames=cut.n_frames,
            image_id=image_id, rv=rv,
        )  # fmt: skip
        index = cut.index(frame, rv)
        bits = index[:, None] >> np.arange(3, -1, -1) & 1
        out.append((header, (4.0 - 8.0 * bits.reshape(-1)).astype(np.float32)))
    return out


def push_all(reassembler, frames):
    return [done for frame in frames for done in reassembler.push(*frame)]


@pytest.fixture
def reassembler(clock):
    return Reassembler(CONFIG, clock)


@given(n_bytes=st.integers(1, 40 * BLOCK))
@settings(max_examples=40, deadline=None)
def test_last_frame_is_the_shortest_that_holds_the_rest(n_bytes):
    cut = cut_payload(bytes(n_bytes), CONFIG)

    last = frame_code(cut.last)
    rest = n_bytes - (cut.n_frames - 1) * cut.block_bytes
    assert 0 < rest <= last.payload_bytes
    assert cut.uses == 48 * ((cut.n_frames - 1) * 12 + cut.last.nsym)
    if cut.last.nsym > 1:
        shorter = dataclasses.replace(cut.last, nsym=cut.last.nsym - 1)
        assert frame_code(shorter).payload_bytes < rest


def test_low_rate_whose_short_frames_hold_nothing_is_planned():
    config = WaveformConfig(precoder="none", modulation="bpsk", code_rate="1/6", nsym=30)

    cut = cut_payload(b"a", config)

    assert cut.n_frames == 1 and frame_code(cut.last).payload_bytes >= 1


def test_alamouti_frames_have_an_even_number_of_symbols():
    for n_bytes in range(1, 400, 13):
        cut = cut_payload(bytes(n_bytes), WaveformConfig(nsym=11), "alamouti")
        assert cut.full.nsym == 10 and cut.last.nsym % 2 == 0 and cut.full.streams == 1


def test_payload_of_too_many_frames_is_refused():
    with pytest.raises(ValueError, match="payload must fit into 1023 frames"):
        cut_payload(bytes(1024 * BLOCK), CONFIG)
    with pytest.raises(ValueError, match="payload must not be empty"):
        cut_payload(b"", CONFIG)


@pytest.mark.parametrize("n_bytes", [1, BLOCK, BLOCK + 1, 7 * BLOCK - 3])
def test_payload_arrives(reassembler, n_bytes):
    payload = payload_bytes(n_bytes)

    (done,) = push_all(reassembler, frames_of(payload))

    assert done.complete and done.data[:n_bytes] == payload and not any(done.data[n_bytes:])
    assert done.good == ((0, len(done.data)),)
    assert reassembler.open_pictures == ()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_order_and_duplicates_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    reassembler = Reassembler(CONFIG, Clock())
    payload = payload_bytes(5 * BLOCK + 7)
    frames = frames_of(payload)
    order = rng.permutation(np.repeat(np.arange(len(frames)), 2))

    done = push_all(reassembler, [frames[i] for i in order])

    assert len(done) == 1 and done[0].data[: len(payload)] == payload
    counters = reassembler.counters
    assert counters["duplicates"] + counters["late"] == len(frames)


def test_interleaved_pictures_arrive(reassembler):
    payloads = [payload_bytes(4 * BLOCK, seed) for seed in range(3)]
    frames = zip(*(frames_of(payload, image_id) for image_id, payload in enumerate(payloads)))

    done = push_all(reassembler, [frame for group in frames for frame in group])

    assert [one.data for one in done] == payloads


def test_hole_leaves_the_other_blocks_in_their_place(reassembler):
    payload = payload_bytes(6 * BLOCK)
    frames = frames_of(payload)

    push_all(reassembler, frames[:2] + frames[3:])
    (done,) = reassembler.flush()

    assert not done.complete
    assert done.good == ((0, 2 * BLOCK), (3 * BLOCK, 6 * BLOCK))
    assert done.data == payload[: 2 * BLOCK] + bytes(BLOCK) + payload[3 * BLOCK :]
    np.testing.assert_array_equal(done.frame_ok, [1, 1, 0, 1, 1, 1])
    assert reassembler.losses.runs == {1: 1}


def test_frame_of_noise_is_a_block_error_and_a_hole(reassembler):
    frames = frames_of(payload_bytes(3 * BLOCK))
    noise = np.random.default_rng(1).normal(size=len(frames[1][1])).astype(np.float32)

    push_all(reassembler, [frames[0], (frames[1][0], noise), frames[2]])
    (done,) = reassembler.flush()

    assert reassembler.counters["block_errors"] == 1
    assert done.good == ((0, BLOCK), (2 * BLOCK, 3 * BLOCK))
    assert done.frame_heard.all() and not done.frame_ok[1]


def test_last_frame_alone_gives_its_bytes(reassembler):
    frames = frames_of(payload_bytes(3 * BLOCK))

    push_all(reassembler, frames[-1:])
    (done,) = reassembler.flush()

    assert len(done.data) == BLOCK  # the size of the lost ones is unknown
    assert done.good == ((0, BLOCK),)


def test_picture_is_closed_after_silence(reassembler, clock):
    push_all(reassembler, frames_of(payload_bytes(3 * BLOCK))[:2])
    clock.advance(0.9 * CONFIG.picture_timeout_s)
    early = reassembler.expire()
    clock.advance(0.2 * CONFIG.picture_timeout_s)

    late = reassembler.expire()

    assert early == [] and len(late) == 1
    assert reassembler.counters["timeouts"] == 1


def test_clock_that_is_set_back_closes_pictures_instead_of_keeping_them(reassembler, clock):
    push_all(reassembler, frames_of(payload_bytes(3 * BLOCK))[:2])
    clock.advance(-100.0)

    assert len(reassembler.expire()) == 1


def test_later_pictures_push_out_the_oldest(reassembler):
    done = []
    for image_id in range(CONFIG.pictures_in_flight + 2):
        done += push_all(reassembler, frames_of(payload_bytes(3 * BLOCK), image_id)[:2])

    assert [one.image_id for one in done] == [0, 1]
    assert len(reassembler.open_pictures) == CONFIG.pictures_in_flight


def test_image_ids_wrap(reassembler):
    done = []
    for number in range(300):
        done += push_all(reassembler, frames_of(b"abc", number % 256))

    assert len(done) == 300 and reassembler.counters["pictures_lost"] == 0
    assert len(reassembler._closed) <= CLOSED_REMEMBERED


def test_pictures_of_which_nothing_was_heard_are_counted(reassembler):
    for image_id in [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]:
        push_all(reassembler, frames_of(b"abc", image_id))

    assert reassembler.counters["pictures_lost"] == 2


def test_late_picture_is_not_counted_as_lost(reassembler):
    for image_id in [0, 2, 1, *range(3, 12)]:
        push_all(reassembler, frames_of(b"abc", image_id))

    assert reassembler.counters["pictures_lost"] == 0


def test_late_frames_of_a_finished_picture_do_not_open_it_again(reassembler):
    frames = frames_of(payload_bytes(2 * BLOCK))
    push_all(reassembler, frames)

    assert push_all(reassembler, frames) == []
    assert reassembler.counters["late"] == 2 and reassembler.open_pictures == ()


def test_transmitter_that_starts_again_with_other_pictures_gets_through(reassembler, clock):
    push_all(reassembler, frames_of(payload_bytes(5 * BLOCK), 7)[:3])

    done = push_all(reassembler, frames_of(payload_bytes(2 * BLOCK, 9), 7))

    assert [one.complete for one in done] == [False, True]
    assert reassembler.counters["inconsistent"] == 1


def test_two_transmitters_at_once_cost_pictures_but_no_memory(reassembler):
    ours = frames_of(payload_bytes(4 * BLOCK), 1)
    theirs = frames_of(payload_bytes(6 * BLOCK), 1)

    done = push_all(reassembler, [f for pair in zip(ours, theirs) for f in pair] * 10)

    assert not any(one.complete for one in done)
    assert len(reassembler.open_pictures) <= 1


@pytest.mark.parametrize(
    "change",
    [{"nsym": 5}, {"modulation": "64qam", "streams": 2}, {"code_rate": "8/9"}, {"fec": "gallager"}],
)
def test_hostile_headers_never_raise(reassembler, change):
    header, llr = frames_of(payload_bytes(3 * BLOCK))[0]
    hostile = dataclasses.replace(header, **change)

    reassembler.push(hostile, llr)
    reassembler.push(header, llr[:7])
    reassembler.push(header, np.full_like(llr, np.nan))

    assert all(not one.complete for one in reassembler.flush())


def test_frame_without_table_is_counted_and_may_come_again(reassembler):
    (header, llr) = frames_of(b"abc")[0]

    reassembler.push(header, None)
    (done,) = reassembler.push(header, llr)

    assert done.complete and reassembler.counters["frames_without_table"] == 1


def test_soft_buffers_are_bounded(clock):
    config = HARQ.with_changes(soft_buffer_bytes=1 << 16)
    reassembler = Reassembler(config, clock)
    rng = np.random.default_rng(1)

    for header, llr in frames_of(payload_bytes(60 * BLOCK)):
        noise = rng.normal(size=len(llr)).astype(np.float32)
        reassembler.push(header, noise)

    kept = sum(s.nbytes for p in reassembler._open.values() for s in p.soft.values())
    assert 0 < kept <= 1 << 16 and reassembler.counters["soft_buffers_dropped"] > 0


def test_versions_are_combined_at_the_receiver(clock):
    reassembler = Reassembler(HARQ, clock)
    payload = payload_bytes(BLOCK)
    rng = np.random.default_rng(4)

    done = []
    for rv in (0, 2, 3, 1):
        header, llr = frames_of(payload, rv=rv)[0]
        weak = (np.sign(llr) * 0.8 + rng.normal(size=len(llr)) * np.sqrt(1.6)).astype(np.float32)
        done += reassembler.push(header, weak)

    assert reassembler.counters["block_errors"] >= 1
    assert done and done[0].data == payload


def test_repeated_version_of_a_failed_block_is_not_counted_twice(clock):
    reassembler = Reassembler(HARQ, clock)
    header, llr = frames_of(payload_bytes(BLOCK))[0]
    noise = np.random.default_rng(1).normal(size=len(llr)).astype(np.float32)

    reassembler.push(header, noise)
    before = reassembler._open[0].soft[0].copy()
    reassembler.push(header, noise)

    assert reassembler.counters["duplicates"] == 1
    np.testing.assert_array_equal(reassembler._open[0].soft[0], before)


def test_after_all_versions_in_vain_they_add_up_again(clock):
    reassembler = Reassembler(HARQ, clock)
    rng = np.random.default_rng(2)

    for rv in (0, 2, 3, 1, 0):
        header, llr = frames_of(payload_bytes(BLOCK), rv=rv)[0]
        reassembler.push(header, rng.normal(size=len(llr)).astype(np.float32))

    assert reassembler.counters["block_errors"] == 5 and not reassembler.counters["duplicates"]


def test_any_loss_duplication_and_delay_gives_each_picture_once(clock):
    reassembler = Reassembler(CONFIG, clock)
    schedule = Schedule(lost=0.1, duplicated=0.2, delayed=0.3, max_delay=6, seed=3)
    payloads = {i: payload_bytes(5 * BLOCK, i) for i in range(40)}

    done = []
    for image_id, payload in payloads.items():
        for frame in frames_of(payload, image_id):
            for arrived in schedule.pass_on(frame):
                done += reassembler.push(*arrived)
    done += reassembler.flush()

    assert sorted(one.image_id for one in done) == list(payloads)
    for one in done:
        for start, stop in one.good:
            assert one.data[start:stop] == payloads[one.image_id][start:stop]


def test_cost_counts_data_carriers_and_everything_on_the_air():
    cost = AirCost(CONFIG.carriers)

    cost.add(FrameHeader(nsym=54))
    cost.add(FrameHeader(nsym=54, rv=2), first=False)
    cost.add(FrameHeader(type="sounding", nsym=0))

    n = CONFIG.carriers
    samples = 2 * n.frame_samples(54) + n.frame_samples(0)
    assert cost.k_payload == 48 * 54
    assert cost.k_total == round(samples / 80 * 52)
    assert cost.frames == {"data": 1, "retransmission": 1, "sounding": 1}


def test_runs_of_losses_are_told_apart_from_single_ones():
    losses = LossRuns()

    losses.add(np.array([1, 0, 0, 0, 1, 1, 0, 1, 0, 0], bool))
    losses.add(np.array([1, 1], bool))

    assert losses.runs == {1: 1, 2: 1, 3: 1}
    assert (losses.lost, losses.sent, losses.mean_run) == (6, 12, 2.0)
