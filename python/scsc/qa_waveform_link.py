# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks of the link over the air: pictures through bursts, radio channel and back."""

import time
from types import SimpleNamespace

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, scsc
from gnuradio.scsc.frame_vectors import error_vector_db
from gnuradio.scsc.front_ends.uhd_blocks import from_time_pmt
from gnuradio.scsc.heard_frame import heard_frame, heard_pdu
from gnuradio.scsc.message_block import BadFrame
from gnuradio.scsc.pdu import to_pdu
from gnuradio.scsc.stream_block import BURST_TAG, GAP_TAG
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector, feeder, run_block
from PIL import Image

from scsc_core.channels.stream_channel import StreamChannel
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.waveform.header import FrameHeader, pack
from scsc_core.waveform.modulator import Modulator
from scsc_core.waveform.numerology import numerology

TIMEOUT_S = 30.0
RAMP = np.add.outer(np.arange(96), np.arange(128)).astype(np.uint8) // 2
IMAGE = np.stack([RAMP, RAMP[::-1], 200 - RAMP], axis=-1)
PLAIN = np.array([[a, b] for a in (1, -1) for b in (1, -1)], np.complex128)[None]


@pytest.fixture
def path(tmp_path):
    Image.fromarray(IMAGE).save(tmp_path / "ramp.png")
    return str(tmp_path / "ramp.png")


def run_link(path, count, config, channel, link=None):
    """Pictures through the whole chain; (what came out, blocks by name)."""
    supervisor, top = Supervisor(), gr.top_block()
    parts = SimpleNamespace(
        source=scsc.image_source(path, repeat=count),
        tx=scsc.waveform_transmitter(config),
        modulator=scsc.ofdm_modulator(config.numerology),
        sender=scsc.burst_sender(),
        channel=scsc.radio_channel(**channel),
        finder=scsc.burst_receiver(config.numerology),
        rx=scsc.waveform_receiver(config),
        link=scsc.csi_link(**(link or {})),
        sink=collector("result"),
        combined=collector("combined"),
    )
    for source, port, target in (
        (parts.source, "image", parts.tx),
        (parts.tx, "credit", parts.source),
        (parts.tx, "outgoing", parts.modulator),
        (parts.modulator, "burst", parts.sender),
        (parts.sender, "slot", parts.tx),
        (parts.finder, "heard", parts.rx),
        (parts.rx, "feedback", parts.link),
        (parts.link, "feedback", parts.tx),
        (parts.rx, "result", parts.sink),
    ):
        top.msg_connect((source, port), (target, port))
    for antenna in (0, 1):
        top.connect((parts.sender, antenna), (parts.channel, antenna), (parts.finder, antenna))
    supervisor.run(top, TIMEOUT_S)
    return parts


@pytest.mark.parametrize(
    "changes",
    [
        {"precoder": "none"},
        {"precoder": "svd_wf"},
        {"precoder": "pcen", "harq": True, "harq_timeout_s": 0.2},
        {"precoder": "none", "numerology": "128", "modulation": "16qam"},
    ],
    ids=["none", "svd_wf", "pcen harq", "128 points 16qam"],
)
def test_pictures_arrive_in_order_and_the_flowgraph_ends(path, changes):
    config = scsc.waveform_config("", qp=36, csi_max_age_s=10.0, **changes)

    parts = run_link(path, 3, config, {"snr_db": 25.0, "cfo_hz": 3000.0})

    assert [meta["frame"] for _, meta in parts.sink.items] == [0, 1, 2]
    assert all(meta["delivered"] for _, meta in parts.sink.items) and not parts.sink.lost
    sent, got = parts.tx.counters, parts.rx.counters
    assert sent["pictures_sent"] == 3 and got["delivered"] == 3
    assert sent.get("frames_closed_loop", 0) >= 2 * (changes["precoder"] != "none")
    assert abs(parts.finder.counters["cfo_hz"] - 3000) < 300  # 0.02 spacings
    first = parts.sink.items[0][0]
    assert first.shape == IMAGE.shape and np.abs(first.astype(int) - IMAGE).mean() < 8


def test_pictures_that_never_come_are_told_as_lost(path):
    config = scsc.waveform_config("", precoder="none", qp=36)

    parts = run_link(path, 3, config, {"snr_db": -4.0, "snr_def": "rx_ant", "seed": 3})

    delivered = [meta["frame"] for _, meta in parts.sink.items]
    lost = [meta["frame"] for meta in parts.sink.lost]
    assert sorted(delivered + lost) == list(range(len(delivered + lost)))
    assert not all(meta["delivered"] for _, meta in parts.sink.items) or lost or not delivered


