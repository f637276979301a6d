# SPDX-License-Identifier: GPL-3.0-or-later
"""Vehicles of the street scenes: an outline drawn out to its width, with panes, lamps and wheels."""

from __future__ import annotations

import math

import numpy as np

from .streets_assets import Body, Pool
from .streets_draws import Draws
from .streets_materials import Light, cutout_shader, linear
from .streets_raster import Plane
from .streets_sprites import PAINT, PANE, TRIM

VEHICLE = 6
_BELT = 0.64
# Paints as sRGB shares and how often they are seen: silver, greys, black, white, red, blue, ...
_PAINTS = (
    ((0.62, 0.63, 0.65), 4),
    ((0.42, 0.43, 0.45), 3),
    ((0.10, 0.10, 0.11), 4),
    ((0.85, 0.85, 0.84), 3),
    ((0.48, 0.06, 0.07), 2),
    ((0.10, 0.16, 0.36), 3),
    ((0.25, 0.38, 0.52), 1),
    ((0.08, 0.24, 0.16), 1),
    ((0.62, 0.55, 0.38), 1),
    ((0.80, 0.68, 0.10), 0.4),
)


def paint(draws: Draws) -> np.ndarray:
    """A body colour, linear float32 [3]."""
    base = draws.choice([p for p, _ in _PAINTS], [w for _, w in _PAINTS])
    return linear(*(min(c * draws.uniform(0.85, 1.15), 0.95) for c in base))


def _palette(body_colour: np.ndarray, light: np.ndarray, sky: np.ndarray, gloss: float, lamps_on):
    """Lit colours of all parts, float32 [11,3], for a plane that mirrors `gloss` of the sky."""
    tail = (
        linear(0.95, 0.15, 0.1) * np.float32(1.6) if lamps_on else linear(0.5, 0.05, 0.05) * light
    )
    mirrored = sky * np.float32(gloss)
    return np.stack(
        [
            np.zeros(3, np.float32),
            body_colour * light + mirrored * np.float32(0.25),
            linear(0.09, 0.1, 0.11) * light + mirrored,
            linear(0.13, 0.13, 0.13) * light,
            linear(0.50, 0.50, 0.52) * light,
            linear(0.18, 0.18, 0.19) * light,
            linear(0.80, 0.80, 0.76) * light + mirrored,
            tail,
            linear(0.88, 0.84, 0.55) * light,
            linear(0.07, 0.07, 0.07) * light,
            body_colour * light * np.float32(0.45),
        ]
    ).astype(np.float32)


