# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrambling sequence, bit interleaver and their inverse on log-likelihood ratios."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scsc_core.scrambling import BitScrambler, gold_sequence, permutation

blocks = st.lists(st.integers(1, 60), min_size=1, max_size=5).map(tuple)
seeds = st.integers(0, 2**32 - 1)


def reference_gold(c_init, length):
    """TS 38.211 5.2.1 term by term."""
    total = length + 1600
    x1 = [1] + [0] * 30
    x2 = [c_init >> i & 1 for i in range(31)]
    for n in range(total):
        x1.append(x1[n + 3] ^ x1[n])
        x2.append(x2[n + 3] ^ x2[n + 2] ^ x2[n + 1] ^ x2[n])
    return [x1[n] ^ x2[n] for n in range(1600, total)]


def reference_permutation(size):
    """Fisher-Yates with SplitMix64 seeded by the size."""
    mask = 2**64 - 1
    perm, state = list(range(size)), size
    for i in range(size - 1, 0, -1):
        state = state + 0x9E3779B97F4A7C15 & mask
        u = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & mask
        u = (u ^ u >> 27) * 0x94D049BB133111EB & mask
        u ^= u >> 31
        j = (u >> 32) * (i + 1) >> 32
        perm[i], perm[j] = perm[j], perm[i]
    return perm


def random_bits(size, seed=0):
    return np.random.default_rng(seed).integers(0, 2, size, dtype=np.uint8)


def test_gold_sequence_of_the_default_identity_starts_with_the_known_bits():
    assert "".join(map(str, gold_sequence(32768, 16))) == "0001001100010100"


@pytest.mark.parametrize("c_init", [0, 1, 32768, 65535 * 32768 + 1023, 2**31 - 1])
@pytest.mark.parametrize("length", [1, 2, 3, 31, 32, 1000, 4096, 4097])
def test_gold_sequence_equals_the_recursion_of_the_standard(c_init, length):
    c = gold_sequence(c_init, length)

    assert c.dtype == np.uint8
    assert c.tolist() == reference_gold(c_init, length)


@given(st.integers(0, 2**31 - 1), st.integers(0, 700), st.integers(0, 700))
def test_shorter_gold_sequence_is_a_prefix_of_a_longer_one(c_init, length, more):
    longer = gold_sequence(c_init, length + more)

    assert np.array_equal(gold_sequence(c_init, length), longer[:length])


def test_gold_sequence_of_no_length_is_empty():
    assert gold_sequence(5, 0).shape == (0,)


def test_cached_gold_sequence_cannot_be_changed_by_a_caller():
    with pytest.raises(ValueError, match="read-only"):
        gold_sequence(32768, 16)[0] = 1


@pytest.mark.parametrize("c_init", [-1, 2**31])
def test_gold_sequence_refuses_a_start_value_outside_31_bits(c_init):
    with pytest.raises(ValueError, match=f"c_init must be in 0..2147483647, got {c_init}"):
        gold_sequence(c_init, 8)


def test_gold_sequence_refuses_a_negative_length():
    with pytest.raises(ValueError, match="length"):
        gold_sequence(1, -5)


def test_permutation_of_16_equals_the_check_value():
    assert permutation(16).tolist() == [14, 15, 10, 8, 9, 13, 6, 4, 0, 3, 2, 12, 7, 11, 1, 5]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 17, 1024, 8448])
def test_permutation_equals_the_seeded_fisher_yates_shuffle(size):
    perm = permutation(size)

    assert perm.dtype == np.int32
    assert perm.tolist() == reference_permutation(size)


@given(st.integers(0, 3000))
def test_permutation_holds_every_index_once(size):
    assert np.array_equal(np.sort(permutation(size)), np.arange(size))


def test_cached_permutation_cannot_be_changed_by_a_caller():
    with pytest.raises(ValueError, match="read-only"):
        permutation(16)[0] = 1


def test_permutation_refuses_a_negative_size():
    with pytest.raises(ValueError, match="must be in 0..2147483647, got -1"):
        permutation(-1)


def test_scrambling_without_shuffle_adds_the_gold_sequence():
    bits = random_bits(100)

    out = BitScrambler(3, 77, "nr").scramble(bits, (60, 40), 100)

    assert out.dtype == np.uint8
    assert np.array_equal(out, bits ^ gold_sequence(3 * 2**15 + 77, 100))


