# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks of a street picture: sky, distance, haze, and the camera from exposure to 8 bits."""

from __future__ import annotations

import math

import numpy as np

from .streets_assets import Pool
from .streets_draws import Draws
from .streets_materials import Light
from .streets_textures import level_of

_HAZE_STEPS = 256
_TONE_STEPS = 2048
_BRIGHTEST = 1.6  # radiance at which the sensor clips, 1 = white


def sky_colours(pool: Pool, look: dict, light: Light, ax, slope, az) -> np.ndarray:
    """Radiance float32 [k,3] of the sky along rays (float32 [k], slope >= 0 or slightly below).

    Args:
        look: of `streets_scene.draw_light`.
    """
    plan = np.sqrt(ax * ax + az * az)
    rise = np.maximum(slope, 0) / (plan + np.maximum(slope, 0))
    bright = np.float32(look["bright"])
    horizon = light.sky * bright
    blue = light.sky * np.array([0.42, 0.66, 1.05], np.float32) * bright * np.float32(look["blue"])
    mix = np.minimum(rise * np.float32(2.2), 1)[:, None]
    colour = horizon * (1 - mix) + blue * mix
    # clouds lie on a plane overhead: perspective makes them flat towards the horizon
    scale = np.float32(look["scale"]) / (np.maximum(slope, 0) + np.float32(0.12) * plan)
    du, dv = look["drift"]
    u, v = ax * scale + np.float32(du), az * scale + np.float32(dv)
    footprint = scale * np.float32(0.004)
    noise = pool.textures.look_up(pool.cloud[look["texture"]], u, v, level_of(footprint))[:, 0]
    if look["kind"] == "clear":
        cover = np.clip(
            noise * np.float32(0.8) - np.float32(0.25) + np.float32(look["cloud"] * 0.5), 0, 0.7
        )
    elif look["kind"] == "broken":
        cover = np.clip(noise * np.float32(1.6) + np.float32(0.35 + look["cloud"]), 0, 1)
    else:
        cover = np.ones_like(noise)
    depth = np.float32(1 - look["dark"])
    cloud = (
        horizon
        * (np.float32(1) - depth * np.clip(np.float32(0.55) + noise * np.float32(0.7), 0, 1))[
            :, None
        ]
    )
    return colour * (1 - cover[:, None]) + cloud * cover[:, None]


def add_haze(colour: np.ndarray, depth: np.ndarray, distance: float, veil: np.ndarray) -> None:
    """Mix light of the air into colours, in place: share 1 - exp(-depth / distance).

    Args:
        colour: float32 [k,3]; depth: float32 [k] (m), infinite ones must be left out.
        veil: float32 [3], colour of the air.
    """
    table = np.array(
        [round(1 - math.exp(-k * 2.0 / distance), 6) for k in range(_HAZE_STEPS)], np.float32
    )
    amount = table.take(np.minimum((depth * np.float32(0.5)).astype(np.int32), _HAZE_STEPS - 1))
    colour *= (1 - amount)[:, None]
    colour += amount[:, None] * veil


def majority(label: np.ndarray) -> np.ndarray:
    """Label that most of 2x2 samples carry; a tie goes to one of the two."""
    a, b = label[0::2, 0::2], label[0::2, 1::2]
    c, d = label[1::2, 0::2], label[1::2, 1::2]
    return np.where((b == c) | (b == d), b, np.where(c == d, c, a))


def _smooth(image: np.ndarray, outer: float, cyclic: bool) -> np.ndarray:
    """Three-tap blur along both axes: `outer`, 1 - 2 outer, outer."""
    outer, inner = np.float32(outer), np.float32(1 - 2 * outer)
    side = "wrap" if cyclic else "edge"
    pad = np.pad(image, ((1, 1), (0, 0), (0, 0)), "edge")
    image = (pad[:-2] + pad[2:]) * outer + image * inner
    pad = np.pad(image, ((0, 0), (1, 1), (0, 0)), side)
    return (pad[:, :-2] + pad[:, 2:]) * outer + image * inner


