# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces of the street scenes: noise, masonry, ground and window tiles, as image pyramids.

A texture is float32 [256,256,3] around 1: it multiplies the colour of the surface. Arithmetic is
limited to operations that IEEE 754 rounds exactly, so textures are equal on every machine.
"""

from __future__ import annotations

import numpy as np

from .streets_draws import Draws

SIZE = 256
_LEVELS = 9


def value_noise(draws: Draws, size: int, cells: int) -> np.ndarray:
    """Tileable smooth noise float32 [size,size] in [-1,1] with `cells` cells along a side."""
    grid = draws.array(cells, cells) * np.float32(2) - np.float32(1)
    position = np.arange(size, dtype=np.float32) * np.float32(cells / size)
    first = position.astype(np.int64)
    share = position - first.astype(np.float32)
    share = share * share * (np.float32(3) - np.float32(2) * share)
    second = (first + 1) % cells
    rows = grid[first] * (1 - share)[:, None] + grid[second] * share[:, None]
    return rows[:, first] * (1 - share) + rows[:, second] * share


def fractal_noise(draws: Draws, size: int, cells: int, gain: float = 0.5) -> np.ndarray:
    """Octaves of `value_noise` from `cells` cells to single texels, each `gain` times the last.

    Returns:
        float32 [size,size], mean near 0, deviation about 0.5.
    """
    total = np.zeros((size, size), np.float32)
    weight, energy = 1.0, 0.0
    while cells <= size:
        total += np.float32(weight) * value_noise(draws, size, cells)
        energy += weight * weight
        weight *= gain
        cells *= 2
    return total * np.float32(1.1 / energy**0.5)


class Pyramid:
    """Textures of equal size with all their halvings, ready for lookup by level.

    Args:
        images: float32 [n,size,size,channels], size a power of two.
    """

    def __init__(self, images: np.ndarray):
        self.size = images.shape[1]
        levels, offsets, start = [], [], 0
        level = images.astype(np.float32)
        while True:
            levels.append(level.reshape(len(images), -1, level.shape[3]))
            offsets.append(start)
            start += level.shape[1] ** 2
            if level.shape[1] == 1:
                break
            level = (
                level[:, 0::2, 0::2]
                + level[:, 1::2, 0::2]
                + level[:, 0::2, 1::2]
                + level[:, 1::2, 1::2]
            ) * np.float32(0.25)
        self.stride = start
        self.offsets = np.array(offsets, np.int32)
        self.texels = np.concatenate(levels, axis=1).reshape(-1, images.shape[3])

    def look_up(self, index, u: np.ndarray, v: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Values float32 [k,channels] at texel positions, wrapped around.

        Args:
            index: int or int array [k], which texture.
            u, v: float32 [k], column and row in texels of the finest level.
            level: int32 [k], level of the pyramid, 0 the finest.
        """
        level = np.minimum(level, len(self.offsets) - 1)
        mask = np.int32(self.size - 1)
        row = (np.floor(v).astype(np.int32) & mask) >> level
        column = (np.floor(u).astype(np.int32) & mask) >> level
        place = self.offsets[level] + row * (np.int32(self.size) >> level) + column
        return self.texels.take(place + np.int32(self.stride) * index, axis=0)


def level_of(footprint: np.ndarray) -> np.ndarray:
    """Pyramid level int32 whose texel is nearest to a footprint in texels of level 0."""
    return np.maximum(np.frexp(footprint)[1] - 1, 0).astype(np.int32)


def _tinted(draws: Draws, grey: np.ndarray, tint: float) -> np.ndarray:
    """Grey texture to colour, with a slow drift of hue of that size."""
    drift = value_noise(draws, SIZE, 8) * np.float32(tint)
    return np.stack([grey * (1 + drift), grey, grey * (1 - drift)], axis=2).astype(np.float32)


