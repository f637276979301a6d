# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of two antennas as SigMF: cf32_le, `core:num_channels` 2, interleaved by antenna.

Written so that a crash loses nothing but the last moment: metadata are replaced as a whole, samples
are appended, and a reader cuts a sample that was begun only. The metadata are plain JSON; the
package `sigmf`, which validates them against its schema, serves the tests (importing it takes a
second, which every replay would wait for).
"""

from __future__ import annotations

import json
import os
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__

DATATYPE = "cf32_le"
FRAME_BYTES = 16  # two antennas, float32 real and imaginary part
META, DATA = ".sigmf-meta", ".sigmf-data"
NAMESPACE_VERSION = "1.0.0"
MAX_META_BYTES = 1 << 28
MAX_ANNOTATIONS = 200_000  # some minutes of bursts without a gap; more are counted only
_MAX_HZ = 1e12
_SAVE_INTERVAL_S = 1.0
_SAVE_SHARE = 50  # at most 1/50 of the time goes into saving metadata


class RecordingError(ValueError):
    """A recording that cannot be read or written.

    Attributes:
        reason, cure: what is wrong, and what to do about it.
    """

    def __init__(self, reason: str, cure: str):
        super().__init__(f"{reason}; {cure}")
        self.reason, self.cure = reason, cure


def recording_paths(name: str | Path) -> tuple[Path, Path]:
    """Metadata and data file of a recording named with or without one of the suffixes."""
    path = Path(name)
    base = path.with_suffix("") if path.suffix in (META, DATA, ".sigmf") else path
    if not base.name:
        raise RecordingError(f"{str(name)!r} names no recording", "give a file name")
    return base.with_name(base.name + META), base.with_name(base.name + DATA)


class SigmfWriter:
    """Appends samples of two antennas to a recording.

    Args:
        name: path, with or without suffix.
        rate_hz, frequency_hz: float > 0.
        description: str, for people.
        overwrite: bool, replace an existing recording.
    Attributes:
        n_samples: int, samples per antenna written.
        annotations_left_out: int, those above the limit.
    Raises:
        RecordingError: it exists already, or the folder cannot be written.
    Source: SigMF 1.2; waveform.md section 13.
    """

    def __init__(
        self,
        name: str | Path,
        rate_hz: float,
        frequency_hz: float,
        description: str = "",
        overwrite: bool = False,
    ):
        self.meta_path, self.data_path = recording_paths(name)
        self.n_samples = self.annotations_left_out = 0
        self._global = {
            "core:datatype": DATATYPE,
            "core:version": "1.2.0",
            "core:num_channels": 2,
            "core:sample_rate": float(rate_hz),
            "core:recorder": f"gr-scsc {__version__}",
            "core:description": description,
            "core:extensions": [{"name": "scsc", "version": NAMESPACE_VERSION, "optional": True}],
            "scsc:complete": False,
            "scsc:sample_count": 0,
        }
        self._frequency_hz = float(frequency_hz)
        self._captures: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._next_save = 0.0
        existing = [path.name for path in (self.meta_path, self.data_path) if path.exists()]
        if existing and not overwrite:
            raise RecordingError(
                f"{existing[0]} exists already", "choose another name, or set overwrite"
            )
        try:
            self._data = open(self.data_path, "wb", buffering=0)
            self.start_capture(0)
            self._save()
        except OSError as error:
            raise RecordingError(
                f"{self.data_path} cannot be written: {error.strerror}", "choose another folder"
            ) from None

    def start_capture(self, global_index: int, unix_time_s: float | None = None) -> None:
        """Begin a segment here: the opening, or the first sample behind lost ones.

        Args:
            global_index: sample count of the device, lost samples included.
            unix_time_s: when it was received; None: now.
        """
        moment = datetime.fromtimestamp(
            time.time() if unix_time_s is None else unix_time_s, timezone.utc
        )
        capture = {
            "core:sample_start": self.n_samples,
            "core:global_index": int(global_index),
            "core:frequency": self._frequency_hz,
            "core:datetime": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        if self._captures and self._captures[-1]["core:sample_start"] == self.n_samples:
            self._captures.pop()
        if len(self._captures) < MAX_ANNOTATIONS:
            self._captures.append(capture)

    def write(self, samples: np.ndarray) -> None:
        """Append complex [2, n]; RecordingError when the disk takes no more."""
        samples = np.asarray(samples)
        if samples.ndim != 2 or samples.shape[0] != 2:
            raise ValueError(f"samples must be complex [2, n], got {list(samples.shape)}")
        data = memoryview(np.ascontiguousarray(samples.T, "<c8")).cast("B")
        try:
            while data:  # a raw file may take a part only
                data = data[self._data.write(data) :]
            self.n_samples += samples.shape[1]
            if time.monotonic() >= self._next_save:
                self._save()
        except OSError as error:
            raise RecordingError(
                f"{self.data_path} cannot be written: {error.strerror}", "free some space"
            ) from None

    def annotate(self, start: int, length: int, label: str, **fields: Any) -> None:
        """Describe samples start .. start + length - 1; fields go into the namespace `scsc`."""
        if len(self._annotations) >= MAX_ANNOTATIONS:
            self.annotations_left_out += 1
            return
        self._annotations.append(
            {
                "core:sample_start": int(start),
                "core:sample_count": int(length),
                "core:label": label,
                **{f"scsc:{name}": _plain(value) for name, value in fields.items()},
            }
        )

    def close(self) -> None:
        """Finalise the metadata; may be called twice."""
        if self._data.closed:
            return
        try:
            os.fsync(self._data.fileno())
            self._data.close()
            self._global["scsc:complete"] = True
            self._save()
        except OSError as error:
            raise RecordingError(
                f"{self.meta_path} cannot be written: {error.strerror}", "free some space"
            ) from None

    def __enter__(self) -> SigmfWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _save(self) -> None:
        """Replace the metadata as a whole; a reader never sees half of them."""
        begin = time.monotonic()
        self._global["scsc:sample_count"] = self.n_samples
        content = {
            "global": self._global,
            "captures": self._captures,
            "annotations": sorted(self._annotations, key=lambda a: a["core:sample_start"]),
        }
        new = self.meta_path.with_name(self.meta_path.name + ".new")
        new.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
        new.replace(self.meta_path)
        end = time.monotonic()
        self._next_save = end + max(_SAVE_INTERVAL_S, _SAVE_SHARE * (end - begin))


def _plain(value: Any) -> Any:
    """A value as JSON has it; what JSON cannot say (NaN, infinity) becomes null."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


