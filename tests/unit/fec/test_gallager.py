# SPDX-License-Identifier: GPL-3.0-or-later
import sys

import numpy as np
import pytest

from scsc_core.fec.gallager import Gallager
from scsc_core.fec.parity_check import code_of_matrix, read_matrix

HAMMING = np.array(
    [[1, 1, 0, 1, 1, 0, 0], [1, 0, 1, 1, 0, 1, 0], [0, 1, 1, 1, 0, 0, 1]], dtype=np.uint8
)
HAMMING_ALIST = """7 3
3 4
2 2 2 3 1 1 1
4 4 4
1 2 0
1 3 0
2 3 0
1 2 3
1 0 0
2 0 0
3 0 0
1 2 4 5
1 3 4 6
2 3 4 7
"""


def pyldpc():
    return pytest.importorskip("pyldpc", reason="extra 'gallager' (pyldpc) is not installed")


def regular_matrix(n, d_v, d_c, seed):
    rng = np.random.default_rng(seed)
    h = np.zeros((d_v * n // d_c, n), np.uint8)
    for layer in range(d_v):
        rows = rng.permutation(n).reshape(-1, d_c) if layer else np.arange(n).reshape(-1, d_c)
        for i, columns in enumerate(rows):
            h[layer * n // d_c + i, columns] = 1
    return h


def awgn_llr(coded, snr_db, rng):
    snr = 10 ** (snr_db / 10)
    received = 1.0 - 2.0 * coded + rng.normal(size=coded.shape) / np.sqrt(snr)
    return (2 * snr * received).astype(np.float32)


def assert_round_trip(code, seed=0):
    bits = np.random.default_rng(seed).integers(0, 2, code.payload_bits, dtype=np.uint8)
    decoded = code.decode(8 - 16 * code.encode(bits).astype(np.float32))
    assert decoded.ok and np.array_equal(decoded.bits, bits)


@pytest.mark.parametrize(
    "payload, coded, bits_per_symbol",
    [(1, 60, 1), (1, 500, 2), (40, 100, 2), (300, 480, 4), (476, 1008, 1), (100, 5000, 2)],
)
def test_regular_codes_round_trip_over_sizes(payload, coded, bits_per_symbol):
    pyldpc()

    assert_round_trip(Gallager(payload, coded, bits_per_symbol))


def test_several_blocks_survive_noise():
    pyldpc()
    rng = np.random.default_rng(3)
    code = Gallager(1400, 3006, 6, seed=1)
    bits = rng.integers(0, 2, 1400, dtype=np.uint8)

    decoded = code.decode(awgn_llr(code.encode(bits), 4.5, rng))

    assert code.n_blocks == 3 and sum(code.block_bits) == 3006
    assert all(size % 6 == 0 for size in code.block_bits)
    assert decoded.ok and np.array_equal(decoded.bits, bits)
    assert 1 <= decoded.iterations <= 20


def test_decodes_what_pyldpc_decodes():
    library = pyldpc()
    n, words = 96, 24
    h, g = library.make_ldpc(n, 3, 6, systematic=True, sparse=True, seed=2)
    code = code_of_matrix(h)
    rng = np.random.default_rng(4)
    v = rng.integers(0, 2, (words, g.shape[1]))
    codewords = (v @ g.T % 2).astype(np.uint8)
    llr = awgn_llr(codewords, 3.5, rng)
    from scsc_core import _native

    ours, ok, _ = _native.decode_generic(code.indptr, code.indices, llr, 30)

    # One word a call: pyldpc's batch decoding is wrong. It wants y = LLR / 2 at snr = 0.
    theirs = np.array([library.decode(h, word.astype(float) / 2, 0, maxiter=30) for word in llr])
    good = (theirs == codewords).all(axis=1)
    # Sum-product and min-sum may differ near the threshold: at most two words of 24 here.
    assert good.sum() >= 18
    assert np.array_equal(ours[good & ok], codewords[good & ok])
    assert (good & ~ok).sum() <= 2


def test_encoder_of_pyldpc_matrix_gives_code_words():
    pyldpc()
    code = Gallager(100, 300, 1, d_c=6).code
    words = np.random.default_rng(0).integers(0, 2, (5, len(code.information)), dtype=np.uint8)
    full = np.empty((5, code.code_bits), int)
    full[:, code.information], full[:, code.parity] = words, code.encode(words)

    checks = np.add.reduceat(full[:, code.indices], code.indptr[:-1], axis=1) % 2

    assert not checks.any()


def test_missing_pyldpc_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyldpc", None)

    with pytest.raises(ModuleNotFoundError, match="pip install pyldpc") as caught:
        Gallager(50, 151, 1, seed=4242)

    assert "\n" not in str(caught.value)


def test_own_matrix_with_dependent_rows_round_trips_without_pyldpc(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyldpc", None)
    h = regular_matrix(240, 3, 6, 5)

    code = Gallager(500, 1200, 2, h=h)

    assert len(code.code.information) >= 122  # three layers have at least two dependent rows
    assert_round_trip(code)


def test_every_code_word_of_the_hamming_code_is_found():
    code = code_of_matrix(HAMMING)
    words = (np.arange(16)[:, None] >> np.arange(4) & 1).astype(np.uint8)
    full = np.empty((16, 7), int)
    full[:, code.information], full[:, code.parity] = words, code.encode(words)

    assert not (full @ HAMMING.T % 2).any()
    assert len({tuple(row) for row in full}) == 16


@pytest.mark.parametrize("kind", ["alist", "npy", "npz", "sparse"])
def test_matrix_files_give_the_matrix(tmp_path, kind):
    path = tmp_path / f"h.{'npz' if kind == 'sparse' else kind}"
    if kind == "alist":
        path.write_text(HAMMING_ALIST)
    elif kind == "npy":
        np.save(path, HAMMING)
    elif kind == "npz":
        np.savez(path, h=HAMMING)
    else:
        sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")
        sparse.save_npz(path, sparse.csr_matrix(HAMMING))

    h = read_matrix(path)

    assert np.array_equal(h, HAMMING)
    assert_round_trip(Gallager(4, 60, 1, h=str(path)))


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.alist", b""),
        ("a.alist", b"7 3"),
        ("a.alist", b"7 x"),
        ("a.alist", HAMMING_ALIST[:40].encode()),
        ("a.alist", HAMMING_ALIST.replace("1 2 3\n", "1 2 9\n").encode()),
        ("a.alist", b"999999999 3 3 3"),
        ("a.npy", b"nonsense"),
        ("a.npz", b"nonsense"),
        ("a.txt", b"1 0"),
    ],
)
def test_damaged_matrix_files_are_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ValueError, match=name):
        read_matrix(tmp_path / name)


def test_missing_matrix_file_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="none.alist"):
        read_matrix(tmp_path / "none.alist")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (dict(payload_bits=0), "payload_bits"),
        (dict(payload_bits=1.5), "payload_bits"),
        (dict(bits_per_symbol=0), "bits_per_symbol"),
        (dict(d_v=2), "d_v must be an integer 3..8"),
        (dict(d_c=3), "d_c must be an integer 4..30"),
        (dict(seed=-1), "seed"),
        (dict(max_iterations=0), "max_iterations"),
        (dict(coded_bits=120), "at least 139 coded bits"),
        (dict(h=HAMMING, coded_bits=200), "each of the 31 code blocks at least 7 bits, got 200"),
        (dict(h=HAMMING * 2), "0 and 1"),
        (dict(h=np.zeros(7)), "matrix"),
        (dict(h=np.eye(7)), "information bits"),
        (dict(h=np.array([[1, 1, 0], [1, 0, 0]])), "row 1 of the matrix must have 2..256 ones"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Gallager(**{**dict(payload_bits=100, coded_bits=1000, bits_per_symbol=1), **arguments})


def test_redundancy_versions_are_refused():
    code = Gallager(4, 60, 1, h=HAMMING)

    with pytest.raises(ValueError, match="rv must be 0"):
        code.encode(np.zeros(4, np.uint8), rv=2)


def test_silence_is_not_ok():
    code = Gallager(100, 500, 1, h=regular_matrix(240, 3, 6, 5))

    decoded = code.decode(np.zeros(500, np.float32))

    assert not decoded.ok and not decoded.block_ok.any()