class Vehicle:
    """One vehicle at its place.

    Args:
        pool, draws: source of its face and lamps.
        body: its kind.
        place: (x, z) of its centre on the ground.
        heading: radians, 0 = along +z, positive towards +x.
        light: of the scene.
        eye: (x, y, z) of the camera; sides that face away are left out.
    """

    def __init__(self, pool: Pool, draws: Draws, body: Body, place, heading, light: Light, eye):
        self.body, self.light, self.eye = body, light, eye
        self.ahead = (round(math.sin(heading), 7), 0.0, round(math.cos(heading), 7))
        self.right = (self.ahead[2], 0.0, -self.ahead[0])
        self.place, self.heading = place, heading
        self.colour = paint(draws)
        self.braking = draws.chance(0.3)
        boxy = body.kind != "car"
        self.faces = {rear: draws.choice(pool.faces[(rear, boxy)]) for rear in (True, False)}
        self.narrow = draws.uniform(0.16, 0.24) if body.kind == "car" else 0.04

    def planes(self) -> list[Plane]:
        """All planes that may be seen."""
        return [*self._sides(), *self._strips()]

    def _point(self, along: float, aside: float, up: float):
        return (
            self.place[0] + along * self.ahead[0] + aside * self.right[0],
            up,
            self.place[1] + along * self.ahead[2] + aside * self.right[2],
        )

    def _faces_eye(self, point, normal) -> bool:
        return sum(n * (e - p) for n, e, p in zip(normal, self.eye, point)) > 0

    def _sides(self) -> list[Plane]:
        length, width, height = self.body.size
        planes = []
        for sign in (-1, 1):
            outward = tuple(sign * r for r in self.right)
            foot = self._point(-length / 2, sign * width / 2, 0.0)
            if not self._faces_eye(foot, outward):
                continue
            light = self.light.on(outward)
            colours = _palette(self.colour, light, self.light.sky, 0.12, False)
            low = _BELT * height
            shade = cutout_shader(
                self.body.side, colours, (length, low), crop=(0, _BELT), relief=0.5
            )
            planes.append(Plane(foot, self.ahead, (0.0, 1.0, 0.0), (length, low), VEHICLE, shade))
            lean = self.narrow * width / 2
            rise = height - low
            slant = math.sqrt(lean * lean + rise * rise)
            up = tuple((-sign * lean * r + (rise if k == 1 else 0.0)) / slant
                       for k, r in enumerate(self.right))  # fmt: skip
            colours = _palette(self.colour, light, self.light.sky, 0.25, False)
            shade = cutout_shader(self.body.side, colours, (length, slant), crop=(_BELT, 1))
            foot = self._point(-length / 2, sign * width / 2, low)
            planes.append(Plane(foot, self.ahead, up, (length, slant), VEHICLE, shade))
        return planes

    def _width_at(self, up: float) -> float:
        """Share of the full width at that share of the height."""
        return 1.0 - self.narrow * max(up - _BELT, 0.0) / (1.0 - _BELT)

    def _strips(self) -> list[Plane]:
        profile = self.body.profile
        planes = []
        for k, (start, end) in enumerate(zip(profile, profile[1:])):
            plane = self._strip(start, end, k == 0, k == len(profile) - 2)
            if plane is not None:
                planes.append(plane)
        return planes

    def _strip(self, start, end, is_rear: bool, is_front: bool) -> Plane | None:
        length, width, height = self.body.size
        face = is_rear or is_front
        if face:
            # down to the road: the face's part map holds the tyres and what lies beneath
            start, end = ((start[0], 0.0), end) if is_rear else (start, (end[0], 0.0))
        run, rise = (end[0] - start[0]) * length, (end[1] - start[1]) * height
        size = math.sqrt(run * run + rise * rise)
        outward = tuple((-rise * a + (run if i == 1 else 0.0)) / size
                        for i, a in enumerate(self.ahead))  # fmt: skip
        centre = self._point(((start[0] + end[0]) / 2 - 0.5) * length, 0.0,
                             (start[1] + end[1]) / 2 * height)  # fmt: skip
        if not self._faces_eye(centre, outward):
            return None
        if start[1] > end[1]:
            start, end, run, rise = end, start, -run, -rise
        wide, slim = self._width_at(start[1]) * width, self._width_at(end[1]) * width
        up = tuple((run * a + (rise if i == 1 else 0.0)) / size for i, a in enumerate(self.ahead))
        origin = self._point((start[0] - 0.5) * length, -wide / 2, start[1] * height)
        shade = self._strip_shader(start, end, outward, is_rear, face, (wide, size))
        return Plane(origin, self.right, up, (wide, size), VEHICLE, shade, 1 - slim / wide)

    def _strip_shader(self, start, end, outward, is_rear: bool, face: bool, size):
        light = self.light.on(outward)
        gloss = 0.04 + 0.14 * max(outward[1], 0.0)
        colours = _palette(self.colour, light, self.light.sky, gloss, self.braking)
        if face:
            return cutout_shader(self.faces[is_rear], colours, size, relief=0.6)
        parts = np.full((24, 40), PAINT, np.uint8)
        if (start[1] + end[1]) / 2 > 0.68 and abs(outward[1]) < 0.9:
            parts[2:22, 2:38] = PANE
            parts[2, 2:38] = TRIM
        return cutout_shader(parts, colours, size, relief=0.3)