class SigmfReader:
    """Samples and metadata of a recording of two antennas.

    Args:
        name: path, with or without suffix.
    Attributes:
        rate_hz, frequency_hz: of the metadata; frequency 0 when they name none.
        n_samples: int, whole samples per antenna in the data file.
        captures, annotations: lists of dicts as in the metadata.
        cut_bytes: int, bytes of a sample that was begun only (after a crash).
    Raises:
        RecordingError: missing file, no JSON, another type or number of channels, no rate, less
            data than a finalised recording says.
    Source: SigMF 1.2; waveform.md section 13.
    """

    def __init__(self, name: str | Path):
        meta_path, data_path = recording_paths(name)
        content = _read_meta(meta_path)
        self.rate_hz = _rate(content["global"], meta_path)
        self.captures, self.annotations = content["captures"], content["annotations"]
        self.frequency_hz = float(self.captures[0].get("core:frequency", 0) or 0)
        try:
            self._data = open(data_path, "rb", buffering=0)
        except OSError as error:
            raise RecordingError(
                f"{data_path} cannot be read: {error.strerror}",
                "metadata and data must lie in the same folder",
            ) from None
        size = os.fstat(self._data.fileno()).st_size
        self.n_samples, self.cut_bytes = divmod(size, FRAME_BYTES)
        self.complete = bool(content["global"].get("scsc:complete", not self.cut_bytes))
        stated = content["global"].get("scsc:sample_count", 0)
        if self.complete and (self.cut_bytes or self.n_samples < stated):
            self._data.close()
            raise RecordingError(
                f"{data_path} is truncated: {size} bytes, {max(stated, self.n_samples + 1)} "
                f"samples of {FRAME_BYTES} bytes are missing or cut",
                "copy it again",
            )
        if self.n_samples == 0:
            self._data.close()
            raise RecordingError(f"{data_path} holds no samples", "record again")
        self.position = 0

    def read(self, n: int) -> np.ndarray:
        """The next samples, complex64 [2, m], m <= n; m = 0 at the end."""
        count = min(n, self.n_samples - self.position)
        data = bytearray()
        while len(data) < count * FRAME_BYTES:
            more = self._data.read(count * FRAME_BYTES - len(data))
            if not more:  # the file became shorter meanwhile
                self.n_samples = self.position + len(data) // FRAME_BYTES
                break
            data += more
        frames = np.frombuffer(data[: len(data) // FRAME_BYTES * FRAME_BYTES], "<c8")
        samples = np.ascontiguousarray(frames.reshape(-1, 2).T, np.complex64)
        self.position += samples.shape[1]
        return samples

    def seek(self, sample: int) -> None:
        """Go to a sample; ValueError outside the recording."""
        if not 0 <= sample <= self.n_samples:
            raise ValueError(f"sample must be in 0..{self.n_samples}, got {sample}")
        self._data.seek(sample * FRAME_BYTES)
        self.position = sample

    def close(self) -> None:
        """Close the data file."""
        self._data.close()

    def __enter__(self) -> SigmfReader:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _read_meta(path: Path) -> dict[str, Any]:
    """The metadata with the parts that a reader needs, checked."""
    try:
        if path.stat().st_size > MAX_META_BYTES:
            raise RecordingError(f"{path} is larger than {MAX_META_BYTES} bytes", "no metadata")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read: {error.strerror}", "give the name of a SigMF recording"
        ) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(f"{path} is not JSON: {error}", "record or copy it again") from None
    if not isinstance(content, dict) or not isinstance(content.get("global"), dict):
        raise RecordingError(f"{path} has no object 'global'", "it must be SigMF metadata")
    for part in ("captures", "annotations"):
        entries = content.setdefault(part, [])
        if not isinstance(entries, list) or not all(_has_start(entry) for entry in entries):
            raise RecordingError(
                f"{path}: {part} must be a list of objects with core:sample_start >= 0",
                "repair the metadata",
            )
    content["captures"] = content["captures"] or [{"core:sample_start": 0}]
    _check_format(content, path)
    return content


def _has_start(entry: Any) -> bool:
    start = entry.get("core:sample_start") if isinstance(entry, dict) else None
    return isinstance(start, int) and not isinstance(start, bool) and start >= 0


def _check_format(content: dict[str, Any], path: Path) -> None:
    described = content["global"]
    if described.get("core:datatype") != DATATYPE:
        raise RecordingError(
            f"{path}: core:datatype must be {DATATYPE}, got {described.get('core:datatype')!r}",
            "convert the samples to little-endian complex float32",
        )
    channels = described.get("core:num_channels", 1)
    if channels != 2 or isinstance(channels, bool):
        raise RecordingError(
            f"{path}: core:num_channels must be 2, got {channels!r}",
            "record both antennas into one file, interleaved",
        )
    if any(
        capture.get(key) for capture in content["captures"]
        for key in ("core:header_bytes", "core:trailing_bytes")
    ):  # fmt: skip
        raise RecordingError(f"{path}: header_bytes are not supported", "store samples only")
    stated = described.get("scsc:sample_count", 0)
    if not isinstance(stated, int) or stated < 0:
        raise RecordingError(
            f"{path}: scsc:sample_count must be an integer >= 0, got {stated!r}", "repair it"
        )
    frequency = content["captures"][0].get("core:frequency", 0)
    if not _is_number(frequency) or not 0 <= frequency < _MAX_HZ:
        raise RecordingError(
            f"{path}: core:frequency must be a number in 0..{_MAX_HZ:g}", "repair the metadata"
        )


def _rate(described: dict[str, Any], path: Path) -> float:
    rate = described.get("core:sample_rate")
    if not _is_number(rate) or not 1 <= rate < _MAX_HZ:
        raise RecordingError(
            f"{path}: core:sample_rate must be a number in 1..{_MAX_HZ:g}, got {rate!r}",
            "repair the metadata",
        )
    return float(rate)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
