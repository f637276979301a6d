# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PPEN experiment works on, by name: frames of a data set, sources, task networks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import data, zoo
from . import controls
from .ppen_points import PLAIN, Frame, Judge, Source

ROW_MULTIPLE = 16  # of the codec and the networks: 360 rows of CamVid become 352
CATEGORIES = 7
GENERATED = {"streets": 100}  # scenes of a set without end, unless told otherwise
_ESPNETV2 = re.compile(r"espnetv2-(0\.5|1\.0|1\.5|2\.0)")


def cropped(array: np.ndarray) -> np.ndarray:
    """The first rows and columns, whole multiples of 16; a smaller side stays as it is."""
    height, width = (
        side - side % ROW_MULTIPLE if side >= ROW_MULTIPLE else side for side in array.shape[:2]
    )
    return np.array(array[:height, :width])


def frames(
    name: str, split: str, count: int | None = None, folder: str | Path | None = None
) -> list[Frame]:
    """Frames of a split, cropped to multiples of 16 rows and columns.

    Args:
        name: of the data set, with labels of 7 categories.
        split: "train", "val" or "test".
        count: at most so many, spread evenly over the split; None means all, or `GENERATED`.
        folder: of the data set; None means its usual place.
    Raises:
        DataError: no such set or split, no frames, frames without labels. ValueError: count < 1.
    """
    if count is not None and count < 1:
        raise ValueError(f"frames must be at least 1, got {count}")
    options = {"count": count or GENERATED[name]} if name in GENERATED else {}
    dataset = data.open(name, folder, split, CATEGORIES, **options)
    if len(dataset) == 0:
        raise data.DataError(f"data set {name}: split {split} has no frames")
    chosen = range(len(dataset))
    if count is not None and count < len(dataset):
        chosen = np.linspace(0, len(dataset) - 1, count).round().astype(int)
    found = []
    for index in chosen:
        sample = dataset[int(index)]
        if sample.label is None:
            raise data.DataError(f"data set {name}: frame {sample.name} has no label to score by")
        found.append(Frame(sample.name, cropped(sample.image), cropped(sample.label)))
    return found


def plain() -> Source:
    """The codec alone."""
    return Source(PLAIN, PLAIN, PLAIN)


def control(name: str) -> Source:
    """A control by its name; ValueError for an unknown one."""
    return Source(name, "control", name, controls.get(name))


def model(name: str) -> Source:
    """A pre-processor of the zoo, or of a .safetensors file, by name or path.

    Raises:
        ModelError: unknown or damaged. ValueError: it is a network for something else.
    """
    network = zoo.load(name)
    if not callable(network) or not hasattr(network, "qp_range"):
        raise ValueError(
            f"model must be a picture pre-processor (PPEN), {name} is a {type(network).__name__}"
        )
    shown = Path(name).stem if name.endswith(".safetensors") else name
    return Source(shown, "model", weights_hash(name), network)


def models(names: Sequence[str]) -> list[Source]:
    """Several pre-processors; files of one name are told apart by the start of their hash."""
    found = [model(name) for name in dict.fromkeys(names)]
    shown = [source.name for source in found]
    return [
        source
        if shown.count(source.name) == 1
        else Source(f"{source.name}@{source.identity[:8]}", *_rest(source))
        for source in found
    ]


def _rest(source: Source) -> tuple:
    return source.kind, source.identity, source.preprocess


def judge(name: str) -> Judge:
    """A task network by name: "espnetv2-2.0" (0.5, 1.0, 1.5, 2.0) or a segmentation model of the zoo.

    Raises:
        ModelError: unknown, or its weights are missing. ValueError: it does not segment pictures, or
            its classes are not the 7 categories.
    """
    published = _ESPNETV2.fullmatch(name)
    if published:
        from ..tasks.espnetv2 import FILE, EspNetV2Segmenter

        scale = float(published[1])
        network = EspNetV2Segmenter.load(scale)
        identity = _file_hash(Path(data.root()) / "weights" / FILE.format(scale=scale))
    else:
        network, identity = zoo.load(name), weights_hash(name)
    if not hasattr(network, "segment"):
        raise ValueError(
            f"judge must be a segmentation network, {name} is a {type(network).__name__}"
        )
    classes = network.classes
    classes = classes if isinstance(classes, int) else len(classes)
    if classes != CATEGORIES:
        raise ValueError(f"judge must tell {CATEGORIES} categories, {name} tells {classes}")
    return Judge(name, identity, network.segment, classes)


def weights_hash(name: str) -> str:
    """SHA-256 of a model's file, by name of the zoo or path."""
    return _file_hash(Path(name) if name.endswith(".safetensors") else zoo.path(name))


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
