# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from scsc_core import fec
from scsc_core.fec.nr_ldpc import consistent_scale, legal_size


def payload(n, seed=0, frames=None):
    shape = n if frames is None else (frames, n)
    return np.random.default_rng(seed).integers(0, 2, shape, dtype=np.uint8)


def bpsk_llr(coded, snr_db, rng):
    """LLRs of unit-energy real symbols at SNR per dimension, 2 y / sigma^2."""
    snr = 10 ** (snr_db / 10)
    received = 1.0 - 2.0 * coded + rng.standard_normal(coded.shape) / np.sqrt(snr)
    return (2 * snr * received).astype(np.float32)


BOUNDARIES = [
    1,
    7,
    8,
    23,
    24,
    25,
    40,
    176,
    177,
    280,
    292,
    293,
    544,
    545,
    624,
    625,
    2000,
    3816,
    3824,
]
BOUNDARIES += [3825, 3840, 8400, 8401, 8424, 8425, 8448, 16824, 16825, 30001]


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.26, 1 / 3, 0.5, 0.67])
@pytest.mark.parametrize("n", BOUNDARIES)
def test_any_payload_survives_noise(n, rate):
    coded_bits = int(np.ceil((n + 60) / rate))
    code = fec.NrLdpc(n, coded_bits, 4, rate=rate, max_iterations=20)
    rng = np.random.default_rng(n)
    bits = payload(n, seed=n)
    # About 3 dB above the threshold of long blocks: short ones need it.
    snr_db = {0.1: -5.0, 0.25: -0.5, 0.26: 0.0, 1 / 3: 1.5, 0.5: 4.0, 0.67: 6.0}[rate]

    decoded = code.decode(bpsk_llr(code.encode(bits), snr_db, rng))

    assert decoded.ok and decoded.block_ok.all()
    assert np.array_equal(decoded.bits, bits)
    assert decoded.bits.dtype == np.uint8 and decoded.block_ok.shape == (code.n_blocks,)


@pytest.mark.parametrize("coded_bits", [1, 2, 9, 100])
def test_one_bit_payload_takes_any_coded_length(coded_bits):
    code = fec.NrLdpc(1, coded_bits, 2)

    coded = code.encode(np.array([1], np.uint8))

    assert coded.shape == (coded_bits,)
    if not code.decodable:
        assert not code.decode(np.zeros(coded_bits, np.float32)).ok


def test_left_over_bits_are_zero_and_ignored():
    code = fec.NrLdpc(1000, 2005, 6)
    bits = payload(1000)

    coded = code.encode(bits)
    llr = (8.0 - 16.0 * coded).astype(np.float32)
    llr[2004:] = -100.0

    assert sum(code.block_bits) == 2004 and coded[2004] == 0
    assert np.array_equal(code.decode(llr).bits, bits)


def test_block_bits_lie_in_order_and_fill_whole_uses():
    code = fec.NrLdpc(40000, 60000, 6, n_layers=2)

    assert len(code.block_bits) == code.n_blocks == 5
    assert sum(code.block_bits) == 60000
    assert all(e % 12 == 0 for e in code.block_bits)
    assert max(code.block_bits) - min(code.block_bits) in (0, 12)


def test_damage_in_one_block_is_reported_in_that_block():
    code = fec.NrLdpc(30000, 60000, 2)
    llr = (8.0 - 16.0 * code.encode(payload(30000))).astype(np.float32)
    start = code.block_bits[0]
    llr[start : start + code.block_bits[1]] = 0.0

    decoded = code.decode(llr)

    assert not decoded.ok
    assert decoded.block_ok.tolist() == [r != 1 for r in range(code.n_blocks)]


def test_all_zero_llrs_are_never_ok():
    for n in (24, 300, 3000, 20000):
        code = fec.NrLdpc(n, 2 * n, 2)
        decoded = code.decode(np.zeros(2 * n, np.float32))
        assert not decoded.ok and not decoded.block_ok.any()


def test_rate_too_close_to_one_is_not_decodable_but_encodes():
    code = fec.NrLdpc(1000, 1001, 1)

    assert not code.decodable
    assert code.encode(payload(1000)).shape == (1001,)


@pytest.mark.parametrize("rvs", [(0, 2, 3, 1), (0, 0, 0, 0)])
def test_retransmissions_combine(rvs):
    rng = np.random.default_rng(8)
    code = fec.NrLdpc(8424, 11232, 2, max_iterations=12)
    bits = payload(8424)
    soft = code.new_soft_buffer()

    # 1 dB per dimension is 3 dB below the threshold of rate 3/4.
    outcome = [
        code.decode(bpsk_llr(code.encode(bits, rv), 1.0, rng), rv, soft_buffer=soft) for rv in rvs
    ]

    assert not outcome[0].ok
    assert outcome[-1].ok and np.array_equal(outcome[-1].bits, bits)


