# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras and the depth-tested drawing of planes for the street scenes.

A ray through sample (row, column) is d = (ax[column], s[row], az[column]): the direction in plan
depends on the column alone and the slope on the row alone, for a levelled pinhole camera (tilt by
shift of the principal point) and for the equirectangular panorama alike. Lengths are metres, x
right, y up, z ahead; depth is the ray parameter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_NEAR = 0.4


class Camera:
    """Directions of all samples of a picture.

    Args:
        kind: "pinhole" or "equirectangular".
        size: (width, height) in samples.
        place: (x, y, z) of the camera.
        focal: pinhole focal length in shares of the width.
        horizon: row of the horizon, share of the height.
        yaw: radians, turn of the camera to the right.
    """

    def __init__(self, kind: str, size, place, focal: float, horizon: float, yaw: float = 0.0):
        self.kind, self.place = kind, place
        self.width, self.height = size
        column = np.arange(self.width, dtype=np.float64) + 0.5
        row = np.arange(self.height, dtype=np.float64) + 0.5
        self.centre = horizon * self.height
        if kind == "pinhole":
            self.focal = focal * self.width
            ax, az = (column - self.width / 2) / self.focal, np.ones(self.width)
            slope = (self.centre - row) / self.focal
        else:
            # one row of a panorama spans as much angle as one column
            self.focal = self.width / (2 * math.pi)
            angles = [(c - self.width / 2) / self.focal for c in column]
            ax = np.array([round(math.sin(a), 7) for a in angles])
            az = np.array([round(math.cos(a), 7) for a in angles])
            limit = math.pi / 2 - 0.01
            slope = np.array(
                [
                    round(math.tan(min(max((self.centre - r) / self.focal, -limit), limit)), 7)
                    for r in row
                ]
            )
        self._turn = round(math.cos(yaw), 7), round(math.sin(yaw), 7)
        cosine, sine = self._turn
        self.ax = (cosine * ax + sine * az).astype(np.float32)
        self.az = (cosine * az - sine * ax).astype(np.float32)
        self.slope = slope.astype(np.float32)
        self.pixel = 1.0 / self.focal

    def row_of(self, slope: float) -> float:
        """Row at which rays have that slope."""
        if self.kind == "pinhole":
            return self.centre - slope * self.focal
        return self.centre - math.atan(slope) * self.focal

    def spans(self, corners) -> tuple[list[tuple[int, int]], float, float] | None:
        """Columns that a set of plan points may cover, with the nearest and farthest distance.

        Args:
            corners: (x, z) relative to the camera, the ends of a convex figure in plan.
        Returns:
            list of (first, last + 1) column ranges, near, far; None where nothing is in sight.
        """
        cosine, sine = self._turn
        corners = [(cosine * x - sine * z, cosine * z + sine * x) for x, z in corners]
        if self.kind == "pinhole":
            clipped = _clip(corners)
            if len(clipped) < 2:
                return None
            columns = [self.focal * x / z + self.width / 2 for x, z in clipped]
            near, far = min(z for _, z in clipped), max(z for _, z in clipped)
            first, last = max(int(min(columns)) - 1, 0), min(int(max(columns)) + 2, self.width)
            return ([(first, last)], near, far) if first < last else None
        start = math.atan2(*corners[0])
        turns = [_turn(math.atan2(x, z) - start) for x, z in corners]
        low, high = start + min(turns), start + max(turns)
        near = max(plan_distance(corners), _NEAR)
        far = max(math.hypot(x, z) for x, z in corners)
        first = int(math.floor(low * self.focal + self.width / 2)) - 1
        last = int(math.ceil(high * self.focal + self.width / 2)) + 1
        if last - first >= self.width:
            return [(0, self.width)], near, far
        first, last = first % self.width, (last - 1) % self.width + 1
        if first < last:
            return [(first, last)], near, far
        return [(first, self.width), (0, last)], near, far

    def rows(self, low: float, high: float, near: float, far: float) -> tuple[int, int]:
        """Row range of everything between two heights (relative to the camera) and distances."""
        top = self.row_of(high / near if high > 0 else high / far)
        bottom = self.row_of(low / near if low < 0 else low / far)
        return max(int(top) - 1, 0), min(int(bottom) + 2, self.height)


