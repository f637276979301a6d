# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural street scenes with exact labels: pictures without any data set.

A scene is drawn from its seed: a street with buildings, vehicles, people, trees and street
furniture under a sun and sky, seen by a pinhole camera or as a cyclic panorama, and developed as a
camera would. The same arguments give the same bytes on every machine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from .pictures import read_image, read_label
from .sample import DataError, Dataset, Sample
from .streets_assets import POOLS
from .streets_assets import pool as assets
from .streets_draws import Draws
from .streets_looks import Lens, add_haze, majority, sky_colours
from .streets_raster import Camera, Canvas
from .streets_scene import Scene, lay_out

# Raised whenever any seed gives other bytes than before; recorded with everything trained on it.
STREETS_VERSION = 2
CAMERAS = ("pinhole", "equirectangular")
LICENCE = "GPL-3.0-or-later"
SKY = 4
_SEEDS = {"train": ("train", 0), "val": ("train", 5_000_000), "test": ("test", 0)}
_SUPERSAMPLING = 2


def render(
    seed: int, size: tuple[int, int], camera: str = "pinhole", pool: str = "train"
) -> tuple[np.ndarray, np.ndarray]:
    """A street scene and its labels.

    Args:
        seed: int >= 0, names the scene; scenes of different pools share nothing.
        size: (width, height) in pixels, each >= 16; panoramas are meant to be 2:1.
        camera: "pinhole" or "equirectangular" (left and right edges meet).
        pool: "train" or "test", the assets to build from.
    Returns:
        image uint8 [height,width,3], label uint8 [height,width]: 0 flat, 1 construction, 2 object,
        3 nature, 4 sky, 5 person, 6 vehicle.
    Raises:
        ValueError: a bad argument.
    Source: training.md section 2.2.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be an integer >= 0, got {seed!r}")
    if len(size) != 2 or any(int(s) != s or not 16 <= s <= 8192 for s in size):
        raise ValueError(f"size must be (width, height) with sides 16 .. 8192, got {size!r}")
    if camera not in CAMERAS:
        raise ValueError(f"camera must be one of {', '.join(CAMERAS)}, got {camera!r}")
    if pool not in POOLS:
        raise ValueError(f"pool must be one of {', '.join(POOLS)}, got {pool!r}")
    scene = lay_out(assets(pool), Draws(pool, "scene", int(seed), camera), camera != "pinhole")
    return _picture(scene, assets(pool), size, camera, Draws(pool, "lens", int(seed), camera))


def _picture(scene: Scene, stock, size, camera: str, draws: Draws):
    samples = (int(size[0]) * _SUPERSAMPLING, int(size[1]) * _SUPERSAMPLING)
    view = Camera(camera, samples, scene.eye, scene.focal, scene.horizon, scene.yaw)
    canvas = Canvas(view)
    for plane in scene.planes:
        canvas.draw(plane)
    _fill_ground(canvas, scene)
    solid = np.flatnonzero(np.isfinite(canvas.depth))
    colour = canvas.colour[solid]
    veil = scene.light.sky * np.float32(0.55 * scene.sky["bright"])
    add_haze(colour, canvas.depth[solid], scene.haze, veil)
    canvas.colour[solid] = colour
    _fill_sky(canvas, scene, stock)
    radiance = canvas.colour.reshape(samples[1], samples[0], 3)
    label = majority(canvas.label.reshape(samples[1], samples[0]))
    return Lens(draws, camera != "pinhole").develop(radiance), label


def _rays(canvas: Canvas, place: np.ndarray):
    row, column = np.divmod(place, canvas.camera.width)
    view = canvas.camera
    return view.ax.take(column), view.slope.take(row), view.az.take(column)


def _fill_ground(canvas: Canvas, scene: Scene) -> None:
    """The ground where nothing stands in front of it."""
    below = np.flatnonzero(canvas.camera.slope < -1e-3)
    if not below.size:
        return
    start = int(below[0]) * canvas.camera.width
    place = start + np.flatnonzero(np.isinf(canvas.depth[start:]))
    ax, slope, az = _rays(canvas, place)
    depth = np.float32(-scene.eye[1]) / slope
    near = depth < 400
    place, ax, slope, az, depth = (a[near] for a in (place, ax, slope, az, depth))
    x, z = ax * depth + np.float32(scene.eye[0]), az * depth + np.float32(scene.eye[2])
    footprint = depth * np.float32(canvas.camera.pixel) / np.sqrt(np.minimum(-slope, 1))
    colour, label = scene.ground.colours(x, z, depth, footprint, scene.light)
    canvas.colour[place] = colour
    canvas.depth[place] = depth
    free = np.isinf(canvas.claimed[place])
    canvas.label[place[free]] = label[free]


def _fill_sky(canvas: Canvas, scene: Scene, stock) -> None:
    place = np.flatnonzero(np.isinf(canvas.depth))
    ax, slope, az = _rays(canvas, place)
    canvas.colour[place] = sky_colours(stock, scene.sky, scene.light, ax, slope, az)
    free = place[np.isinf(canvas.claimed[place])]
    canvas.label[free] = SKY


def open_streets(
    root: Path | None,
    split: str,
    classes: int = 7,
    count: int = 1000,
    size: tuple[int, int] = (480, 360),
    camera: str = "pinhole",
) -> Dataset:
    """Scenes as a data set: rendered on demand, and kept where a folder is given.

    Training and validation scenes share the pool "train" and differ in their seeds; test scenes
    come from the pool "test".

    Args:
        root: folder that keeps rendered scenes as PNG for later reads; None renders every time, and
            so does what cannot be written there (one line on standard error says so, once).
        split: "train", "val" or "test".
        classes: 7.
        count: number of scenes.
        size: (width, height) in pixels.
        camera: "pinhole" or "equirectangular".
    Raises:
        DataError: classes is not 7, count < 1, or an argument that `render` refuses.
    """
    if classes != 7:
        raise DataError(f"streets: classes must be 7, got {classes}")
    if count < 1:
        raise DataError(f"streets: count must be at least 1, got {count}")
    if camera not in CAMERAS:
        raise DataError(f"streets: camera must be one of {', '.join(CAMERAS)}, got {camera!r}")
    if len(size) != 2 or any(int(s) != s or not 16 <= s <= 8192 for s in size):
        raise DataError(f"streets: size must be (width, height), each 16 .. 8192, got {size!r}")
    pool_name, first = _SEEDS[split]
    names = tuple(f"scene-{first + k:07d}" for k in range(count))
    folder = None
    if root is not None:
        width, height = size
        folder = Path(root) / f"v{STREETS_VERSION}-{pool_name}-{camera}-{width}x{height}"

    def read(index: int) -> Sample:
        if folder is not None:
            paths = (folder / f"{names[index]}.png", folder / f"{names[index]}-label.png")
            if paths[1].is_file():
                return Sample(read_image(paths[0]), read_label(paths[1]), names[index], LICENCE)
        image, label = render(first + index, size, camera, pool_name)
        if folder is not None:
            try:
                folder.mkdir(exist_ok=True)
                # the label last: a scene is complete once its label is there
                for path, picture in zip(paths, (image, label)):
                    _keep(path, picture)
            except OSError as error:
                _note_not_kept(folder, error)
        return Sample(image, label, names[index], LICENCE)

    return Dataset("streets", split, classes, LICENCE, names, read)


def _keep(path: Path, picture: np.ndarray) -> None:
    """Write a PNG so that no other process ever sees half of it."""
    partial = path.with_suffix(f".{os.getpid()}.part")
    try:
        Image.fromarray(picture).save(partial, "PNG", compress_level=1)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


_told: set[Path] = set()  # folders that this process has told of


def _note_not_kept(folder: Path, error: OSError) -> None:
    if folder not in _told:
        _told.add(folder)
        reason = error.strerror or error
        print(f"note: street scenes are not kept in {folder}: {reason}", file=sys.stderr)
