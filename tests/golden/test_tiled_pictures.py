# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundled PPENs in tiles: their learnt offsets can look beyond a tile's surroundings."""

from functools import lru_cache

import numpy as np
import pytest

from scsc_core import zoo

pytest.importorskip("torch", reason="the networks need torch")

SIZE, SEED, QP = (1664, 128), 11, 37


@lru_cache(maxsize=1)
def scene():
    """A street scene wide enough for two tiles."""
    from scsc_core.data.streets import render

    return render(SEED, SIZE, pool="test")[0]


def differences(network, overlap):
    """Levels between the results in one piece and in two tiles, int [H, W, 3]."""
    from scsc_core.nets.inference import Runtime, tiles
    from scsc_core.nets.preprocessor import Preprocessor

    (width, height), image = SIZE, scene()
    pixels = height * (width // 2 + overlap)
    assert len(tiles(height, width, pixels, overlap)) == 2
    bounded = Runtime(max_bytes=pixels * network.bytes_per_pixel(tiled=True), overlap=overlap)
    whole, tiled = (
        Preprocessor(network, runtime=runtime) for runtime in (Runtime(max_bytes=0), bounded)
    )
    assert bounded.is_tiled(height, width, tiled.network)
    return np.abs(whole(image, QP).astype(int) - tiled(image, QP))


def deepest_offsets(network):
    """The weights that give the sampling positions at 1/16; an untrained network has zeros."""
    found = [w for name, w in network.named_parameters() if "offset" in name and w.dim() == 4]
    return found[-1]


@pytest.mark.parametrize("name", ["ppen-small-camvid", "ppen-small-streets"])
def test_tiles_are_within_one_level_of_one_piece(name):
    network = zoo.load(name).network

    levels = differences(network, 256)

    assert deepest_offsets(network).abs().max() > 0.01
    assert levels.max() <= 1
    assert (levels > 0).mean() < 1e-4


def test_few_surroundings_change_more():
    """Else the scene would show nothing of what lies beyond them."""
    levels = differences(zoo.load("ppen-small-camvid").network, 64)

    assert (levels > 0).mean() > 5e-4
