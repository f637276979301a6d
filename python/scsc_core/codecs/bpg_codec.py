# SPDX-License-Identifier: GPL-3.0-or-later
"""BPG behind the interface that all image codecs share."""

from __future__ import annotations

import numpy as np

from . import bpg
from .base import DecodeError, ImageCodec
from .bpg_planes import opaque
from .image_input import check_image

QP_CONVENTIONS = ("slice", "bpgenc")
# `bpgenc -q N` with x265 codes at slice QP N - 3 (bpg.md section 3).
_BPGENC_OFFSET = 3


class BpgCodec(ImageCodec):
    """BPG: HEVC intra coding, `qp` is the slice QP 1..51, lower is better.

    `decode` raises when libde265 complains. A cut file can end on a byte that reads like the end
    of the picture (2 to 4 lengths of four small files); a CRC outside the file, or
    bpg.decode(safe=True), tells those apart.

    Args:
        preset: "veryslow" (default), "slower", "slow" or "medium".
        fmt: "420" (default), "422", "444" or "gray".
        depth: 8 (default), 10 or 12.
        chroma_qp: int, QP offset of the chroma planes; -1 favours RGB PSNR.
        qp_convention: "slice" (default), or "bpgenc": `qp` means what `bpgenc -q` with x265 means,
            slice QP + 3.
        isolate: bool, decode in a subprocess with limited memory, for hostile files.
    """

    name = "bpg"
    default_qp = 37
    higher_is_better = False

    def __init__(
        self,
        preset: str = "veryslow",
        fmt: str = "420",
        depth: int = 8,
        chroma_qp: int = 0,
        qp_convention: str = "slice",
        isolate: bool = False,
    ):
        for name, value, allowed in (
            ("preset", preset, bpg.PRESETS),
            ("fmt", fmt, bpg.ENCODER_FORMATS),
            ("depth", depth, bpg.DEPTHS),
            ("qp_convention", qp_convention, QP_CONVENTIONS),
        ):
            if value not in allowed:
                choice = ", ".join(map(str, allowed))
                raise ValueError(f"{name} must be one of {choice}, got {value!r}")
        self.preset, self.fmt, self.depth, self.chroma_qp = preset, fmt, depth, chroma_qp
        self.qp_convention, self.isolate = qp_convention, isolate
        self._offset = _BPGENC_OFFSET if qp_convention == "bpgenc" else 0
        self.quality_range = (1 + self._offset, 51)

    def encode(self, image: np.ndarray, qp: int | None = None) -> bytes:
        slice_qp = self.check_qp(qp) - self._offset
        rgb = check_image(image)
        return bpg.encode(rgb, slice_qp, self.fmt, self.depth, None, self.preset, self.chroma_qp)

    def decode(self, data: bytes) -> np.ndarray:
        if self.isolate:
            from .bpg_isolated import isolated

            return isolated("decode", data)
        try:
            decoded = bpg.decode(data)
        except MemoryError as error:
            raise DecodeError("the picture needs more memory than there is") from error
        if not decoded.ok:
            raise DecodeError(f"picture is damaged ({decoded.warnings} decoder warnings)")
        return opaque(bpg.to_rgb(decoded))

    def decode_damaged(self, data, valid_bytes=None, size=None):
        if self.isolate:
            from .bpg_isolated import isolated
            from .image_input import nothing_saved

            try:
                return isolated("decode_damaged", data, valid_bytes=valid_bytes, size=size)
            except DecodeError:
                return nothing_saved(size)
        from .bpg_damage import decode_damaged

        return decode_damaged(data, valid_bytes, size)
