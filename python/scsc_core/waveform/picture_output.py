# SPDX-License-Identifier: GPL-3.0-or-later
"""What the receiver shows of a payload, whole or with holes."""

from __future__ import annotations

import numpy as np

from .. import codecs, framing, link
from .configuration import WaveformConfig
from .picture_slices import MAGIC, decode_slices, valid_prefix
from .reassembly import ReceivedPayload


class PictureOutput:
    """Payloads to pictures; a picture that misses frames is shown as far as it can be trusted.

    Of a picture in slices every slice is decoded up to its first lost byte, of any other the whole
    picture up to its first lost byte. The rest has the mean colour, and so has all of a picture whose
    blocks are right but whose checksum is not.

    Args:
        config: WaveformConfig; with lost_picture "mean_colour" damaged pictures are not shown at all.
    """

    def __init__(self, config: WaveformConfig):
        self._config = config
        self._size = link.LOST_PICTURE_SIZE

    def reconstruct(self, payload: ReceivedPayload) -> tuple[link.Picture, float]:
        """The picture and the share of its pixels that can be trusted. Never raises on its content.

        A picture is delivered when all its frames, header CRC and CRC-32 hold and the codec decodes it.
        """
        unpacked = framing.unpack(payload.data)
        header = unpacked.header
        if header is not None and max(header.height, header.width) > codecs.MAX_SIDE:
            header, unpacked = None, framing.Unpacked(None, b"", "payload header is not plausible")
        problem = unpacked.problem
        image, mask = self._decode(unpacked, header, payload) or (None, None)
        trusted = 0.0 if mask is None else float(mask.mean())
        if problem is None and trusted == 1 and image.shape[:2] == (header.height, header.width):
            self._size = image.shape[:2]
            return link.Picture(image, True, header, None), 1.0
        problem = problem or f"{header.codec} decoder: the picture is damaged"
        if trusted and self._config.lost_picture == "damaged":
            self._size = image.shape[:2]
            return link.Picture(image, False, header, problem), trusted
        size = self._size if header is None else (header.height, header.width)
        colour = np.broadcast_to(np.uint8(self._config.mean_colour), (*size, 3)).copy()
        return link.Picture(colour, False, header, problem), 0.0

    def _decode(self, unpacked, header, payload) -> tuple[np.ndarray, np.ndarray] | None:
        """(image, mask of trustworthy pixels), or None when nothing can be shown."""
        if payload.complete and unpacked.problem is not None:
            # Blocks that are right each for itself and wrong together: of several pictures.
            return None
        # Without the first frame nobody knows whether there are slices: their headers will tell.
        if header is None or unpacked.data.startswith(MAGIC):
            return decode_slices(payload.data, payload.good, self._config.mean_colour)
        codec = codecs.get(header.codec)
        if unpacked.problem is None:
            try:
                image = codec.decode(unpacked.data)
            except codecs.DecodeError:
                return None
            return image, np.ones(image.shape[:2], bool)
        valid = valid_prefix(payload.good, framing.HEADER_BYTES, len(unpacked.data))
        size = header.height, header.width
        image, mask = codec.decode_damaged(unpacked.data, valid_bytes=valid, size=size)
        return (image, mask) if image.shape[:2] == size else None
