# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded channel matrices in .npy and .npz files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np


def _checked(h: np.ndarray, source: str) -> np.ndarray:
    if h.ndim != 3 or 0 in h.shape:
        raise ValueError(f"{source} must hold h [blocks, n_rx, n_tx], got shape {h.shape}")
    if h.dtype.kind not in "fc":
        raise ValueError(f"{source} must hold complex or real floats, got {h.dtype}")
    h = h.astype(complex)
    bad = ~np.isfinite(h).all((1, 2))
    if bad.any():
        raise ValueError(f"{source}: block {int(np.argmax(bad))} is not finite")
    return h


def load_channels(path: str | Path) -> np.ndarray:
    """Channel matrices complex128 [blocks, n_rx, n_tx] of a .npy file, or of array `h` of a .npz.

    The matrices are used as they are: scale them to E|H_qp|^2 = 1 for the SNR to keep its meaning.

    Raises:
        ValueError: no such file, not a NumPy file, no array `h`, wrong shape or type, not finite.
    """
    try:
        content = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"cannot read channel file {path}: {error}") from None
    if isinstance(content, np.ndarray):
        return _checked(content, f"channel file {path}")
    with content:
        if "h" not in content.files:
            raise ValueError(f"channel file {path} needs an array h, has {content.files}")
        try:
            h = content["h"]
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"cannot read channel file {path}: {error}") from None
    return _checked(h, f"channel file {path}")


def save_channels(path: str | Path, h: np.ndarray) -> None:
    """Write channel matrices complex [blocks, n_rx, n_tx] to a .npy or .npz file.

    Raises:
        ValueError: wrong shape or type, not finite, another suffix.
    """
    h = _checked(np.asarray(h), "h")
    suffix = Path(path).suffix
    if suffix == ".npy":
        np.save(path, h)
    elif suffix == ".npz":
        np.savez_compressed(path, h=h)
    else:
        raise ValueError(f"channel files end in .npy or .npz, got {path}")