def _turn(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi


def _clip(corners) -> list[tuple[float, float]]:
    """The part of a closed plan figure ahead of the near distance."""
    kept = []
    for (x0, z0), (x1, z1) in zip(corners, [*corners[1:], corners[0]]):
        if z0 >= _NEAR:
            kept.append((x0, z0))
        if (z0 >= _NEAR) != (z1 >= _NEAR):
            share = (_NEAR - z0) / (z1 - z0)
            kept.append((x0 + share * (x1 - x0), _NEAR))
    return kept


def plan_distance(corners) -> float:
    """Distance of the origin from the edges of a plan figure."""
    best = math.inf
    for (x0, z0), (x1, z1) in zip(corners, [*corners[1:], corners[0]]):
        dx, dz = x1 - x0, z1 - z0
        length = dx * dx + dz * dz
        share = 0.0 if length == 0 else min(max(-(x0 * dx + z0 * dz) / length, 0.0), 1.0)
        best = min(best, math.hypot(x0 + share * dx, z0 + share * dz))
    return best


@dataclass
class Plane:
    """A flat piece of the scene.

    Attributes:
        origin: (x, y, z) of u = v = 0.
        across, up: unit vectors of u and v, at right angles.
        size: extent (metres) in u and v.
        label: class of the visible samples.
        shade: function (u, v, depth, footprint) -> (colour float32 [k,3], keep or None, claim or
            None): keep bool [k] marks matter, claim bool [k] samples that carry the label though
            farther things show through.
        taper: share by which the width shrinks from v = 0 to the full height.
    """

    origin: tuple[float, float, float]
    across: tuple[float, float, float]
    up: tuple[float, float, float]
    size: tuple[float, float]
    label: int
    shade: Callable
    taper: float = 0.0

    def corners(self) -> list[tuple[float, float, float]]:
        """The four corners in order around the plane."""
        u, v = self.size
        return [
            tuple(o + a * i + b * j for o, a, b in zip(self.origin, self.across, self.up))
            for i, j in ((0, 0), (u, 0), (u, v), (0, v))
        ]


class Canvas:
    """Colour, label and depth of all samples; near planes are best drawn first.

    Args:
        camera: gives the size and the rays.
    """

    def __init__(self, camera: Camera):
        self.camera = camera
        shape = camera.height * camera.width
        self.colour = np.zeros((shape, 3), np.float32)
        self.label = np.full(shape, 255, np.uint8)
        self.depth = np.full(shape, np.inf, np.float32)
        self.claimed = np.full(shape, np.inf, np.float32)

    def draw(self, plane: Plane) -> None:
        """Draw what is visible of a plane."""
        camera = self.camera
        corners = [tuple(c - p for c, p in zip(corner, camera.place)) for corner in plane.corners()]
        spans = camera.spans([(x, z) for x, _, z in corners])
        if spans is None:
            return
        heights = [y for _, y, _ in corners]
        top, bottom = camera.rows(min(heights), max(heights), spans[1], spans[2])
        if top >= bottom:
            return
        for first, last in spans[0]:
            self._draw_block(plane, top, bottom, first, last)

    def _draw_block(self, plane: Plane, top: int, bottom: int, first: int, last: int) -> None:
        ax, az = self.camera.ax[first:last], self.camera.az[first:last]
        slope = self.camera.slope[top:bottom, None]
        offset = [o - p for o, p in zip(plane.origin, self.camera.place)]
        (a0, a1, a2), (b0, b1, b2) = plane.across, plane.up
        normal = (a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0)
        reach = np.float32(sum(n * o for n, o in zip(normal, offset)))
        facing = _along(normal, ax, slope, az)
        depth = reach / np.where(np.abs(facing) < 1e-6, np.float32(1e-6), facing)
        u = depth * _along(plane.across, ax, slope, az)
        u -= np.float32(sum(a * o for a, o in zip(plane.across, offset)))
        v = depth * _along(plane.up, ax, slope, az)
        v -= np.float32(sum(b * o for b, o in zip(plane.up, offset)))
        width, height = np.float32(plane.size[0]), np.float32(plane.size[1])
        inside = (depth > _NEAR) & (u >= 0) & (u < width)
        inside = inside & (v >= 0) & (v < height)
        if plane.taper:
            half = np.float32(0.5) * width
            inside &= np.abs(u - half) <= half * (1 - v * np.float32(plane.taper) / height)
        stride = self.camera.width
        seen = self.depth.reshape(-1, stride)[top:bottom, first:last]
        inside &= depth < seen
        row, column = np.nonzero(inside)
        if not row.size:
            return
        place = (row + top) * stride + (column + first)
        pick = [_pick(a, row, column) for a in (u, v, depth, facing)]
        slant = np.sqrt(np.maximum(np.abs(pick[3]), np.float32(0.05)))
        footprint = pick[2] * np.float32(self.camera.pixel) / slant
        self._write(plane, place, pick[0], pick[1], pick[2], footprint)

    def _write(self, plane, place, u, v, depth, footprint) -> None:
        colour, keep, claim = plane.shade(u, v, depth, footprint)
        named = depth < self.claimed.take(place)
        if claim is not None:
            named &= claim
        elif keep is not None:
            named &= keep
        claims = place[named]
        self.label[claims] = plane.label
        self.claimed[claims] = depth[named]
        if keep is not None:
            place, colour, depth = place[keep], colour[keep], depth[keep]
        self.colour[place] = colour
        self.depth[place] = depth


def _along(vector, ax, slope, az) -> np.ndarray:
    """Scalar product with all rays: [1,columns] where the vector is level, else [rows,columns]."""
    level = np.float32(vector[0]) * ax + np.float32(vector[2]) * az
    if vector[1] == 0:
        return level[None, :]
    return level + np.float32(vector[1]) * slope


def _pick(values: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    return values[0].take(column) if values.shape[0] == 1 else values[row, column]


def between(start, end) -> tuple[tuple[float, float, float], float]:
    """Level unit vector from one plan point (x, z) to another, and their distance."""
    dx, dz = end[0] - start[0], end[1] - start[1]
    length = math.sqrt(dx * dx + dz * dz)
    return (dx / length, 0.0, dz / length), length
