# SPDX-License-Identifier: GPL-3.0-or-later
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from scsc_core import _native


def regular_matrix(n, d_v, d_c, seed):
    """indptr, indices of a random matrix of d_v permuted layers (Gallager's construction)."""
    rng = np.random.default_rng(seed)
    layers = [np.sort(rng.permutation(n).reshape(-1, d_c), axis=1) for _ in range(d_v)]
    rows = np.concatenate(layers).astype(np.int32)
    return np.arange(0, rows.size + 1, d_c, dtype=np.int32), rows.ravel()


def noisy_zero_words(n_words, n, snr_db, seed):
    """LLRs of the all-zero word, QPSK over AWGN."""
    snr = 10 ** (snr_db / 10)
    noise = np.random.default_rng(seed).normal(size=(n_words, n)) / np.sqrt(snr)
    return (2 * snr * (1 + noise)).astype(np.float32)


def min_sum(indptr, indices, llr, max_iter):
    """Literal layered min-sum of one word of int LLRs; bits, ok, iterations."""
    posterior = llr.astype(int)
    messages = np.zeros(len(indices), int)

    def clip(values):
        return np.clip(values, -128, 127)

    def corrected(m):
        m = min(m, 127)
        m = max(m - (min(m, 120) + 4) // 8, 0)
        return min(max(m - 1, 0), 31)

    for iteration in range(1, max_iter + 1):
        for start, stop in zip(indptr[:-1], indptr[1:]):
            columns = indices[start:stop]
            v = clip(posterior[columns] - messages[start:stop])
            size = np.sort(abs(v))
            signs = np.where(v < 0, -1, 1)
            m = np.where(abs(v) == size[0], corrected(size[1]), corrected(size[0]))
            messages[start:stop] = signs * signs.prod() * m
            posterior[columns] = clip(v + messages[start:stop])
        bits = (posterior < 0).astype(np.uint8)
        sums = np.add.reduceat(bits[indices], indptr[:-1]) % 2
        if not sums.any() and (posterior != 0).all():
            return bits, True, iteration
    return bits, False, max_iter


def test_equals_a_literal_reading_bit_by_bit():
    indptr, indices = regular_matrix(96, 3, 6, 1)
    llr = np.clip(np.rint(4 * noisy_zero_words(40, 96, 1.0, 2)), -128, 127).astype(np.int8)
    llr[::7] *= -1
    expected = [min_sum(indptr, indices, np.maximum(word.astype(int), -127), 8) for word in llr]

    bits, ok, iterations = _native.decode_generic(indptr, indices, llr, 8)

    assert np.array_equal(bits, [e[0] for e in expected])
    assert ok.tolist() == [e[1] for e in expected]
    assert iterations.tolist() == [e[2] for e in expected]
    assert 0 < ok.sum() < 40


@pytest.mark.parametrize("d_c", [2, 3, 5, 11, 13, 40])
def test_every_row_weight_decodes_its_code(d_c):
    n = 40 * d_c
    indptr, indices = regular_matrix(n, 1 if d_c == 2 else 2, d_c, d_c)
    llr = np.full((3, n), 20.0, np.float32)
    llr[:, 5] = -1.0

    bits, ok, _ = _native.decode_generic(indptr, indices, llr, 20)

    assert ok.all() and not bits.any()


def test_block_error_rate_of_a_3_6_code():
    # 2016 bits at 2.25 dB: none of 6400 words failed when measured; 1.25 dB is below the threshold.
    indptr, indices = regular_matrix(2016, 3, 6, 3)

    good = _native.decode_generic(indptr, indices, noisy_zero_words(500, 2016, 2.25, 4), 20)
    bad = _native.decode_generic(indptr, indices, noisy_zero_words(64, 2016, 0.5, 5), 20)

    assert good[0].any(axis=1).sum() <= 1
    assert bad[0].any(axis=1).sum() >= 60


def test_results_do_not_depend_on_the_batch():
    indptr, indices = regular_matrix(252, 3, 6, 6)
    llr = noisy_zero_words(131, 252, 1.5, 7)

    batch = _native.decode_generic(indptr, indices, llr, 20)

    alone = [_native.decode_generic(indptr, indices, word[None], 20) for word in llr]
    for part in range(3):
        assert np.array_equal(batch[part], np.concatenate([a[part] for a in alone]))


def test_nothing_received_is_not_ok():
    indptr, indices = regular_matrix(96, 3, 6, 1)

    _, ok, _ = _native.decode_generic(indptr, indices, np.zeros((2, 96), np.float32), 10)

    assert not ok.any()


def test_float_input_is_quarters_with_nan_as_erasure():
    indptr, indices = regular_matrix(252, 3, 6, 6)
    llr = noisy_zero_words(40, 252, 1.5, 8)
    llr[:, 3], llr[:, 4], llr[:, 5] = np.nan, np.inf, 1e30
    quantised = np.clip(np.rint(4 * np.clip(np.nan_to_num(llr), -99, 99)), -127, 127).astype(
        np.int8
    )

    from_float = _native.decode_generic(indptr, indices, llr, 20)

    from_int8 = _native.decode_generic(indptr, indices, quantised, 20)
    assert all(np.array_equal(a, b) for a, b in zip(from_float, from_int8))


def test_threads_in_parallel_give_the_same_result():
    indptr, indices = regular_matrix(252, 3, 6, 6)
    llr = noisy_zero_words(200, 252, 1.5, 9)
    expected = _native.decode_generic(indptr, indices, llr, 20)
    results = [None] * 4

    def work(i):
        results[i] = _native.decode_generic(indptr, indices, llr, 20)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(np.array_equal(a, b) for r in results for a, b in zip(r, expected))


def call(indptr=(0, 2, 4), indices=(0, 1, 1, 2), llr=None, max_iter=5, dtype=np.int32):
    llr = np.zeros((1, 4), np.float32) if llr is None else llr
    return _native.decode_generic(np.array(indptr, dtype), np.array(indices, dtype), llr, max_iter)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (dict(indptr=(0, 2, 5)), "end with the number of indices, 4, got 5"),
        (dict(indptr=(0, 2, -4)), "end with"),
        (dict(indptr=(1, 2, 4)), "start with 0, got 1"),
        (dict(indptr=(0, 7, 4)), "number of indices, got 7"),
        (dict(indptr=(0, 3, 1, 4), indices=(0, 1, 2, 3)), "2..256 ones, got -2"),
        (dict(indptr=(0, 1, 4)), "row 0 .* got 1"),
        (dict(indptr=(0, 2, 2, 4)), "row 1 .* got 0"),
        (dict(indptr=(0,), indices=()), "at least 2 entries"),
        (dict(indptr=()), "at least 2 entries"),
        (dict(indices=(0, 1, 1, 4)), "row 1 .* 0..3, got 4"),
        (dict(indices=(-1, 1, 1, 2)), "0..3, got -1"),
        (dict(indices=(1, 0, 1, 2)), "ascending"),
        (dict(indices=(1, 1, 1, 2)), "ascending"),
        (dict(dtype=np.int64), "int32"),
        (dict(llr=np.zeros((1, 1), np.float32)), "columns must be 2.."),
        (dict(llr=np.zeros((1, 0), np.float32)), "columns must be 2.."),
        (dict(llr=np.zeros(4, np.float32)), "2 axes"),
        (dict(llr=np.zeros((1, 4))), "float32 or int8"),
        (dict(llr=np.zeros((4, 2), np.float32).T), "C-contiguous"),
        (dict(max_iter=0), "max_iter must be 1..1000, got 0"),
        (dict(max_iter=1001), "got 1001"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        call(**arguments)


def test_no_words_give_empty_results():
    bits, ok, iterations = call(llr=np.zeros((0, 4), np.int8))

    assert bits.shape == (0, 4) and ok.shape == iterations.shape == (0,)


DIGEST = """
import hashlib, numpy as np
from scsc_core import _native
rng = np.random.default_rng(1)
digest = hashlib.sha256()
for n, d_v, d_c in ((48, 2, 4), (252, 3, 6), (550, 3, 11), (1000, 4, 10)):
    rows = [np.sort(rng.permutation(n).reshape(-1, d_c), axis=1) for _ in range(d_v)]
    indices = np.concatenate(rows).astype(np.int32).ravel()
    indptr = np.arange(0, len(indices) + 1, d_c, dtype=np.int32)
    for mean in (1, 6, 12, 40):
        llr = np.clip(mean + 10 * rng.normal(size=(97, n)), -128, 127).astype(np.int8)
        for part in _native.decode_generic(indptr, indices, llr, 15):
            digest.update(part.tobytes())
print(_native.isa(), digest.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits():
    digests = {}
    for isa in _native.available_isas():
        out = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "SCSC_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert out[0] == isa
        digests[isa] = out[1]

    assert len(set(digests.values())) == 1, digests
