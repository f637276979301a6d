# SPDX-License-Identifier: GPL-3.0-or-later
"""The strict native class and the kernels below it: every graph, every instruction set, threads."""

import csv
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from scsc_core import _native

ROOT = Path(__file__).resolve().parents[3]
LIFTING = sorted(a << j for a in (2, 3, 5, 7, 9, 11, 13, 15) for j in range(8) if a << j <= 384)
SETS = (2, 3, 5, 7, 9, 11, 13, 15)
KB = {1: 22, 2: 10}
COLUMNS = {1: 68, 2: 52}
ROWS = {1: 46, 2: 42}
CHECKSUM = {
    1: "e6152c629c57a14ef442da9ca1184a0ae45f4dbed7333c454d025a29d1e8bb31",
    2: "109ee0878c2b7615b9964491ce48eb61808c10806c98580c95fc659f08ce7430",
}


def table(bg):
    with open(ROOT / "gr-scsc" / "data" / f"nr_ldpc_bg{bg}.csv") as file:
        return [tuple(map(int, row)) for row in csv.reader(x for x in file if x[0] not in "#r")]


def syndrome(bg, z, word):
    base = z
    while base % 2 == 0 and base > 2:
        base //= 2
    column_of_shift = 2 + SETS.index(base)
    blocks = word.reshape(-1, z)
    checks = np.zeros((ROWS[bg], z), np.uint8)
    for entry in table(bg):
        checks[entry[0]] ^= np.roll(blocks[entry[1]], -(entry[column_of_shift] % z))
    return checks


@pytest.mark.parametrize("bg, entries", [(1, 316), (2, 197)])
def test_base_graph_tables_are_unchanged(bg, entries):
    rows = table(bg)

    assert len(rows) == entries
    assert hashlib.sha256(repr(rows).encode()).hexdigest() == CHECKSUM[bg]


@pytest.mark.parametrize("bg", [1, 2])
def test_every_graph_encodes_to_codewords_and_decodes_noise(bg):
    rng = np.random.default_rng(bg)

    for z in LIFTING:
        information = rng.integers(0, 2, (3, KB[bg] * z), dtype=np.uint8)
        sent = _native.ldpc_encode(bg, z, information)
        words = np.concatenate([information[:, : 2 * z], sent], axis=1)
        assert not any(syndrome(bg, z, word).any() for word in words), z
        # Far above the threshold: a syndrome over all rows is never satisfied once a parity bit of
        # its own row alone arrives wrong by more than the largest message, 31 (here 5.9 sigma).
        llr = 10 * (1.0 - 2.0 * sent) + 7 * rng.standard_normal(sent.shape)
        llr = np.clip(np.rint(llr), -127, 127).astype(np.int8)
        bits, ok, iterations = _native.ldpc_decode(bg, z, llr, max_iter=20)
        assert ok.all(), z
        assert np.array_equal(bits, information), z
        assert iterations.max() <= 20


def test_noiseless_words_of_every_row_count_decode():
    rng = np.random.default_rng(1)
    for bg in (1, 2):
        z = 48
        information = rng.integers(0, 2, (1, KB[bg] * z), dtype=np.uint8)
        sent = _native.ldpc_encode(bg, z, information)
        for n_rows in (8, 20, ROWS[bg]):
            llr = np.where(sent == 0, 20, -20).astype(np.int8)
            llr[:, (KB[bg] + n_rows - 2) * z :] = 0
            bits, ok, _ = _native.ldpc_decode(bg, z, llr, n_rows=n_rows)
            assert ok[0] and np.array_equal(bits, information)


CASES = [(40, 80, 2), (616, 1300, 2), (3752, 7504, 4), (8424, 16848, 2), (3824, 23000, 2)]
CASES += [(1000, 2200, 6), (20496, 40992, 2), (24, 200, 8), (1800, 3000, 3)]


def fingerprint():
    """Hash of everything that coder and decoder give for noisy inputs of many lane layouts."""
    rng = np.random.default_rng(11)
    digest = hashlib.sha256()
    for a, g, qm in CASES:
        g -= g % qm
        for max_iterations in (2, 12):
            tb = _native.LdpcTb(a, g, qm, max_iter=max_iterations)
            coded = tb.encode(rng.integers(0, 2, (3, a), dtype=np.uint8), 0)
            llr = 2.5 * (1.0 - 2.0 * coded) + 2.2 * rng.standard_normal(coded.shape)
            soft = np.zeros((3, tb.C, tb.N), np.int8)
            for part in (coded, *tb.decode(llr.astype(np.float32), soft), soft):
                digest.update(np.ascontiguousarray(part).tobytes())
    for bg in (1, 2):
        for z in LIFTING:
            words = rng.integers(0, 2, (2, KB[bg] * z), dtype=np.uint8)
            sent = _native.ldpc_encode(bg, z, words)
            llr = 6 * (1.0 - 2.0 * sent) + 9 * rng.standard_normal(sent.shape)
            llr = np.clip(np.rint(llr), -128, 127).astype(np.int8)
            for part in (sent, *_native.ldpc_decode(bg, z, llr, max_iter=4)):
                digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def fingerprint_of(**environment):
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_nr_ldpc_native as t; print(t._native.isa(), t.fingerprint())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_every_instruction_set_gives_identical_bits():
    here = fingerprint()

    for isa in _native.available_isas():
        assert fingerprint_of(SCSC_ISA=isa) == [isa, here]