def test_late_and_lost_feedback_costs_no_picture(path):
    config = scsc.waveform_config("", precoder="svd_wf", qp=36)

    parts = run_link(path, 3, config, {"snr_db": 25.0}, {"delay_s": 0.02, "loss": 0.5})

    assert [meta["delivered"] for _, meta in parts.sink.items] == [True] * 3
    assert parts.link.counters["lost"] > 0


def header(**changes):
    return FrameHeader(**{"nsym": 2, "precoder": "none", **changes})


def outgoing(**changes):
    index = np.arange(96, dtype=np.int32) % 4
    meta = {"index": index, "tables": PLAIN, "n_tables": 1, "n_tx": 2, "last": True}
    return pack(header(modulation="bpsk")), {**meta, **changes}


def test_modulator_gives_the_library_s_samples():
    Supervisor()

    sink = run_block(scsc.ofdm_modulator(), "outgoing", [outgoing()], "burst")

    bits, meta = outgoing()
    expected = Modulator().modulate(header(modulation="bpsk"), meta["index"], PLAIN)
    assert np.array_equal(sink.items[0][0], expected) and "tables" not in sink.items[0][1]


@pytest.mark.parametrize(
    "item",
    [
        outgoing(index=np.zeros(7, np.int32)),
        outgoing(index=np.full(96, 9, np.int32)),
        outgoing(tables=None),
        (np.zeros(75, np.uint8), {"last": True}),
        (np.zeros(7, np.uint8), {"last": True}),
    ],
    ids=["short index", "row", "no tables", "version", "bits"],
)
def test_modulator_drops_what_is_no_frame(item):
    Supervisor()
    block = scsc.ofdm_modulator()

    block._handle_outgoing(to_pdu(item[0], item[1]))

    assert block.counters["dropped"] == 1 and block.supervisor.error is None


def bursts(lengths):
    out = []
    for number, n in enumerate(lengths):
        samples = np.full((2, n), number + 1, np.complex64)
        meta = {"n_tx": 2, "n_samples": n, "last": number + 1 == len(lengths)}
        out.append((samples, meta))
    return out


def send(block, items):
    """Samples [2, n] and tags that burst_sender gives for some bursts."""
    supervisor, top = block.supervisor, gr.top_block()
    source, sinks = feeder("burst", items), [blocks.vector_sink_c() for _ in (0, 1)]
    top.msg_connect((source, "burst"), (block, "burst"))
    for antenna, sink in enumerate(sinks):
        top.connect((block, antenna), sink)
    supervisor.run(top, TIMEOUT_S)
    return np.array([sink.data() for sink in sinks]), sinks[0].tags()


def test_bursts_go_out_whole_with_gaps_tags_and_a_tail():
    Supervisor()
    lengths = [1000, 20_000, 64]

    samples, tags = send(scsc.burst_sender(gap_samples=100), bursts(lengths))

    starts = [tag.offset for tag in tags]
    for number, (start, n) in enumerate(zip(starts, lengths)):
        assert (samples[:, start : start + n] == number + 1).all()
        assert not samples[:, start + n : start + n + 100].any()
    assert np.count_nonzero(samples[0]) == sum(lengths)
    assert samples.shape[1] - starts[-1] >= 20_000


def test_timed_bursts_have_no_samples_between_them_and_rising_times():
    Supervisor()

    samples, tags = send(scsc.burst_sender(timed=True, lead_s=0.5), bursts([1000, 3000]))

    keyed = {}
    for tag in tags:
        keyed.setdefault(str(tag.key), []).append(value_of(tag))
    assert samples.shape[1] == 1000 + 3000 + 2 * 128
    assert keyed["packet_len"] == [1128, 3128] and keyed["scsc_burst"] == [1000, 3000]
    first, second = keyed["tx_time"]
    assert first >= 0.5 and second - first >= 1128e-6 - 1e-9


def value_of(tag):
    return from_time_pmt(tag.value) if pmt.is_tuple(tag.value) else pmt.to_long(tag.value)


