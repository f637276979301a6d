# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures to files."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from scsc_core.radio import keys

from .message_block import message_block


class image_sink(message_block):
    """Writes every received picture as a PNG file, <frame>-<name>.png.

    A file is written whole or not at all.

    Message ports:
        result (in): u8 [height, width, 3].
        credit (out): dict per picture, for the image source where no link_metrics gives credit.
        status (out): dict of frames, dropped, written, bytes.

    Args:
        folder: str, made when it does not exist.
        only_delivered: bool, leave lost pictures out.
    Raises:
        ValueError: the folder cannot be made.
    Source: ours.
    """

    def __init__(self, folder="received", only_delivered=False):
        super().__init__("image_sink", pdus=(keys.RESULT,), outputs=(keys.CREDIT,))
        self._folder = Path(folder)
        self._only_delivered = bool(only_delivered)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"folder {folder} cannot be made: {error.strerror}") from None
        self._count = 0
        self.counters.update(written=0)

    def on_result(self, image, meta):
        """Write one picture."""
        if meta.get(keys.DELIVERED, True) or not self._only_delivered:
            name = "".join(
                c for c in str(meta.get(keys.NAME, "picture")) if c.isalnum() or c in "-_"
            )
            path = self._folder / f"{self._count:05d}-{name or 'picture'}.png"
            part = path.with_suffix(".part")
            Image.fromarray(image).save(part, format="png", compress_level=1)
            part.replace(path)
            self.counters["written"] += 1
        self._count += 1
        self.publish_dict(keys.CREDIT, {keys.FRAME: meta.get(keys.FRAME, 0)})

    def on_lost_frame(self, meta):
        """A frame was dropped on the way: nothing to write, but its credit returns."""
        self._count += 1
        self.publish_dict(keys.CREDIT, {keys.FRAME: meta[keys.FRAME]})
