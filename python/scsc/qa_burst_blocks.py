# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks between frames and samples: modulator, burst sender, radio channel, burst receiver."""

import time
from types import SimpleNamespace

import numpy as np
import pmt
import pytest
from gnuradio import blocks, gr, scsc
from gnuradio.scsc.frame_meta import BadFrame
from gnuradio.scsc.heard_frame import heard_frame, heard_pdu
from gnuradio.scsc.pdu import to_pdu
from gnuradio.scsc.stream_block import BURST_TAG, GAP_TAG
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector, feeder, run_block

from scsc_core.channels.stream_channel import StreamChannel
from scsc_core.channels.stream_config import StreamChannelConfig
from scsc_core.waveform.header import FrameHeader, pack
from scsc_core.waveform.modulator import Modulator
from scsc_core.waveform.numerology import numerology

TIMEOUT_S = 30.0
PLAIN = np.array([[a, b] for a in (1, -1) for b in (1, -1)], np.complex128)[None]


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
    told = [(str(tag.key), pmt.to_long(tag.value)) for tag in tags]
    assert told == [("scsc_burst", n) for n in lengths]
    for number, (start, n) in enumerate(zip(starts, lengths)):
        assert (samples[:, start : start + n] == number + 1).all()
        assert not samples[:, start + n : start + n + 100].any()
    assert np.count_nonzero(samples[0]) == sum(lengths)
    assert samples.shape[1] - starts[-1] >= 20_000


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


def through(block, x, tags=(), listeners=()):
    """What a block with two streams makes of samples [2, n]; listeners: (port, collector)."""
    supervisor, top = block.supervisor, gr.top_block()
    sources = [blocks.vector_source_c(row.tolist(), tags=list(tags)) for row in x]
    sinks = [blocks.vector_sink_c() for _ in x]
    for antenna, (source, sink) in enumerate(zip(sources, sinks)):
        top.connect(source, (block, antenna))
        top.connect((block, antenna), sink)
    for port, listener in listeners:
        top.msg_connect((block, port), (listener, port))
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
    block = scsc.radio_channel(model="tdl", snr_db=12.0, cfo_hz=200.0, options={"seed": 7})

    y, tags = through(block, x, [burst_tag(0), burst_tag(17_000)])

    config = StreamChannelConfig(model="tdl", snr_db=12.0, cfo_hz=200.0, seed=7)
    expected = StreamChannel(config).apply(x.astype(np.complex64), np.array([0, 17_000]))
    assert np.array_equal(y, expected)
    assert [str(tag.key) for tag in tags] == ["scsc_block"] * 2 and block.counters["frames"] == 2


def test_channel_tells_the_true_h_of_every_block_and_the_end():
    Supervisor()
    options = {"block": "samples:1000", "seed": 7, "csi_error": 0.25}
    block = scsc.radio_channel(model="tdl", delay_spread_ns=300.0, options=options)
    true, estimated = collector("csi_true"), collector("csi")

    through(block, np.ones((2, 40_000)), listeners=[("csi_true", true), ("csi", estimated)])

    config = StreamChannelConfig(model="tdl", delay_spread_ns=300.0, **options)
    channel, n = StreamChannel(config), numerology()
    channel.apply(np.ones((2, 40_000), np.complex64))
    expected = np.array([each.carriers(n.used, n.n_fft) for each in channel.truth])
    told = np.array([h for h, _ in true.items])
    assert np.array_equal(told, expected) and len(told) == 40
    places = [(meta["block"], meta["sample_index"]) for _, meta in true.items]
    assert places == [(each.index, each.output_sample) for each in channel.truth]
    error = np.array([h for h, _ in estimated.items]) - expected
    assert abs(np.mean(np.abs(error) ** 2) - 0.25) < 0.02  # 8320 entries: 0.003
    assert {meta["csi_error"] for _, meta in estimated.items} == {0.25}


def test_true_h_is_the_one_that_a_receiver_estimates():
    supervisor, top = Supervisor(), gr.top_block()
    options = {"seed": 3, "delay_samples": 40}
    channel = scsc.radio_channel(model="tdl", delay_spread_ns=300.0, snr_db=60.0, options=options)
    finder, true, heard = scsc.burst_receiver(), collector("csi_true"), collector("heard")
    x = frame_samples(3)  # each behind 200 zeros: the channel finds the bursts, and is new in each
    for antenna, row in enumerate(x):
        source = blocks.vector_source_c(row.tolist())
        top.connect(source, (channel, antenna), (finder, antenna))
    top.msg_connect((channel, "csi_true"), (true, "csi_true"))
    top.msg_connect((finder, "heard"), (heard, "heard"))

    supervisor.run(top, TIMEOUT_S)

    arrived = {meta["sample_index"]: h for h, meta in true.items}
    assert len(heard.items) == 3
    for h, meta in heard.items:
        at = min(arrived, key=lambda sample: abs(sample - meta["sample_index"]))
        assert abs(at - meta["sample_index"]) <= 2
        products = [each * each[:, :1, :1].conj() for each in (h, arrived[at])]  # blind to timing
        assert np.abs(products[0] - products[1]).max() < 0.1


