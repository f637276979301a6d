# SPDX-License-Identifier: GPL-3.0-or-later
"""The street of a scene: widths, bend, crossings, light, and the buildings along it.

The road runs along z and bends as x = bend z^2; "lateral" is the distance from its middle, "side"
-1 left and +1 right. All lengths in metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .streets_assets import Pool
from .streets_buildings import building
from .streets_draws import Draws
from .streets_ground import Ground
from .streets_materials import Light
from .streets_raster import Plane

# Lengths of the street that a scene fills, ahead and, for panoramas, behind.
_AHEAD, _BEHIND = 150.0, 90.0


@dataclass(frozen=True)
class Side:
    """One side of the street. Attributes (m): pavement, verge, setback; kind of buildings;
    storeys; density of buildings, trees, parked cars (0 .. 1); boundary before a garden."""

    kind: str
    pavement: float
    verge: float
    setback: float
    storeys: int
    built: float
    trees: float
    parked: float
    boundary: str


# kind: (building, pavement, verge chance, setback, storeys, built, trees, parked)
_QUARTERS = {
    "shops": ("shop", (2.0, 4.5), 0.0, (0.0, 0.3), (2, 5), 0.97, 0.10, 0.35),
    "terrace": ("house", (1.5, 2.5), 0.1, (0.5, 4.0), (2, 4), 0.92, 0.20, 0.75),
    "suburb": ("house", (1.5, 2.5), 0.7, (5.0, 10.0), (1, 3), 0.60, 0.60, 0.40),
    "office": ("office", (2.5, 5.0), 0.2, (0.0, 8.0), (3, 8), 0.85, 0.30, 0.20),
    "park": ("house", (1.5, 3.0), 0.8, (12.0, 25.0), (1, 3), 0.30, 0.95, 0.30),
}


def draw_light(draws: Draws) -> tuple[Light, dict]:
    """Sun, sky and the sky's look: "clear", "broken" or "overcast"."""
    kind = draws.choice(["clear", "broken", "overcast"], [0.3, 0.35, 0.35])
    elevation, azimuth = draws.uniform(0.25, 1.0), draws.uniform(-math.pi, math.pi)
    level = round(math.cos(elevation), 7)
    direction = (
        level * round(math.sin(azimuth), 7),
        round(math.sin(elevation), 7),
        level * round(math.cos(azimuth), 7),
    )
    sun = {"clear": draws.uniform(0.9, 1.5), "broken": draws.uniform(0.0, 1.0), "overcast": 0.0}[
        kind
    ]
    if kind == "broken" and draws.chance(0.4):
        sun = 0.0
    warm = draws.uniform(0.0, 0.25)
    colour = np.array([1.0 + warm, 1.0, 1.0 - warm], np.float32) * np.float32(sun)
    cool = draws.uniform(0.0, 0.18) if kind == "clear" else draws.uniform(-0.03, 0.08)
    sky = np.array([1 - cool, 1.0, 1 + cool], np.float32) * np.float32(0.75)
    bounce = (sky * np.float32(0.18) + colour * np.float32(0.12)).astype(np.float32)
    look = {
        "kind": kind,
        "bright": draws.uniform(1.2, 4.0),
        "cloud": draws.uniform(-0.3, 0.5),
        "dark": draws.uniform(0.35, 1.0),
        "blue": draws.uniform(0.5, 1.0),
        "texture": draws.integer(0, 3),
        "drift": (draws.integer(0, 256), draws.integer(0, 256)),
        "scale": draws.uniform(14.0, 60.0),
    }
    return Light(direction, colour, sky, bounce, draws.uniform(0.3, 0.85)), look


