# SPDX-License-Identifier: GPL-3.0-or-later
"""COCO 2017 pictures with boxes of 80 classes and semantic masks, for evaluation and smoke training.

images/<split>2017/<id>.jpg  boxes/<split>2017/<id>.txt  semantic/<split>2017/<id>.png  manifest.json
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .folder import check_downscale, downscaled
from .lists import read_json
from .pictures import read_image, read_label
from .sample import DataError, Dataset, Sample

LICENCE = "per picture, see the manifest"
BOX_CLASSES = 80
_BOX = "'class x y width height' with class 0 .. 79 and relative numbers in [0, 1]"


def open_coco_boxes(
    root: Path, split: str, classes: int = BOX_CLASSES, downscale: int = 1
) -> Dataset:
    """Pictures with `extra["boxes"]` and `extra["semantic"]`, in the order of the manifest.

    boxes: float32 [n, 5], class, centre x, centre y, width, height, relative to the picture's sides;
    a picture without a box file has no objects. semantic: uint8 [H, W], COCO panoptic ids, 0 is
    unlabelled; None where there is no mask. Grey pictures become RGB. `label` is None.

    Args:
        root: folder.
        split: "train" or "val".
        classes: 80.
        downscale: int >= 1, both sides are divided by it; 2 makes a codec source, as all pictures
            were coded as JPEG before.
    Raises:
        DataError: no manifest, a listed picture is missing, a wrong line of boxes, or an option out
            of its range.
    Source: training.md sections 2 and 2.1.
    """
    check_downscale("coco_boxes", downscale)
    if classes != BOX_CLASSES:
        raise DataError(f"coco_boxes: classes must be {BOX_CLASSES}, got {classes}")
    if split == "test":
        raise DataError("coco_boxes: there is no split 'test'; use 'train' or 'val'")
    root = Path(root)
    entries = _entries(root, split)
    files = tuple((image, mask if mask.is_file() else None) for image, mask, _ in entries)
    names = tuple(image.stem for image, _ in files)

    def boxes(index: int) -> np.ndarray:
        return read_boxes(root / "boxes" / f"{split}2017" / f"{names[index]}.txt")

    def read(index: int) -> Sample:
        (image, mask), licence = files[index], entries[index][2]
        picture = read_image(image)
        semantic = None if mask is None else _fitting(read_label(mask), picture, mask, downscale)
        extra = {"boxes": boxes(index), "semantic": semantic}
        return Sample(downscaled(picture, downscale), None, names[index], licence, extra)

    return Dataset("coco_boxes", split, classes, LICENCE, names, read, files, boxes)


def read_boxes(path: Path) -> np.ndarray:
    """Boxes of one file as float32 [n, 5]; [0, 5] where the file does not exist.

    Raises:
        DataError: a line that is no box.
    """
    if not path.is_file():
        return np.zeros((0, 5), np.float32)
    boxes = []
    for number, line in enumerate(
        path.read_text(encoding="utf-8", errors="replace").split("\n"), 1
    ):
        if not line.strip():
            continue
        try:
            box = [float(word) for word in line.split()]
        except ValueError:
            box = []
        if len(box) != 5 or box[0] not in range(BOX_CLASSES) or not _inside(box[1:]):
            raise DataError(f"{path} line {number}: must be {_BOX}, got {line.strip()!r}")
        boxes.append(box)
    return np.array(boxes, np.float32).reshape(-1, 5)


def _inside(numbers: list[float]) -> bool:
    return all(0 <= number <= 1 for number in numbers) and min(numbers[2:]) > 0


def _entries(root: Path, split: str) -> list[tuple[Path, Path, str]]:
    manifest = root / "manifest.json"
    content = read_json(manifest)
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise DataError(f"{manifest} must be a list of pictures")
    entries = []
    for entry in content:
        missing = [
            key for key in ("split", "file", "license") if not isinstance(entry.get(key), str)
        ]
        if missing:
            raise DataError(f"{manifest}: a picture has no {', '.join(missing)}: {entry}")
        if entry["split"] != f"{split}2017":
            continue
        image = root / entry["file"]
        if not image.is_file():
            raise DataError(f"{manifest}: {image} does not exist")
        mask = root / "semantic" / entry["split"] / f"{image.stem}.png"
        entries.append((image, mask, f"{entry['license']} {entry.get('license_url', '')}".strip()))
    if not entries:
        raise DataError(f"{manifest} names no picture of {split}2017")
    return entries


def _fitting(semantic: np.ndarray, picture: np.ndarray, source: Path, factor: int) -> np.ndarray:
    if semantic.shape != picture.shape[:2]:
        raise DataError(
            f"{source}: mask is {semantic.shape[1]}x{semantic.shape[0]}, its picture "
            f"{picture.shape[1]}x{picture.shape[0]}"
        )
    rows, columns = (
        np.minimum(np.arange(max(1, side // factor)) * factor + factor // 2, side - 1)
        for side in semantic.shape
    )
    return semantic[np.ix_(rows, columns)]
