# SPDX-License-Identifier: GPL-3.0-or-later
"""Precoder, symbol channel, detector, and the hier blocks: the flowgraph is the library's link."""

import dataclasses

import numpy as np
import pytest
from gnuradio import gr, scsc
from gnuradio.scsc.pdu import to_dict, to_pdu
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import collector, run_block
from PIL import Image

from scsc_core.config import LinkConfig
from scsc_core.link import SymbolLink

RNG = np.random.default_rng(11)
SMOOTH = np.add.outer(np.arange(176), np.arange(192)) // 2
IMAGE = np.stack([SMOOTH, SMOOTH[::-1], 200 - SMOOTH], axis=-1).clip(0, 255).astype(np.uint8)
COUNT = 4
TIMEOUT_S = 20.0


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "ramp.png"
    Image.fromarray(IMAGE).save(path)
    return str(path)


def same(a, b):
    both_nan = isinstance(a, float) and isinstance(b, float) and a != a and b != b
    return both_nan or np.array_equal(a, b)


CONFIGS = [
    {"precoder": "svd_wf", "snr_db": 3.0},
    {"precoder": "pcen", "snr_db": 8.0, "fading": "per_codeword", "csi_error": 0.1},
    {"precoder": "rank_adaptive", "fading": "per_uses", "fading_uses": 300, "cen": False},
    {"precoder": "none", "modulation": "16qam", "detector": "mmse", "codec": "jpeg", "qp": 60},
    {"precoder": "none", "n_rx": 4, "fec": "polar", "code_rate": "1/3", "llr": "maxlog"},
]


@pytest.mark.parametrize("changes", CONFIGS, ids=lambda c: c["precoder"] + c.get("fec", ""))
def test_flowgraph_gives_the_numbers_of_the_library(path, changes):
    config = LinkConfig(**{"qp": 38, "seed": 5, **changes})

    results = scsc.loopback(config, path, repeat=COUNT, ms_ssim=False).execute(TIMEOUT_S)

    link = SymbolLink(config)
    assert len(results) == COUNT
    for result in results:
        expected = link.transmit(IMAGE)
        for field in dataclasses.fields(result):
            if field.name not in ("seconds", "ms_ssim"):
                ours, theirs = getattr(result, field.name), getattr(expected, field.name)
                assert same(ours, theirs), field.name


@pytest.fixture(scope="module")
def ppen_file(tmp_path_factory):
    """A PPEN that was never trained."""
    from scsc_core.training.untrained import publish_untrained

    folder = publish_untrained(tmp_path_factory.mktemp("models"), {"ppen-tiny": {}}, ())
    return str(folder / "ppen-tiny.safetensors")


@pytest.mark.parametrize("changes", [{"qp": 38}, {"mode": "rate_matched", "cbr_target": 0.02}])
def test_flowgraph_with_ppen_is_the_library_s_link(path, ppen_file, changes):
    config = LinkConfig(ppen=ppen_file, snr_db=20.0, **changes)
    supervisor, top = Supervisor(), gr.top_block()
    source = scsc.image_source(path, max_in_flight=0)
    link, sink = scsc.link(config), collector("result")
    top.msg_connect((source, "image"), (link, "image"))
    top.msg_connect((link, "result"), (sink, "result"))

    supervisor.run(top, TIMEOUT_S)

    ((image, meta),) = sink.items
    expected = SymbolLink(config).transmit(IMAGE)
    assert np.array_equal(image, expected.image) and meta["qp"] == expected.qp
    assert meta["ppen"] == ppen_file and meta["ppen_qp"] == meta["qp"]


@pytest.mark.parametrize("in_one_box", [True, False])
def test_hier_blocks_are_the_same_link(path, in_one_box):
    config = LinkConfig(qp=38, seed=5, snr_db=5.0)
    supervisor, top = Supervisor(), gr.top_block()
    source = scsc.image_source(path, repeat=COUNT, max_in_flight=0)
    sink = collector("result")
    if in_one_box:
        link = scsc.link(config)
        top.msg_connect((source, "image"), (link, "image"))
        top.msg_connect((link, "result"), (sink, "result"))
    else:
        tx, rx = scsc.transmitter(config), scsc.receiver(config)
        channel = scsc.symbol_channel.from_config(config)
        top.msg_connect((source, "image"), (tx, "image"))
        top.msg_connect((tx, "sounding"), (channel, "sounding"))
        top.msg_connect((channel, "csi"), (tx, "csi"))
        top.msg_connect((tx, "symbols"), (channel, "symbols"))
        top.msg_connect((channel, "received"), (rx, "received"))
        top.msg_connect((rx, "result"), (sink, "result"))

    supervisor.run(top, TIMEOUT_S)

    expected = SymbolLink(config)
    assert len(sink.items) == COUNT
    for image, meta in sink.items:
        reference = expected.transmit(IMAGE)
        assert np.array_equal(image, reference.image)
        assert meta["delivered"] == reference.delivered


def test_hier_block_refuses_a_bad_configuration(tmp_path):
    file = tmp_path / "link.yaml"
    file.write_text("precoder: pcem\n")

    with pytest.raises(ValueError, match="pcen"):
        scsc.transmitter(str(file))
    with pytest.raises(ValueError, match="snr_db"):
        scsc.link_config("", snr_db="loud")


