# SPDX-License-Identifier: GPL-3.0-or-later
"""What `proxy_check` works on: crops of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .proxy_check import Crop

if TYPE_CHECKING:
    from ..data import Dataset


def draw_crops(dataset: Dataset, count: int, side: int, seed: int = 0) -> list[Crop]:
    """Random square windows, one of each picture, the pictures spread evenly over the data set.

    More crops than pictures: several of a picture.

    Args:
        dataset: labelled or not.
        count: >= 1.
        side: px.
        seed: of the windows.
    Raises:
        ValueError: an empty data set, count < 1, or a picture smaller than the window.
    """
    if count < 1 or not len(dataset):
        raise ValueError(f"crops must be at least 1 of at least 1 picture, got {count}")
    rng = np.random.default_rng(seed)
    crops = []
    for number, index in enumerate(np.linspace(0, len(dataset) - 1, count).round().astype(int)):
        sample = dataset[int(index)]
        height, width = sample.image.shape[:2]
        if min(height, width) < side:
            raise ValueError(
                f"side must be at most {min(height, width)} ({sample.name}), got {side}"
            )
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        window = (slice(top, top + side), slice(left, left + side))
        label = None if sample.label is None else np.ascontiguousarray(sample.label[window])
        image = np.ascontiguousarray(sample.image[window])
        crops.append(Crop(f"{sample.name}#{number}", image, label))
    return crops
