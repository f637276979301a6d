# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of the pre-processing network in front of the codec."""

from __future__ import annotations

from scsc_core.radio import keys

from .message_block import message_block
from .worker import Worker

MODELS = ("none",)


class ppen(message_block):
    """Prepares a picture for the codec behind it (PPEN), in a thread of its own, in order.

    With model "none" pictures pass unchanged.

    Message ports:
        image (in, out): u8 [height, width, 3]; keys stay as they are.
        status (out): dict of frames, dropped.

    Args:
        model: str, "none" (identity).
        queue: int >= 1, pictures that may wait when overflow is "drop_oldest".
        overflow: "keep" (the source is limited by credit) or "drop_oldest" (live sources).
    Raises:
        ValueError: unknown model or overflow, queue < 1.
    Source: Han et al., Sec. II-A (the place of PPEN in the chain).
    """

    def __init__(self, model="none", queue=8, overflow="keep"):
        if model not in MODELS:
            raise ValueError(f"model must be one of {', '.join(MODELS)}, got {model!r}")
        super().__init__("ppen", pdus=(keys.IMAGE,), outputs=(keys.IMAGE,))
        self._worker = Worker(
            "scsc_ppen",
            self._prepare,
            self.supervisor,
            queue,
            overflow,
            on_idle=self._end_when_idle,
        )

    def start(self):
        """Start the worker."""
        self._worker.start()
        return True

    def stop(self):
        """Stop the worker after the picture in hand."""
        self._worker.stop()
        return True

    def on_image(self, image, meta):
        """Queue one picture."""
        self._worker.put((image, meta))
        self.counters["dropped"] = self._worker.dropped

    def idle(self):
        """True when the worker has sent everything."""
        return self._worker.idle

    def on_lost_frame(self, meta):
        """What was lost before goes through the worker too, behind what waits."""
        self._worker.put((None, meta))

    def _prepare(self, item):
        image, meta = item
        if image is None:
            super().on_lost_frame(meta)
        else:
            with self.timed(meta, "ppen"):
                prepared = image
            self.publish(keys.IMAGE, prepared, meta)
