# SPDX-License-Identifier: GPL-3.0-or-later
"""Random streams by purpose and index, independent of batch size, workers and devices."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np


def seed_for(root: int, *purpose: Any) -> int:
    """63-bit seed of one draw: the first bytes of SHA-256("scsc", root, purpose...).

    Source: training.md section 9.
    """
    text = "/".join(["scsc", str(root), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator_for(root: int, *purpose: Any) -> np.random.Generator:
    """numpy generator of `seed_for`."""
    return np.random.default_rng(seed_for(root, *purpose))
