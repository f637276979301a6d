# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that stand in a street scene, as planes: buildings, trees, people, poles, walls."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .streets_assets import Pool
from .streets_draws import Draws
from .streets_materials import (
    Facade,
    Light,
    crown_shader,
    cutout_shader,
    facade_shader,
    gable_shader,
    linear,
    solid_shader,
    surface_shader,
)
from .streets_raster import Plane
from .streets_sprites import sign

FLAT, CONSTRUCTION, OBJECT, NATURE, SKY, PERSON, VEHICLE = range(7)
_UP = (0.0, 1.0, 0.0)


def between(start, end) -> tuple[tuple[float, float, float], float]:
    """Level unit vector from one plan point (x, z) to another, and their distance."""
    dx, dz = end[0] - start[0], end[1] - start[1]
    length = math.sqrt(dx * dx + dz * dz)
    return (dx / length, 0.0, dz / length), length


def facing(place, eye) -> tuple[float, float, float]:
    """Level unit vector to the right as seen from the camera, for a plane that faces it."""
    (dx, _, dz), _ = between((eye[0], eye[2]), place)
    return (dz, 0.0, -dx)


def standing(place, eye, width: float, height: float, label: int, shade, lift: float = 0.0):
    """A plane that stands at a plan point, centred, and faces the camera."""
    across = facing(place, eye)
    origin = (place[0] - across[0] * width / 2, lift, place[1] - across[2] * width / 2)
    return Plane(origin, across, _UP, (width, height), label, shade)


def facade_style(pool: Pool, draws: Draws, kind: str) -> Facade:
    """A random look for a building: "shop", "house" or "office"."""
    family = {
        "shop": (3, 3, 1, 0.6, 1),
        "house": (4, 3, 0.6, 0.5, 0.6),
        "office": (1, 2, 1.5, 0.3, 2),
    }
    names = ("brick", "coat", "ashlar", "stone", "panel")
    walls = [w if w[0] in names else ("panel", *w[1:]) for w in pool.walls]
    weights = [family[kind][names.index(w[0])] for w in walls]
    wall = draws.choice(pool.walls, weights)
    storey = draws.uniform(2.7, 3.4) if kind != "office" else draws.uniform(3.1, 3.8)
    if kind == "shop":
        lower = [draws.choice(pool.lower["shop"]) for _ in range(4)] + [pool.lower["door"][0]]
    elif kind == "house":
        lower = [draws.choice(pool.upper), draws.choice(pool.lower["door"])]
        lower.append(draws.choice([lower[0], pool.lower["garage"][0], pool.lower["blank"][0]]))
    else:
        lower = [draws.choice(pool.upper), draws.choice(pool.lower["shop"])]
    shops = np.stack([_shop_colour(draws) if kind == "shop" else _trim_colour(draws)
                      for _ in range(8)])  # fmt: skip
    shops[0] = _trim_colour(draws)
    return Facade(
        wall, _wall_colour(draws, wall[0]), shops[0], draws.choice(pool.upper), np.array(lower),
        draws.uniform(2.2, 4.2), storey, storey * (1.2 if kind == "shop" else 1.0), shops,
        draws.uniform(0.15, 0.9), kind == "shop", draws.integer(0, 2**31),
    )  # fmt: skip


def _wall_colour(draws: Draws, family: str) -> np.ndarray:
    bricks = ((0.50, 0.31, 0.25), (0.58, 0.40, 0.31), (0.62, 0.54, 0.42), (0.66, 0.60, 0.48),
              (0.40, 0.28, 0.25), (0.46, 0.43, 0.40))  # fmt: skip
    coats = ((0.90, 0.89, 0.86), (0.86, 0.82, 0.72), (0.80, 0.78, 0.74), (0.66, 0.66, 0.66),
             (0.78, 0.66, 0.52), (0.70, 0.74, 0.78), (0.82, 0.72, 0.66), (0.93, 0.92, 0.92))  # fmt: skip
    stones = ((0.62, 0.58, 0.50), (0.52, 0.50, 0.47), (0.72, 0.67, 0.56), (0.44, 0.42, 0.40))
    options = {"brick": bricks, "coat": coats}.get(family, stones)
    level = draws.uniform(0.86, 1.1)
    return linear(
        *(min(c * level * draws.uniform(0.96, 1.04), 0.95) for c in draws.choice(options))
    )


def _trim_colour(draws: Draws) -> np.ndarray:
    white = draws.uniform(0.75, 0.93)
    dark = draws.uniform(0.12, 0.35)
    options = (
        (white, white, white * 0.97),
        (dark, dark, dark),
        (0.30, 0.22, 0.16),
        (0.6, 0.6, 0.6),
    )
    return linear(*draws.choice(options, [6, 2, 1.2, 1]))


