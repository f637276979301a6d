# SPDX-License-Identifier: GPL-3.0-or-later
"""A live picture with what is known about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from scsc_core.radio import keys

from .picture_panel import picture_panel
from .readout import line
from .view import view


class image_view(view):
    """Shows the newest picture, sent or received, with its numbers below.

    Message ports:
        image (in): u8 [height, width, 3], a picture that is sent.
        result (in): u8 [height, width, 3], a received one; a lost one gets a red frame.
        metrics (in): dict from link_metrics, for PSNR and MS-SSIM; optional.
        status (out): dict of frames, dropped.

    Args:
        title: str above the picture.
    Attributes:
        widget: QWidget.
    Raises:
        RuntimeError: no QApplication yet.
    Source: ours.
    """

    def __init__(self, title="received"):
        super().__init__(
            "image_view",
            picture_panel,
            (title,),
            pdus=(keys.RESULT, keys.IMAGE),
            dicts=(keys.METRICS,),
            main=(keys.RESULT, keys.IMAGE),
        )
        self._picture: tuple[np.ndarray, dict[str, Any]] | None = None

    def on_image(self, image, meta):
        """Show a sent picture."""
        height, width, _ = image.shape
        text = f"{meta.get(keys.NAME, 'picture')}   {width} x {height}   frame {_frame(meta)}"
        self.widget.offer((image, text, False))

    def on_result(self, image, meta):
        """Show a received picture."""
        self._picture = image, meta
        self.widget.offer((image, caption(meta), not meta.get(keys.DELIVERED, True)))

    def on_metrics(self, metrics):
        """Add PSNR and MS-SSIM to the picture they belong to."""
        if self._picture is None:
            return
        image, meta = self._picture
        if meta.get(keys.FRAME) == metrics.get(keys.FRAME):
            lost = not meta.get(keys.DELIVERED, True)
            self.widget.offer((image, caption({**meta, **metrics}), lost))


def caption(meta: dict[str, Any]) -> str:
    """Two lines of numbers below a received picture."""
    numbers = line(
        meta,
        (keys.PSNR_DB, "PSNR {:.1f} dB"),
        (keys.MS_SSIM, "MS-SSIM {:.3f}"),
        (keys.SNR_DB, "SNR {:.1f} dB"),
        (keys.CBR_K, "R_k {:.4f}"),
        (keys.N_BYTES, "{} bytes"),
        (keys.FRAME, "frame {}"),
    )
    fate = "delivered" if meta.get(keys.DELIVERED, True) else "not delivered"
    return f"{fate}   {numbers}".rstrip()


def _frame(meta: dict[str, Any]) -> Any:
    return meta.get(keys.FRAME, "-")
