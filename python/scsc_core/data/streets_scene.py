# SPDX-License-Identifier: GPL-3.0-or-later
"""Layout of a street scene: what stands and moves along the street, and where the camera is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .streets_assets import Pool
from .streets_draws import Draws
from .streets_ground import Ground
from .streets_materials import Light
from .streets_objects import backdrop, bush, lamp, person, post, road_mark, tree, wall
from .streets_raster import Plane, plan_distance
from .streets_street import Street
from .streets_vehicles import Vehicle


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


def plant(street: Street) -> None:
    """Boundaries of gardens, street trees, garden trees and shrubs."""
    for side in (-1, 1):
        s = street.sides[side]
        edge = street.half + s.pavement + s.verge
        z = street.start
        while z < street.end:
            step = street.draws.uniform(5.0, 12.0)
            clear = not street.crosses(z - 1, z + step + 1)
            if s.setback > 2 and s.boundary != "none" and clear and street.draws.chance(0.8):
                ends = (street.place(side * edge, z), street.place(side * edge, z + step))
                ends = ends if side < 0 else (ends[1], ends[0])
                height = street.draws.uniform(0.6, 1.3) * (1.3 if s.boundary == "hedge" else 1.0)
                street.planes.append(
                    wall(street.pool, street.draws, street.light, ends, height, s.boundary)
                )
            if clear and street.draws.chance(s.trees):
                garden = s.setback > 3 and street.draws.chance(0.6)
                lateral = (
                    edge + street.draws.uniform(1.0, s.setback - 1.0)
                    if garden
                    else (
                        street.half + s.pavement * 0.25
                        if s.verge == 0
                        else street.half + s.verge * 0.6
                    )
                )
                _tree(street, side * lateral, z + step / 2)
            if s.setback > 3 and clear and street.draws.chance(0.5):
                at = street.place(side * (edge + street.draws.uniform(0.8, s.setback)), z)
                size = (street.draws.uniform(1.2, 3.5), street.draws.uniform(0.8, 2.5))
                street.planes.append(
                    bush(street.pool, street.draws, street.light, at, street.eye, size)
                )
            if s.setback > 11 and clear:
                _tree(street, side * (edge + street.draws.uniform(3.0, s.setback)), z + step * 0.3)
            z += step


def _tree(street: Street, lateral: float, z: float) -> None:
    place = street.place(lateral, z)
    if not _clear(street, place, 3.0):
        return
    height = street.draws.uniform(4.5, 12.0)
    bare = street.bare != street.draws.chance(0.15)
    street.planes += tree(street.pool, street.draws, street.light, place, street.eye, height, bare)
    half, strength = (height * 0.4, height * 0.4), 0.45 if bare else 0.95
    street.ground.shade(place, half, 0.0, strength, street.light, True, height * 0.6)


def furnish(street: Street) -> None:
    """Lamps, signs, signals and bollards along the kerbs."""
    gap = street.draws.uniform(18.0, 35.0)
    for side in (-1, 1):
        at = side * (street.half + 0.45)
        z = street.start + street.draws.uniform(0.0, gap)
        while z < street.end:
            if not street.crosses(z, z) and street.draws.chance(0.8):
                reach = -side * street.draws.uniform(0.6, 2.0)
                place = street.place(at, z)
                if _clear(street, place, 3.5):
                    street.planes += lamp(street.draws, street.light, place, street.eye, reach)
            z += gap
        for _ in range(street.draws.integer(2, 6) * (2 if street.panorama else 1)):
            z = _spread(street, 5.0, 55.0)
            place = street.place(at + side * street.draws.uniform(0.0, 1.2), z)
            if _clear(street, place, 3.5):
                street.planes += post(street.draws, street.light, place, street.eye)


def _clear(street: Street, place, distance: float) -> bool:
    """Whether a plan point is at least that far (m) from the camera."""
    return math.hypot(place[0] - street.eye[0], place[1] - street.eye[2]) >= distance


def wear(street: Street) -> None:
    """Marks, patches and covers on the road."""
    draws = street.draws
    for _ in range(draws.integer(0, 4)):
        way = draws.choice([-1, 1])
        place = street.place(way * street.hand * street.half * 0.5, _spread(street, 4.0, 35.0))
        heading = 0.0 if way > 0 else math.pi
        street.planes.append(road_mark(draws, street.light, place, heading))
    for _ in range(draws.integer(2, 12)):
        place = street.place(
            draws.uniform(-1.0, 1.0) * (street.half + 2), _spread(street, 2.0, 40.0)
        )
        half = draws.choice([(0.32, 0.32), (draws.uniform(0.3, 1.2), draws.uniform(0.5, 5.0))])
        street.ground.shade(place, half, draws.bell(0.0, 0.1), draws.uniform(-0.35, 0.45), None)


def _spread(street: Street, near: float, far: float) -> float:
    """A distance along the road with more weight on near ones; either way in a panorama."""
    u = street.draws.uniform()
    z = near + (min(far, street.end) - near) * u * u
    return -z if street.panorama and street.draws.chance(0.5) else z


def drive(street: Street) -> None:
    """Parked and moving vehicles."""
    draws = street.draws
    cars = [b for b in street.pool.bodies if b.kind == "car"]
    for side in (-1, 1):
        z = street.start
        while z < min(street.end, 90.0):
            if draws.chance(street.sides[side].parked * 0.45) and not street.crosses(z - 3, z + 3):
                body = draws.choice(cars) if draws.chance(0.9) else draws.choice(street.pool.bodies)
                turned = math.pi if (side != street.hand) != draws.chance(0.15) else 0.0
                _vehicle(street, body, side * (street.half - 1.05), z, turned + draws.bell(0, 0.02))
            z += draws.uniform(5.6, 8.5)
    for way in (1, -1):
        z = draws.uniform(9.0, 34.0)
        while z < 90.0:
            if draws.chance(0.4):
                body = draws.choice(street.pool.bodies)
                lateral = way * street.hand * street.half * 0.45
                heading = (0.0 if way > 0 else math.pi) + 2 * street.bend * z + draws.bell(0, 0.02)
                behind = street.panorama and draws.chance(0.5)
                _vehicle(street, body, lateral, -z if behind else z, heading)
            z += draws.uniform(9.0, 35.0)
    if street.crossing is not None and draws.chance(0.4):
        side = draws.choice([-1, 1])
        heading = draws.choice([-1, 1]) * math.pi / 2
        _vehicle(
            street,
            draws.choice(cars),
            side * draws.uniform(0.0, street.half + 6),
            street.crossing,
            heading,
        )


def _vehicle(street: Street, body, lateral: float, z: float, heading: float) -> None:
    place = street.place(lateral, z)
    if not _clear(street, place, body.size[0] / 2 + 1.6):
        return
    street.planes += Vehicle(
        street.pool, street.draws, body, place, heading, street.light, street.eye
    ).planes()
    half = (body.size[1] / 2 + 0.25, body.size[0] / 2 + 0.25)
    street.ground.shade(place, half, heading, 0.75, None)
    street.ground.shade(place, half, heading, 0.9, street.light)


def people(street: Street) -> None:
    """Pedestrians on the pavements, now and then on the road; cyclists."""
    draws = street.draws
    busy = draws.choice([1, 3, 8], [0.35, 0.4, 0.25]) * (2 if street.panorama else 1)
    for _ in range(busy + draws.integer(0, 3)):
        side = draws.choice([-1, 1])
        lateral = street.half + draws.uniform(0.3, max(street.sides[side].pavement - 0.3, 0.5))
        if draws.chance(0.12):
            lateral = draws.uniform(0.0, street.half)
        place = street.place(side * lateral, _spread(street, 6.0, 50.0))
        _person(street, place, False)
        if draws.chance(0.35):
            _person(
                street,
                (place[0] + draws.uniform(0.5, 0.8), place[1] + draws.uniform(-0.4, 0.4)),
                False,
            )
    if draws.chance(0.45):
        lateral = draws.choice([-1, 1]) * (street.half - 0.8)
        _person(street, street.place(lateral, _spread(street, 7.0, 35.0)), True)


def _person(street: Street, place, riding: bool) -> None:
    if not _clear(street, place, 4.0):
        return
    street.planes.append(person(street.pool, street.draws, street.light, place, street.eye, riding))
    street.ground.shade(place, (0.4, 0.4), 0.0, 0.4, None)
    street.ground.shade(place, (0.3, 0.3), 0.0, 0.4, street.light)


def distance(street: Street) -> None:
    """What closes the view: strips of far buildings or trees on all sides."""
    far = street.end + 40.0
    spots = [((-90.0, far), (90.0, far))]
    spots.append(((-70.0, -100.0), (-70.0, far)))
    spots.append(((70.0, far), (70.0, -100.0)))
    if street.panorama:
        spots.append(((90.0, -100.0), (-90.0, -100.0)))
    for ends in spots:
        street.planes += backdrop(street.pool, street.draws, street.light, ends)


def scene(street: Street) -> Scene:
    """The scene with its planes sorted from near to far, and the camera's settings."""
    draws = street.draws
    x, _, z = street.eye

    def nearness(plane: Plane) -> float:
        return plan_distance([(c[0] - x, c[2] - z) for c in plane.corners()])

    yaw = draws.bell(0.0, 0.10) if draws.chance(0.75) else draws.uniform(-0.7, 0.7)
    return Scene(
        sorted(street.planes, key=nearness),
        street.ground,
        street.light,
        street.eye,
        yaw,
        draws.uniform(0.75, 1.15),
        0.5 if street.panorama else draws.uniform(0.38, 0.54),
        street.sky,
        draws.choice([draws.uniform(120.0, 300.0), draws.uniform(300.0, 1500.0)], [0.1, 0.9]),
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
    plant(street)
    furnish(street)
    wear(street)
    drive(street)
    people(street)
    distance(street)
    return scene(street)
