# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of received pictures: files, scores against what was sent, counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import codecs, data
from ..evaluation.metrics import psnr_db
from .counters_board import CountersBoard

MAX_REFERENCES = 64  # a received picture is compared with each


class PictureSink:
    """Takes ReceivedPictures: writes them, scores them, puts them on the board.

    Args:
        output: folder for PNG files; made when it is missing; None: none are written.
        original: function image_id -> (image, name) of what was sent, or None when unknown.
        references: pictures uint8 [H, W, 3]; one that nobody knows the original of is compared with the
            one that resembles it most.
        board: CountersBoard.
        report: function of the values of each picture.
    Attributes:
        counters: Counter of delivered, damaged, unwritten.
        psnr_db: list of float, of compared pictures, newest 10000.
    Raises:
        ValueError: the folder cannot be made.
    """

    def __init__(
        self,
        output: str | Path | None = None,
        original: Callable[[int], tuple[np.ndarray, str] | None] = lambda image_id: None,
        references: list[np.ndarray] | None = None,
        board: CountersBoard | None = None,
        report: Callable[[dict[str, Any]], None] = lambda values: None,
    ):
        self.counters: Counter[str] = Counter()
        self.psnr_db: list[float] = []
        self._original, self._references = original, references or []
        self._board, self._report_values = board or CountersBoard(), report
        self._folder = None if output is None else Path(output)
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ValueError(
                    f"output folder {output} cannot be made: {error.strerror}"
                ) from None
        self._number = 0

    def take(self, received: Any) -> None:
        """One ReceivedPicture."""
        picture, payload = received.picture, received.payload
        self._number += 1
        self.counters["delivered" if picture.delivered else "damaged"] += 1
        original = self._original(payload.image_id)
        name = original[1] if original is not None else None
        score = self._score(picture.image, original)
        values = {
            "number": self._number,
            "image_id": payload.image_id,
            "name": name,
            "delivered": picture.delivered,
            "problem": picture.problem,
            "trusted": round(received.trusted, 4),
            "frames": len(payload.frame_ok),
            "frames_lost": int(np.count_nonzero(~payload.frame_heard)),
            "block_errors": int(np.count_nonzero(~payload.block_ok)),
            "snr_db": round(received.snr_db, 2),
            "psnr_db": None if score is None else round(score, 2),
            "file": self._write(picture.image, payload.image_id),
        }
        self._board.show("received", picture.image, **values)
        self._report_values(values)

    def _score(self, image: np.ndarray, original) -> float | None:
        known = self._references if original is None else [original[0]]
        scores = [psnr_db(image, other) for other in known if other.shape == image.shape]
        if not scores:
            return None
        del self.psnr_db[:-9999]
        self.psnr_db.append(max(scores))
        return self.psnr_db[-1]

    def _write(self, image: np.ndarray, image_id: int) -> str | None:
        if self._folder is None:
            return None
        path = self._folder / f"picture-{self._number:05d}-id{image_id:03d}.png"
        try:
            codecs.save_image(path, image)
        except ValueError:  # a full disk must not end the reception
            self.counters["unwritten"] += 1
            return None
        return str(path)


def load_references(paths: list[str | Path]) -> list[np.ndarray]:
    """Pictures of files and folders to compare with.

    Raises:
        ValueError: a path that does not exist, an unreadable picture, more than 64.
    """
    found = data.list_pictures(list(paths))
    if len(found) > MAX_REFERENCES:
        raise ValueError(f"reference must name at most {MAX_REFERENCES} pictures, got {len(found)}")
    return [codecs.load_image(path) for path in found]