def test_slot_grants_as_many_bursts_as_are_wanted_ahead():
    supervisor, top = Supervisor(), gr.top_block()
    block, slots = scsc.burst_sender(queue_bursts=3), collector("slot", dicts=True)
    source = feeder("burst", bursts([500, 500]))
    top.msg_connect((source, "burst"), (block, "burst"))
    top.msg_connect((block, "slot"), (slots, "slot"))
    sinks = [blocks.null_sink(8) for _ in (0, 1)]
    for antenna, sink in enumerate(sinks):
        top.connect((block, antenna), sink)
    top.start()
    wait_for(lambda: slots.items and slots.items[-1]["granted"] == 5)
    top.stop()
    top.wait()

    times = [slot["time_s"] for slot in slots.items]
    assert slots.items[0]["granted"] == 3 and times == sorted(times)
    assert supervisor.error is None


def wait_for(condition):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def through(block, x, tags=()):
    """What a block with two streams makes of samples [2, n]."""
    supervisor, top = block.supervisor, gr.top_block()
    sources = [blocks.vector_source_c(row.tolist(), tags=list(tags)) for row in x]
    sinks = [blocks.vector_sink_c() for _ in x]
    for antenna, (source, sink) in enumerate(zip(sources, sinks)):
        top.connect(source, (block, antenna))
        top.connect((block, antenna), sink)
    supervisor.run(top, TIMEOUT_S)
    return np.array([sink.data() for sink in sinks]), sinks[0].tags()


def burst_tag(offset, key=BURST_TAG):
    tag = gr.tag_t()
    tag.offset, tag.key, tag.value = offset, key, pmt.from_long(1)
    return tag


def test_channel_gives_the_library_s_samples_in_any_chunking():
    Supervisor()
    rng = np.random.default_rng(5)
    x = rng.standard_normal((2, 30_000)) + 1j * rng.standard_normal((2, 30_000))
    block = scsc.radio_channel(model="tdl", snr_db=12.0, cfo_hz=200.0, seed=7)

    y, tags = through(block, x, [burst_tag(0), burst_tag(17_000)])

    config = StreamChannelConfig(model="tdl", snr_db=12.0, cfo_hz=200.0, seed=7)
    expected = StreamChannel(config).apply(x.astype(np.complex64), np.array([0, 17_000]))
    assert np.array_equal(y, expected)
    assert [str(tag.key) for tag in tags] == ["scsc_block"] * 2 and block.counters["frames"] == 2


def test_channel_that_cannot_be_is_an_error_and_at_run_time_a_warning():
    Supervisor()
    block = scsc.radio_channel()

    block.on_cmd({"model": "awgn", "snr_db": 17.0})
    block.on_cmd({"doppler_hz": 5.0, "odd": 1})
    block.set_snr_db(1e9)

    assert (block._wanted.model, block._wanted.snr_db) == ("awgn", 17.0)
    with pytest.raises(ValueError, match="doppler_hz"):
        scsc.radio_channel(block="doppler")


def frame_samples(n=1, gap=200):
    """Samples of bpsk frames, and rows of the plain table in them."""
    index = np.arange(96, dtype=np.uint16) % 4
    one = Modulator().modulate(header(modulation="bpsk"), index, PLAIN)
    whole = [np.pad(one, ((0, 0), (gap, gap))) for _ in range(n)]
    return np.concatenate([*whole, np.zeros((2, 2000), np.complex64)], axis=1)


def hear(x, tags=(), **options):
    supervisor, top = Supervisor(), gr.top_block()
    block, sink = scsc.burst_receiver(**options), collector("heard")
    sources = [blocks.vector_source_c(row.tolist(), tags=list(tags)) for row in x]
    for antenna, source in enumerate(sources):
        top.connect(source, (block, antenna))
    top.msg_connect((block, "heard"), (sink, "heard"))
    supervisor.run(top, TIMEOUT_S)
    return sink.items


@pytest.mark.parametrize("chunk", [64, 4096, 1 << 20])
def test_receiver_hears_every_frame_in_any_chunking(chunk):
    heard = hear(frame_samples(3), chunk_samples=chunk)

    assert len(heard) == 3
    h, meta = heard[0]
    assert h.shape == (52, 2, 2) and meta["nsym"] == 2 and meta["frame_type"] == "data"
    frame = heard_frame(h, meta, numerology())
    z = PLAIN[0][np.arange(96) % 4].reshape(2, 48, 2).transpose(1, 2, 0)
    assert np.abs(frame.y - frame.h_data @ z).max() < 1e-2  # no noise: estimates are exact


