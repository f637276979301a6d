# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks of the link over the air: pictures through bursts, radio channel and back."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from gnuradio import gr, scsc
from gnuradio.scsc.frame_vectors import error_vector_db
from gnuradio.scsc.pdu import to_pdu
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector, feeder
from PIL import Image

from scsc_core.radio import FrontEndError
from scsc_core.waveform.session import WaveformTransmitter

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
    wait = {"csi_max_age_s": 10.0, "csi_wait_s": 60.0}  # reports count, however late they come
    config = scsc.waveform_config("", qp=36, **wait, **changes)

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

    parts = run_link(path, 3, config, {"snr_db": -4.0, "options": {"snr_def": "rx_ant", "seed": 3}})

    delivered = [meta["frame"] for _, meta in parts.sink.items]
    lost = [meta["frame"] for meta in parts.sink.lost]
    assert sorted(delivered + lost) == list(range(len(delivered + lost)))
    assert not all(meta["delivered"] for _, meta in parts.sink.items) or lost or not delivered


def test_picture_whose_last_frame_is_lost_is_shown_after_a_silence():
    supervisor, top = Supervisor(), gr.top_block()
    config = scsc.waveform_config("", precoder="none", qp=36, picture_timeout_s=0.05)
    transmitter = WaveformTransmitter(config, lambda: 0.0)
    transmitter.offer(NOISE)
    sent = list(iter(transmitter.next_burst, None))
    items = [
        (samples, {"n_tx": 2, "n_samples": samples.shape[1]})
        for samples in (np.ascontiguousarray(burst.samples) for burst in sent[:-1])
    ]
    feed, sender, sink = feeder("burst", items), scsc.burst_sender(), collector("result")
    finder, rx = scsc.burst_receiver(), scsc.waveform_receiver(config)
    for source, port, target in ((feed, "burst", sender), (finder, "heard", rx)):
        top.msg_connect((source, port), (target, port))
    top.msg_connect((rx, "result"), (sink, "result"))
    for antenna in (0, 1):
        top.connect((sender, antenna), (finder, antenna))  # silence for ever behind the bursts

    top.start()
    deadline = time.monotonic() + TIMEOUT_S
    while not sink.items and time.monotonic() < deadline:
        time.sleep(0.01)
    top.stop()
    top.wait()

    assert supervisor.error is None and len(items) > 1
    assert [meta["delivered"] for _, meta in sink.items] == [False]
    assert rx.counters["timeouts"] == 1 and rx.counters["frames_lost"] == 1


def test_time_of_a_silence_goes_forward_only():
    Supervisor()
    block = scsc.waveform_receiver(scsc.waveform_config("", precoder="none"))

    for index in (40_000, 30_000, "x", 2.0):
        block._handle_heard(to_pdu(np.empty(0, np.complex64), {"sample_index": index}))

    assert block._time_s == 0.04 and block.supervisor.error is None
    assert block.counters["dropped"] == 0


def test_late_and_lost_feedback_costs_no_picture(path):
    config = scsc.waveform_config("", precoder="svd_wf", qp=36)

    parts = run_link(path, 3, config, {"snr_db": 25.0}, {"delay_s": 0.02, "loss": 0.5})

    assert [meta["delivered"] for _, meta in parts.sink.items] == [True] * 3
    assert parts.link.counters["lost"] > 0


def test_harq_sends_again_what_did_not_arrive(path):
    config = scsc.waveform_config(
        "", precoder="none", qp=36, harq=True, harq_timeout_s=0.2, harq_transmissions=16
    )

    parts = run_link(path, 2, config, {"snr_db": 0.0, "options": {"seed": 3}})

    assert [meta["delivered"] for _, meta in parts.sink.items] == [True] * 2
    assert parts.tx.counters["harq_retransmissions"] > 0


@pytest.mark.parametrize("max_age_s", [0.02, 0.1])
def test_sounding_frames_come_as_often_as_the_age_of_reports_demands(max_age_s):
    Supervisor()
    config = scsc.waveform_config("", precoder="pcen", csi_max_age_s=max_age_s)
    block, sent = scsc.waveform_transmitter(config), []
    block.publish = lambda port, bits, meta: sent.append((block._time_s, meta["frame_type"]))

    for tick in range(3000):
        block.on_slot({"time_s": 1e-3 * tick, "granted": 999})

    times, kinds = zip(*sent)
    gaps_s = np.diff(times)
    assert set(kinds) == {"sounding"} and block.counters["soundings"] == len(sent)
    # Half the age, twice as long with each that nobody answered, 0.5 s at most.
    assert gaps_s[[0, -1]] == pytest.approx([max_age_s, 0.5])


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


NOISE = np.random.default_rng(1).integers(256, size=IMAGE.shape, dtype=np.uint8)


def test_picture_is_coded_at_the_quality_that_it_carries():
    Supervisor()
    block = scsc.waveform_transmitter(scsc.waveform_config("", precoder="none", qp=45))

    block.on_image(NOISE, {"qp": 30.0, "ppen": "ran-before", "ppen_qp": 30.0})
    block.on_slot({"time_s": 0.0, "granted": 9999})
    first = block.config
    block.on_image(NOISE, {})
    for _ in range(2):
        block.on_slot({"time_s": 0.0, "granted": 9999})

    assert (first.qp, first.ppen) == (30, "none") and block.config.qp == 45
    assert block.counters["pictures_sent"] == 2


def test_picture_that_cannot_be_sent_as_it_says_is_refused_and_keeps_its_number():
    Supervisor()
    block = scsc.waveform_transmitter(scsc.waveform_config("", precoder="none", qp=45))
    headers = []
    block.publish = lambda port, bits, meta: headers.append(meta)

    for meta in ({}, {"qp": 99.0}, {"ppen": "ppen-not-here"}):
        block.on_image(NOISE, meta)
    block.on_lost_frame({"frame": 3})
    block.on_image(NOISE, {})
    for _ in range(4):
        block.on_slot({"time_s": 0.0, "granted": 9999})

    assert sorted({meta["image_id"] for meta in headers}) == [0, 4]
    assert (block.counters["dropped"], block.config.qp) == (2, 45)
    assert block._credited == 5


def test_address_in_use_ends_the_flowgraph_with_an_error(tmp_path):
    address = f"ipc://{tmp_path}/feedback"
    supervisor, top, sink = Supervisor(), gr.top_block(), collector("feedback")
    links = [scsc.csi_link("zmq_receive", address) for _ in (0, 1)]
    for link in links:
        top.msg_connect((link, "feedback"), (sink, "feedback"))

    with pytest.raises(FrontEndError, match="feedback"):
        supervisor.run(top, TIMEOUT_S)


def test_configuration_changes_between_two_pictures():
    Supervisor()
    block = scsc.waveform_transmitter(scsc.waveform_config("", precoder="none", qp=40))

    block.on_image(NOISE, {})
    block.on_slot({"time_s": 0.0, "granted": 1})
    block.on_cmd({"modulation": "16qam", "precoder": "nothing"})
    block.on_slot({"time_s": 0.0, "granted": 1})
    before = block.config.modulation
    block.on_slot({"time_s": 1.0, "granted": 999})
    block.on_slot({"time_s": 1.0, "granted": 999})

    assert (before, block.config.modulation) == ("qpsk", "16qam")
    assert block.counters["pictures_sent"] == 1
