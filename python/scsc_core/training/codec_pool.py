# SPDX-License-Identifier: GPL-3.0-or-later
"""The real codec inside training: pictures to decoded pictures and bits, on worker threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ..codecs import ImageCodec


class Transcoded(NamedTuple):
    """One picture through the codec: decoded uint8 [H, W, 3], and its bytes."""

    image: np.ndarray
    data: bytes

    @property
    def bits(self) -> int:
        """Size of the compressed picture."""
        return 8 * len(self.data)


class CodecPool:
    """Encodes and decodes batches; threads suffice, since the native codec releases the GIL.

    Results come in the order of the pictures, whatever the number of workers.

    Args:
        codec: such as codecs.get("bpg", preset="medium").
        workers: threads, >= 1.
    """

    def __init__(self, codec: ImageCodec, workers: int = 1):
        if workers < 1:
            raise ValueError(f"codec_workers must be >= 1, got {workers}")
        self.codec = codec
        self._pool = ThreadPoolExecutor(workers, "codec") if workers > 1 else None

    def transcode(self, images: list[np.ndarray], qps: list[int]) -> list[Transcoded]:
        """What the codec makes of pictures uint8 [H, W, 3] at their QPs."""
        mapped = map if self._pool is None else self._pool.map
        return list(mapped(self._one, images, qps))

    def _one(self, image: np.ndarray, qp: int) -> Transcoded:
        data = self.codec.encode(image, qp)
        return Transcoded(self.codec.decode(data), data)
