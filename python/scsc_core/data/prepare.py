# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a copy of CVRG-Pano, in whatever folders it came, into the layout that is read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .cvrg_pano import SPLIT_SEED, SPLITS, Classes, drawn_splits, pairs_by_name, read_classes
from .pictures import read_image
from .sample import IGNORE, DataError

# Folders of pictures and of labels that are looked for when none are named.
FOLDERS = (
    ("images", "labels"),
    ("rgb", "mask"),
    *((f"{split}/rgb", f"{split}/mask") for split in SPLITS),
)


@dataclass(frozen=True)
class Prepared:
    """What was written: folder, number of pictures, names of the three splits."""

    folder: Path
    pictures: int
    splits: dict[str, list[str]]


def prepare(
    source: Path,
    output: Path,
    folders: Sequence[tuple[str, str]] = (),
    classes: Path | None = None,
    seed: int = SPLIT_SEED,
    copy: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Write images/, labels/, classes.json and splits/*.txt of a data set into `output`.

    Pictures and labels with equal names belong together. Files are linked, or copied with `copy`;
    labels stored as colours are converted with the palette of classes.json. The splits are drawn 4 :
    1 : 1 from all names together, whatever folders they came in. Where source and output are the
    same folder, only the lists are written.

    Args:
        source: folder as it was unpacked.
        output: new or empty folder, or `source`.
        folders: pairs (pictures, labels) inside source; empty means those of `FOLDERS` that exist.
        classes: classes.json; None means the one in source.
        seed: of the splits.
        copy: bool, copy the files, so that `source` may be removed.
        progress: called as progress(done, total).
    Raises:
        DataError: nothing to pair, wrong labels, or an output folder that holds files already.
    """
    source, output = Path(source), Path(output)
    path = Path(classes) if classes is not None else source / "classes.json"
    described = read_classes(path)
    folders = [tuple(pair) for pair in folders] or _present(source)
    pairs = _found_pairs(source, folders)
    splits = drawn_splits(sorted(pairs), seed)
    if output.resolve() != source.resolve():
        _require_new(output)
        (output / "images").mkdir(parents=True)
        (output / "labels").mkdir()
        for done, (name, (image, label)) in enumerate(sorted(pairs.items()), 1):
            _place(image, output / "images" / (name + image.suffix.lower()), copy)
            _place_label(label, output / "labels" / f"{name}.png", described, copy)
            if progress is not None:
                progress(done, len(pairs))
    elif folders != [("images", "labels")]:
        raise DataError(
            f"{source}: pictures outside images/ and labels/ need an output folder of their own"
        )
    if not (output / "classes.json").exists():
        shutil.copyfile(path, output / "classes.json")
    (output / "splits").mkdir(exist_ok=True)
    for split, names in splits.items():
        text = "".join(f"{name}\n" for name in names)
        (output / "splits" / f"{split}.txt").write_text(text, encoding="utf-8")
    return Prepared(output, len(pairs), splits)


def _present(source: Path) -> list[tuple[str, str]]:
    present = [pair for pair in FOLDERS if all((source / folder).is_dir() for folder in pair)]
    if not present:
        known = ", ".join(f"{images} with {labels}" for images, labels in FOLDERS)
        raise DataError(f"{source} holds none of the folders {known}; name the two folders")
    return present


def _found_pairs(source: Path, folders: Sequence[tuple[str, str]]) -> dict[str, tuple[Path, Path]]:
    pairs: dict[str, tuple[Path, Path]] = {}
    for images, labels in folders:
        more = pairs_by_name(source / images, source / labels)
        for name in sorted(pairs.keys() & more.keys()):
            raise DataError(f"{pairs[name][0]} and {more[name][0]} have the same name")
        pairs |= more
    return pairs


def _require_new(output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise DataError(f"output {output} must be a new or empty folder")


def _place(source: Path, target: Path, copy: bool) -> None:
    try:
        if copy:
            shutil.copyfile(source, target)
        else:
            target.symlink_to(os.path.relpath(source.resolve(), target.parent.resolve()))
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or error}") from None


def _place_label(source: Path, target: Path, described: Classes, copy: bool) -> None:
    from PIL import Image

    with Image.open(source) as picture:
        mode = picture.mode
    if mode in ("L", "P"):
        if source.suffix.lower() != ".png":
            raise DataError(f"{source}: a label must be a PNG file")
        _place(source, target, copy)
        return
    if described.colours is None:
        raise DataError(f"{source} is stored as colours; classes.json needs a palette to read it")
    Image.fromarray(_classes_of_colours(read_image(source), described, source)).save(target)


def _classes_of_colours(image: np.ndarray, described: Classes, source: Path) -> np.ndarray:
    """uint8 [H, W, 3] in the colours of the palette as classes uint8 [H, W]."""
    packed = image.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    label = np.full(packed.shape, IGNORE, np.uint8)
    known = np.zeros(packed.shape, bool)
    for value, (red, green, blue) in enumerate(described.colours):
        here = packed == (red << 16 | green << 8 | blue)
        label[here] = value
        known |= here
    if not known.all():
        row, column = np.argwhere(~known)[0]
        colour = tuple(int(part) for part in image[row, column])
        raise DataError(f"{source}: colour {colour} at row {row}, column {column} is in no palette")
    return label