def _shop_colour(draws: Draws) -> np.ndarray:
    options = ((0.08, 0.24, 0.16), (0.12, 0.14, 0.32), (0.50, 0.08, 0.10), (0.10, 0.10, 0.11),
               (0.85, 0.84, 0.80), (0.20, 0.36, 0.50), (0.70, 0.62, 0.20), (0.32, 0.22, 0.16),
               (0.45, 0.48, 0.48))  # fmt: skip
    return linear(*(c * draws.uniform(0.85, 1.1) for c in draws.choice(options)))


def building(
    pool: Pool, draws: Draws, light: Light, kind: str, ends, storeys: int, shadow: Callable
) -> tuple[list[Plane], float]:
    """A building behind its street front, with end walls, roof and chimneys.

    Args:
        kind: "shop", "house" or "office", see `facade_style`.
        ends: two plan points of the front; the street lies to the right of the way from the first
            to the second.
        shadow: function of a plan position along the front (x, z arrays) giving the height (m) up
            to which it lies in shadow.
    Returns:
        the planes and the height of the eaves (m).
    """
    style = facade_style(pool, draws, kind)
    along, width = between(*ends)
    outward = (along[2], 0.0, -along[0])
    inward = tuple(-a for a in outward)
    eaves = style.ground_storey + (storeys - 1) * style.storey + draws.uniform(0.2, 0.7)
    deep = draws.uniform(7.0, 12.0)
    bays = max(round(width / style.bay), 1)
    style = Facade(**{**style.__dict__, "bay": width / bays})
    (x0, z0), (x1, z1) = ends

    def front_shadow(u):
        return shadow(np.float32(x0) + np.float32(along[0]) * u,
                      np.float32(z0) + np.float32(along[2]) * u)  # fmt: skip

    shade = facade_shader(pool, style, light, outward, front_shadow, eaves)
    planes = [Plane((x0, 0.0, z0), along, _UP, (width, eaves), CONSTRUCTION, shade)]
    pitched = kind != "office" and draws.chance(0.8)
    rise = draws.uniform(0.45, 0.95) * deep / 2 if pitched else 0.0
    for (x, z), normal in ((ends[0], tuple(-a for a in along)), (ends[1], along)):
        side_light = light.on(normal)
        side = gable_shader(pool, style.wall, style.wall_colour, side_light, deep, eaves,
                            max(rise, 1e-3))  # fmt: skip
        planes.append(Plane((x, 0.0, z), inward, _UP, (deep, eaves + rise), CONSTRUCTION, side))
    if pitched:
        planes += _roof(pool, draws, light, ends, along, inward, (width, deep, eaves, rise))
    return planes, eaves + rise


def _roof(pool, draws, light, ends, along, inward, size) -> list[Plane]:
    width, deep, eaves, rise = size
    length = math.sqrt(deep * deep / 4 + rise * rise)
    over = 0.25
    up = tuple((deep / 2 * i + (rise if k == 1 else 0.0)) / length for k, i in enumerate(inward))
    normal = tuple((-rise * i + (deep / 2 if k == 1 else 0.0)) / length
                   for k, i in enumerate(inward))  # fmt: skip
    colour = linear(*draws.choice([(0.36, 0.35, 0.37), (0.48, 0.30, 0.24), (0.42, 0.34, 0.29),
                                   (0.28, 0.28, 0.30)]))  # fmt: skip
    tiles = draws.choice(pool.roofs)
    origin = tuple(p - over * u for p, u in zip((ends[0][0], eaves, ends[0][1]), up))
    shade = surface_shader(pool, tiles, colour, light.on(normal))
    planes = [Plane(origin, along, up, (width, length + over), CONSTRUCTION, shade)]
    brick = draws.choice(pool.walls)
    for _ in range(draws.integer(0, 3)):
        shift = draws.uniform(0.05, 0.85) * width
        back = deep * draws.uniform(0.35, 0.5)
        x = ends[0][0] + along[0] * shift + inward[0] * back
        z = ends[0][1] + along[2] * shift + inward[2] * back
        stack = linear(0.46, 0.36, 0.3)
        for way, size in (
            (along, (draws.uniform(0.7, 1.3), rise + 1.4)),
            (inward, (0.7, rise + 1.4)),
        ):
            side = surface_shader(pool, brick, stack, light.on((way[2], 0.0, -way[0])))
            planes.append(Plane((x, eaves, z), way, _UP, size, CONSTRUCTION, side))
    return planes


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
    shade = surface_shader(pool, surface, _wall_colour(draws, surface[0]), lit)
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
            shade = surface_shader(pool, surface, _wall_colour(draws, surface[0]) * 0.8, lit)
            planes.append(Plane(start, along, _UP, size, CONSTRUCTION, shade))
        at += size[0] * draws.uniform(0.6, 1.1)
    return planes
