# SPDX-License-Identifier: GPL-3.0-or-later
"""Codec results kept on disk: append-only shards with an index each, shared by processes.

A shard is two files of one writer: `<id>.data`, payloads one after the other, and `<id>.index`,
one fixed-size record for each payload. The payload is written and flushed before its record, and
record and payload carry CRC-32, so a killed writer leaves a tail that nobody reads and damage
reads as a miss.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import time
import uuid
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import __version__

_RECORD = struct.Struct("<32sQII")  # key, offset and length of the payload, its CRC-32
_RECORD_SIZE = _RECORD.size + 4  # and the CRC-32 of the record
_PAYLOAD = struct.Struct("<QII")  # bits, height, width; then zlib(picture)
_SHARDS_PER_LIMIT = 16  # removal takes whole shards: a sixteenth of the limit at a time
_LARGEST_SHARD = 256 << 20
_TOUCH_S = 1.0  # a shard's time of last use is written at most this often


class CodecResult(NamedTuple):
    """What a codec made of one picture.

    Attributes: image uint8 [H,W,3], decoded; bits int, length of the coded file in bits.
    """

    image: np.ndarray
    bits: int


class _Place(NamedTuple):
    shard: str
    offset: int
    length: int
    crc: int


@dataclass
class CacheCounts:
    """What happened since the cache was opened: numbers of pictures, and of shards removed."""

    hits: int = 0
    misses: int = 0
    damaged: int = 0
    written: int = 0
    removed_shards: int = 0


@lru_cache(maxsize=32)
def codec_version(codec) -> str:
    """Version of this program and a hash of what the codec makes of a fixed picture.

    The hash notices another encoder library, whose version number may be hidden from us.
    """
    probe = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).repeat(8, 0).repeat(8, 1)
    coded = codec.encode(probe.astype(np.uint8), codec.default_qp)
    return f"{__version__}-{hashlib.sha256(coded).hexdigest()[:16]}"


def cache_key(image: np.ndarray, codec, qp: float) -> bytes:
    """SHA-256 over the picture and all that decides what the codec makes of it.

    Args:
        image: uint8 [H,W,3].
        codec: an image codec; its name, version, subsampling and preset are part of the key.
        qp: quality on the codec's scale.
    """
    subsampling = getattr(codec, "fmt", getattr(codec, "subsampling", ""))
    preset = getattr(codec, "preset", "")
    named = (codec.name, codec_version(codec), qp, subsampling, preset, image.shape)
    digest = hashlib.sha256(repr(named).encode())
    digest.update(np.ascontiguousarray(image))
    return digest.digest()


class CodecCache:
    """Codec results by key, in a folder that several processes and threads may use at once.

    Every process appends to shards of its own. Where the files of all shards outgrow the limit,
    the shards used least recently are removed whole; a hit counts as use.

    Args:
        folder: created if missing.
        limit_gb: float > 0, size of all shards in 10^9 bytes.
    Raises:
        ValueError: limit_gb is not positive.
    Source: training.md section 5.
    """

    def __init__(self, folder: str | Path, limit_gb: float = 8.0):
        if not limit_gb > 0:
            raise ValueError(f"limit_gb must be > 0, got {limit_gb}")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.limit_bytes = int(limit_gb * 1e9)
        self._shard_bytes = min(_LARGEST_SHARD, max(1, self.limit_bytes // _SHARDS_PER_LIMIT))
        self.counts = CacheCounts()
        self._places: dict[bytes, _Place] = {}
        self._read_up_to: dict[str, int] = {}
        self._touched: dict[str, float] = {}
        self._writer: _ShardWriter | None = None
        self._lock = threading.RLock()
        self._refresh()

    def __enter__(self) -> CodecCache:
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: bytes) -> CodecResult | None:
        """The stored result, or None where there is none that is intact."""
        with self._lock:
            payload = self._found(key)
        return None if payload is None else _unpacked(payload)

    def _found(self, key: bytes) -> bytes | None:
        if key not in self._places:
            self._refresh()
        place = self._places.get(key)
        payload = None if place is None else self._payload(place)
        if payload is None:
            self._places.pop(key, None)
            self.counts.misses += 1
            return None
        self.counts.hits += 1
        self._touch(place.shard)
        return payload

    def put(self, key: bytes, image: np.ndarray, bits: int) -> None:
        """Store a decoded picture uint8 [H,W,3] and its number of bits; a known key is left alone.

        Raises:
            ValueError: image is no uint8 [H,W,3].
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"image must be uint8 [H,W,3], got {image.dtype} {image.shape}")
        content = zlib.compress(np.ascontiguousarray(image), 1)
        payload = _PAYLOAD.pack(bits, *image.shape[:2]) + content
        with self._lock:
            if key in self._places:
                return
            # another process may have removed our shard: what is appended to it would be lost
            if self._writer is not None and not self._writer.is_open_for(self._shard_bytes):
                self._end_shard()
            if self._writer is None:
                self._writer = _ShardWriter(self.folder)
            self._places[key] = self._writer.append(key, payload)
            self.counts.written += 1

    def close(self) -> None:
        """End the shard being written; the cache can be used again."""
        with self._lock:
            if self._writer is not None:
                self._end_shard()

    def _end_shard(self) -> None:
        self._writer.close()
        self._writer = None
        self._remove_least_recent()

    def _payload(self, place: _Place) -> bytes | None:
        try:
            with open(self.folder / f"{place.shard}.data", "rb") as file:
                file.seek(place.offset)
                payload = file.read(place.length)
        except FileNotFoundError:  # removed by another process
            return None
        if len(payload) != place.length or zlib.crc32(payload) != place.crc:
            self.counts.damaged += 1
            return None
        return payload

    def _touch(self, shard: str) -> None:
        now = time.monotonic()
        if now - self._touched.get(shard, -_TOUCH_S) >= _TOUCH_S:
            self._touched[shard] = now
            try:
                os.utime(self.folder / f"{shard}.index")
            except FileNotFoundError:
                pass  # removed by another process since it was read: nothing left to keep

    def _refresh(self) -> None:
        """Take in the records that any process has appended since the last look."""
        for path in self.folder.glob("*.index"):
            start = self._read_up_to.get(path.stem, 0)
            try:
                with open(path, "rb") as file:
                    file.seek(start)
                    added = file.read()
            except FileNotFoundError:
                continue
            whole = len(added) // _RECORD_SIZE * _RECORD_SIZE
            self._read_up_to[path.stem] = start + whole
            for at in range(0, whole, _RECORD_SIZE):
                record, check = added[at : at + _RECORD.size], added[at + _RECORD.size :][:4]
                if zlib.crc32(record) != int.from_bytes(check, "little"):
                    self.counts.damaged += 1
                    continue
                key, offset, length, crc = _RECORD.unpack(record)
                self._places[key] = _Place(path.stem, offset, length, crc)

    def _remove_least_recent(self) -> None:
        sizes, used = {}, {}
        for path in self.folder.glob("*.index"):
            size, used[path.stem] = _size_and_use(path)
            sizes[path.stem] = size + _size_and_use(path.with_suffix(".data"))[0]
        total = sum(sizes.values())
        for shard in sorted(used, key=used.get):
            if total <= self.limit_bytes:
                break
            # data first: what a kill leaves is then an index that the next removal still sees
            (self.folder / f"{shard}.data").unlink(missing_ok=True)
            (self.folder / f"{shard}.index").unlink(missing_ok=True)
            total -= sizes[shard]
            self.counts.removed_shards += 1
            self._places = {k: p for k, p in self._places.items() if p.shard != shard}


