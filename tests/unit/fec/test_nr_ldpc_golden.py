# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden vectors: the whole set where it lies beside the repository, else the copy here."""

import os
from pathlib import Path

import numpy as np
import pytest

from scsc_core import _native

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("SCSC_DATA", ROOT.parent / "shared")) / "golden" / "ldpc"
COPY = ROOT / "tests" / "golden" / "ldpc"
KB = {1: 22, 2: 10}
SENT_COLUMNS = {1: 66, 2: 50}


def load(name):
    return np.load((SHARED if SHARED.is_dir() else COPY) / f"{name}.npz")


def unpack(packed, n):
    return np.unpackbits(packed)[:n]


def test_codewords_equal_the_golden_ones():
    data = load("encoder")

    for i, (bg, z, _) in enumerate(data["params"]):
        words = np.stack([unpack(data[f"in_{i}_{j}"], KB[bg] * z) for j in range(2)])
        expected = [unpack(data[f"out_{i}_{j}"], SENT_COLUMNS[bg] * z) for j in range(2)]
        assert np.array_equal(_native.ldpc_encode(bg, z, words), expected), (bg, z)


def test_rate_matching_equals_the_golden_one():
    data = load("rate_match")

    for i, (g, bg, z, used, sent, rv, qm, nref) in enumerate(data["params"]):
        d = unpack(data[f"d_{g}"], SENT_COLUMNS[bg] * z)
        runs = _native.ldpc_rate_match_runs(bg, z, used, sent, rv, nref)
        selected = np.concatenate([d[start : start + length] for start, length in runs])
        interleaved = selected.reshape(qm, -1).T.ravel()
        assert np.array_equal(interleaved, unpack(data[f"f_{i}"], sent)), i


def test_transport_blocks_equal_the_golden_ones():
    data = load("transport_block")

    for i, (a, g, qm, nl, bg, nref, rv) in enumerate(data["params"]):
        tb = _native.LdpcTb(a, g, qm, nl=nl, rate=data["rate"][i], nref=nref)
        assert tb.bg == bg
        assert sum(tb.E) == g
        coded = tb.encode(unpack(data[f"in_{i}"], a)[None], rv)[0]
        assert np.array_equal(coded, unpack(data[f"out_{i}"], g)), i


@pytest.mark.parametrize("kind", ["f32", "i8"])
@pytest.mark.parametrize("max_iterations", [8, 12])
def test_noisy_golden_inputs_decode_or_are_refused(kind, max_iterations):
    data = load("decoder")
    seen = 0

    for i, (a, g, qm, nl, _bg, nref, expect) in enumerate(data["params"]):
        if f"llr_{kind}_{i}_0" not in data.files:
            continue
        tb = _native.LdpcTb(
            a, g, qm, nl=nl, rate=data["rate"][i], nref=nref, max_iter=max_iterations
        )
        soft = np.zeros((1, tb.C, tb.N), np.int8)
        outcome = []
        for t, rv in enumerate(data["rvs"][i]):
            if rv >= 0:
                bits, _, ok, _ = tb.decode(data[f"llr_{kind}_{i}_{t}"][None], soft, rv)
                outcome.append(bool(ok[0]))
        seen += 1
        if not expect:
            assert not any(outcome), i
            continue
        assert outcome[-1], i
        assert len(outcome) == 1 or not outcome[0], i
        assert np.array_equal(bits[0], unpack(data[f"bits_{i}"], a)), i
    assert seen >= 10
