# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image source sends: files in order, or street scenes with the labels of their pixels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scsc_core import codecs, data
from scsc_core.data import streets

STREETS = "streets"
_KEPT_PICTURES = 16

Picture = tuple[np.ndarray, np.ndarray | None, str]  # image, labels or None, name


class picture_list:
    """Numbered pictures that come again after the last one; those read last are kept.

    Args:
        length: int >= 1, different pictures.
        read: function of an index that gives image, labels or None, and name.
    Raises:
        ValueError: the first picture cannot be read.
    """

    def __init__(self, length: int, read: Callable[[int], Picture]):
        self._length = length
        self._read = read
        self._kept: OrderedDict[int, Picture] = OrderedDict()
        self(0)

    def __len__(self) -> int:
        return self._length

    def __call__(self, count: int) -> Picture:
        """What is sent as number `count`."""
        index = count % self._length
        if index not in self._kept:
            if len(self._kept) >= _KEPT_PICTURES:
                self._kept.popitem(last=False)
            self._kept[index] = self._read(index)
        return self._kept[index]


def files(paths) -> picture_list:
    """Pictures of files and folders, str or list of str; a folder gives its pictures by name.

    Raises:
        ValueError: a path does not exist, a folder without pictures, an unreadable first picture.
    """
    found = data.list_pictures([paths] if isinstance(paths, (str, Path)) else list(paths))
    if not found:
        raise ValueError("paths must name at least one picture, got none")
    return picture_list(len(found), lambda k: (codecs.load_image(found[k]), None, found[k].stem))


def street_scenes(seed: int, size: tuple[int, int], scenes: int) -> picture_list:
    """Procedural street scenes with their labels, seeds counting from `seed`.

    They are of the pool "test": the networks that come with the module never saw its assets.

    Raises:
        ValueError: a number out of range.
    """
    if scenes < 1:
        raise ValueError(f"scenes must be at least 1, got {scenes}")

    def read(index: int) -> Picture:
        image, labels = streets.render(seed + index, size, pool="test")
        return image, labels, f"street-{seed + index}"

    return picture_list(scenes, read)
