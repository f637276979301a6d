# SPDX-License-Identifier: GPL-3.0-or-later
"""Codec results on disk: keys, damage, killed writers, several processes, the size limit."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from scsc_core import codecs
from scsc_core.training.codec_cache import CodecCache, cache_key

WRITER = """
import sys
import numpy as np
from scsc_core.training.codec_cache import CodecCache
folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
cache = CodecCache(folder)
print("open", flush=True)
for i in range(count):
    image = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
    cache.put(bytes([seed]) + i.to_bytes(31, "big"), image, i)
    print(i, flush=True)
"""


def picture(seed, height=8, width=12):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def key(number):
    return number.to_bytes(32, "big")


def writer(folder, seed, count):
    command = [sys.executable, "-c", WRITER, str(folder), str(seed), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_result_comes_back(tmp_path):
    with CodecCache(tmp_path) as cache:
        cache.put(key(1), picture(1), 123)
        found = cache.get(key(1))

    assert np.array_equal(found.image, picture(1)) and found.bits == 123
    assert cache.get(key(2)) is None
    assert (cache.counts.hits, cache.counts.misses, cache.counts.written) == (1, 1, 1)


def test_result_outlives_the_cache_object(tmp_path):
    with CodecCache(tmp_path) as cache:
        cache.put(key(1), picture(1), 5)

    assert CodecCache(tmp_path).get(key(1)).bits == 5


def test_cache_open_elsewhere_sees_new_results(tmp_path):
    reader = CodecCache(tmp_path)
    writing = CodecCache(tmp_path)

    writing.put(key(7), picture(7), 9)

    assert reader.get(key(7)).bits == 9


def test_known_key_is_stored_once(tmp_path):
    with CodecCache(tmp_path) as cache:
        cache.put(key(1), picture(1), 5)
        cache.put(key(1), picture(1), 5)

        assert cache.counts.written == 1


def test_key_depends_on_picture_and_every_codec_setting():
    medium, slow = codecs.get("jpeg"), codecs.get("jpeg", subsampling="444")
    image = picture(1, 16, 16)
    changed = image.copy()
    changed[3, 4, 1] ^= 1

    keys = {
        cache_key(image, medium, 50),
        cache_key(changed, medium, 50),
        cache_key(image.reshape(8, 32, 3), medium, 50),
        cache_key(image, medium, 51),
        cache_key(image, slow, 50),
        cache_key(image, codecs.get("jpeg2000"), 30),
    }

    assert len(keys) == 6
    assert cache_key(image.copy(), medium, 50) in keys


@pytest.mark.parametrize("kind", ["data", "index"])
def test_damage_reads_as_a_miss_and_can_be_stored_anew(tmp_path, kind):
    with CodecCache(tmp_path) as cache:
        for i in range(3):
            cache.put(key(i), picture(i), i)
    (path,) = tmp_path.glob(f"*.{kind}")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40  # inside the second of three equal parts
    path.write_bytes(content)

    with CodecCache(tmp_path) as cache:
        assert cache.get(key(1)) is None
        assert cache.counts.damaged == 1
        assert [cache.get(key(i)).bits for i in (0, 2)] == [0, 2]
        cache.put(key(1), picture(1), 1)
        assert np.array_equal(cache.get(key(1)).image, picture(1))


@pytest.mark.parametrize("kind", ["data", "index"])
def test_file_cut_anywhere_gives_whole_results_only(tmp_path, kind):
    with CodecCache(tmp_path) as cache:
        for i in range(2):
            cache.put(key(i), picture(i, 4, 4), i)
    (path,) = tmp_path.glob(f"*.{kind}")
    content = path.read_bytes()

    for length in range(len(content)):
        path.write_bytes(content[:length])
        cache = CodecCache(tmp_path)
        for i in range(2):
            found = cache.get(key(i))
            assert found is None or np.array_equal(found.image, picture(i, 4, 4))


def test_killed_writer_leaves_what_it_finished(tmp_path):
    process = writer(tmp_path, seed=3, count=10**6)
    for line in process.stdout:
        if line.strip() == "25":
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()

    rng, cache = np.random.default_rng(3), CodecCache(tmp_path)

    for i in range(26):
        image = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
        found = cache.get(bytes([3]) + i.to_bytes(31, "big"))
        assert np.array_equal(found.image, image) and found.bits == i


def test_two_processes_write_at_once(tmp_path):
    processes = [writer(tmp_path, seed, count=40) for seed in (1, 2)]
    for process in processes:
        process.communicate()

    cache = CodecCache(tmp_path)

    assert [process.returncode for process in processes] == [0, 0]
    assert len(cache) == 80
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        for i in range(40):
            image = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
            assert np.array_equal(cache.get(bytes([seed]) + i.to_bytes(31, "big")).image, image)


def test_least_recently_used_shards_go_first(tmp_path):
    limit_gb = 40e-6  # a shard ends after 2500 bytes, about two pictures of noise
    with CodecCache(tmp_path, limit_gb) as cache:
        for i in range(40):
            cache.put(key(i), picture(i, 20, 20), i)
        cache.close()
        for number, path in enumerate(sorted(tmp_path.glob("*.index"))):
            os.utime(path, (number + 1, number + 1))
        kept = sorted(cache._places)[0]
        cache._touched.clear()
        assert cache.get(kept) is not None  # the only use after the times above
        for i in range(40, 60):
            cache.put(key(i), picture(i, 20, 20), i)

    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size <= 40_000
    assert cache.counts.removed_shards > 0
    assert CodecCache(tmp_path).get(kept) is not None


def test_shard_removed_elsewhere_is_a_miss_and_writing_goes_on(tmp_path):
    cache = CodecCache(tmp_path)
    cache.put(key(1), picture(1), 1)
    for path in tmp_path.iterdir():
        path.unlink()

    assert cache.get(key(1)) is None
    cache.put(key(2), picture(2), 2)
    assert CodecCache(tmp_path).get(key(2)).bits == 2


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(ValueError, match="limit_gb must be > 0, got 0"):
        CodecCache(tmp_path, 0)
    with pytest.raises(ValueError, match=r"image must be uint8 \[H,W,3\]"):
        CodecCache(tmp_path).put(key(1), picture(1).astype(float), 1)
