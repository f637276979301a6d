# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged data: only DecodeError, never a crash, and the same picture for the same bytes."""

import os
import pickle
import resource
import subprocess
import sys
import time

import numpy as np
import pytest

import scsc_core
from scsc_core import codecs
from scsc_core.codecs import bpg
from scsc_core.codecs.bpg import have_bpg

NAMES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "bpg" and not have_bpg(), reason="built without x265 and libde265"
        ),
    )
    for name in codecs.names()
]
needs_bpg = pytest.mark.skipif(not have_bpg(), reason="built without x265 and libde265")
HANG_S = 10
MEMORY_KIB = 1 << 20


def damaged(data, rng, kind):
    out = bytearray(data)
    if kind == "bit flips":
        for _ in range(rng.integers(1, 6)):
            out[rng.integers(len(out))] ^= 1 << rng.integers(8)
    elif kind == "cut":
        del out[rng.integers(len(out)) :]
    elif kind == "zero run":
        at, count = rng.integers(len(out)), rng.integers(1, 60)
        out[at : at + count] = bytes(len(out[at : at + count]))
    elif kind == "header byte":
        out[rng.integers(min(len(out), 100))] = rng.integers(256)
    elif kind == "garbage":
        at = rng.integers(4, len(out))
        out[at:] = rng.integers(0, 256, len(out) - at, dtype=np.uint8).tobytes()
    return bytes(out)


KINDS = ("bit flips", "cut", "zero run", "header byte", "garbage")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_raises_decode_error_at_most_and_is_reproducible(name, kind, picture):
    codec, rng = codecs.get(name), np.random.default_rng(KINDS.index(kind))
    data = codec.encode(picture(56, 72))

    for _ in range(30):
        bad = damaged(data, rng, kind)
        start = time.monotonic()
        try:
            codec.decode(bad)
        except codecs.DecodeError:
            pass
        first, second = codec.decode_damaged(bad), codec.decode_damaged(bad)
        assert time.monotonic() - start < HANG_S
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
        assert first[0].dtype == np.uint8 and first[0].shape == (*first[1].shape, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * MEMORY_KIB


@pytest.mark.parametrize("name", NAMES)
def test_pixels_in_the_mask_equal_the_intact_picture(name, picture):
    codec, rng = codecs.get(name), np.random.default_rng(5)
    data = codec.encode(picture(200, 300))
    intact, kept = codec.decode(data), []

    for valid in np.linspace(1, len(data) - 1, 12).astype(int):
        tail = rng.integers(0, 256, len(data) - valid, dtype=np.uint8).tobytes()
        image, mask = codec.decode_damaged(
            data[:valid] + tail, valid_bytes=int(valid), size=(200, 300)
        )
        assert (image == intact).all(2)[mask].all()
        kept.append(mask.mean())

    assert kept == sorted(kept)
    if name != "jpeg2000":
        assert kept[-1] > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_intact_data_are_wholly_trusted(name, picture):
    codec = codecs.get(name)
    data = codec.encode(picture(40, 50))

    image, mask = codec.decode_damaged(data, valid_bytes=len(data))

    assert mask.all()
    np.testing.assert_array_equal(image, codec.decode(data))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [b"", b"\0", b"BPG\xfb", b"\xff\xd8\xff\xd9", bytes(500)])
def test_nothing_decodable_gives_mid_gray_of_the_given_size(name, data):
    codec = codecs.get(name)

    image, mask = codec.decode_damaged(data, size=(30, 20))

    assert image.shape == (30, 20, 3) and (image == 128).all() and not mask.any()
    with pytest.raises(codecs.DecodeError):
        codec.decode(data)


@pytest.mark.parametrize("name", NAMES)
def test_given_size_wins_over_the_header(name, picture):
    codec = codecs.get(name)

    image, mask = codec.decode_damaged(codec.encode(picture(40, 50)), size=(16, 24))

    assert image.shape == (16, 24, 3) and not mask.any()


@pytest.mark.parametrize("size", [(0, 4), (-3, 5), (10**6, 10**6), "ab", (1,), (float("inf"), 2)])
def test_senseless_size_is_not_an_error(size):
    image, mask = codecs.get("jpeg").decode_damaged(b"", size=size)

    assert image.shape == (16, 16, 3) and not mask.any()


@needs_bpg
def test_huge_bpg_header_is_refused_before_memory_is_taken(picture):
    data = codecs.get("bpg").encode(picture(24, 24))
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    huge = data[:6] + b"\x83\xd4\x60" * 2 + data[8:]  # 60000 x 60000
    with pytest.raises(codecs.DecodeError, match="60000 x 60000"):
        codecs.get("bpg").decode(huge)

    codecs.get("bpg").decode_damaged(huge)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start < MEMORY_KIB // 10


@needs_bpg
def test_largest_damaged_header_stays_below_one_gigabyte(picture):
    script = (
        "import sys, resource; from scsc_core import codecs\n"
        "data = sys.stdin.buffer.read()\n"
        "image, mask = codecs.get('bpg').decode_damaged(data)\n"
        "assert image.shape == (4096, 4096, 3)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    data = codecs.get("bpg").encode(picture(24, 24))
    large = data[:6] + b"\xa0\x00" * 2 + data[8:]  # 4096 x 4096

    peak_kib = int(run_python(script, large))

    assert peak_kib < MEMORY_KIB


def run_python(script, data, **environment):
    root = os.path.dirname(os.path.dirname(os.path.abspath(scsc_core.__file__)))
    child = subprocess.run(
        [sys.executable, "-c", script],
        input=data,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": root, **environment},
        check=True,
        timeout=60,
    )
    return child.stdout.decode()


@needs_bpg
def test_damaged_bpg_does_not_depend_on_heap_content(picture):
    script = (
        "import sys, hashlib, pickle; from scsc_core import codecs\n"
        "h = hashlib.sha256()\n"
        "for case in pickle.loads(sys.stdin.buffer.read()):\n"
        "    for array in codecs.get('bpg').decode_damaged(case): h.update(array.tobytes())\n"
        "print(h.hexdigest())"
    )
    rng, data = np.random.default_rng(11), codecs.get("bpg").encode(picture(120, 160), qp=30)
    cases = [damaged(data, rng, KINDS[i % len(KINDS)]) for i in range(60)]

    hashes = {run_python(script, pickle.dumps(cases), MALLOC_PERTURB_=p) for p in ("0", "165")}

    assert len(hashes) == 1 and len(hashes.pop().strip()) == 64


@needs_bpg
def test_isolated_decoder_gives_the_same_and_only_decode_errors(picture):
    plain, isolated = codecs.get("bpg"), codecs.get("bpg", isolate=True)
    data = plain.encode(picture(40, 40))

    np.testing.assert_array_equal(isolated.decode(data), plain.decode(data))
    with pytest.raises(codecs.DecodeError, match="not a BPG file"):
        isolated.decode(b"nothing")


@needs_bpg
def test_safe_decoding_notices_a_cut_at_every_byte(picture):
    data = codecs.get("bpg").encode(picture(20, 28), qp=40)
    intact = bpg.to_rgb(bpg.decode(data))
    unnoticed = 0

    for length in range(len(data)):
        try:
            decoded = bpg.decode(data[:length], safe=True)
        except codecs.DecodeError:
            continue
        # Only bits behind the last coded one may be missing without harm.
        if decoded.ok:
            unnoticed += 1
            np.testing.assert_array_equal(bpg.to_rgb(decoded), intact)

    assert unnoticed <= 2