def masonry(draws: Draws, rows: int, columns: int, joint: float, contrast: float) -> np.ndarray:
    """Blocks in running bond: bricks, ashlar, slabs or boards, with joints and uneven colour.

    Args:
        rows, columns: how many blocks fill the tile; rows even.
        joint: brightness of the joints relative to the blocks; 1 hides them.
        contrast: spread of brightness from block to block.
    """
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    row = y * rows // SIZE
    shift = (row % 2) * (SIZE // columns // 2)
    column = ((x + shift) % SIZE) * columns // SIZE
    tone = draws.array(rows, columns)[row, column] * np.float32(2) - np.float32(1)
    hue = draws.array(rows, columns)[row, column] * np.float32(2) - np.float32(1)
    edge = (row != (y + 1) % SIZE * rows // SIZE) | (
        column != ((x + shift + 1) % SIZE) * columns // SIZE
    )
    grain = fractal_noise(draws, SIZE, 8, 0.8) * np.float32(0.12)
    grey = (1 + np.float32(contrast) * tone + grain).astype(np.float32)
    grey = np.where(edge, np.float32(joint) + grain, grey)
    tint = np.float32(0.35 * contrast) * hue * ~edge
    return np.stack([grey * (1 + tint), grey, grey * (1 - tint)], axis=2).astype(np.float32)


def render_coat(draws: Draws, roughness: float) -> np.ndarray:
    """Plaster or concrete: stains, grain and vertical streaks."""
    stains = fractal_noise(draws, SIZE, 4, 0.6) * np.float32(0.10)
    streaks = value_noise(draws, SIZE, 32)[:1] * np.float32(0.04)
    grain = (draws.array(SIZE, SIZE) - np.float32(0.5)) * np.float32(roughness)
    return _tinted(draws, 1 + stains + streaks + grain, 0.03)


def rubble(draws: Draws, stones: int, joint: float) -> np.ndarray:
    """Irregular stones: cells around random points, dark or light joints between them."""
    points = draws.array(stones, 2) * np.float32(SIZE)
    tone = draws.array(stones) * np.float32(0.5) + np.float32(0.75)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    nearest = np.full((SIZE, SIZE), 1e9, np.float32)
    second = nearest.copy()
    owner = np.zeros((SIZE, SIZE), np.int64)
    for k, (px, py) in enumerate(points):
        dx, dy = np.abs(x - px), np.abs(y - py)
        dx, dy = np.minimum(dx, SIZE - dx), np.minimum(dy, SIZE - dy)
        distance = np.sqrt(dx * dx + np.float32(2) * dy * dy)
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        owner = np.where(closer, k, owner)
        nearest = np.where(closer, distance, nearest)
    grain = fractal_noise(draws, SIZE, 16, 0.8) * np.float32(0.12)
    grey = np.where(second - nearest < 2.5, np.float32(joint), tone[owner]) + grain
    return _tinted(draws, grey, 0.08)


def asphalt(draws: Draws, grit: float) -> np.ndarray:
    """Road surface: grit, worn lanes of tone and a few sealed cracks."""
    slow = fractal_noise(draws, SIZE, 2, 0.65) * np.float32(0.09)
    fine = (draws.array(SIZE, SIZE) - np.float32(0.5)) * np.float32(grit)
    crack = np.abs(fractal_noise(draws, SIZE, 2, 0.55)) < 0.006 * draws.integer(0, 3)
    return _tinted(draws, (1 + slow + fine) * np.where(crack, np.float32(0.7), 1), 0.02)


def turf(draws: Draws, clump: int) -> np.ndarray:
    """Grass or leaves: dark gaps, light blades, green to yellow drift."""
    grey = 1 + fractal_noise(draws, SIZE, clump, 0.9) * np.float32(0.8)
    return _tinted(draws, np.maximum(grey, np.float32(0.08)), 0.15)


def roof_tiles(draws: Draws, rows: int, columns: int) -> np.ndarray:
    """Overlapping rows of tiles or slates: every row darkens towards its lower edge."""
    y = np.arange(SIZE, dtype=np.float32) * np.float32(rows / SIZE)
    shade = np.float32(1.1) - np.float32(0.28) * (y - np.floor(y))
    return masonry(draws, rows, columns, 0.8, 0.16) * shade[:, None, None]


# Parts of a facade tile, the channels of its weights.
WALL, TRIM, GLASS, DARK = range(4)
TILE = 64


def _fill(tile: np.ndarray, part: int, left: float, bottom: float, right: float, top: float):
    """Paint a rectangle, in shares of the tile with (0, 0) at the lower left, with one part."""
    x0, x1 = round(left * TILE), max(round(right * TILE), round(left * TILE) + 1)
    y0, y1 = round(bottom * TILE), max(round(top * TILE), round(bottom * TILE) + 1)
    tile[y0:y1, x0:x1] = 0
    tile[y0:y1, x0:x1, part] = 1


def window_tile(draws: Draws) -> np.ndarray:
    """One bay of an upper floor: wall with a framed, divided window; float32 [64,64,4] weights.

    Row 0 is the lowest. Windows differ in size, surround, sill, bars and the shadow below the
    lintel.
    """
    tile = np.zeros((TILE, TILE, 4), np.float32)
    tile[:, :, WALL] = 1
    width, height = draws.uniform(0.3, 0.72), draws.uniform(0.42, 0.7)
    bottom = draws.uniform(0.16, 0.9 - height)
    panes = 1 if width < 0.5 or draws.chance(0.5) else 2
    gap = draws.uniform(0.05, 0.12)
    single = (width - gap * (panes - 1)) / panes
    surround = draws.choice([0.0, 0.03, 0.05, 0.08])
    bars, rails = draws.integer(0, 3), draws.integer(0, 3)
    for k in range(panes):
        left = 0.5 - width / 2 + k * (single + gap)
        right, top = left + single, bottom + height
        if surround:
            _fill(tile, TRIM, left - surround, bottom, right + surround, min(top + surround, 1))
        _fill(tile, TRIM, left - 0.03, bottom - 0.05, right + 0.03, bottom)
        _fill(tile, DARK, left - 0.03, bottom - 0.09, right + 0.03, bottom - 0.05)
        _fill(tile, GLASS, left, bottom, right, top)
        _fill(tile, DARK, left, top - 0.05, right, top)
        for edge in (left, right - 0.03):
            _fill(tile, TRIM, edge, bottom, edge + 0.03, top - 0.03)
        for bar in range(bars):
            x = left + single * (bar + 1) / (bars + 1)
            _fill(tile, TRIM, x - 0.012, bottom, x + 0.012, top - 0.03)
        for rail in range(rails):
            y = bottom + height * (rail + 1) / (rails + 1)
            _fill(tile, TRIM, left, y - 0.012, right, y + 0.012)
    if draws.chance(0.35):
        _fill(tile, TRIM, 0.0, 0.95, 1.0, 1.0)
        _fill(tile, DARK, 0.0, 0.92, 1.0, 0.95)
    return tile


def ground_tile(draws: Draws, kind: str) -> np.ndarray:
    """One bay of the ground floor: "shop", "door", "garage" or "blank"; weights as above."""
    tile = np.zeros((TILE, TILE, 4), np.float32)
    tile[:, :, WALL] = 1
    if kind == "shop":
        _fill(tile, TRIM, 0.0, 0.74, 1.0, 0.92)
        _fill(tile, DARK, 0.0, 0.70, 1.0, 0.74)
        _fill(tile, TRIM, 0.04, 0.0, 0.96, 0.16)
        _fill(tile, GLASS, 0.07, 0.16, 0.93, 0.70)
        middle = draws.uniform(0.3, 0.7)
        _fill(tile, TRIM, middle - 0.02, 0.0, middle + 0.02, 0.70)
        if draws.chance(0.5):
            _fill(tile, DARK, middle + 0.02, 0.0, 0.93, 0.66)
            _fill(tile, GLASS, middle + 0.07, 0.12, 0.87, 0.6)
    elif kind == "door":
        left = draws.uniform(0.12, 0.5)
        _fill(tile, TRIM, left - 0.04, 0.0, left + 0.36, 0.76)
        _fill(tile, DARK, left, 0.0, left + 0.32, 0.72)
        _fill(tile, TRIM, left + 0.04, 0.04, left + 0.28, 0.58)
        _fill(tile, GLASS, left + 0.04, 0.6, left + 0.28, 0.69)
    elif kind == "garage":
        _fill(tile, DARK, 0.1, 0.0, 0.9, 0.78)
        for k in range(6):
            _fill(tile, TRIM, 0.12, 0.02 + 0.125 * k, 0.88, 0.12 + 0.125 * k)
    return tile
