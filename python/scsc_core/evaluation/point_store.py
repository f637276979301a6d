# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as JSON lines, one per point, never computed twice: `points.jsonl`.

The file is only ever appended to. A point is found again by the SHA-256 of everything that decides its
result, so a rerun draws from the file, and a changed model, codec or definition finds nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

# Raised when the meaning of a stored number changes: older points are then not found any more.
RESULTS_VERSION = 1


def key(description: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of what decides a result, and of the version of definitions."""
    content = {"results_version": RESULTS_VERSION, **description}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class PointStore:
    """The points of one file; threads may add to it at the same time.

    A last line that was cut off (the program was killed while it wrote) is removed.

    Args:
        path: of the file, made when it is missing.
    Raises:
        ValueError: another program writes to the file, or a line is no point.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._lock = Lock()
        self._file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise ValueError(f"{self.path} is in use by another run; wait for it") from None
        self._points = self._read()

    def _read(self) -> dict[str, dict]:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
        points = {}
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                point = json.loads(line)
                points[point["key"]] = point
            except (ValueError, KeyError, TypeError):
                self._file.close()
                raise ValueError(f"{self.path} line {number} is no point; remove it") from None
        return points

    def __len__(self) -> int:
        return len(self._points)

    def __contains__(self, point_key: str) -> bool:
        return point_key in self._points

    def __getitem__(self, point_key: str) -> dict:
        return self._points[point_key]

    def add(self, points: Iterable[dict]) -> None:
        """Append points, each a dict with "key"; they are in the file when this returns."""
        points = list(points)
        lines = "".join(json.dumps(point, separators=(",", ":")) + "\n" for point in points)
        with self._lock:
            self._file.write(lines)
            self._file.flush()
            self._points.update({point["key"]: point for point in points})

    def close(self) -> None:
        """Give the file free for other runs."""
        self._file.close()

    def __enter__(self) -> PointStore:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
