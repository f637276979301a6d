# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that stand in a street scene, as planes: trees, people, poles, walls, road marks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .streets_assets import Pool
from .streets_buildings import wall_colour
from .streets_draws import Draws
from .streets_materials import (
    Light,
    crown_shader,
    cutout_shader,
    linear,
    solid_shader,
    surface_shader,
)
from .streets_raster import Plane, between
from .streets_sprites import mark, sign

FLAT, CONSTRUCTION, OBJECT, NATURE, SKY, PERSON, VEHICLE = range(7)
_UP = (0.0, 1.0, 0.0)


def facing(place, eye) -> tuple[float, float, float]:
    """Level unit vector to the right as seen from the camera, for a plane that faces it."""
    (dx, _, dz), _ = between((eye[0], eye[2]), place)
    return (dz, 0.0, -dx)


def standing(place, eye, width: float, height: float, label: int, shade, lift: float = 0.0):
    """A plane that stands at a plan point, centred, and faces the camera."""
    across = facing(place, eye)
    origin = (place[0] - across[0] * width / 2, lift, place[1] - across[2] * width / 2)
    return Plane(origin, across, _UP, (width, height), label, shade)


def tree(pool: Pool, draws: Draws, light: Light, place, eye, height: float, bare: bool):
    """A trunk and layered crown at a plan point."""
    width = height * draws.uniform(0.5, 0.85)
    trunk_top = height * draws.uniform(0.16, 0.32)
    bark = linear(*draws.choice([(0.30, 0.26, 0.22), (0.36, 0.33, 0.29), (0.22, 0.20, 0.18)]))
    thick = height * draws.uniform(0.025, 0.045)
    lit = light.ambient((0.0, 0.0, -1.0)) + light.sun * np.float32(0.35)
    planes = [standing(place, eye, thick, trunk_top * (1.0 if bare else 1.6), NATURE,
                       solid_shader(bark * lit))]  # fmt: skip
    if bare:
        shape = draws.choice(pool.bare)
        shade = crown_shader(pool, shape, bark * lit, (width, height - trunk_top), True, draws)
        return [*planes, standing(place, eye, width, height - trunk_top, NATURE, shade, trunk_top)]
    colour = leaf_colour(draws) * lit
    for k in range(draws.integer(2, 4)):
        spread = 0.0 if k == 0 else width * 0.25
        at = (place[0] + draws.uniform(-spread, spread), place[1] + draws.uniform(-spread, spread))
        part = 1.0 if k == 0 else draws.uniform(0.6, 0.85)
        size = (width * part, (height - trunk_top) * part)
        shade = crown_shader(pool, draws.choice(pool.leafy), colour, size, False, draws)
        lift = trunk_top * 0.8 + (height - trunk_top) * draws.uniform(0.0, 1.0 - part)
        planes.append(standing(at, eye, *size, NATURE, shade, lift))
    return planes


def leaf_colour(draws: Draws) -> np.ndarray:
    """Green to olive to brown, linear float32 [3]."""
    base = draws.choice([(0.30, 0.38, 0.18), (0.24, 0.32, 0.18), (0.40, 0.42, 0.20),
                         (0.42, 0.34, 0.20), (0.18, 0.26, 0.17)], [4, 4, 2, 1, 2])  # fmt: skip
    return linear(*(c * draws.uniform(0.85, 1.15) for c in base))


def bush(pool: Pool, draws: Draws, light: Light, place, eye, size):
    """A shrub that stands on the ground."""
    lit = light.ambient((0.0, 0.0, -1.0)) + light.sun * np.float32(0.3)
    shade = crown_shader(pool, draws.choice(pool.leafy), leaf_colour(draws) * lit,
                         (size[0] * 1.5, size[1] * 1.5), False, draws)  # fmt: skip
    return standing(place, eye, size[0] * 1.5, size[1] * 1.5, NATURE, shade, -0.25 * size[1])


