# SPDX-License-Identifier: GPL-3.0-or-later
"""Received frames to PDUs and back: H is the vector, all else is in the dict."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from scsc_core.radio import keys
from scsc_core.waveform.header import HeaderError, pack, unpack
from scsc_core.waveform.numerology import Numerology

from .frame_meta import BadFrame, require

_ARRAYS = ("header", "y", "h", "h_data")


def heard_pdu(frame: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Vector complex64 [n_used, n_rx, n_tx] and metadata of a ReceivedFrame."""
    header = frame.header
    h = np.asarray(frame.h, np.complex64)
    meta = {
        name: value
        for name, value in vars(frame).items()
        if name not in _ARRAYS and np.ndim(value) == 0
    }
    meta.update(zip(keys.SHAPES[keys.HEARD], h.shape))
    meta |= {
        keys.HEADER: pack(header),
        keys.FRAME_TYPE: header.type,
        keys.NSYM: header.nsym,
        keys.IMAGE_ID: header.image_id,
        keys.MODULATION: header.modulation,
        keys.PRECODER: header.precoder,
        keys.CSI_ID: header.csi_id,
        keys.RV: header.rv,
        keys.SNR_DEF: "rx_ant",
    }
    if header.nsym:
        meta[keys.Y] = np.asarray(frame.y, np.complex64)
    return h, meta


def quiet_pdu(sample_index: int) -> tuple[np.ndarray, dict[str, Any]]:
    """An empty message on port heard: no frame ended before this sample of the stream."""
    return np.empty(0, np.complex64), {keys.SAMPLE_INDEX: sample_index}


def heard_frame(h: np.ndarray, meta: dict[str, Any], carriers: Numerology) -> SimpleNamespace:
    """What `heard_pdu` was given; BadFrame when the parts do not fit together."""
    require(meta, (keys.HEADER, keys.NOISE_VAR, keys.SNR_DB))
    try:
        header = unpack(meta[keys.HEADER])
    except (HeaderError, ValueError) as error:
        raise BadFrame(str(error)) from None
    y = meta.get(keys.Y, np.zeros(0, np.complex64))
    shape = carriers.n_data, h.shape[1], header.nsym
    if len(h) != carriers.n_used or y.size != np.prod(shape):
        raise BadFrame(
            f"frame of {len(h)} carriers and {y.size} values does not fit {carriers.n_used} carriers "
            f"and y {shape}"
        )
    values = {name: value for name, value in meta.items() if np.ndim(value) == 0}
    parts = {"header": header, "h": h, "h_data": h[carriers.data_rows], "y": y.reshape(shape)}
    return SimpleNamespace(**{**values, **parts})
