# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PPEN experiment works on, by name: frames of a data set, sources, task networks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import data, zoo
from ..model_choice import ESPNETV2, load_segmenter
from . import controls
from .ppen_points import PLAIN, Frame, Judge, Source

ROW_MULTIPLE = 16  # of the codec and the networks: 360 rows of CamVid become 352
CATEGORIES = 7
GENERATED = {"streets": 100}  # scenes of a set without end, unless told otherwise


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
        DataError: no such set or split, no frames, frames without labels, no pixel that is scored.
        ValueError: count < 1.
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
    if not any((frame.label < CATEGORIES).any() for frame in found):
        raise data.DataError(
            f"data set {name}: no pixel of {len(found)} frames of {split} has a label in "
            f"0..{CATEGORIES - 1} to score by"
        )
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
    """A task network of the 7 categories by name; see `model_choice.load_segmenter`."""
    network = load_segmenter(name)
    if name.startswith(ESPNETV2):
        from ..tasks.espnetv2 import FILE

        scale = float(name.removeprefix(ESPNETV2))
        identity = _file_hash(Path(data.root()) / "weights" / FILE.format(scale=scale))
    else:
        identity = weights_hash(name)
    return Judge(name, identity, network.segment, CATEGORIES)


def weights_hash(name: str) -> str:
    """SHA-256 of a model's file, by name of the zoo or path."""
    return _file_hash(Path(name) if name.endswith(".safetensors") else zoo.path(name))


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