def wall(pool: Pool, draws: Draws, light: Light, ends, height: float, kind: str):
    """A garden wall, railing or hedge between two plan points."""
    along, length = between(*ends)
    origin = (ends[0][0], 0.0, ends[0][1])
    lit = light.on((along[2], 0.0, -along[0]))
    if kind == "hedge":
        leaf = ("leaf", draws.choice(pool.foliage), draws.uniform(25, 45))
        shade = surface_shader(pool, leaf, leaf_colour(draws), lit * np.float32(0.8))
        return Plane(origin, along, _UP, (length, height), NATURE, shade)
    if kind == "railing":
        parts = np.zeros((24, 64), np.uint8)
        parts[:, ::8] = parts[:, 1::8] = 1
        parts[[2, 3, 21, 22]] = 1
        paint = linear(0.12, 0.12, 0.13) * lit
        shade = _repeated(parts, np.stack([paint * 0, paint]), height)
        return Plane(origin, along, _UP, (length, height), CONSTRUCTION, shade)
    surface = draws.choice(pool.walls)
    shade = surface_shader(pool, surface, wall_colour(draws, surface[0]), lit)
    return Plane(origin, along, _UP, (length, height), CONSTRUCTION, shade)


def _repeated(parts, colours, height: float) -> Callable:
    """A part map repeated along u, as wide as its columns to rows say; a claim without gaps."""
    pitch = height * parts.shape[1] / parts.shape[0]
    plain = cutout_shader(parts, colours, (pitch, height))

    def shade(u, v, depth, footprint):
        wrapped = u - np.floor(u / np.float32(pitch)) * np.float32(pitch)
        colour, keep, _ = plain(wrapped, v, depth, footprint)
        return colour, keep, np.ones(len(u), bool)

    return shade


def person(pool: Pool, draws: Draws, light: Light, place, eye, riding: bool):
    """A pedestrian or a cyclist at a plan point, facing no direction in particular."""
    parts = draws.choice(pool.cyclists if riding else pool.people)
    lit = light.ambient((0.0, 0.2, -1.0)) + light.sun * np.float32(0.4)
    cloth = [linear(*(draws.uniform(0.05, 0.5) for _ in range(3))) for _ in range(3)]
    for k in range(3):
        if draws.chance(0.6):
            cloth[k] = linear(*(3 * [draws.uniform(0.06, 0.35)]))
        elif draws.chance(0.25):
            cloth[k] = linear(*draws.choice([(0.8, 0.1, 0.1), (0.8, 0.85, 0.2), (0.85, 0.85, 0.85),
                                             (0.2, 0.35, 0.75), (0.9, 0.5, 0.1)]))  # fmt: skip
    tone = draws.choice([1.0, 0.85, 0.5])
    skin = linear(0.76 * tone, 0.58 * tone, 0.48 * tone)
    hair = linear(*draws.choice([(0.12, 0.09, 0.08), (0.3, 0.2, 0.12), (0.5, 0.42, 0.3)]))
    metal = linear(*(draws.uniform(0.1, 0.6) for _ in range(3)))
    dark = linear(0.1, 0.1, 0.1)
    colours = np.stack([dark, skin, hair, cloth[0], cloth[1], dark, cloth[2], metal, dark,
                        cloth[0] * np.float32(0.8)]) * lit  # fmt: skip
    height = draws.uniform(1.7, 2.05)
    width = height * parts.shape[1] / parts.shape[0]
    shade = cutout_shader(parts, colours.astype(np.float32), (width, height),
                          draws.uniform(-0.6, 0.6))  # fmt: skip
    return standing(place, eye, width, height, PERSON, shade)


def _pole(place, eye, height: float, width: float, colour) -> Plane:
    return standing(place, eye, width, height, OBJECT, solid_shader(colour))


def lamp(draws: Draws, light: Light, place, eye, inward: float) -> list[Plane]:
    """A street lamp whose arm reaches `inward` (m, signed) over the road."""
    lit = light.ambient((0.0, 0.0, -1.0)) + light.sun * np.float32(0.3)
    colour = linear(*(3 * [draws.choice([0.2, 0.35, 0.55])])) * lit
    height, thick = draws.uniform(5.0, 9.0), draws.uniform(0.11, 0.18)
    planes = [_pole(place, eye, height, thick, colour)]
    planes.append(_pole(place, eye, 1.2, thick * 1.7, colour))
    tip = (place[0] + inward, place[1])
    start = (min(place[0], tip[0]), height - 0.09, place[1])
    planes.append(Plane(start, (1.0, 0.0, 0.0), _UP, (abs(inward), 0.09), OBJECT,
                        solid_shader(colour)))  # fmt: skip
    planes.append(standing(tip, eye, 0.75, 0.2, OBJECT, solid_shader(colour * np.float32(1.3)),
                           height - 0.16))  # fmt: skip
    return planes