class Street:
    """Widths and surroundings of the road; `planes` and `ground` take what is put into the scene.

    Args:
        pool: assets.
        draws: stream of the scene.
        panorama: also fill the street behind the camera.
    """

    def __init__(self, pool: Pool, draws: Draws, panorama: bool):
        self.pool, self.draws, self.panorama = pool, draws, panorama
        self.light, self.sky = draw_light(draws)
        self.start = -_BEHIND if panorama else -8.0
        self.end = draws.uniform(28.0, 70.0) if draws.chance(0.2) else _AHEAD
        self.hand = draws.choice([-1, 1])
        self.half = draws.choice([draws.uniform(3.0, 4.2), draws.uniform(4.2, 7.5)], [0.5, 0.5])
        self.bend = draws.bell(0.0, 0.0012) if draws.chance(0.6) else 0.0
        first = draws.choice(list(_QUARTERS), [3, 3, 2.2, 2, 1.5])
        other = first if draws.chance(0.55) else draws.choice(list(_QUARTERS))
        self.sides = {-1: self._side(first), 1: self._side(other)}
        self.bare = draws.chance(0.55)
        walking = draws.chance(0.12) and not panorama
        lane = self.hand * self.half * draws.uniform(0.3, 0.6)
        aside = draws.choice([-1, 1]) * (self.half + 0.8) if walking else lane
        self.eye = (aside, draws.uniform(1.2, 1.9) + (0.5 if panorama else 0.0), 0.0)
        self.crossing = draws.uniform(9.0, 60.0) if draws.chance(0.5) else None
        self.cross_half = draws.uniform(3.0, 6.0)
        self.planes: list[Plane] = []
        self.heights = {-1: [], 1: []}
        self.ground = Ground(pool, draws, self)

    def _side(self, quarter: str) -> Side:
        draws = self.draws
        kind, pavement, verge, setback, storeys, built, trees, parked = _QUARTERS[quarter]
        return Side(
            kind,
            draws.uniform(*pavement),
            draws.uniform(0.8, 2.5) if draws.chance(verge) else 0.0,
            draws.uniform(*setback),
            draws.integer(storeys[0], storeys[1]),
            min(built * draws.uniform(0.85, 1.1), 1.0),
            min(trees * draws.uniform(0.5, 1.8), 1.0),
            parked if draws.chance(0.7) else 0.0,
            draws.choice(["wall", "hedge", "railing", "none"], [3, 3, 2, 2]),
        )

    def middle(self, z: float) -> float:
        """x of the middle of the road at z."""
        return self.bend * z * z

    def place(self, lateral: float, z: float) -> tuple[float, float]:
        """Plan point (x, z) at that lateral distance from the middle of the road."""
        return self.middle(z) + lateral, z

    def front(self, side: int) -> float:
        """Unsigned lateral distance of the building line."""
        s = self.sides[side]
        return self.half + s.pavement + s.verge + s.setback

    def crosses(self, z0: float, z1: float) -> bool:
        """Whether a stretch of the street reaches into the side street."""
        if self.crossing is None:
            return False
        reach = self.cross_half + 2.0
        return z0 < self.crossing + reach and z1 > self.crossing - reach

    def shadow_height(self, side: int, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Height (m) up to which buildings of the other side shade the building line of `side`."""
        sx, sy, sz = self.light.direction
        if not self.light.sun.any() or sx * side > -0.12:
            return np.full(z.shape, -1.0, np.float32)
        run = (self.front(-1) + self.front(1)) / abs(sx)
        table = self.height_table(-side)
        return self.look_up(table, z + np.float32(run * sz)) - np.float32(run * sy)

    def height_table(self, side: int) -> np.ndarray:
        """Heights (m) of the buildings of one side in steps of 0.5 m from z = -128."""
        table = np.zeros(768, np.float32)
        for z0, z1, height in self.heights[side]:
            table[max(int((z0 + 128) * 2), 0) : max(int((z1 + 128) * 2), 0)] = height
        return table

    @staticmethod
    def look_up(table: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Values of a `height_table` at z."""
        return table.take(np.clip(((z + 128) * 2).astype(np.int32), 0, 767))

    def build(self) -> None:
        """Buildings of both sides: lots first, as their heights cast the shadows."""
        lots = []
        for side in (-1, 1):
            s = self.sides[side]
            z = self.start + self.draws.uniform(-6.0, 0.0)
            while z < self.end:
                width = (
                    self.draws.uniform(5.0, 9.0)
                    if s.kind != "office"
                    else self.draws.uniform(12.0, 24.0)
                )
                if s.setback > 4:
                    width *= 1.3
                if not self.crosses(z, z + width) and self.draws.chance(s.built):
                    storeys = max(s.storeys + self.draws.integer(-1, 2), 1)
                    lots.append((side, z, z + width, storeys))
                    self.heights[side].append((z, z + width, storeys * 3.2))
                    z += width
                    z += 0.0 if s.built > 0.8 else self.draws.uniform(1.0, 8.0)
                else:
                    z += width * (0.35 if s.built > 0.8 else 1.0)
        for side, z0, z1, storeys in lots:
            self._house(side, z0, z1, storeys)
        if self.end < _AHEAD:
            self._close()

    def _house(self, side: int, z0: float, z1: float, storeys: int) -> None:
        back = side * (self.front(side) + self.draws.uniform(0.0, 0.25) * self.sides[side].setback)
        ends = (self.place(back, z0), self.place(back, z1))
        if side > 0:
            ends = (ends[1], ends[0])
        kind = self.sides[side].kind
        self._raise_building(kind, ends, storeys, lambda x, z: self.shadow_height(side, x, z))

    def _raise_building(self, kind: str, ends, storeys: int, shadow) -> None:
        self.planes += building(self.pool, self.draws, self.light, kind, ends, storeys, shadow)

    def _close(self) -> None:
        """A row of buildings across the end of the road."""
        far = self.end + 2 * self.cross_half + 3.0
        x = self.middle(far) - 45.0
        while x < self.middle(far) + 45.0:
            width = self.draws.uniform(6.0, 14.0)
            kind = self.sides[self.draws.choice([-1, 1])].kind
            ends = ((x, far), (x + width, far))
            self._raise_building(kind, ends, self.draws.integer(2, 5), _sunlit)
            x += width + (self.draws.uniform(0, 4) if self.draws.chance(0.3) else 0.0)


def _sunlit(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """No shadow anywhere, as `building` wants it."""
    return np.full(z.shape, -1.0, np.float32)
