# SPDX-License-Identifier: GPL-3.0-or-later
"""The ground of a street scene: road, kerbs, pavements, verges, markings, shadows."""

from __future__ import annotations

import math

import numpy as np

from .streets_assets import Pool
from .streets_draws import Draws
from .streets_materials import Light, cells_hash, linear, share
from .streets_textures import level_of

ROAD, PAVEMENT, KERB, GRASS, LANE, FORECOURT, GUTTER, PAINT, YELLOW = range(9)
_LABELS = np.array([0, 0, 0, 3, 0, 0, 0, 0, 0], np.uint8)
_CELLS, _REACH = 20, 60.0  # cells per metre, reach (m) of the tables to either side
_Z_CELLS, _Z_START, _Z_END = 10, -120.0, 240.0


class Ground:
    """Materials of the ground by lateral distance and zone along the road.

    Args:
        pool: assets.
        draws: stream of the scene.
        street: `streets_scene.Street`; its widths and crossings shape the ground.
    """

    def __init__(self, pool: Pool, draws: Draws, street):
        self.pool, self.street = pool, street
        self._shadows: list[tuple] = []
        self._materials(draws)
        plain = self._cross_section(draws)
        rows = [plain]
        zone = np.zeros(int((_Z_END - _Z_START) * _Z_CELLS), np.int32)
        spans = []
        if street.crossing is not None:
            spans.append((street.crossing - street.cross_half, street.crossing + street.cross_half))
        if street.end < 150.0:
            spans.append((street.end, street.end + 2 * street.cross_half))
        for z0, z1 in spans:
            rows += [self._opened(plain, ROAD), self._opened(plain, PAVEMENT)]
            self._mark(zone, z0 - 2.0, z1 + 2.0, len(rows) - 1)
            self._mark(zone, z0, z1, len(rows) - 2)
        if street.end < 150.0:
            rows.append(np.full_like(plain, PAVEMENT))
            self._mark(zone, street.end + 2 * street.cross_half, _Z_END, len(rows) - 1)
        if draws.chance(0.35):
            z = draws.uniform(5.0, 25.0) if not spans else spans[0][0] - draws.uniform(4.5, 6.0)
            rows.append(self._zebra(plain))
            self._mark(zone, z, z + 2.8, len(rows) - 1)
        if spans or draws.chance(0.2):
            z = spans[0][0] - 2.4 if spans else draws.uniform(8.0, 30.0)
            rows.append(self._stop_line(plain))
            self._mark(zone, z, z + 0.35, len(rows) - 1)
        self._rows, self._zone = np.stack(rows), zone
        self.wear = draws.uniform(0.0, 0.45)
        self.dash = (draws.uniform(3.0, 9.0), draws.uniform(0.35, 0.65))
        self._centre = draws.choice(["dashes", "line", "none"], [0.6, 0.2, 0.2])

    def _materials(self, draws: Draws) -> None:
        grey = draws.uniform(0.28, 0.46)
        slab = draws.uniform(0.42, 0.64)
        pick = {kind: draws.choice(options) for kind, options in sorted(self.pool.grounds.items())}
        other = draws.choice(self.pool.grounds["slab"])
        lane = draws.choice(
            [(0.42, 0.24, 0.22), (0.26, 0.36, 0.26), (grey * 0.92,) * 3], [1, 0.4, 4]
        )
        tint = draws.uniform(-0.02, 0.03)
        table = [
            (pick["road"], (grey + tint, grey, grey - tint)),
            (pick["slab"], (slab, slab * 0.98, slab * draws.uniform(0.88, 1.0))),
            (pick["kerb"], (slab * 1.1, slab * 1.1, slab * 1.06)),
            (pick["grass"], (draws.uniform(0.28, 0.42), draws.uniform(0.38, 0.46), 0.2)),
            (draws.choice(self.pool.grounds["road"]), lane),
            (other, (slab * 0.9, slab * 0.85, slab * 0.8)),
            (pick["road"], (grey * 0.9,) * 3),
            (pick["road"], (0.86, 0.86, 0.84)),
            (pick["road"], (0.78, 0.64, 0.22)),
        ]
        self._texture = np.array([t for (t, _), _ in table], np.int32)
        self._scale = np.array([s for (_, s), _ in table], np.float32)
        self._colour = np.stack([linear(*c) for _, c in table])
        self._stain, self._stained = draws.choice(self.pool.cloud), draws.uniform(0.05, 0.2)

    def _cross_section(self, draws: Draws) -> np.ndarray:
        """Material by lateral cell, uint8 [2 reach cells]."""
        row = np.full(int(2 * _REACH * _CELLS), ROAD, np.uint8)
        street = self.street
        for side in (-1, 1):
            s = street.sides[side]
            soft = GRASS if s.kind == "house" and s.setback > 2 else FORECOURT
            strips = [
                (street.half - 0.35, street.half, GUTTER),
                (street.half, street.half + 0.16, KERB),
            ]
            edge = street.half + 0.16
            if s.verge:
                strips.append((edge, edge + s.verge, GRASS))
                edge += s.verge
            strips.append((edge, edge + s.pavement, PAVEMENT))
            strips.append((edge + s.pavement, _REACH, soft))
            if s.parked and draws.chance(0.4):
                strips.append((street.half - 2.2, street.half - 0.35, LANE))
            elif s.parked == 0 and draws.chance(0.4):
                for k in range(draws.integer(1, 3)):
                    strips.append(
                        (street.half - 0.5 - 0.2 * k, street.half - 0.42 - 0.2 * k, YELLOW)
                    )
            elif draws.chance(0.3):
                strips.append((street.half - 1.6, street.half - 1.5, PAINT))
            for low, high, material in strips:
                self._strip(row, side, low, high, material)
        return row

    @staticmethod
    def _strip(row: np.ndarray, side: int, low: float, high: float, material: int) -> None:
        a, b = (low, high) if side > 0 else (-high, -low)
        row[int(round((a + _REACH) * _CELLS)) : int(round((b + _REACH) * _CELLS))] = material

    @staticmethod
    def _mark(zone: np.ndarray, z0: float, z1: float, row: int) -> None:
        start = max(int((z0 - _Z_START) * _Z_CELLS), 0)
        zone[start : max(int((z1 - _Z_START) * _Z_CELLS), 0)] = row

    def _opened(self, plain: np.ndarray, material: int) -> np.ndarray:
        """The cross-section where a side street joins: road or its pavement out to both sides."""
        row = plain.copy()
        for side in (-1, 1):
            start = 0.0 if material == ROAD else self.street.half + 0.16
            self._strip(row, side, start, _REACH, material)
        return row

    def _zebra(self, plain: np.ndarray) -> np.ndarray:
        row = plain.copy()
        cells = int(2 * self.street.half * _CELLS)
        start = int((_REACH - self.street.half) * _CELLS)
        stripe = np.where(np.arange(cells) // 10 % 2 == 0, PAINT, ROAD)
        row[start : start + cells] = stripe
        return row

    def _stop_line(self, plain: np.ndarray) -> np.ndarray:
        row = plain.copy()
        self._strip(row, self.street.hand, 0.2, self.street.half - 0.4, PAINT)
        return row

    def shade(
        self,
        place,
        half,
        heading: float,
        strength: float,
        light: Light | None,
        leafy: bool = False,
        rise: float = 0.7,
    ) -> None:
        """Darken the ground around a plan point.

        Args:
            place, half, heading: centre, half sizes (m) and turn of the figure.
            strength: share of light taken away in the middle.
            leafy: a round shadow with spots of light.
            light: of the sun that casts the shadow; None: contact shadow beneath.
            rise: height (m) of what casts it, about its middle.
        """
        x, z = place
        if light is not None:
            if not light.sun.any():
                return
            away = rise / light.direction[1]
            level = (0.0, 1.0, 0.0)
            direct, ambient = float(light.direct(level)[1]), float(light.ambient(level)[1])
            strength *= direct / (direct + ambient)
            x -= light.direction[0] * away
            z -= light.direction[2] * away
        turn = (round(math.cos(heading), 7), round(math.sin(heading), 7))
        self._shadows.append((x, z, half[0], half[1], turn, strength, leafy))

    def colours(self, x, z, depth, footprint, light: Light):
        """Lit colours float32 [k,3] and labels uint8 [k] at ground points (float32 [k], m)."""
        street = self.street
        lateral = x - np.float32(street.bend) * z * z
        cell = np.clip(((lateral + np.float32(_REACH)) * _CELLS).astype(np.int32), 0,
                       self._rows.shape[1] - 1)  # fmt: skip
        along = np.clip(((z - np.float32(_Z_START)) * _Z_CELLS).astype(np.int32), 0,
                        len(self._zone) - 1)  # fmt: skip
        zone = self._zone.take(along)
        material = self._rows[zone, cell]
        label = _LABELS.take(material)
        material = np.where(zone == 0, self._with_centre(material, lateral, z), material)
        worn = material >= PAINT
        scale = self._scale.take(material)
        grain = self.pool.textures.look_up(self._texture.take(material), lateral * scale, z * scale,
                                           level_of(footprint * scale))  # fmt: skip
        slow = self.pool.textures.look_up(self._stain, lateral * 24, z * 14,
                                          level_of(footprint * np.float32(24)))  # fmt: skip
        slow = np.float32(1) + slow * np.float32(self._stained)
        colour = self._colour.take(material, axis=0)
        if self.wear and worn.any():
            chip = worn & (grain[:, 1] < 0.75 + self.wear)
            colour = np.where(
                chip[:, None], colour * np.float32(0.5) + self._colour[ROAD] * 0.5, colour
            )
        patch = share(cells_hash(np.floor(lateral / 2.3).astype(np.int64),
                                 np.floor(z / 9).astype(np.int64), 77))  # fmt: skip
        patch = np.float32(1) + np.where(patch > 0.8, np.float32(-0.14), 0)
        colour = colour * grain * (slow * patch[:, None])
        return colour * self._light_at(lateral, z, light), label

    def _with_centre(self, material, lateral, z) -> np.ndarray:
        if self._centre == "none":
            return material
        period, share_on = self.dash
        line = np.abs(lateral) < 0.07
        if self._centre == "dashes":
            phase = z / np.float32(period)
            line &= phase - np.floor(phase) < share_on
        return np.where(line & (material == ROAD), PAINT, material)

    def _light_at(self, lateral, z, light: Light) -> np.ndarray:
        """Irradiance float32 [k,3]: sun where no building stands in its way."""
        normal = (0.0, 1.0, 0.0)
        ambient, direct = light.ambient(normal), light.direct(normal)
        sx, sy, sz = light.direction
        sunlit = np.ones(len(z), np.float32)
        if light.sun.any() and abs(sx) > 0.12:
            side = 1 if sx > 0 else -1
            run = (np.float32(self.street.front(side)) - lateral * side) / np.float32(abs(sx))
            heights = self.street.height_table(side)
            height = self.street.look_up(heights, z + run * np.float32(sz))
            sunlit = np.where(run > 0, height < run * np.float32(sy), True).astype(np.float32)
        shade = self._shadow_at(lateral + np.float32(self.street.bend) * z * z, z)
        return (ambient + direct * sunlit[:, None]) * shade[:, None]

    def _shadow_at(self, x, z) -> np.ndarray:
        shade = np.ones(len(z), np.float32)
        for sx, sz, half_u, half_v, (cosine, sine), strength, leafy in self._shadows:
            reach = half_u + half_v
            near = np.flatnonzero((np.abs(z - np.float32(sz)) < reach)
                                  & (np.abs(x - np.float32(sx)) < reach))  # fmt: skip
            if not near.size:
                continue
            dx, dz = x[near] - np.float32(sx), z[near] - np.float32(sz)
            u = np.abs(dx * np.float32(cosine) - dz * np.float32(sine)) * np.float32(1 / half_u)
            v = np.abs(dx * np.float32(sine) + dz * np.float32(cosine)) * np.float32(1 / half_v)
            if leafy:
                # a ragged edge, and spots of light that falls through the crown
                look = self.pool.textures.look_up
                edge = look(self._stain, dx * 24, dz * 24, 0 * near)[:, 0]
                spots = look(self._stain, dz * 70, dx * 70, 0 * near)[:, 0]
                soft = np.clip((1 - u * u - v * v + edge) * np.float32(1.5), 0, 1)
                soft *= np.where(spots > 0.2, np.float32(0.25), np.float32(1))
            else:
                soft = np.clip((1 - u) * 4, 0, 1) * np.clip((1 - v) * 5, 0, 1)
            shade[near] *= 1 - np.float32(strength) * soft
        return shade
