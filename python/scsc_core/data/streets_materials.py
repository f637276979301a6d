# SPDX-License-Identifier: GPL-3.0-or-later
"""Light and the shading of planes: facades, plain surfaces, cut-outs, foliage.

Colours are linear RGB reflectances. A shader takes (u, v, depth, footprint), float32 [k] each in
metres, and gives (colour float32 [k,3], keep, claim) as `streets_raster.Plane` wants them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .streets_assets import Pool
from .streets_draws import Draws
from .streets_sprites import CROWN
from .streets_textures import DARK, GLASS, TILE, TRIM, WALL, level_of


def linear(red: float, green: float, blue: float) -> np.ndarray:
    """sRGB shares (0 .. 1) to linear float32 [3], by a square: exact everywhere, near enough."""
    colour = np.array([red, green, blue], np.float32)
    return colour * colour


@dataclass(frozen=True)
class Light:
    """Sun and sky of a scene.

    Attributes: direction, unit vector to the sun; sun, sky: float32 [3], irradiance from each;
    bounce: float32 [3], light from the ground; canyon, 0 .. 1, share of the sky that walls of the
    street see.
    """

    direction: tuple[float, float, float]
    sun: np.ndarray
    sky: np.ndarray
    bounce: np.ndarray
    canyon: float

    def ambient(self, normal) -> np.ndarray:
        """Irradiance float32 [3] without the sun on a surface of that unit normal."""
        up = np.float32(0.5 + 0.5 * normal[1])
        seen = np.float32(self.canyon + (1 - self.canyon) * max(normal[1], 0.0))
        return (self.sky * up + self.bounce * (1 - up)) * seen

    def direct(self, normal) -> np.ndarray:
        """What the sun adds, float32 [3]."""
        facing = sum(n * d for n, d in zip(normal, self.direction))
        return self.sun * np.float32(max(facing, 0.0))

    def on(self, normal) -> np.ndarray:
        """Ambient and direct light together."""
        return self.ambient(normal) + self.direct(normal)


def cells_hash(a: np.ndarray, b: np.ndarray, seed: int) -> np.ndarray:
    """Hash uint32 [k] of pairs of cell numbers: fixed disorder without a table."""
    x = a.astype(np.uint32) * np.uint32(0x9E3779B1) ^ b.astype(np.uint32) * np.uint32(0x85EBCA77)
    x = (x ^ np.uint32(seed & 0xFFFFFFFF)) * np.uint32(0xC2B2AE3D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x27D4EB2F)
    return x ^ (x >> np.uint32(13))


def share(hashed: np.ndarray) -> np.ndarray:
    """Hash to float32 in [0, 1)."""
    return (hashed >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


@dataclass(frozen=True)
class Facade:
    """How a building's walls look.

    Attributes:
        wall: (family, texture, texels per metre); wall_colour: float32 [3].
        upper: facade tile of the upper floors; lower: tiles of the ground floor.
        bay, storey, ground_storey: widths and heights (m).
        shop_colours: float32 [8,3], trim: the upper floors', then the ground floor's by bay.
        glass: reflected sky, 0 .. 1; lettering: whether shop boards carry letters.
        seed: of the disorder among windows.
    """

    wall: tuple
    wall_colour: np.ndarray
    upper: int
    lower: np.ndarray
    bay: float
    storey: float
    ground_storey: float
    shop_colours: np.ndarray
    glass: float
    lettering: bool
    seed: int


def facade_shader(
    pool: Pool, style: Facade, light: Light, normal, shadow: Callable, top: float
) -> Callable:
    """Shader of a wall with windows.

    Args:
        normal: of the wall, towards the street.
        shadow: function of u giving the height (m) below which the sun does not reach.
        top: height of the wall; a dark line under the eaves ends it.
    """
    ambient, direct = light.ambient(normal), light.direct(normal)

    def shade(u, v, depth, footprint):
        bay = np.floor(u / np.float32(style.bay))
        upper = v >= style.ground_storey
        height = (v - np.float32(style.ground_storey)) / np.float32(style.storey)
        floor = np.where(upper, np.floor(height), np.float32(-1))
        fv = np.where(upper, height - floor, v / np.float32(style.ground_storey))
        hashed = cells_hash(bay.astype(np.int64), floor.astype(np.int64) + 1, style.seed)
        ground = hashed % np.uint32(len(style.lower))
        if style.lettering:
            # one shop spans two or three bays and keeps its front
            ground = cells_hash((bay / 2).astype(np.int64), bay.astype(np.int64) * 0, style.seed)
            ground = ground % np.uint32(len(style.lower))
        tile = np.where(upper, style.upper, style.lower[ground])
        fu = u / np.float32(style.bay) - bay
        level = level_of(footprint * np.float32(TILE / style.storey))
        part = pool.tiles.look_up(tile, fu * TILE, fv * TILE, level)
        _, texture, scale = style.wall
        scale = np.float32(scale)
        grain = pool.textures.look_up(texture, u * scale, v * scale, level_of(footprint * scale))
        # higher up, a wall sees more of the sky and less dirt
        soil = np.float32(0.6) + np.minimum(v * np.float32(0.06), np.float32(0.5))
        soil = np.where((v > top - 0.25) | (u < 0.1), np.float32(0.4), soil)
        colour = grain * style.wall_colour * (part[:, WALL] * soil)[:, None]
        trim = style.shop_colours[np.where(upper, 0, 1 + ground % np.uint32(7))]
        if style.lettering:
            letters = cells_hash(np.floor(u * 9).astype(np.int64), floor.astype(np.int64), 5)
            board = ~upper & (fv > 0.78) & (fv < 0.88) & (share(letters) > 0.45)
            trim = np.where((board & (fu > 0.12) & (fu < 0.88))[:, None], 0.85 - trim, trim)
        colour += trim * part[:, TRIM, None]
        colour += np.float32(0.015) * part[:, DARK, None]
        sunlit = (v > shadow(u)).astype(np.float32)[:, None]
        colour *= ambient + direct * sunlit
        colour += _panes(style, light.sky, (u, v, fv), hashed, part[:, GLASS], upper)
        return colour, None, None

    return shade


def _panes(style: Facade, sky, place, hashed, glazed, upper) -> np.ndarray:
    """Light float32 [k,3] from window panes: mirrored sky, curtains, goods behind shop fronts.

    Args:
        sky: float32 [3], irradiance from the sky.
        place: u, v (m) and the height within the storey (0 .. 1), float32 [k] each.
        hashed: uint32 [k], of the window; glazed: float32 [k], share of glass; upper: bool [k].
    """
    u, v, height = place
    tone = share(hashed)
    curtain = (tone * 7 % 1 > height * np.float32(0.8)) & (tone > 0.3)
    mirror = np.float32(style.glass) * tone * (tone * np.float32(0.7) + np.float32(0.6) * height)
    glow = (mirror + curtain * np.float32(0.14) + np.float32(0.01)) * glazed
    colour = glow[:, None] * sky
    if style.lettering:
        # cells of several sizes, so that none shows as a grid
        cell = np.float32(2.3) + (hashed % np.uint32(3)).astype(np.float32) * np.float32(2.9)
        goods = cells_hash(
            (u * cell + height * 3).astype(np.int64), (v * cell * 2).astype(np.int64), style.seed
        )
        rack = cells_hash((u * 11).astype(np.int64), (v * 8).astype(np.int64), style.seed)
        shown = glazed * share(goods) * share(rack) * np.float32(0.004) * ~upper
        hues = goods[:, None] >> np.array([9, 11, 10], np.uint32) & np.uint32(63)
        colour += shown[:, None] * (np.float32(50) + hues.astype(np.float32)) * sky
    return colour


def surface_shader(pool: Pool, wall: tuple, colour: np.ndarray, light: np.ndarray) -> Callable:
    """Shader of a plain textured surface in the given light (float32 [3])."""
    _, texture, scale = wall
    scale, tint = np.float32(scale), colour * light

    def shade(u, v, depth, footprint):
        grain = pool.textures.look_up(texture, u * scale, v * scale, level_of(footprint * scale))
        return grain * tint, None, None

    return shade


def gable_shader(plain: Callable, width: float, eaves: float, rise: float) -> Callable:
    """Another shader cut to an end wall: width (m) at the eaves, then tapering to the ridge."""

    def shade(u, v, depth, footprint):
        reach = 1 - np.abs(u * np.float32(2 / width) - 1)
        return plain(u, v, depth, footprint)[0], v < eaves + np.float32(rise) * reach, None

    return shade


def solid_shader(colour: np.ndarray) -> Callable:
    """Shader of one colour (already lit, float32 [3])."""

    def shade(u, v, depth, footprint):
        return np.broadcast_to(colour, (len(u), 3)), None, None

    return shade


def cutout_shader(
    parts: np.ndarray,
    colours: np.ndarray,
    size,
    side_light: float = 0.0,
    crop=(0.0, 1.0),
    relief: float = 0.0,
) -> Callable:
    """Shader of a part map.

    Args:
        parts: uint8 [rows,columns], 0 = nothing.
        colours: float32 [parts,3], already lit.
        size: (width, height) of the plane in metres.
        side_light: change of brightness from the left to the right edge.
        crop: share of the map's rows that the plane shows, from and to.
        relief: change of brightness from the bottom to the top.
    """
    rows, columns = parts.shape
    per_u = np.float32(columns / size[0])
    per_v = np.float32((crop[1] - crop[0]) * rows / size[1])
    start = np.float32(crop[0] * rows)
    flat = parts.ravel()

    def shade(u, v, depth, footprint):
        column = np.minimum((u * per_u).astype(np.int32), columns - 1)
        row = np.minimum((v * per_v + start).astype(np.int32), rows - 1)
        part = flat.take(row * columns + column)
        colour = colours.take(part, axis=0)
        if relief:
            colour = (
                colour * (np.float32(1 - relief / 2) + np.float32(relief / size[1]) * v)[:, None]
            )
        if side_light:
            turn = np.float32(1 - side_light / 2) + np.float32(side_light / size[0]) * u
            colour = colour * turn[:, None]
        return colour, part > 0, None

    return shade


def crown_shader(pool: Pool, crown: np.ndarray, colour: np.ndarray, size, bare: bool, draws: Draws):
    """Shader of a tree crown or bush: leaves or twigs, lit from above, with gaps.

    Args:
        crown: float32 [192,192,3] of `streets_sprites.crown`.
        colour: float32 [3], already lit.
        size: (width, height) of the plane in metres.
        draws: source of the leaf pattern's offset.
    """
    per_u, per_v = np.float32(CROWN / size[0]), np.float32(CROWN / size[1])
    texture = draws.choice(pool.foliage)
    du, dv = draws.integer(0, 256), draws.integer(0, 256)
    grain = np.float32(draws.uniform(14, 26))
    flat = crown.reshape(-1, 3)

    def shade(u, v, depth, footprint):
        column = np.minimum((u * per_u).astype(np.int32), CROWN - 1)
        row = np.minimum((v * per_v).astype(np.int32), CROWN - 1)
        matter = flat.take(row * CROWN + column, axis=0)
        if bare:
            keep = matter[:, 0] > 0
            return colour * matter[:, 1, None], keep, matter[:, 2] > 0
        leaf = pool.textures.look_up(texture, u * grain + du, v * grain + dv,
                                     level_of(footprint * (grain * np.float32(0.6))))  # fmt: skip
        keep = (matter[:, 0] > (leaf[:, 1] - 1) * np.float32(0.8)) & (matter[:, 2] > -0.3)
        tone = matter[:, 1] * (np.float32(0.35) + np.float32(0.65) * leaf[:, 1])
        return leaf * tone[:, None] * colour, keep, keep | (matter[:, 2] > 0)

    return shade
