# SPDX-License-Identifier: GPL-3.0-or-later
"""The real codec inside training: pictures to decoded pictures and bits, on worker threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..codecs import ImageCodec


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

    def transcode(
        self, images: list[np.ndarray], qps: list[int]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Decoded pictures uint8 [H, W, 3], and bits int64 [B], of pictures at their QPs."""
        mapped = map if self._pool is None else self._pool.map
        results = list(mapped(self._one, images, qps))
        return [image for image, _ in results], np.array([bits for _, bits in results], np.int64)

    def _one(self, image: np.ndarray, qp: int) -> tuple[np.ndarray, int]:
        data = self.codec.encode(image, qp)
        return self.codec.decode(data), 8 * len(data)
