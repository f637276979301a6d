# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut-out shapes of the street scenes: people, cyclists, tree crowns, vehicle faces.

A part map is uint8 [rows,columns], row 0 the lowest, whose values name parts (0: nothing there);
colours are given to the parts only when a scene is laid out.
"""

from __future__ import annotations

import math

import numpy as np

from .streets_draws import Draws
from .streets_textures import fractal_noise, value_noise

SKIN, HAIR, TOP, LEGS, SHOES, BAG, FRAME, TYRE, SLEEVE = range(1, 10)
PAINT, PANE, RUBBER, RIM, TRIM, LAMP, TAIL, PLATE, UNDER, SEAM = range(1, 11)


def _capsule(canvas: np.ndarray, part: int, a, b, radius_a: float, radius_b: float) -> None:
    """Paint a tapered stroke from a to b; positions (x, y) and radii in texels."""
    height, width = canvas.shape
    reach = max(radius_a, radius_b) + 1
    x0, x1 = max(int(min(a[0], b[0]) - reach), 0), min(int(max(a[0], b[0]) + reach) + 1, width)
    y0, y1 = max(int(min(a[1], b[1]) - reach), 0), min(int(max(a[1], b[1]) + reach) + 1, height)
    if x0 >= x1 or y0 >= y1:
        return
    y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    dx, dy = np.float32(b[0] - a[0]), np.float32(b[1] - a[1])
    length = dx * dx + dy * dy + np.float32(1e-6)
    share = np.clip(((x - a[0]) * dx + (y - a[1]) * dy) / length, 0, 1).astype(np.float32)
    radius = np.float32(radius_a) + share * np.float32(radius_b - radius_a)
    ex, ey = x - a[0] - share * dx, y - a[1] - share * dy
    canvas[y0:y1, x0:x1][ex * ex + ey * ey <= radius * radius] = part


def _ring(canvas: np.ndarray, part: int, centre, radius: float, width: float) -> None:
    y, x = np.mgrid[0 : canvas.shape[0], 0 : canvas.shape[1]].astype(np.float32)
    square = (x - centre[0]) * (x - centre[0]) + (y - centre[1]) * (y - centre[1])
    inner = max(radius - width, 0.0)
    canvas[(square <= radius * radius) & (square >= inner * inner)] = part


def _polygon(canvas: np.ndarray, part: int, points) -> None:
    """Paint a polygon by the even-odd rule; points (x, y) in texels."""
    y, x = np.mgrid[0 : canvas.shape[0], 0 : canvas.shape[1]].astype(np.float32)
    y, x = y + np.float32(0.5), x + np.float32(0.5)
    inside = np.zeros(canvas.shape, bool)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]]):
        if ay != by:
            crossing = np.float32(ax) + (y - np.float32(ay)) * np.float32((bx - ax) / (by - ay))
            inside ^= ((ay > y) != (by > y)) & (x < crossing)
    canvas[inside] = part


def person(draws: Draws) -> np.ndarray:
    """A standing or walking person, part map [160,64] for a height of 1.9 m at 84 texels/m."""
    canvas = np.zeros((160, 64), np.uint8)
    stride = draws.choice([0.0, draws.uniform(4, 16)], [0.35, 0.65])
    broad = draws.uniform(7.5, 11.5)
    lean, middle = draws.uniform(-2, 2), 32.0
    hip, neck = 74.0, 124.0
    coat = draws.choice([hip, hip - draws.uniform(8, 30)], [0.6, 0.4])
    legs = draws.uniform(4.2, 6.2)
    for side in (-1, 1):
        knee = (middle + side * (2.5 + stride * 0.45), 42.0)
        foot = (middle + side * (4.0 + stride * 0.8), 4.0 + (2.0 if side * stride > 4 else 0))
        start = (middle + side * broad * 0.38, hip)
        _capsule(canvas, LEGS, start, knee, legs + 1, legs)
        _capsule(canvas, LEGS, knee, foot, legs, legs * 0.72)
        _capsule(canvas, SHOES, foot, (foot[0] + draws.uniform(-4, 4), 3.0), 3.2, 2.8)
    swing = stride * 0.7
    for side in (-1, 1):
        shoulder = (middle + lean + side * broad * 0.95, neck - 6)
        elbow = (middle + side * (broad + 3 + swing * 0.3), 96.0)
        hand = (middle + side * (broad + 1 + swing * 0.6), 74.0 + swing * 0.5)
        _capsule(canvas, SLEEVE, shoulder, elbow, 4.4, 3.6)
        _capsule(canvas, SLEEVE, elbow, hand, 3.6, 2.8)
        _capsule(canvas, SKIN, hand, (hand[0], hand[1] - 3), 2.6, 2.2)
    _capsule(canvas, TOP, (middle, coat), (middle + lean, neck - 9), broad * 0.92, broad)
    _capsule(canvas, SKIN, (middle + lean, neck - 2), (middle + lean, neck + 6), 3.6, 3.2)
    head = (middle + lean * 1.3, neck + 14)
    _capsule(canvas, HAIR, head, (head[0], head[1] + 3), 7.0, 6.4)
    if draws.chance(0.6):
        _capsule(canvas, SKIN, (head[0], head[1] - 3), (head[0], head[1]), 5.4, 5.6)
    if draws.chance(0.4):
        side = draws.choice([-1, 1])
        x = middle + side * (broad + 4)
        _capsule(canvas, BAG, (x, 62.0), (x, 76.0), 5.5, 4.5)
    return canvas


def cyclist(draws: Draws) -> np.ndarray:
    """A rider on a bicycle seen from the side or from behind, part map [160,160], 84 texels/m."""
    canvas = np.zeros((160, 160), np.uint8)
    if draws.chance(0.5):
        middle, foot = 80.0, draws.uniform(16, 40)
        _capsule(canvas, TYRE, (middle, 3.0), (middle, 56.0), 2.2, 2.2)
        for side, low in ((-1, foot), (1, 56 - foot)):
            knee = (middle + side * 11, low + 42)
            _capsule(canvas, LEGS, (middle + side * 6, 86.0), knee, 7, 6)
            _capsule(canvas, LEGS, knee, (middle + side * 8, low), 5.5, 4)
            _capsule(canvas, SHOES, (middle + side * 8, low), (middle + side * 8, low - 3), 4, 4)
            _capsule(canvas, SLEEVE, (middle + side * 12, 124.0), (middle + side * 19, 96.0), 5, 4)
        _capsule(canvas, TOP, (middle, 86.0), (middle, 124.0), 11, 13)
        _capsule(canvas, HAIR, (middle, 142.0), (middle, 146.0), 8.5, 7)
        return canvas
    rear, front, crank = (32.0, 29.0), (122.0, 29.0), (72.0, 26.0)
    for wheel in (rear, front):
        _ring(canvas, TYRE, wheel, 29.0, 3.4)
    saddle, bar = (60.0, 78.0), (110.0, 84.0)
    for a, b in ((rear, crank), (crank, saddle), (saddle, rear), (saddle, bar), (crank, bar)):
        _capsule(canvas, FRAME, a, b, 1.8, 1.8)
    _capsule(canvas, FRAME, bar, front, 1.8, 1.8)
    hip, shoulder = (62.0, 88.0), (84.0 + draws.uniform(-8, 8), 126.0)
    knee = (86.0, 60.0 + draws.uniform(-8, 8))
    _capsule(canvas, LEGS, hip, knee, 8, 6)
    _capsule(canvas, LEGS, knee, (74.0, 22.0), 5.5, 4)
    _capsule(canvas, SHOES, (74.0, 20.0), (82.0, 18.0), 3.5, 3)
    _capsule(canvas, TOP, hip, shoulder, 9, 10)
    _capsule(canvas, SLEEVE, shoulder, (106.0, 88.0), 5, 3.5)
    _capsule(canvas, SKIN, (106.0, 88.0), (109.0, 86.0), 3, 3)
    head = (shoulder[0] + 6, shoulder[1] + 18)
    _capsule(canvas, SKIN, (head[0] + 2, head[1] - 2), head, 7, 7)
    _capsule(canvas, HAIR, (head[0] - 1, head[1] + 4), (head[0] - 2, head[1] + 5), 7.5, 6)
    return canvas[:, ::-1].copy() if draws.chance(0.5) else canvas


CROWN = 192


def crown(draws: Draws, bare: bool) -> np.ndarray:
    """A tree crown float32 [192,192,3]: density of matter, brightness, outline.

    Matter stands where the density exceeds a noise of leaf size; the outline (positive inside) is
    what an annotator would draw, gaps between leaves and twigs included.
    """
    y, x = np.mgrid[0:CROWN, 0:CROWN].astype(np.float32)
    outline = np.full((CROWN, CROWN), -1.0, np.float32)
    light = np.zeros((CROWN, CROWN), np.float32)
    tall = draws.choice([0.75, 1.0, 1.25])
    for _ in range(draws.integer(9, 20)):
        radius = CROWN * draws.uniform(0.12, 0.24)
        cx = CROWN * draws.bell(0.5, 0.12 / tall)
        cy = CROWN * draws.bell(0.52, 0.13)
        dx, dy = (x - cx) / radius, (y - cy) / radius
        blob = 1 - (dx * dx + dy * dy)
        light = np.where(blob > outline, 0.72 + 0.38 * dy - 0.12 * dx, light)
        outline = np.maximum(outline, blob)
    rough = fractal_noise(draws, 256, 8, 0.75)[:CROWN, :CROWN]
    border = np.minimum(np.minimum(x, CROWN - 1 - x), np.minimum(y, CROWN - 1 - y)) / 12
    outline = np.minimum(outline + np.float32(0.35) * rough, border)
    light = light * (1 + np.float32(0.35) * value_noise(draws, CROWN, 12))
    if bare:
        branches = np.zeros((CROWN, CROWN), np.uint8)
        _grow(draws, branches, (CROWN / 2, 0.0), 0.0, CROWN * 0.2, 2.6)
        filled = branches > 0
        near = filled.copy()
        for shift in (1, 2, 4):
            near[:, shift:] |= near[:, :-shift].copy()
            near[:, :-shift] |= near[:, shift:].copy()
            near[shift:] |= near[:-shift].copy()
            near[:-shift] |= near[shift:].copy()
        outline = np.where(near, np.float32(0.5), np.float32(-1))
        density = np.where(filled, np.float32(2), np.float32(-2))
        return np.stack([density, np.full_like(light, 0.8), outline], axis=2).astype(np.float32)
    density = outline * np.float32(0.95) + np.float32(0.1) + np.float32(0.6) * rough
    return np.stack([density, light, outline], axis=2).astype(np.float32)


def _grow(draws: Draws, canvas: np.ndarray, start, heading: float, length: float, width: float):
    """A limb, its leader, and one to three side limbs, down to single twigs."""
    tip = (
        start[0] + length * round(math.sin(heading), 6),
        start[1] + length * round(math.cos(heading), 6),
    )
    if width >= 1.0:
        _capsule(canvas, 1, start, tip, width, width * 0.75)
    else:
        steps = np.arange(int(length) + 2, dtype=np.float32) / np.float32(int(length) + 1)
        x = (np.float32(start[0]) + steps * np.float32(tip[0] - start[0])).astype(np.int64)
        y = (np.float32(start[1]) + steps * np.float32(tip[1] - start[1])).astype(np.int64)
        inside = (x >= 0) & (x < canvas.shape[1]) & (y >= 0) & (y < canvas.shape[0])
        canvas[y[inside], x[inside]] = 1
    if length < 8:
        return
    upright = heading * 0.85 + draws.bell(0.0, 0.16)
    _grow(draws, canvas, tip, upright, length * draws.uniform(0.72, 0.9), width * 0.75)
    side = draws.choice([-1, 1])
    for _ in range(draws.integer(1, 4)):
        share = draws.uniform(0.35, 1.0)
        base = (start[0] + (tip[0] - start[0]) * share, start[1] + (tip[1] - start[1]) * share)
        turn = heading + side * draws.uniform(0.35, 0.95)
        side = -side
        _grow(draws, canvas, base, turn, length * draws.uniform(0.5, 0.78), width * 0.5)


def vehicle_side(profile, wheels, wheel_radius: float, belt: float, posts) -> np.ndarray:
    """Side view of a vehicle, part map [96,256]: silhouette, panes, wheels, seams.

    Args:
        profile: list of (along, up) in shares of length and height, from the rear underside over
            the roof to the front underside.
        wheels: positions of the axles along, shares of the length.
        wheel_radius: share of the length.
        belt: lower edge of the panes, share of the height.
        posts: positions along between which the panes lie.
    """
    canvas = np.zeros((96, 256), np.uint8)
    points = [(x * 255, y * 95) for x, y in profile]
    _polygon(canvas, PAINT, points)
    glass = np.zeros_like(canvas)
    middle = sum(x for x, _ in points) / len(points)
    _polygon(glass, 1, [(middle + (x - middle) * 0.93, y - 7.0) for x, y in points])
    rows = np.arange(96)[:, None]
    columns = np.arange(256)[None, :]
    for left, right in zip(posts, posts[1:]):
        pane = (columns > left * 255 + 2) & (columns < right * 255 - 2) & (rows > belt * 95)
        canvas[(glass > 0) & pane] = PANE
        canvas[(canvas == PAINT) & (columns == int(left * 255)) & (rows > 22)] = SEAM
    canvas[(canvas == PAINT) & (rows < 20)] = UNDER
    canvas[(canvas == PAINT) & (rows == int(belt * 95) - 12)] = SEAM
    canvas[(canvas == PAINT) & (columns > 248) & (rows > 34) & (rows < 46)] = LAMP
    canvas[(canvas == PAINT) & (columns < 7) & (rows > 38) & (rows < 54)] = TAIL
    stretch = 255 / 95.0
    for axle in wheels:
        dx = (columns - axle * 255).astype(np.float32)
        dy = (rows * np.float32(stretch * 0.36) - np.float32(wheel_radius * 255)).astype(np.float32)
        square = dx * dx + dy * dy
        radius = wheel_radius * 255
        canvas[(square < (radius * 1.12) ** 2) & (canvas > 0)] = UNDER
        canvas[square < radius * radius] = RUBBER
        canvas[square < (radius * 0.62) ** 2] = RIM
        canvas[square < (radius * 0.12) ** 2] = RUBBER
    return canvas


def vehicle_face(draws: Draws, rear: bool, boxy: bool) -> np.ndarray:
    """Front or rear below the windows, part map [64,96], over the full width of the vehicle."""
    canvas = np.full((64, 96), PAINT, np.uint8)
    canvas[: 6 if boxy else 9] = 0
    for left in (7, 76):
        canvas[: 6 if boxy else 9, left : left + 13] = RUBBER
    canvas[5 : 8 if boxy else 14, 4:92] = UNDER
    bumper = draws.choice([PAINT, TRIM])
    canvas[8 if boxy else 14 : 13 if boxy else 28, 2:94] = bumper
    canvas[28, :] = SEAM
    top, left = (20, 41) if boxy else (30, 37)
    canvas[top : top + (4 if boxy else 8), left : 96 - left] = PLATE
    height = draws.integer(4, 8) if boxy else draws.integer(8, 14)
    low = draws.integer(18, 30) if boxy else draws.integer(34, 44)
    width = draws.integer(4, 9) if boxy else draws.integer(8, 20)
    lamp = TAIL if rear else LAMP
    canvas[low : low + height, 3 : 3 + width] = lamp
    canvas[low : low + height, 93 - width : 93] = lamp
    if not rear:
        canvas[40:50, 26:70] = TRIM
        canvas[17:24, 24:72] = TRIM
    elif boxy:
        canvas[30:, 48] = SEAM
        if draws.chance(0.6):
            canvas[38:56, 8:46] = canvas[38:56, 51:88] = PANE
    canvas[60:, :3] = 0
    canvas[60:, 93:] = 0
    return canvas


RED, WHITE, BLACK, BLUE, GREEN, YELLOW, GREY, GLOW = range(1, 9)


def sign(draws: Draws, kind: str) -> np.ndarray:
    """A traffic sign or signal, part map [48,48]: "disc", "triangle", "board" or "signal"."""
    canvas = np.zeros((48, 48), np.uint8)
    if kind == "disc":
        _ring(canvas, draws.choice([RED, BLUE]), (24, 24), 23, 23)
        _ring(canvas, draws.choice([WHITE, WHITE, BLUE, RED]), (24, 24), 17, 17)
        canvas[20:28, 12:36] = np.where(canvas[20:28, 12:36] == WHITE, BLACK, WHITE)
    elif kind == "triangle":
        _polygon(canvas, RED, [(1, 3), (47, 3), (24, 46)])
        _polygon(canvas, WHITE, [(9, 8), (39, 8), (24, 37)])
        canvas[12:26, 22:27] = BLACK
    elif kind == "board":
        canvas[:, :] = draws.choice([BLUE, GREEN, WHITE, YELLOW])
        ink = BLACK if canvas[0, 0] in (WHITE, YELLOW) else WHITE
        for row in range(6, 42, 9):
            for column in range(4, 44, 4):
                if draws.chance(0.6):
                    canvas[row : row + 4, column : column + 3] = ink
        canvas[[0, 1, 46, 47]] = ink
    else:
        canvas[:, 12:36] = BLACK
        on = draws.integer(0, 3)
        for k, part in enumerate((GREEN, YELLOW, RED)):
            _ring(canvas, part if k == on else GREY, (24, 9 + 15 * k), 6, 6)
    return canvas


def mark(draws: Draws, kind: str) -> np.ndarray:
    """Paint on the road, part map [64,32] of 0 and 1: an "arrow" or a "word"; worn in places."""
    canvas = np.zeros((64, 32), np.uint8)
    if kind == "arrow":
        canvas[0:42, 13:19] = 1
        _polygon(canvas, 1, [(2, 38), (30, 38), (16, 63)])
    else:
        for letter in range(4):
            left = letter * 8
            canvas[4:60, left : left + 2] = 1
            for row in draws.choice([(4, 56), (30, 56), (4, 30), (4, 30, 56)]):
                canvas[row : row + 5, left : left + 6] = 1
            if draws.chance(0.5):
                canvas[4:60, left + 4 : left + 6] = 1
    wear = fractal_noise(draws, 64, 4, 0.8)[:, :32]
    canvas[wear > draws.uniform(0.4, 1.2)] = 0
    return canvas