def test_receiver_gives_up_a_frame_with_a_gap_in_it():
    x = frame_samples(2)

    assert len(hear(x, [burst_tag(900, GAP_TAG)])) == 1


def test_heard_frame_survives_the_way_through_a_pdu():
    rng = np.random.default_rng(1)
    n = numerology()
    h = (rng.standard_normal((52, 2, 2)) + 1j).astype(np.complex64)
    y = (rng.standard_normal((48, 2, 2)) + 1j).astype(np.complex64)
    frame = SimpleNamespace(
        header=header(), y=y, h=h, h_data=h[n.data_rows], noise_var=0.5, snr_db=3.0, clip_count=2
    )

    again = heard_frame(*heard_pdu(frame), n)

    assert again.header == frame.header and np.array_equal(again.y, y)
    assert np.array_equal(again.h_data, frame.h_data)
    assert (again.noise_var, again.clip_count) == (0.5, 2)
    with pytest.raises(BadFrame, match="104 carriers"):
        heard_frame(*heard_pdu(frame), numerology("128"))


def test_error_vector_is_that_of_the_noise():
    rng = np.random.default_rng(2)
    tables = np.concatenate([PLAIN, 1j * PLAIN])
    index = rng.integers(4, size=(2, 500))
    z = np.take_along_axis(tables, index[..., None], axis=1).reshape(-1, 2).T
    noise = 0.1 * (rng.standard_normal((2, 2, 1000)) * [[[1]], [[1j]]]).sum(0) / np.sqrt(2)

    evm_db = error_vector_db(z + noise * [[1], [0.1]], tables, 500)

    assert np.allclose(evm_db, [-20, -40], atol=0.5)  # 1000 samples: 0.14 dB


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: scsc.burst_sender(gap_samples=1), "gap_samples"),
        (lambda: scsc.burst_sender(sample_rate_hz=0), "sample_rate_hz"),
        (lambda: scsc.burst_receiver(chunk_samples=1), "chunk_samples"),
        (lambda: scsc.burst_receiver("65"), "n_fft"),
        (lambda: scsc.ofdm_modulator("many"), "numerology"),
        (lambda: scsc.waveform_receiver(sample_rate_hz=-1), "sample_rate_hz"),
        (lambda: scsc.waveform_transmitter(first_image_id=256), "first_image_id"),
        (lambda: scsc.csi_link("post"), "kind"),
        (lambda: scsc.csi_link(loss=2), "loss"),
        (lambda: scsc.csi_link(delay_s=-1), "delay_s"),
    ],
)
def test_bad_argument_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_feedback_goes_from_one_flowgraph_to_another_over_zmq(tmp_path):
    address = f"ipc://{tmp_path}/feedback"
    supervisor, top = Supervisor(), gr.top_block()
    receiving, sink = scsc.csi_link("zmq_receive", address), collector("feedback")
    sending = scsc.csi_link("zmq_send", address)
    messages = [np.full(n, n, np.uint8) for n in (1, 200)]
    top.msg_connect((receiving, "feedback"), (sink, "feedback"))
    top.start()
    sending.start()
    deadline = time.monotonic() + TIMEOUT_S
    while len(sink.items) < 20 and time.monotonic() < deadline:  # the first ones may find nobody
        for message in messages:
            sending.on_feedback(message, {})
        time.sleep(0.01)
    sending.stop()
    top.stop()
    top.wait()

    assert {array.tobytes() for array, _ in sink.items} == {m.tobytes() for m in messages}
    assert supervisor.error is None


def test_configuration_changes_between_two_pictures():
    Supervisor()
    block = scsc.waveform_transmitter(scsc.waveform_config("", precoder="none", qp=40))

    block.on_image(np.random.default_rng(1).integers(256, size=IMAGE.shape, dtype=np.uint8), {})
    block.on_slot({"time_s": 0.0, "granted": 1})
    block.on_cmd({"modulation": "16qam", "precoder": "nothing"})
    block.on_slot({"time_s": 0.0, "granted": 1})
    before = block.config.modulation
    block.on_slot({"time_s": 1.0, "granted": 999})
    block.on_slot({"time_s": 1.0, "granted": 999})

    assert (before, block.config.modulation) == ("qpsk", "16qam")
    assert block.counters["pictures_sent"] == 1
