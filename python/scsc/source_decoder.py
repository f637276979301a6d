# SPDX-License-Identifier: GPL-3.0-or-later
"""Framed bytes to a picture."""

from __future__ import annotations

import numpy as np

from scsc_core.link import Payload, Receiver
from scsc_core.radio import keys

from .link_block import link_block


class source_decoder(link_block):
    """Decodes framed bytes to a picture, or to a defined stand-in when the picture was lost.

    A picture is delivered when its header CRC and CRC-32 hold and the codec decodes it.

    Message ports:
        bytes (in): u8 from the channel decoder, right or not.
        result (out): u8 [height, width, 3]; adds keys delivered, and problem when it was not.
        status (out): dict of frames, dropped, delivered.
        cmd (in): dict with lost_picture.

    Args:
        lost_picture: what is shown for a lost one, "mean_colour" or "damaged" (what the codec can
            decode in front of the first error).
        mean_colour: three int 0..255.
    Raises:
        ValueError: an unknown name, a colour out of range.
    Source: link.py Receiver.reconstruct.
    """

    def __init__(self, lost_picture="mean_colour", mean_colour=(124, 116, 104)):
        super().__init__(
            "source_decoder",
            {"lost_picture": lost_picture, "mean_colour": tuple(mean_colour)},
            Receiver,
            pdus=(keys.BYTES,),
            outputs=(keys.RESULT,),
            settable=("lost_picture",),
        )
        self.counters["delivered"] = 0

    def set_lost_picture(self, lost_picture):
        """What is shown for a lost picture, from the next one on."""
        self.set_parameter("lost_picture", lost_picture)

    def on_bytes(self, data, meta):
        """Decode one picture; its size is asked from the frame when the header was lost."""
        errors = meta.get(keys.BLOCK_ERRORS, 0)
        blocks = np.arange(meta.get(keys.N_CODE_BLOCKS, 1)) >= errors
        valid = meta.get(keys.VALID_BYTES, len(data))
        payload = Payload(data.tobytes(), bool(meta.get(keys.CRC_OK, True)), blocks, 0.0, valid)
        size = (meta[keys.HEIGHT], meta[keys.WIDTH]) if keys.HEIGHT in meta else None
        with self.timed(meta, "reconstruct"):
            picture = self.kernel_for({}).reconstruct(payload, size)
        self.counters["delivered"] += picture.delivered
        meta[keys.HEIGHT], meta[keys.WIDTH], meta[keys.CHANNELS] = picture.image.shape
        meta[keys.DELIVERED] = picture.delivered
        meta[keys.PROBLEM] = picture.problem
        self.publish(keys.RESULT, picture.image, meta)
