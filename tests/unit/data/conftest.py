# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny data sets made in a test's own folder: writers of pictures and labels."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image


def write_picture(path, size=(8, 6), seed=0):
    """RGB noise of size (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(path)
    return noise


def write_label(path, values, size=(8, 6)):
    """Grey PNG with the given class values in turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    label = np.resize(np.array(values, np.uint8), (size[1], size[0]))
    Image.fromarray(label).save(path)
    return label


@pytest.fixture(scope="session")
def write():
    """`write.picture(path, size, seed)` and `write.label(path, values, size)` give the arrays."""
    return SimpleNamespace(picture=write_picture, label=write_label)