class Lens:
    """The camera behind the rays: exposure, blur, colour filters, noise, tone curve, sharpening.

    Args:
        draws: stream of the camera's settings and noise.
        cyclic: the picture's left and right edges meet.
    """

    def __init__(self, draws: Draws, cyclic: bool):
        self._draws, self._cyclic = draws, cyclic
        self.target = draws.choice(
            [draws.uniform(0.05, 0.12), draws.uniform(0.12, 0.26)], [0.35, 0.65]
        )
        self.balance = [draws.uniform(0.93, 1.07), 1.0, draws.uniform(0.92, 1.10)]
        self.blur = draws.uniform(0.15, 0.25)
        self.read, self.shot = draws.uniform(0.0003, 0.0008), draws.uniform(0.0008, 0.0031)
        self.sharpen = draws.uniform(0.7, 1.9)
        self.contrast, self.gamma = draws.uniform(0.4, 1.0), draws.uniform(0.42, 0.52)
        self.lift = draws.uniform(0.0, 0.02)
        self.saturation = draws.uniform(0.45, 1.0)

    def develop(self, radiance: np.ndarray) -> np.ndarray:
        """Linear radiance float32 [2H,2W,3] to uint8 [H,W,3]."""
        # whole numbers: their sum does not depend on the order in which a machine adds
        light = np.minimum(radiance[:, :, 1] * np.float32(1024), np.float32(1024)).astype(np.int64)
        mean = int(light.sum()) / light.size / 1024
        gain = np.array(self.balance, np.float32) * np.float32(self.target / max(mean, 1e-3))
        image = self._sense(np.minimum(radiance * gain, np.float32(4)))
        grey = (image[:, :, 0] + 2 * image[:, :, 1] + image[:, :, 2])[:, :, None] * np.float32(0.25)
        image = grey + (image - grey) * np.float32(self.saturation)
        image = self._tone(image)
        image += (image - _smooth(image, 0.25, self._cyclic)) * np.float32(self.sharpen)
        return np.clip(image * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)

    def _sense(self, image: np.ndarray) -> np.ndarray:
        """What a sensor of RGGB cells reads, one pixel of [H,W,3] from 2x2 cells, clipped at the top.

        Colours of a pixel come from neighbouring places, as with every mosaic; a low-pass before
        it keeps the fringes small.
        """
        image = _smooth(image, self.blur, self._cyclic)
        green = (image[0::2, 1::2, 1] + image[1::2, 0::2, 1]) * np.float32(0.5)
        cells = np.stack([image[0::2, 0::2, 0], green, image[1::2, 1::2, 2]], axis=2)
        spread = np.float32(self.read) + np.float32(self.shot) * np.sqrt(np.maximum(cells, 0))
        cells += spread * self._draws.normal(*cells.shape)
        return np.clip(cells, 0, np.float32(_BRIGHTEST))

    def _tone(self, image: np.ndarray) -> np.ndarray:
        """Tone curve: power, contrast about the middle and a soft shoulder, from a table."""
        table = []
        for k in range(_TONE_STEPS):
            # steps are even in the square root: dark tones need the finer ones
            value = _BRIGHTEST * (k / (_TONE_STEPS - 1)) ** 2
            value = value if value < 0.7 else 0.7 + 0.31 * (1 - math.exp(-(value - 0.7) / 0.24))
            value = min(value, 1.0) ** self.gamma
            curve = value * value * (3 - 2 * value)
            value += self.contrast * (curve - value)
            table.append(round(self.lift + (1 - self.lift) * min(value, 1.0), 6))
        scale = np.float32(1 / _BRIGHTEST)
        place = np.sqrt(np.clip(image * scale, 0, 1)) * np.float32(_TONE_STEPS - 1)
        return np.array(table, np.float32).take(place.astype(np.int32))
