# SPDX-License-Identifier: GPL-3.0-or-later
"""Buildings of the street scenes: fronts, bays, awnings, end walls, roofs, chimneys."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .streets_assets import Pool
from .streets_draws import Draws
from .streets_materials import Facade, Light, facade_shader, gable_shader, linear, surface_shader
from .streets_raster import Plane, between

CONSTRUCTION = 1
_UP = (0.0, 1.0, 0.0)


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
        wall, wall_colour(draws, wall[0]), draws.choice(pool.upper), np.array(lower),
        draws.uniform(2.2, 4.2), storey, storey * (1.2 if kind == "shop" else 1.0), shops,
        draws.uniform(0.15, 0.9), kind == "shop", draws.integer(0, 2**31),
    )  # fmt: skip


def wall_colour(draws: Draws, family: str) -> np.ndarray:
    """A colour, linear float32 [3], that suits a family of wall textures."""
    bricks = ((0.50, 0.31, 0.25), (0.58, 0.40, 0.31), (0.62, 0.54, 0.42), (0.66, 0.60, 0.48),
              (0.40, 0.28, 0.25), (0.46, 0.43, 0.40))  # fmt: skip
    coats = ((0.90, 0.89, 0.86), (0.86, 0.82, 0.72), (0.80, 0.78, 0.74), (0.66, 0.66, 0.66),
             (0.78, 0.66, 0.52), (0.70, 0.74, 0.78), (0.82, 0.72, 0.66), (0.93, 0.92, 0.92))  # fmt: skip
    stones = ((0.62, 0.58, 0.50), (0.52, 0.50, 0.47), (0.72, 0.67, 0.56), (0.44, 0.42, 0.40))
    options = {"brick": bricks, "coat": coats}.get(family, stones)
    level = draws.uniform(0.72, 1.14)
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
) -> list[Plane]:
    """The planes of a building: street front, end walls, roof, chimneys, what stands out.

    Args:
        kind: "shop", "house" or "office", see `facade_style`.
        ends: two plan points of the front; the street lies to the right of the way from the first
            to the second.
        shadow: function of a plan position along the front (x, z arrays) giving the height (m) up
            to which it lies in shadow.
    """
    style = facade_style(pool, draws, kind)
    along, width = between(*ends)
    outward = (along[2], 0.0, -along[0])
    inward = tuple(-a for a in outward)
    eaves = style.ground_storey + (storeys - 1) * style.storey + draws.uniform(0.2, 0.7)
    deep = draws.uniform(7.0, 12.0)
    bays = max(round(width / style.bay), 1)
    style = replace(style, bay=width / bays)
    (x0, z0), (x1, z1) = ends

    def front_shadow(u):
        return shadow(np.float32(x0) + np.float32(along[0]) * u,
                      np.float32(z0) + np.float32(along[2]) * u)  # fmt: skip

    shade = facade_shader(pool, style, light, outward, front_shadow, eaves)
    planes = [Plane((x0, 0.0, z0), along, _UP, (width, eaves), CONSTRUCTION, shade)]
    pitched = kind != "office" and draws.chance(0.8)
    rise = draws.uniform(0.45, 0.95) * deep / 2 if pitched else 0.0
    for (x, z), normal in ((ends[0], tuple(-a for a in along)), (ends[1], along)):
        plain = surface_shader(pool, style.wall, style.wall_colour, light.on(normal))
        if draws.chance(0.35):
            plain = facade_shader(
                pool, replace(style, lettering=False), light, normal, _unshaded, 99.0
            )
        side = gable_shader(plain, deep, eaves, max(rise, 1e-3))
        planes.append(Plane((x, 0.0, z), inward, _UP, (deep, eaves + rise), CONSTRUCTION, side))
    planes += _front_parts(pool, draws, light, style, kind, (x0, z0), along, (bays, eaves))
    if pitched:
        planes += _roof(pool, draws, light, ends, along, inward, (width, deep, eaves, rise))
    return planes


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


def _unshaded(u: np.ndarray) -> np.ndarray:
    return np.full(u.shape, -1.0, np.float32)


def _front_parts(pool, draws, light, style, kind: str, start, along, size) -> list[Plane]:
    """Bay windows of houses and awnings of shops, which stand out from the front."""
    bays, eaves = size
    outward = (along[2], 0.0, -along[0])
    planes = []
    if kind == "house" and draws.chance(0.4):
        tall = style.ground_storey + (style.storey * 0.95 if draws.chance(0.5) else 0.1)
        for bay in range(draws.integer(0, 2), bays, 2):
            planes += _bay_window(pool, light, style, start, along, bay, min(tall, eaves - 0.2))
    elif kind == "shop" and draws.chance(0.45):
        colour = _shop_colour(draws)
        first = draws.integer(0, bays)
        deep, drop = draws.uniform(0.7, 1.4), draws.uniform(0.4, 0.8)
        length = math.sqrt(deep * deep + drop * drop)
        up = tuple((-deep * o + (drop if k == 1 else 0.0)) / length for k, o in enumerate(outward))
        normal = tuple((drop * o + (deep if k == 1 else 0.0)) / length
                       for k, o in enumerate(outward))  # fmt: skip
        shift = first * style.bay
        foot = style.ground_storey * 0.74 - drop
        origin = (start[0] + along[0] * shift + outward[0] * (deep + 0.02), foot,
                  start[1] + along[2] * shift + outward[2] * (deep + 0.02))  # fmt: skip
        cloth = ("coat", pool.walls[0][1], 4.0)
        shade = surface_shader(pool, cloth, colour, light.on(normal))
        width = style.bay * draws.integer(1, 3)
        planes.append(Plane(origin, along, up, (width, length), CONSTRUCTION, shade))
    return planes


def _bay_window(pool, light, style: Facade, start, along, bay: int, height: float) -> list[Plane]:
    """A bay that stands out by 0.7 m: a front with a window and two flanks."""
    outward = (along[2], 0.0, -along[0])
    deep, width = 0.7, style.bay * 0.8
    shift = (bay + 0.1) * style.bay
    corner = (start[0] + along[0] * shift + outward[0] * deep, 0.0,
              start[1] + along[2] * shift + outward[2] * deep)  # fmt: skip
    look = replace(style, bay=width, lower=np.array([style.upper]))
    shade = facade_shader(pool, look, light, outward, _unshaded, height)
    planes = [Plane(corner, along, _UP, (width, height), CONSTRUCTION, shade)]
    inward = tuple(-o for o in outward)
    for end, normal in ((0.0, tuple(-a for a in along)), (width, along)):
        origin = tuple(c + end * a for c, a in zip(corner, along))
        flank = surface_shader(pool, style.wall, style.wall_colour, light.on(normal))
        planes.append(Plane(origin, inward, _UP, (deep, height), CONSTRUCTION, flank))
    return planes