class _ShardWriter:
    """The two open files of a shard that this process appends to."""

    def __init__(self, folder: Path):
        self.shard = uuid.uuid4().hex
        self._data_path = folder / f"{self.shard}.data"
        self._index = open(folder / f"{self.shard}.index", "xb")
        self._data = open(self._data_path, "xb")

    def is_open_for(self, limit_bytes: int) -> bool:
        """Whether the shard is still in the folder and below its size."""
        return self._data_path.exists() and self._data.tell() < limit_bytes

    def append(self, key: bytes, payload: bytes) -> _Place:
        place = _Place(self.shard, self._data.tell(), len(payload), zlib.crc32(payload))
        self._data.write(payload)
        self._data.flush()
        record = _RECORD.pack(key, *place[1:])
        self._index.write(record + zlib.crc32(record).to_bytes(4, "little"))
        self._index.flush()
        return place

    def close(self) -> None:
        self._data.close()
        self._index.close()


def _size_and_use(path: Path) -> tuple[int, int]:
    """(bytes, time of last change in ns); (0, 0) for a file that another process removed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _unpacked(payload: bytes) -> CodecResult:
    bits, height, width = _PAYLOAD.unpack_from(payload)
    picture = np.frombuffer(zlib.decompress(payload[_PAYLOAD.size :]), np.uint8)
    return CodecResult(picture.reshape(height, width, 3), bits)