def test_channel_begins_anew_with_each_run():
    x = np.ones((2, 20_000), np.complex64)
    block, runs = None, []
    for _ in range(2):
        supervisor = Supervisor()
        block = block or scsc.radio_channel(snr_db=12.0, options={"seed": 7})
        block.supervisor = supervisor
        runs.append(through(block, x, [burst_tag(0), burst_tag(9000)]))

    (y, tags), (again, tags_again) = runs
    assert len(tags) == 2 and np.array_equal(again, y)
    assert [tag.offset for tag in tags_again] == [tag.offset for tag in tags]


def test_channel_that_cannot_be_is_an_error_and_at_run_time_a_warning():
    Supervisor()
    block = scsc.radio_channel()

    block.on_cmd({"model": "awgn", "snr_db": 17.0})
    block.on_cmd({"doppler_hz": 5.0, "options": {"odd": 1}, "seed": 2})
    block.set_snr_db(1e9)

    assert (block._wanted.model, block._wanted.snr_db) == ("awgn", 17.0)
    for wrong, words in (
        ({"options": {"block": "doppler"}}, "doppler_hz"),
        ({"options": {"cfo_hz": 1.0}}, "options must not hold parameters of the block, got cfo_hz"),
        ({"options": {"sfo": 1.0}}, "sfo_ppm"),
        ({"options": "sfo_ppm=1"}, "options must be a dict or None, got 'sfo_ppm=1'"),
    ):
        with pytest.raises(ValueError, match=words):
            scsc.radio_channel(**wrong)


def test_channel_names_every_option():
    named = scsc.radio_channel.__doc__

    missing = [key for key in StreamChannelConfig.model_fields if key not in named]

    assert missing == ["signal_power", "carrier_share"]  # right as they are for ofdm_modulator


def test_channel_goes_on_when_its_parameters_change():
    Supervisor()
    block = scsc.radio_channel(doppler_hz=5.0)
    channel = block._channel
    block.set_options({"phase_noise": 0.01})
    block.set_snr_db(20.0)

    through(block, np.ones((2, 5000)))
    status = block.counters["snr_db"]
    block.set_options({"block": "samples:100"})
    block.set_doppler_hz(0)
    block.set_model("file")  # without a file

    assert block._channel is channel and status == 20.0
    assert (channel.config.doppler_hz, channel.config.phase_noise) == (5.0, 0.01)
    assert (block._wanted.model, block._wanted.block) == ("rayleigh", "samples:100")


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


class everything(collector):
    """A collector of the metadata of all messages, empty ones too, in their order."""

    def __init__(self, port):
        self.metas = []
        super().__init__(port)
        setattr(self, f"on_{port}", lambda array, meta: self.metas.append(meta))

    def _pass_on(self, meta, port):
        self.metas.append(meta)
        super()._pass_on(meta, port)


@pytest.mark.parametrize("chunk", [64, 1000, 4096])
def test_receiver_tells_time_in_silence_and_it_never_goes_back(chunk):
    supervisor, top = Supervisor(), gr.top_block()
    block, sink = scsc.burst_receiver(chunk_samples=chunk), everything("heard")
    rng = np.random.default_rng(2)
    silences = [np.zeros((2, int(n))) for n in (65_000, *rng.integers(9000, 14_000, 20))]
    frame = Modulator(numerology()).sounding()  # the shortest one
    x = np.concatenate([part for silence in silences for part in (frame, silence)], axis=1)
    x = x + 0.03 * (rng.standard_normal(x.shape) + 1j * rng.standard_normal(x.shape))
    for antenna, row in enumerate(x):
        top.connect(blocks.vector_source_c(row.tolist()), (block, antenna))
    top.msg_connect((block, "heard"), (sink, "heard"))

    supervisor.run(top, TIMEOUT_S)

    told = sink.metas[:-1]
    assert sink.metas[-1] == {"last": True} and sum("header" in meta for meta in told) == 21
    times = np.array([meta["sample_index"] + meta.get("n_samples", 0) for meta in told])
    assert (np.diff(times) >= 0).all()
    assert np.diff(times).max() <= 10_000 + chunk + frame.shape[1]
    quiet = [meta for meta in told if "header" not in meta]
    assert all(set(meta) == {"sample_index"} for meta in quiet)
    assert len(quiet) >= 4 and told[0].get("header") is not None


def test_receiver_says_nothing_of_time_while_frames_come():
    supervisor, top = Supervisor(), gr.top_block()
    block, sink = scsc.burst_receiver(), everything("heard")
    for antenna, row in enumerate(frame_samples(40)):  # 66000 samples
        top.connect(blocks.vector_source_c(row.tolist()), (block, antenna))
    top.msg_connect((block, "heard"), (sink, "heard"))

    supervisor.run(top, TIMEOUT_S)

    assert ["header" in meta for meta in sink.metas] == [True] * 40 + [False]


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


def test_ports_with_different_numbers_of_samples_lose_none():
    top, view = gr.top_block(), scsc.burst_receiver()
    samples = Modulator(numerology()).sounding()
    samples = np.concatenate([samples, np.zeros((2, 9000), np.complex64)], axis=1)
    sink = collector("heard")
    for antenna, row in enumerate(samples):
        source = blocks.vector_source_c(row.tolist())
        source.set_max_noutput_items((100, 4096)[antenna])  # the second port runs ahead
        top.connect(source, (view, antenna))
    top.msg_connect((view, "heard"), (sink, "heard"))

    Supervisor().run(top, TIMEOUT_S)

    assert len(sink.items) == 1
