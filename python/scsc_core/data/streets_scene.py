# SPDX-License-Identifier: GPL-3.0-or-later
"""Layout of a street scene: what stands where along the road, under which light.

The road runs along z and bends as x = bend z^2; "lateral" is the distance from its middle, "side"
-1 left and +1 right. All lengths in metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .streets_assets import Pool
from .streets_draws import Draws
from .streets_ground import Ground
from .streets_materials import Light
from .streets_objects import backdrop, building, bush, lamp, person, post, tree, wall
from .streets_raster import Plane, plan_distance
from .streets_vehicles import Vehicle

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


@dataclass
class Scene:
    """A laid-out street.

    Attributes: planes, nearest first; ground; light; eye, the camera's (x, y, z); yaw, focal,
    horizon of the camera; sky, options of the sky; haze, distance (m) of 63 % haze.
    """

    planes: list[Plane]
    ground: Ground
    light: Light
    eye: tuple[float, float, float]
    yaw: float
    focal: float
    horizon: float
    sky: dict = field(default_factory=dict)
    haze: float = 1000.0


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
        "bright": draws.uniform(0.9, 2.6),
        "cloud": draws.uniform(-0.3, 0.5),
        "dark": draws.uniform(0.35, 1.0),
        "blue": draws.uniform(0.5, 1.0),
        "texture": draws.integer(0, 3),
        "drift": (draws.integer(0, 256), draws.integer(0, 256)),
        "scale": draws.uniform(14.0, 60.0),
    }
    return Light(direction, colour, sky, bounce), look


class Street:
    """Fills a scene piece by piece; `scene()` gives the result.

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
        self.bare = draws.chance(0.4)
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
            min(trees * draws.uniform(0.4, 1.4), 1.0),
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
        planes, _ = building(self.pool, self.draws, self.light, self.sides[side].kind, ends, storeys,
                             lambda x, z: self.shadow_height(side, x, z))  # fmt: skip
        self.planes += planes

    def _close(self) -> None:
        """A row of buildings across the end of the road."""
        far = self.end + 2 * self.cross_half + 3.0
        x = self.middle(far) - 45.0
        while x < self.middle(far) + 45.0:
            width = self.draws.uniform(6.0, 14.0)
            kind = self.sides[self.draws.choice([-1, 1])].kind
            planes, _ = building(self.pool, self.draws, self.light, kind, ((x, far), (x + width, far)),
                                 self.draws.integer(2, 5), lambda x, z: np.full(z.shape, -1.0, np.float32))  # fmt: skip
            self.planes += planes
            x += width + (self.draws.uniform(0, 4) if self.draws.chance(0.3) else 0.0)

    def plant(self) -> None:
        """Boundaries of gardens, street trees, garden trees and shrubs."""
        for side in (-1, 1):
            s = self.sides[side]
            edge = self.half + s.pavement + s.verge
            z = self.start
            while z < self.end:
                step = self.draws.uniform(5.0, 12.0)
                clear = not self.crosses(z - 1, z + step + 1)
                if s.setback > 2 and s.boundary != "none" and clear and self.draws.chance(0.8):
                    ends = (self.place(side * edge, z), self.place(side * edge, z + step))
                    ends = ends if side < 0 else (ends[1], ends[0])
                    height = self.draws.uniform(0.6, 1.3) * (1.3 if s.boundary == "hedge" else 1.0)
                    self.planes.append(
                        wall(self.pool, self.draws, self.light, ends, height, s.boundary)
                    )
                if clear and self.draws.chance(s.trees):
                    garden = s.setback > 3 and self.draws.chance(0.6)
                    lateral = (
                        edge + self.draws.uniform(1.0, s.setback - 1.0)
                        if garden
                        else (
                            self.half + s.pavement * 0.25
                            if s.verge == 0
                            else self.half + s.verge * 0.6
                        )
                    )
                    self._tree(side * lateral, z + step / 2)
                if s.setback > 3 and clear and self.draws.chance(0.5):
                    at = self.place(side * (edge + self.draws.uniform(0.8, s.setback)), z)
                    size = (self.draws.uniform(1.2, 3.5), self.draws.uniform(0.8, 2.5))
                    self.planes.append(bush(self.pool, self.draws, self.light, at, self.eye, size))
                if s.setback > 11 and clear:
                    self._tree(side * (edge + self.draws.uniform(3.0, s.setback)), z + step * 0.3)
                z += step

    def _tree(self, lateral: float, z: float) -> None:
        place = self.place(lateral, z)
        if math.hypot(place[0] - self.eye[0], place[1]) < 3.0:
            return
        height = self.draws.uniform(4.5, 12.0)
        bare = self.bare != self.draws.chance(0.15)
        self.planes += tree(self.pool, self.draws, self.light, place, self.eye, height, bare)
        self.ground.shade(place, (height * 0.3, height * 0.3), 0.0, 0.35, self.light)

    def furnish(self) -> None:
        """Lamps, signs, signals and bollards along the kerbs."""
        gap = self.draws.uniform(18.0, 35.0)
        for side in (-1, 1):
            at = side * (self.half + 0.45)
            z = self.start + self.draws.uniform(0.0, gap)
            while z < self.end:
                if not self.crosses(z, z) and self.draws.chance(0.8):
                    reach = -side * self.draws.uniform(0.6, 2.0)
                    place = self.place(at, z)
                    self.planes += lamp(self.draws, self.light, place, self.eye, reach)
                z += gap
            for _ in range(self.draws.integer(2, 6) * (2 if self.panorama else 1)):
                z = self._spread(5.0, 55.0)
                place = self.place(at + side * self.draws.uniform(0.0, 1.2), z)
                self.planes += post(self.draws, self.light, place, self.eye)

    def _spread(self, near: float, far: float) -> float:
        """A distance along the road with more weight on near ones; either way in a panorama."""
        u = self.draws.uniform()
        z = near + (min(far, self.end) - near) * u * u
        return -z if self.panorama and self.draws.chance(0.5) else z

    def drive(self) -> None:
        """Parked and moving vehicles."""
        draws = self.draws
        cars = [b for b in self.pool.bodies if b.kind == "car"]
        for side in (-1, 1):
            z = self.start
            while z < min(self.end, 90.0):
                if draws.chance(self.sides[side].parked * 0.75) and not self.crosses(z - 3, z + 3):
                    body = (
                        draws.choice(cars) if draws.chance(0.9) else draws.choice(self.pool.bodies)
                    )
                    turned = math.pi if (side != self.hand) != draws.chance(0.15) else 0.0
                    self._vehicle(body, side * (self.half - 1.05), z, turned + draws.bell(0, 0.02))
                z += draws.uniform(5.6, 8.5)
        for way in (1, -1):
            z = draws.uniform(7.0, 30.0)
            while z < 90.0:
                if draws.chance(0.5):
                    body = draws.choice(self.pool.bodies)
                    lateral = way * self.hand * self.half * 0.45
                    heading = (
                        (0.0 if way > 0 else math.pi) + 2 * self.bend * z + draws.bell(0, 0.02)
                    )
                    behind = self.panorama and draws.chance(0.5)
                    self._vehicle(body, lateral, -z if behind else z, heading)
                z += draws.uniform(9.0, 35.0)
        if self.crossing is not None and draws.chance(0.4):
            side = draws.choice([-1, 1])
            heading = draws.choice([-1, 1]) * math.pi / 2
            self._vehicle(
                draws.choice(cars), side * draws.uniform(0.0, self.half + 6), self.crossing, heading
            )

    def _vehicle(self, body, lateral: float, z: float, heading: float) -> None:
        place = self.place(lateral, z)
        clearance = math.hypot(place[0] - self.eye[0], place[1] - self.eye[2])
        if clearance < body.size[0] / 2 + 1.6:
            return
        self.planes += Vehicle(
            self.pool, self.draws, body, place, heading, self.light, self.eye
        ).planes()
        half = (body.size[1] / 2 + 0.25, body.size[0] / 2 + 0.25)
        self.ground.shade(place, half, heading, 0.75, None)
        self.ground.shade(place, half, heading, 0.45, self.light)

    def people(self) -> None:
        """Pedestrians on the pavements, now and then on the road; cyclists."""
        draws = self.draws
        busy = draws.choice([1, 3, 8], [0.35, 0.4, 0.25]) * (2 if self.panorama else 1)
        for _ in range(busy + draws.integer(0, 3)):
            side = draws.choice([-1, 1])
            lateral = self.half + draws.uniform(0.3, max(self.sides[side].pavement - 0.3, 0.5))
            if draws.chance(0.12):
                lateral = draws.uniform(0.0, self.half)
            place = self.place(side * lateral, self._spread(6.0, 50.0))
            self._person(place, False)
            if draws.chance(0.35):
                self._person(
                    (place[0] + draws.uniform(0.5, 0.8), place[1] + draws.uniform(-0.4, 0.4)), False
                )
        if draws.chance(0.45):
            lateral = draws.choice([-1, 1]) * (self.half - 0.8)
            self._person(self.place(lateral, self._spread(7.0, 35.0)), True)

    def _person(self, place, riding: bool) -> None:
        if math.hypot(place[0] - self.eye[0], place[1] - self.eye[2]) < 4.0:
            return
        self.planes.append(person(self.pool, self.draws, self.light, place, self.eye, riding))
        self.ground.shade(place, (0.4, 0.4), 0.0, 0.4, None)
        self.ground.shade(place, (0.3, 0.3), 0.0, 0.4, self.light)

    def distance(self) -> None:
        """What closes the view: strips of far buildings or trees on all sides."""
        far = self.end + 40.0
        spots = [((-90.0, far), (90.0, far))]
        spots.append(((-70.0, -100.0), (-70.0, far)))
        spots.append(((70.0, far), (70.0, -100.0)))
        if self.panorama:
            spots.append(((90.0, -100.0), (-90.0, -100.0)))
        for ends in spots:
            self.planes += backdrop(self.pool, self.draws, self.light, ends)

    def scene(self) -> Scene:
        """The scene with its planes sorted from near to far, and the camera's settings."""
        draws = self.draws
        x, _, z = self.eye

        def nearness(plane: Plane) -> float:
            return plan_distance([(c[0] - x, c[2] - z) for c in plane.corners()])

        yaw = draws.bell(0.0, 0.10) if draws.chance(0.75) else draws.uniform(-0.7, 0.7)
        return Scene(
            sorted(self.planes, key=nearness),
            self.ground,
            self.light,
            self.eye,
            yaw,
            draws.uniform(0.75, 1.15),
            0.5 if self.panorama else draws.uniform(0.38, 0.54),
            self.sky,
            draws.choice([draws.uniform(120.0, 300.0), draws.uniform(300.0, 1500.0)], [0.25, 0.75]),
        )


def lay_out(pool: Pool, draws: Draws, panorama: bool) -> Scene:
    """A random street.

    Args:
        pool: assets to build from.
        draws: stream of the scene.
        panorama: the camera looks around, so the street goes on behind it.
    """
    street = Street(pool, draws, panorama)
    street.build()
    street.plant()
    street.furnish()
    street.drive()
    street.people()
    street.distance()
    return street.scene()
