# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of other projects: PyTorch state dicts, opened only when their content is known."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import tempfile
from pathlib import Path

import numpy as np

from .zoo import ModelError

# SHA-256 -> published file; MIT files of sacmehta/EdgeNets (commit 2b232d3f) and sacmehta/ESPNet
# (commit afe71c38), trained on data for non-commercial use
KNOWN = {
    "343b0e77e8545d36113c4f3efbf1ee349256f25c97c9f9d5ddefe45f2f49763e": "ESPNet p 2 q 8, Cityscapes",
    "7d354a257170322086dcd4c1e89a482454cf2c9d30b085e70883878dd59301af": "ESPNet p 2 q 8, CamVid",
    "9412a86a30f137540ef945d08da3cb7191448956c56c41a64210dab443a9f65f": "ESPNetv2 0.5, Cityscapes",
    "0918c833fed889e32901ce739b1784fdd2b79f95a9aea199a469ca3394dd7a14": "ESPNetv2 1.0, Cityscapes",
    "0dbbda9126583d62f73dfdc28a59a30ab4564094ee6d28428b897a4e36c466b4": "ESPNetv2 1.5, Cityscapes",
    "a72d59699801c7ce8e8b89a53af9097eaaa60dc12180ecde86fd700ba1222fe8": "ESPNetv2 2.0, Cityscapes",
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


def cache_folder() -> Path:
    """Where converted weights are kept: SCSC_CACHE, XDG_CACHE_HOME/scsc or ~/.cache/scsc."""
    named = os.environ.get("SCSC_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "scsc"


def import_pth(
    path: str | Path, sha256: str | None = None, cache: str | Path | None = None
) -> dict[str, np.ndarray]:
    """Tensors of a PyTorch state dict whose SHA-256 is known.

    A .pth file is a pickle: opening one can run what its author put in. So the bytes are hashed
    first, an unknown hash is refused, and the file is read with `weights_only=True`. The result is
    kept as safetensors under the hash; later calls read that copy and no pickle at all.

    Args:
        path: the file; its name plays no part.
        sha256: hash that the file must have, 64 hex digits; None means one of `KNOWN`.
        cache: folder of the copies; None means `cache_folder()`.
    Returns:
        numpy arrays by state-dict name.
    Raises:
        ModelError: no such file, another or an unknown hash, no plain state dict, or the copy
            cannot be written or read.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"weights {path} cannot be read: {error.strerror}") from None
    found = hashlib.sha256(content).hexdigest()
    _check_hash(path, found, sha256)
    copy = Path(cache or cache_folder()) / "weights" / f"{found}.safetensors"
    if not copy.is_file():
        _write_copy(copy, _state_dict(path, content), path.name, found)
    return _read_copy(copy)


def _check_hash(path: Path, found: str, expected: str | None) -> None:
    if expected is None:
        if found not in KNOWN:
            raise ModelError(
                f"weights {path} refused: a pickle file can run code when opened and SHA-256 "
                f"{found} is not known; if you trust its source, pass sha256="
            )
        return
    if not _SHA256.fullmatch(expected.lower()):
        raise ModelError(f"sha256 must be 64 hex digits, got {expected!r}")
    if found != expected.lower():
        raise ModelError(
            f"weights {path} refused: SHA-256 is {found[:12]}..., expected {expected[:12].lower()}..."
        )


def _state_dict(path: Path, content: bytes) -> dict[str, np.ndarray]:
    import torch

    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"weights {path} refused: no state dict of plain tensors ({reason[0][:120]})"
        ) from None
    if not isinstance(loaded, dict) or not loaded:
        raise ModelError(f"weights {path} must hold a state dict, got {type(loaded).__name__}")
    odd = [name for name, value in loaded.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise ModelError(f"weights {path}: {odd[0]!r} must be a tensor")
    try:
        return {name: np.asarray(value.numpy(), order="C") for name, value in loaded.items()}
    except TypeError as error:  # bfloat16, sparse, quantised
        raise ModelError(f"weights {path}: numpy has no such tensors: {error}") from None


def _write_copy(copy: Path, tensors: dict[str, np.ndarray], name: str, sha256: str) -> None:
    from safetensors.numpy import save

    content = save(tensors, metadata={"source": name, "source_sha256": sha256})
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        # beside its place and then moved: another process never reads half a file
        with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
            (Path(folder) / copy.name).write_bytes(content)
            os.replace(Path(folder) / copy.name, copy)
    except OSError as error:
        raise ModelError(
            f"converted weights cannot be kept in {copy.parent}: {error.strerror}; "
            "set SCSC_CACHE to a folder that can be written"
        ) from None


def _read_copy(copy: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(copy)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"converted weights {copy} are damaged ({error}); delete them") from None
