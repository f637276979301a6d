# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures made on the spot: smooth areas, edges and texture."""

import numpy as np
import pytest


def make_picture(height, width, seed=1):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1), (x + y) % 256], 2)
    base[(x - width / 3) ** 2 + (y - height / 2) ** 2 < (min(height, width) / 3) ** 2] = (
        200,
        60,
        30,
    )
    base[:, width // 2 :] += 40 * np.sin(x[:, width // 2 :, None] * 1.1)
    return np.clip(base + rng.normal(0, 6, base.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def picture():
    """Function (height, width, seed=1) -> uint8 [H,W,3]."""
    return make_picture