def post(draws: Draws, light: Light, place, eye) -> list[Plane]:
    """A traffic sign, signal, bollard or plain post."""
    lit = light.ambient((0.0, 0.0, -1.0)) + light.sun * np.float32(0.3)
    kind = draws.choice(
        ["disc", "triangle", "board", "signal", "bollard", "bin"], [3, 2, 3, 4, 2, 1]
    )
    grey = linear(*(3 * [draws.uniform(0.15, 0.55)])) * lit
    if kind == "bollard":
        top = linear(0.85, 0.75, 0.2) * lit
        return [_pole(place, eye, 0.95, 0.2, grey),
                standing(place, eye, 0.21, 0.2, OBJECT, solid_shader(top), 0.72)]  # fmt: skip
    if kind == "bin":
        colour = linear(*draws.choice([(0.55, 0.08, 0.1), (0.1, 0.1, 0.1), (0.1, 0.3, 0.2)])) * lit
        return [_pole(place, eye, draws.uniform(0.9, 1.6), 0.5, colour)]
    height = draws.uniform(2.3, 3.4)
    size = {"disc": (0.7, 0.7), "triangle": (0.8, 0.75), "signal": (0.75, 1.1)}.get(
        kind, (draws.uniform(0.5, 1.6), draws.uniform(0.5, 1.2))
    )
    palette = [linear(*c) for c in ((0, 0, 0), (0.75, 0.1, 0.12), (0.9, 0.9, 0.9), (0.06, 0.06, 0.07),
                                    (0.1, 0.25, 0.6), (0.1, 0.5, 0.3), (0.9, 0.75, 0.15),
                                    (0.15, 0.15, 0.15), (0.9, 0.9, 0.9))]  # fmt: skip
    colours = np.stack(palette).astype(np.float32) * lit
    if kind == "signal":
        bright = np.float32(1.6)
        colours[1], colours[5], colours[6] = (
            palette[1] * bright,
            palette[5] * bright,
            palette[6] * bright,
        )
    face = cutout_shader(sign(draws, kind), colours, size)
    near = (place[0] + 0.03 * (eye[0] - place[0]) / 10, place[1] - 0.05)
    return [_pole(place, eye, height, 0.1, grey),
            standing(near, eye, *size, OBJECT, face, height - size[1])]  # fmt: skip


def backdrop(pool: Pool, draws: Draws, light: Light, ends) -> list[Plane]:
    """Far trees and buildings without detail along a line in plan."""
    along, length = between(*ends)
    lit = light.on((along[2], 0.0, -along[0]))
    planes = []
    at = 0.0
    while at < length:
        start = (ends[0][0] + along[0] * at, 0.0, ends[0][1] + along[2] * at)
        if draws.chance(0.6):
            size = (draws.uniform(14.0, 40.0), draws.uniform(5.0, 13.0))
            shade = crown_shader(pool, draws.choice(pool.leafy), leaf_colour(draws) * lit,
                                 (size[0] * 1.2, size[1] * 1.6), False, draws)  # fmt: skip
            low = (start[0], -0.5 * size[1], start[2])
            planes.append(Plane(low, along, _UP, (size[0] * 1.2, size[1] * 1.6), NATURE, shade))
        else:
            size = (draws.uniform(10.0, 30.0), draws.uniform(4.0, 14.0))
            surface = draws.choice(pool.walls)
            shade = surface_shader(pool, surface, wall_colour(draws, surface[0]) * 0.8, lit)
            planes.append(Plane(start, along, _UP, size, CONSTRUCTION, shade))
        at += size[0] * draws.uniform(0.6, 1.1)
    return planes


def road_mark(draws: Draws, light: Light, place, heading: float) -> Plane:
    """An arrow or a word painted on the road, to be read when driving along `heading` (0 or pi)."""
    turn = -1.0 if heading else 1.0
    size = draws.choice([(0.9, 4.0), (2.4, 1.8)])
    parts = mark(draws, "arrow" if size[1] > 2 else "word")
    sunny = light.ambient(_UP) + light.direct(_UP) * np.float32(0.5)
    paint = linear(*(3 * [draws.uniform(0.66, 0.85)])) * sunny
    shade = cutout_shader(parts, np.stack([paint * 0, paint]).astype(np.float32), size)
    origin = (place[0] - turn * size[0] / 2, 0.004, place[1] - turn * size[1] / 2)
    return Plane(origin, (turn, 0.0, 0.0), (0.0, 0.0, turn), size, FLAT, shade)
