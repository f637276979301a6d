# SPDX-License-Identifier: GPL-3.0-or-later
"""Asset pools of the street scenes: textures, tiles and cut-outs, apart for training and test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .streets_draws import Draws
from .streets_sprites import crown, cyclist, person, vehicle_face, vehicle_side
from .streets_textures import (
    SIZE,
    Pyramid,
    asphalt,
    fractal_noise,
    ground_tile,
    masonry,
    render_coat,
    roof_tiles,
    rubble,
    turf,
    window_tile,
)

POOLS = ("train", "test")

# Texture families of each pool: (name, texels per metre, function of draws). Every pool has its
# own sources; families marked by one pool only never occur in the other.
_WALLS = {
    "train": [
        ("brick", 110.0, lambda d: masonry(d, 32, 12, 1.25, 0.16)),
        ("brick", 100.0, lambda d: masonry(d, 32, 10, 0.72, 0.22)),
        ("coat", 40.0, lambda d: render_coat(d, 0.10)),
        ("coat", 60.0, lambda d: render_coat(d, 0.18)),
        ("ashlar", 70.0, lambda d: masonry(d, 8, 4, 0.8, 0.10)),
        ("stone", 60.0, lambda d: rubble(d, 90, 0.6)),
        ("panel", 40.0, lambda d: masonry(d, 4, 2, 0.7, 0.05)),
    ],
    "test": [
        ("brick", 105.0, lambda d: masonry(d, 32, 8, 1.15, 0.19)),
        ("brick", 115.0, lambda d: masonry(d, 32, 14, 0.8, 0.13)),
        ("coat", 50.0, lambda d: render_coat(d, 0.14)),
        ("coat", 45.0, lambda d: render_coat(d, 0.08)),
        ("ashlar", 60.0, lambda d: masonry(d, 10, 5, 1.1, 0.08)),
        ("stone", 55.0, lambda d: rubble(d, 60, 1.2)),
        ("boards", 80.0, lambda d: masonry(d, 16, 1, 0.7, 0.04)),
    ],
}
_GROUNDS = {
    "train": [
        ("road", 60.0, lambda d: asphalt(d, 0.5)),
        ("road", 45.0, lambda d: asphalt(d, 0.32)),
        ("road", 70.0, lambda d: asphalt(d, 0.7)),
        ("slab", 110.0, lambda d: masonry(d, 4, 3, 0.7, 0.10)),
        ("slab", 80.0, lambda d: masonry(d, 10, 5, 0.75, 0.13)),
        ("slab", 60.0, lambda d: asphalt(d, 0.4)),
        ("grass", 90.0, lambda d: turf(d, 8)),
        ("kerb", 128.0, lambda d: masonry(d, 2, 2, 0.6, 0.08)),
    ],
    "test": [
        ("road", 50.0, lambda d: asphalt(d, 0.42)),
        ("road", 65.0, lambda d: asphalt(d, 0.6)),
        ("road", 40.0, lambda d: asphalt(d, 0.28)),
        ("slab", 100.0, lambda d: masonry(d, 6, 4, 0.65, 0.12)),
        ("slab", 90.0, lambda d: masonry(d, 12, 8, 0.8, 0.10)),
        ("slab", 70.0, lambda d: asphalt(d, 0.5)),
        ("grass", 80.0, lambda d: turf(d, 16)),
        ("kerb", 110.0, lambda d: masonry(d, 2, 3, 0.65, 0.06)),
    ],
}
# Outlines of vehicles, in shares of length and height: hatchback, saloon, estate, sports utility.
_PROFILES = {
    "train": [
        [(0, 0.2), (0.0, 0.62), (0.06, 0.98), (0.5, 1.0), (0.74, 0.66), (0.97, 0.55), (1, 0.2)],
        [(0, 0.2), (0.0, 0.62), (0.14, 0.66), (0.28, 0.98), (0.54, 1.0), (0.73, 0.65), (0.98, 0.54), (1, 0.2)],
        [(0, 0.2), (0.0, 0.6), (0.03, 0.97), (0.56, 1.0), (0.75, 0.64), (0.98, 0.56), (1, 0.2)],
    ],
    "test": [
        [(0, 0.2), (0.0, 0.6), (0.1, 0.98), (0.46, 1.0), (0.7, 0.64), (0.96, 0.52), (1, 0.2)],
        [(0, 0.2), (0.0, 0.64), (0.17, 0.67), (0.32, 0.97), (0.55, 1.0), (0.72, 0.66), (0.98, 0.56), (1, 0.2)],
        [(0, 0.22), (0.0, 0.62), (0.02, 0.98), (0.6, 1.0), (0.76, 0.66), (0.98, 0.6), (1, 0.22)],
    ],
}  # fmt: skip
_VAN = [(0, 0.14), (0.0, 0.98), (0.02, 1.0), (0.68, 1.0), (0.84, 0.56), (0.98, 0.46), (1, 0.14)]
_BUS = [(0, 0.1), (0.0, 0.99), (0.01, 1.0), (0.98, 1.0), (1, 0.94), (1, 0.5), (1, 0.1)]


@dataclass(frozen=True)
class Body:
    """A kind of vehicle.

    Attributes: profile, (along, up) in shares of length and height; side, part map; size, (length,
    width, height) in m; kind, "car", "van" or "bus".
    """

    profile: tuple
    side: np.ndarray
    size: tuple[float, float, float]
    kind: str


@dataclass(frozen=True)
class Pool:
    """Everything that scenes of one pool are built from.

    Attributes:
        textures: Pyramid of all surfaces.
        walls, roofs, grounds: lists of (family, texture index, texels per metre).
        foliage, cloud: texture indices.
        tiles: Pyramid of facade weights; upper, lower: dict of tile indices by kind.
        people, cyclists: part maps.
        leafy, bare: crowns, float32 [192,192,3].
        bodies: vehicle kinds; faces: lists of part maps by (rear, boxy).
    """

    textures: Pyramid
    walls: list
    roofs: list
    grounds: dict
    foliage: list
    cloud: list
    tiles: Pyramid
    upper: list
    lower: dict
    people: list
    cyclists: list
    leafy: list
    bare: list
    bodies: list
    faces: dict


@lru_cache(maxsize=2)
def pool(name: str) -> Pool:
    """The pool of that name, built on first use (about a second).

    Raises:
        ValueError: unknown name.
    """
    if name not in POOLS:
        raise ValueError(f"pool must be one of {', '.join(POOLS)}, got {name!r}")
    images: list[np.ndarray] = []

    def add(image: np.ndarray) -> int:
        images.append(image)
        return len(images) - 1

    walls = [(kind, add(make(Draws(name, "wall", k))), scale)
             for k, (kind, scale, make) in enumerate(_WALLS[name])]  # fmt: skip
    grounds: dict[str, list] = {}
    for k, (kind, scale, make) in enumerate(_GROUNDS[name]):
        grounds.setdefault(kind, []).append((add(make(Draws(name, "ground", k))), scale))
    courses = {"train": ((16, 12), (24, 10)), "test": ((20, 14), (28, 16))}[name]
    roofs = [("roof", add(roof_tiles(Draws(name, "roof", k), *size)), 60.0)
             for k, size in enumerate(courses)]  # fmt: skip
    foliage = [add(turf(Draws(name, "leaf", k), 16 + 16 * k)) for k in range(2)]
    cloud = [add(_cloud(Draws(name, "cloud", k))) for k in range(3)]
    tiles = [window_tile(Draws(name, "window", k)) for k in range(14)]
    lower: dict[str, list[int]] = {}
    for k, kind in enumerate(("shop", "shop", "shop", "door", "door", "garage", "blank")):
        lower.setdefault(kind, []).append(len(tiles))
        tiles.append(ground_tile(Draws(name, "lower", k), kind))
    return Pool(
        Pyramid(np.stack(images)), walls, roofs, grounds, foliage, cloud,
        Pyramid(np.stack(tiles)), list(range(14)), lower,
        [person(Draws(name, "person", k)) for k in range(20)],
        [cyclist(Draws(name, "cyclist", k)) for k in range(8)],
        [crown(Draws(name, "leafy", k), False) for k in range(10)],
        [crown(Draws(name, "bare", k), True) for k in range(8)],
        _bodies(name), _faces(name),
    )  # fmt: skip


def _cloud(draws: Draws) -> np.ndarray:
    noise = fractal_noise(draws, SIZE, 2, 0.55)
    return np.repeat(noise[:, :, None], 3, axis=2)


def _bodies(name: str) -> list[Body]:
    draws = Draws(name, "bodies")
    bodies = []
    for k, profile in enumerate(_PROFILES[name]):
        for _ in range(3):
            length, width = draws.uniform(3.7, 4.7) + 0.15 * k, draws.uniform(1.64, 1.82)
            height = draws.uniform(1.36, 1.6) + 0.1 * (k == 2)
            wheel = draws.uniform(0.29, 0.34) / length
            posts = (0.09, 0.34 + draws.uniform(-0.04, 0.04), 0.56, 0.78)
            side = vehicle_side(profile, (0.19, 0.81), wheel, 0.64, posts)
            bodies.append(Body(tuple(profile), side, (length, width, height), "car"))
    for profile, kind, size in ((_VAN, "van", (5.0, 1.95, 2.2)), (_BUS, "bus", (9.5, 2.5, 3.2))):
        for _ in range(2):
            scale = draws.uniform(0.9, 1.15)
            length, width, height = size[0] * scale, size[1], size[2] * draws.uniform(0.9, 1.2)
            posts = (0.7, 0.84) if kind == "van" else tuple(0.02 + 0.16 * k for k in range(7))
            side = vehicle_side(profile, (0.2, 0.8), 0.36 / length, 0.52, posts)
            bodies.append(Body(tuple(profile), side, (length, width, height), kind))
    return bodies


def _faces(name: str) -> dict:
    return {
        (rear, boxy): [vehicle_face(Draws(name, "face", rear, boxy, k), rear, boxy)
                       for k in range(4)]
        for rear in (False, True) for boxy in (False, True)
    }  # fmt: skip
