# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport blocks in frames: sizes, mapping to table rows, decoding and combining."""

import numpy as np
import pytest

from scsc_core.fec.nr_ldpc import legal_size
from scsc_core.scrambling import gold_sequence
from scsc_core.waveform.fec_codes import CODE_RATES, block_code
from scsc_core.waveform.frame_code import FrameFormat, frame_code

QPSK = FrameFormat("qpsk", 2, "nr_ldpc", "1/2", 54)


def random_bytes(count, seed=1):
    return np.random.default_rng(seed).integers(0, 256, count, np.uint8).tobytes()


def llr_of(index, width, scale=4.0, noise=0.0, seed=1):
    bits = index[:, None] >> np.arange(width - 1, -1, -1) & 1
    llr = scale * (1.0 - 2.0 * bits.reshape(-1))
    return (llr + noise * np.random.default_rng(seed).normal(size=llr.shape)).astype(np.float32)


@pytest.mark.parametrize("code_rate", CODE_RATES)
@pytest.mark.parametrize("nsym", [3, 54, 100])
def test_ldpc_block_is_the_largest_legal_one(code_rate, nsym):
    code = block_code("nr_ldpc", code_rate, 192 * nsym, 2)
    numerator, denominator = map(int, code_rate.split("/"))
    room = 192 * nsym * numerator // denominator - 24

    assert code.payload_bits == legal_size(code.payload_bits, numerator / denominator)
    assert code.payload_bits <= room
    assert legal_size(code.payload_bits + 1, numerator / denominator) > room


@pytest.mark.parametrize("fec", ["nr_ldpc", "polar", "none"])
@pytest.mark.parametrize("modulation", ["bpsk", "qpsk", "16qam", "64qam"])
@pytest.mark.parametrize("streams", [1, 2])
def test_block_comes_back_without_noise(fec, modulation, streams):
    form = FrameFormat(modulation, streams, fec, "1/2", 10)
    code = frame_code(form)
    data = random_bytes(code.payload_bytes)

    index = code.encode(data)
    block = code.decode(llr_of(index, form.bits_per_use))

    assert index.shape == (480,) and index.dtype == np.uint16
    assert block.ok and block.data == data and block.valid_bytes == code.payload_bytes


def test_short_data_are_filled_with_zeros():
    code = frame_code(QPSK)

    block = code.decode(llr_of(code.encode(b"abc"), 4))

    assert block.data == b"abc" + bytes(code.payload_bytes - 3)


def test_first_bit_of_a_use_is_the_most_significant():
    code = frame_code(FrameFormat("qpsk", 2, "none", "1/2", 1), "nr")
    data = random_bytes(code.payload_bytes)

    index = code.encode(data)

    first = np.unpackbits(np.frombuffer(data, np.uint8))[:4] ^ gold_sequence(1 << 15, 4)
    assert index[0] == int("".join(map(str, first)), 2)


def test_data_that_do_not_fit_are_refused():
    code = frame_code(QPSK)

    with pytest.raises(ValueError, match=f"data must hold at most {code.payload_bytes} bytes"):
        code.encode(bytes(code.payload_bytes + 1))


def test_frame_too_small_for_any_block_is_refused():
    with pytest.raises(ValueError, match="nsym must be larger: 48 coded bits"):
        frame_code(FrameFormat("bpsk", 1, "nr_ldpc", "1/6", 1))


@pytest.mark.parametrize("fec", ["nr_ldpc", "polar", "none"])
def test_silence_is_no_block(fec):
    code = frame_code(FrameFormat("qpsk", 2, fec, "1/2", 5))

    block = code.decode(np.zeros(code.coded_bits, np.float32))

    assert not block.ok and block.valid_bytes == 0


@pytest.mark.parametrize("fec", ["nr_ldpc", "polar"])
def test_transmissions_add_up_in_the_soft_buffer(fec):
    form = FrameFormat("qpsk", 2, fec, "2/3", 10)
    code = frame_code(form)
    data = random_bytes(code.payload_bytes)
    soft = code.new_soft_buffer()
    blocks = []

    for rv in (0, 2, 3, 1):
        # consistent LLRs, N(1.2, 2.4): too little for rate 2/3, enough for 1/6
        llr = llr_of(code.encode(data, rv), 4, scale=1.2, noise=np.sqrt(2.4), seed=rv)
        blocks.append(code.decode(llr, rv, soft))

    assert not blocks[0].ok and blocks[-1].ok and blocks[-1].data == data


def test_incremental_redundancy_sends_other_bits():
    code = frame_code(FrameFormat("qpsk", 2, "nr_ldpc", "2/3", 10))
    data = random_bytes(code.payload_bytes)

    versions = [code.encode(data, rv) for rv in range(4)]

    assert all((versions[0] != other).any() for other in versions[1:])


def test_code_blocks_in_front_of_a_failed_one_are_valid():
    form = FrameFormat("64qam", 2, "nr_ldpc", "1/2", 54)
    code = frame_code(form)
    data = random_bytes(code.payload_bytes)
    llr = llr_of(code.encode(data), form.bits_per_use)
    llr[-code.coded_bits // 3 :] = 0.0

    block = code.decode(llr)

    assert not block.ok and 0 < block.valid_bytes < code.payload_bytes
    assert block.data[: block.valid_bytes] == data[: block.valid_bytes]