def test_shuffle_moves_scrambled_bits_inside_every_code_block():
    bits = random_bits(26)
    scrambled = bits ^ gold_sequence(32768, 26)

    out = BitScrambler().scramble(bits, (16, 10), 26)

    expected = [scrambled[:16][permutation(16)], scrambled[16:][permutation(10)]]
    assert np.array_equal(out, np.concatenate(expected))


@pytest.mark.parametrize("interleaver", ["shuffle", "nr"])
def test_incomplete_last_use_takes_the_next_values_of_the_sequence(interleaver):
    out = BitScrambler(interleaver=interleaver).scramble(random_bits(13), (13,), 16)

    assert out.shape == (16,)
    assert np.array_equal(out[13:], gold_sequence(32768, 16)[13:])


def test_scrambling_leaves_its_input_as_it_was():
    bits, llr = random_bits(16), np.arange(16, dtype=np.float32)
    kept_bits, kept_llr = bits.copy(), llr.copy()

    BitScrambler().scramble(bits, (16,), 16)
    BitScrambler().descramble(llr, (16,), 16)

    assert np.array_equal(bits, kept_bits)
    assert np.array_equal(llr, kept_llr)


@settings(max_examples=60)
@given(
    blocks,
    seeds,
    st.integers(0, 7),
    st.integers(0, 65535),
    st.integers(0, 1023),
    st.sampled_from(["shuffle", "nr"]),
)
def test_descrambled_llrs_are_those_of_the_coded_bits(sizes, seed, fill, n_rnti, n_id, interleaver):
    scrambler = BitScrambler(n_rnti, n_id, interleaver)
    total = sum(sizes)
    bits = random_bits(total, seed)
    sent = scrambler.scramble(bits, sizes, total + fill)
    magnitudes = np.arange(1, total + fill + 1, dtype=np.float32)

    llr = scrambler.descramble((1 - 2.0 * sent).astype(np.float32) * magnitudes, sizes, total)

    assert llr.dtype == np.float32
    assert np.array_equal(llr < 0, bits == 1)
    assert np.array_equal(np.sort(np.abs(llr)), magnitudes[:total])


def test_a_changed_bit_stays_in_its_own_code_block():
    bits = random_bits(50)
    changed = bits.copy()
    changed[3] ^= 1

    difference = np.flatnonzero(
        BitScrambler().scramble(bits, (20, 30), 50)
        != BitScrambler().scramble(changed, (20, 30), 50)
    )

    assert difference.tolist() == [permutation(20).tolist().index(3)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_rnti": -1}, "n_rnti must be in 0..65535, got -1"),
        ({"n_rnti": 65536}, "n_rnti must be in 0..65535, got 65536"),
        ({"n_id": 1024}, "n_id must be in 0..1023, got 1024"),
        ({"interleaver": "block"}, "interleaver must be one of shuffle, nr, got block"),
    ],
)
def test_scrambler_refuses_a_bad_argument_and_names_what_is_allowed(arguments, message):
    with pytest.raises(ValueError, match=message):
        BitScrambler(**arguments)


@pytest.mark.parametrize(
    ("block_bits", "n_uses_bits"),
    [
        pytest.param((16, 8), 16, id="blocks hold more than the coded bits"),
        pytest.param((8,), 16, id="blocks hold fewer than the coded bits"),
        pytest.param((16,), 12, id="channel uses too few"),
        pytest.param((16,), 1, id="one bit for all channel uses"),
    ],
)
def test_scramble_refuses_sizes_that_do_not_fit(block_bits, n_uses_bits):
    with pytest.raises(ValueError):
        BitScrambler().scramble(random_bits(16), block_bits, n_uses_bits)


@pytest.mark.parametrize(
    ("block_bits", "n_llr"),
    [
        pytest.param((16, 8), 16, id="blocks hold more than the coded bits"),
        pytest.param((8,), 16, id="blocks hold fewer than the coded bits"),
        pytest.param((16,), 15, id="LLRs too few"),
    ],
)
def test_descramble_refuses_sizes_that_do_not_fit(block_bits, n_llr):
    with pytest.raises(ValueError):
        BitScrambler().descramble(np.ones(n_llr, np.float32), block_bits, 16)