def test_changes_at_run_time_reach_both_ends(path):
    config = LinkConfig(qp=38, seed=2, snr_db=30.0, precoder="svd_wf")
    flowgraph = scsc.loopback(config, path, repeat=6, ms_ssim=False)
    seen = collector("result")
    flowgraph.msg_connect((flowgraph.source_decoder, "result"), (seen, "result"))

    def change(result):
        flowgraph.precoder.on_cmd({"precoder": "pcen"})
        flowgraph.channel_encoder.on_cmd({"code_rate": "1/3"})
        flowgraph.symbol_channel.on_cmd({"snr_db": 20.0})
        flowgraph.detector.on_cmd({"cen": False})
        flowgraph.source_encoder.on_cmd({"qp": 45})

    flowgraph.link_metrics.listen(change)
    results = flowgraph.execute(TIMEOUT_S)

    last = seen.items[-1][1]
    assert all(result.delivered for result in results)
    assert (last["precoder"], last["code_rate"], last["snr_db"]) == ("pcen", "1/3", 20.0)
    assert last["qp"] == 45.0 and seen.items[0][1]["precoder"] == "svd_wf"


def received_frame(**changes):
    meta = {
        "frame": 0,
        "last": True,
        "n_rx": 2,
        "n_tx": 2,
        "n_streams": 2,
        "k": 240,
        "n_blocks": 1,
        "block_uses": np.array([240]),
        "h": np.eye(2, dtype=np.complex128),
        "n_info": 480,
        "snr_db": 10.0,
        "modulation": "qpsk",
        "precoder": "none",
    }
    y = (RNG.standard_normal((2, 240)) + 1j * RNG.standard_normal((2, 240))).astype(np.complex64)
    return y, {**meta, **changes}


def test_detector_accepts_a_complete_frame():
    Supervisor()

    sink = run_block(scsc.detector(), "received", [received_frame()], "frames")

    assert sink.items[0][0].shape == (960,) and sink.lost == []


@pytest.mark.parametrize(
    "damage",
    [
        {"h": None},
        {"block_uses": np.array([100])},
        {"n_info": None},
        {"precoder": "pcem"},
        {"k": 7},
        {"n_rx": 3},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_damaged_frame_is_dropped_and_counted(damage):
    Supervisor()
    block = scsc.detector()

    sink = run_block(block, "received", [received_frame(**damage)], "frames")

    assert block.counters["dropped"] == 1 and sink.items == [] and len(sink.lost) == 1


def test_symbols_without_a_sounding_are_dropped():
    Supervisor()
    block = scsc.symbol_channel()
    z = np.zeros((2, 5), np.complex64)

    sink = run_block(
        block, "symbols", [(z, {"n_tx": 2, "k": 5, "frame": 0, "last": True})], "received"
    )

    assert block.counters["dropped"] == 1 and len(sink.lost) == 1


def test_sounding_without_its_keys_is_dropped():
    Supervisor()
    block = scsc.symbol_channel()

    block._handle_sounding(to_dict({"frame": 3}))

    assert block.counters["dropped"] == 1 and block.supervisor.error is None


def test_symbols_of_another_size_than_announced_are_dropped():
    Supervisor()
    block = scsc.symbol_channel()
    request = {"frame": 0, "block_bits": [400], "n_bits": 400, "modulation": "qpsk", "n_streams": 2}
    block._handle_sounding(to_dict(request))
    z = np.zeros((2, 99), np.complex64)

    block._handle_symbols(to_pdu(z, {"n_tx": 2, "k": 99, "frame": 0, "csi_id": 1}))

    assert block.counters["dropped"] == 1 and block.supervisor.error is None


def test_bits_without_their_keys_are_dropped():
    Supervisor()
    block = scsc.precoder()

    sink = run_block(
        block, "bits", [(np.zeros(8, np.uint8), {"frame": 0, "last": True})], "symbols"
    )

    assert block.counters["dropped"] == 1 and len(sink.lost) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: scsc.precoder("pcem"), "pcen"),
        (lambda: scsc.precoder(n_tx=0), "n_tx"),
        (lambda: scsc.symbol_channel(snr_db=float("nan")), "snr_db"),
        (lambda: scsc.symbol_channel(channel="rayleig"), "rayleigh"),
        (lambda: scsc.symbol_channel(csi_error=-1), "csi_error"),
        (lambda: scsc.detector("mll"), "ml"),
        (lambda: scsc.source_decoder("nothing"), "lost_picture"),
    ],
)
def test_bad_argument_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("precoder", ["none", "pcen"])
def test_same_seed_gives_the_same_fading_to_every_scheme(path, precoder):
    config = LinkConfig(qp=38, seed=9, precoder=precoder)
    flowgraph = scsc.loopback(config, path, repeat=3, ms_ssim=False)
    sounding = flowgraph.symbol_channel._channel.sound
    drawn = []
    flowgraph.symbol_channel._channel.sound = lambda n: drawn.append(sounding(n)) or drawn[-1]

    flowgraph.execute(TIMEOUT_S)

    expected, _ = SymbolLink(config.with_changes(precoder="svd_wf")).channel.sound(3)
    assert np.array_equal(np.concatenate([h for h, _ in drawn]), expected)
