# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from gnuradio.scsc.channel_decoder import channel_decoder
from gnuradio.scsc.channel_encoder import channel_encoder
from gnuradio.scsc.supervisor import Supervisor
from gnuradio.scsc.testing import run_block

from scsc_core.config import LinkConfig
from scsc_core.link import Transmitter

PAYLOAD = np.random.default_rng(5).integers(0, 256, 600, np.uint8)
META = {"frame": 3, "last": True, "name": "x"}


def encode(**options):
    Supervisor()
    ((bits, meta),) = run_block(
        channel_encoder(**options), "bytes", [(PAYLOAD, META)], "bits"
    ).items
    return bits, meta


def decode(llr, meta):
    Supervisor()
    block = channel_decoder()
    return block, run_block(block, "frames", [(llr, meta)], "bytes")


def test_bits_are_those_of_the_library():
    bits, meta = encode(code_rate="1/3", modulation="16qam")

    config = LinkConfig(code_rate="1/3", modulation="16qam")
    expected = Transmitter(config).encode(PAYLOAD.tobytes())
    assert np.array_equal(bits, expected.bits)
    assert meta["n_info"] == 4800 and tuple(meta["block_bits"]) == expected.block_bits
    assert (meta["code_rate"], meta["modulation"], meta["n_streams"]) == ("1/3", "16qam", 2)


def codeword_of(fec="nr_ldpc"):
    _, meta = encode(fec=fec)
    codeword = Transmitter(LinkConfig(fec=fec)).encode(PAYLOAD.tobytes()).codeword_bits
    return (8.0 - 16.0 * codeword).astype(np.float32), meta


@pytest.mark.parametrize("fec", ["nr_ldpc", "polar"])
def test_decoder_follows_the_frame_and_returns_the_payload(fec):
    llr, meta = codeword_of(fec)

    _, sink = decode(llr, meta)

    ((data, out),) = sink.items
    assert np.array_equal(data, PAYLOAD)
    assert out["crc_ok"] is True and out["block_errors"] == 0 and out["name"] == "x"


def test_noise_alone_is_reported_as_block_errors():
    llr, meta = codeword_of()
    noise = np.random.default_rng(1).standard_normal(len(llr)).astype(np.float32)

    block, sink = decode(noise, meta)

    ((_, out),) = sink.items
    assert out["crc_ok"] is False and out["block_errors"] >= 1
    assert block.counters["block_errors"] == out["block_errors"]


@pytest.mark.parametrize(
    "damage",
    [{"n_info": None}, {"code_rate": "9"}, {"fec": "turbo"}, {"n_info": 4000}],
)
def test_impossible_frame_is_dropped_and_passed_on_as_lost(damage):
    llr, meta = codeword_of()
    meta.update(damage)

    block, sink = decode(llr, meta)

    assert block.counters["dropped"] == 1 and sink.items == []
    assert sink.lost[0]["frame"] == 3 and sink.lost[0]["last"] is True


def test_setters_check_and_take_effect():
    block = channel_encoder()

    block.on_cmd({"code_rate": "2/3", "modulation": "64qam"})

    assert (block.config.code_rate, block.config.modulation) == ("2/3", "64qam")
    with pytest.raises(ValueError, match="2"):
        block.set_code_rate("2")
    assert block.config.code_rate == "2/3"


@pytest.mark.parametrize(
    ("options", "words"),
    [({"fec": "turbo"}, "fec"), ({"code_rate": "1/20"}, "code_rate"), ({"n_streams": 9}, "n_tx")],
)
def test_bad_argument_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        channel_encoder(**options)


def test_decoder_checks_its_iterations():
    with pytest.raises(ValueError, match="max_iterations"):
        channel_decoder(0)
