# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded channel matrices in .npy and .npz files."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Recording:
    """Recorded channels with delays.

    Attributes:
        taps: complex128 [n, taps, n_rx, n_tx]; one tap where the file holds flat matrices.
        sample_rate_hz: 1 / spacing of the taps, or None where the file does not say.
        source: free text of the file, empty without.
        sha256: of the file.
    """

    taps: np.ndarray
    sample_rate_hz: float | None
    source: str
    sha256: str

    def normalised(self) -> np.ndarray:
        """The taps scaled to E|h|^2 = 1 over the whole recording, never block by block.

        Raises:
            ValueError: all taps are zero.
        """
        power = np.mean(np.sum(np.abs(self.taps) ** 2, axis=1))
        if power == 0:
            raise ValueError("recorded channels must not all be zero")
        return self.taps / np.sqrt(power)


def _checked(h: np.ndarray, source: str, dimensions: tuple[int, ...] = (3,)) -> np.ndarray:
    if h.ndim not in dimensions or 0 in h.shape:
        more = " or [blocks, n_rx, n_tx, taps]" if 4 in dimensions else ""
        raise ValueError(f"{source} must hold h [blocks, n_rx, n_tx]{more}, got shape {h.shape}")
    if h.dtype.kind not in "fc":
        raise ValueError(f"{source} must hold complex or real floats, got {h.dtype}")
    h = h.astype(complex)
    bad = ~np.isfinite(h).all(tuple(range(1, h.ndim)))
    if bad.any():
        raise ValueError(f"{source}: block {int(np.argmax(bad))} is not finite")
    return h


def _arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Arrays of a .npz file, or `h` of a .npy."""
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return {"h": content}
        with content:
            if "h" not in content.files:
                raise ValueError(f"channel file {path} needs an array h, has {content.files}")
            names = [name for name in ("h", "fs", "source") if name in content.files]
            return {name: content[name] for name in names}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "needs an array" in str(error):
            raise
        raise ValueError(f"cannot read channel file {path}: {error}") from None


def load_channels(path: str | Path) -> np.ndarray:
    """Channel matrices complex128 [blocks, n_rx, n_tx] of a .npy file, or of array `h` of a .npz.

    The matrices are used as they are: scale them to E|H_qp|^2 = 1 for the SNR to keep its meaning.

    Raises:
        ValueError: no such file, not a NumPy file, no array `h`, wrong shape or type, not finite.
    """
    return _checked(_arrays(path)["h"], f"channel file {path}")


def load_recording(path: str | Path) -> Recording:
    """Channels with or without delays of a .npy or .npz file.

    Arrays: `h` complex [blocks, n_rx, n_tx] or [blocks, n_rx, n_tx, taps]; in a .npz also `fs` (Hz,
    1 / spacing of the taps) and `source` (text).

    Raises:
        ValueError: as `load_channels`, or fs is not a number > 0.
    """
    arrays = _arrays(path)
    h = _checked(arrays["h"], f"channel file {path}", (3, 4))
    taps = h[:, None] if h.ndim == 3 else np.moveaxis(h, 3, 1)
    rate = None
    if "fs" in arrays:
        value = arrays["fs"]
        if value.size != 1 or value.dtype.kind not in "fiu" or not 0 < float(value) < np.inf:
            raise ValueError(f"channel file {path}: fs must be a number > 0, got {value}")
        rate = float(value)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return Recording(taps, rate, str(arrays.get("source", "")), digest)


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