def test_incremental_redundancy_beats_repetition():
    rng = np.random.default_rng(9)
    code = fec.NrLdpc(8424, 11232, 2, max_iterations=12)
    bits = payload(8424)

    def attempts(rvs):
        soft = code.new_soft_buffer()
        for count, rv in enumerate(rvs, 1):
            if code.decode(bpsk_llr(code.encode(bits, rv), 1.0, rng), rv, soft).ok:
                return count
        return len(rvs) + 1

    # Twice 1 dB at rate 3/8 is 2 dB above threshold; three repetitions at 3/4 are needed.
    assert attempts((0, 2)) == 2
    assert attempts((0, 0, 0)) == 3


def test_soft_buffer_saturates_without_wrapping():
    code = fec.NrLdpc(1000, 2000, 2)
    bits = payload(1000)
    soft = code.new_soft_buffer()
    llr = np.where(code.encode(bits) == 0, 100, -100).astype(np.int8)

    for _ in range(3):
        decoded = code.decode(llr, soft_buffer=soft)

    assert decoded.ok and np.array_equal(decoded.bits, bits)
    assert soft.max() == 127 and soft.min() == -127


@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_wide_soft_buffer_outweighs_late_jamming(dtype):
    bits, wrong = payload(1000), payload(1000, seed=1)
    outcome = {}
    for wide in (False, True):
        code = fec.NrLdpc(1000, 2000, 2, wide_soft_buffer=wide)
        soft = code.new_soft_buffer()
        # five strong transmissions, then three as strong of another codeword
        for word in (bits,) * 5 + (wrong,) * 3:
            llr = (100 - 200.0 * code.encode(word)) / (4 if dtype == np.float32 else 1)
            decoded = code.decode(llr.astype(dtype), soft_buffer=soft)
        outcome[wide] = decoded, soft

    # 5 - 3 = 2 times 100 are left for the right word; the int8 sum 127 - 300 is all wrong
    assert outcome[True][0].ok and np.array_equal(outcome[True][0].bits, bits)
    assert not np.array_equal(outcome[False][0].bits, bits)
    assert outcome[True][1].dtype == np.int16 and np.abs(outcome[True][1]).max() > 127


def test_wide_soft_buffer_decodes_alike_until_sums_clip():
    rng = np.random.default_rng(12)
    narrow = fec.NrLdpc(9000, 12000, 2)
    wide = fec.NrLdpc(9000, 12000, 2, wide_soft_buffer=True)
    bits = payload(9000, frames=3)
    soft, wide_soft = narrow.new_soft_buffer(3), wide.new_soft_buffer(3)
    for rv in (0, 2):
        llr = bpsk_llr(narrow.encode(bits, rv), -1.0, rng)
        a, b = narrow.decode(llr, rv, soft), wide.decode(llr, rv, wide_soft)

        assert np.abs(wide_soft).max() < 127
        np.testing.assert_array_equal(soft, wide_soft)
        assert np.array_equal(a.bits, b.bits) and np.array_equal(a.iterations, b.iterations)
    alone = wide.decode(llr, 2)
    assert np.array_equal(alone.iterations, narrow.decode(llr, 2).iterations)


@pytest.mark.parametrize("wide", [False, True])
def test_soft_buffer_of_the_other_width_is_refused(wide):
    code = fec.NrLdpc(100, 300, 2, wide_soft_buffer=wide)
    other = fec.NrLdpc(100, 300, 2, wide_soft_buffer=not wide).new_soft_buffer()

    with pytest.raises(ValueError, match="soft_buffer must be int"):
        code.decode(np.ones(300, np.float32), soft_buffer=other)


def test_float_and_int8_inputs_agree_on_base_graph_1():
    rng = np.random.default_rng(3)
    code = fec.NrLdpc(8000, 16000, 2)
    assert code.base_graph == 1
    llr = bpsk_llr(code.encode(payload(8000)), 1.6, rng)
    as_int8 = np.clip(np.rint(4 * llr), -127, 127).astype(np.int8)

    a, b = code.decode(llr), code.decode(as_int8)

    assert np.array_equal(a.bits, b.bits) and a.iterations == b.iterations and a.ok == b.ok


@pytest.mark.parametrize("n", [60, 616, 9000])
def test_batch_equals_frames_one_by_one(n):
    rng = np.random.default_rng(4)
    code = fec.NrLdpc(n, 2 * n + 40, 2, rate=0.5)
    bits = payload(n, frames=5)
    llr = bpsk_llr(code.encode(bits), 1.7, rng)
    soft = code.new_soft_buffer(5)

    batch = code.decode(llr, soft_buffer=soft)

    for f in range(5):
        alone = code.new_soft_buffer()
        one = code.decode(llr[f], soft_buffer=alone)
        assert np.array_equal(code.encode(bits[f]), code.encode(bits)[f])
        assert np.array_equal(one.bits, batch.bits[f])
        assert np.array_equal(one.block_ok, batch.block_ok[f])
        assert np.array_equal(alone, soft[f])
        assert one.iterations == batch.iterations[f] and one.ok == batch.ok[f]