def test_several_threads_give_the_result_of_one():
    here = fingerprint()

    assert fingerprint_of(SCSC_THREADS="3")[1] == here


@pytest.mark.parametrize("value", ["0", "-1", "two", "1000"])
def test_bad_thread_count_is_refused(value):
    code = "from scsc_core import _native; _native.thread_count()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SCSC_THREADS": value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"SCSC_THREADS must be an integer in 1..256, got {value}" in done.stderr


def test_concurrent_calls_do_not_disturb_each_other():
    rng = np.random.default_rng(2)
    inputs = []
    for a, g, qm in CASES:
        tb = _native.LdpcTb(a, g - g % qm, qm)
        llr = rng.standard_normal((2, g - g % qm)).astype(np.float32) * 2
        inputs.append((tb, llr, tb.decode(llr)))
    wrong = []

    def work(order):
        for index in order:
            tb, llr, expected = inputs[index]
            got = tb.decode(llr)
            if not all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True)):
                wrong.append(index)

    orders = [rng.permutation(len(inputs)) for _ in range(4)]
    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def test_decoding_releases_the_interpreter_lock():
    tb = _native.LdpcTb(8424, 16848, 2, max_iter=50)
    rng = np.random.default_rng(0)
    llr = rng.standard_normal((200, 16848)).astype(np.float32)
    finished = threading.Event()
    started = threading.Event()

    def work():
        started.set()
        tb.decode(llr)  # hopeless input: 200 blocks of 50 iterations
        finished.set()

    # With the lock held through the call, this thread could count only before and after it.
    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    count = 0
    while not finished.is_set():
        count += 1
    thread.join()

    assert count > 1000


def test_strict_class_reports_its_plan():
    tb = _native.LdpcTb(16824, 40000, 2)

    # B = 16848 is exactly two blocks of 8424 + 24 bits.
    assert (tb.bg, tb.C, tb.L_tb, tb.Z, tb.Kp, tb.F) == (1, 2, 24, 384, 8448, 0)
    assert tb.K - tb.Kp == tb.F
    assert tb.N == (COLUMNS[tb.bg] - 2) * tb.Z
    assert sum(tb.E) == 40000 and len(tb.E) == tb.C


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(A=0, G=10, qm=2), "A must be"),
        (dict(A=8425, G=20000, qm=2), "does not divide"),
        (dict(A=100, G=201, qm=2), "G must be a multiple"),
        (dict(A=100, G=-2, qm=2), "G must be"),
        (dict(A=100, G=200, qm=2, rate=1.5), "rate must be"),
        (dict(A=100, G=200, qm=2, bg=3), "bg must be"),
        (dict(A=100, G=200, qm=2, nref=-1), "nref must be"),
        (dict(A=100, G=200, qm=2, max_iter=0), "max_iter must be"),
        (dict(A=2**30, G=2**30, qm=2), "A must be"),
    ],
)
def test_illegal_sizes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        _native.LdpcTb(**arguments)


def test_wrong_arrays_are_refused():
    tb = _native.LdpcTb(100, 200, 2)
    good = np.zeros((2, 200), np.int8)
    soft = np.zeros((2, tb.C, tb.N), np.int8)
    frozen = soft.copy()
    frozen.flags.writeable = False

    for llr, buffer in [
        (good.astype(np.int16), soft),
        (good[:, :-1], soft),
        (good[0], soft),
        (np.asfortranarray(good), soft),
        (good, soft[:1]),
        (good, soft[..., :-1]),
        (good, soft.astype(np.uint8)),
        (good, np.asfortranarray(soft)),
        (good, frozen),
    ]:
        with pytest.raises(ValueError):
            tb.decode(llr, buffer)
    with pytest.raises(ValueError, match="0 and 1"):
        tb.encode(np.full((1, 100), 255, np.uint8))
    with pytest.raises(ValueError, match="c must have the shape"):
        _native.ldpc_encode(1, 2, np.zeros((1, 43), np.uint8))
    with pytest.raises(ValueError, match="lifting size"):
        _native.ldpc_decode(1, 17, np.zeros((1, 66 * 17), np.int8))
    with pytest.raises(ValueError, match="base graph"):
        _native.ldpc_rate_match_runs(3, 2, 44, 10, 0)
    with pytest.raises(ValueError, match="n_rows"):
        _native.ldpc_decode(2, 2, np.zeros((1, 100), np.int8), n_rows=3)


def test_runs_of_rate_matching_skip_fillers_and_wrap():
    # BG2, Z = 10: N = 500, fillers of K' = 90 lie at 70..80.
    assert _native.ldpc_rate_match_runs(2, 10, 90, 70, 0) == [(0, 70)]
    assert _native.ldpc_rate_match_runs(2, 10, 90, 71, 0) == [(0, 70), (80, 1)]
    assert _native.ldpc_rate_match_runs(2, 10, 90, 495, 0) == [(0, 70), (80, 420), (0, 5)]
    assert _native.ldpc_rate_match_runs(2, 10, 90, 80, 3) == [(430, 70), (0, 10)]
    assert _native.ldpc_rate_match_runs(2, 10, 90, 130, 0, nref=100) == [(0, 70), (80, 20), (0, 40)]