def test_nan_is_an_erasure_and_infinity_is_certain():
    code = fec.NrLdpc(500, 1500, 2)
    bits = payload(500)
    coded = code.encode(bits)
    llr = np.where(coded == 0, np.inf, -np.inf).astype(np.float32)
    llr[::7] = np.nan

    assert np.array_equal(code.decode(llr).bits, bits)
    assert not code.decode(np.full(1500, np.nan, np.float32)).ok


def test_normalise_repairs_a_wrong_noise_variance():
    rng = np.random.default_rng(6)
    bits = payload(8424)
    plain = fec.NrLdpc(8424, 16848, 2)
    repaired = fec.NrLdpc(8424, 16848, 2, normalise=True)
    llr = bpsk_llr(plain.encode(bits), 1.6, rng) / 8  # noise variance 9 dB too high

    assert not plain.decode(llr).ok
    assert repaired.decode(llr).ok


def test_consistent_scale_is_one_for_consistent_llrs():
    rng = np.random.default_rng(7)
    llr = np.stack([bpsk_llr(np.zeros(20000), snr, rng) for snr in (-2.0, 1.0, 5.0)])

    # Estimation error of 20000 values, below 0.5 dB.
    assert np.allclose(consistent_scale(llr), 1.0, atol=0.1)
    assert np.allclose(consistent_scale(4 * llr), 0.25, atol=0.025)


def test_legal_sizes_divide_into_equal_blocks_of_whole_bytes():
    for rate in (0.2, 0.5):
        for n in (1, 24, 25, 3824, 3825, 8400, 8401, 20000, 123457):
            size = legal_size(n, rate)
            code = fec.NrLdpc(n, int(n / rate), 2, rate=rate)
            assert size >= n and size % 8 == 0 and code.transport_bits == size
            assert legal_size(size, rate) == size


def test_create_builds_the_named_code():
    code = fec.create("nr_ldpc", 100, 300, 2, 0.5, max_iterations=5)

    assert isinstance(code, fec.NrLdpc) and code.rate == 0.5
    with pytest.raises(ValueError, match="nr_ldpc, polar, gallager"):
        fec.create("turbo", 100, 300, 2)
    with pytest.raises(AttributeError):
        fec.Turbo  # noqa: B018


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(payload_bits=0), "payload_bits"),
        (dict(payload_bits=2.5), "payload_bits"),
        (dict(coded_bits=99), "coded_bits must be >= payload_bits = 100, got 99"),
        (dict(bits_per_symbol=0), "bits_per_symbol"),
        (dict(bits_per_symbol=17), "qm must be"),
        (dict(rate=0.0), "rate"),
        (dict(rate=1.1), "rate"),
        (dict(rate=float("nan")), "rate"),
        (dict(n_layers=9), "nl must be"),
        (dict(max_iterations=0), "max_iterations"),
        (dict(buffer_limit=-1), "buffer_limit"),
    ],
)
def test_bad_constructor_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        fec.NrLdpc(**{**dict(payload_bits=100, coded_bits=300, bits_per_symbol=2), **arguments})


@pytest.mark.parametrize(
    "llr, options",
    [
        (np.zeros(299, np.float32), {}),
        (np.zeros(300, np.int16), {}),
        (np.zeros((2, 2, 300), np.float32), {}),
        (np.zeros((0, 300), np.float32), {}),
        (np.zeros(300, np.float32), dict(rv=4)),
        (np.zeros(300, np.float32), dict(rv=-1)),
        (np.zeros(300, np.float32), dict(soft_buffer=np.zeros((1, 5), np.int8))),
        (np.zeros(300, np.float32), dict(soft_buffer=np.zeros((1, 1, 1), np.float32))),
    ],
)
def test_bad_decoder_input_is_refused(llr, options):
    with pytest.raises(ValueError):
        fec.NrLdpc(100, 300, 2).decode(llr, **options)


def test_soft_buffer_is_untouched_on_a_size_error():
    code = fec.NrLdpc(100, 300, 2)
    soft = code.new_soft_buffer()

    with pytest.raises(ValueError):
        code.decode(np.ones(299, np.float32), soft_buffer=soft)

    assert not soft.any()


@pytest.mark.parametrize(
    "bits",
    [np.zeros(99, np.uint8), np.full(100, 2, np.uint8), np.zeros(100), np.zeros((1, 1, 100), int)],
)
def test_bad_encoder_input_is_refused(bits):
    with pytest.raises(ValueError):
        fec.NrLdpc(100, 300, 2).encode(bits)


def test_non_contiguous_inputs_are_accepted():
    code = fec.NrLdpc(100, 300, 2)
    bits = payload(200)[::2]

    coded = code.encode(bits)
    llr = np.repeat((4.0 - 8.0 * coded).astype(np.float32), 2)[::2]

    assert np.array_equal(code.decode(llr).bits, bits)
