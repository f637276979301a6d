# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of one class each, in a folder per class (the user's own copy)."""

from __future__ import annotations

from pathlib import Path

from .folder import check_downscale, downscaled, pictures_below
from .lists import read_lines
from .pictures import read_image
from .sample import DataError, Dataset, Sample

LICENCE = "terms of the user's copy"
SYNSETS = "synsets.txt"


def open_imagenet_like(
    root: Path, split: str, classes: int = 1000, downscale: int = 1, licence: str = LICENCE
) -> Dataset:
    """Pictures with the class in `extra["class"]`; labels of pixels there are none.

    A class folder is named by the class index (0, 1, ...), or by its synset. The index of a synset
    is its line in synsets.txt (first word of the line), or, where the folder has no such file, its
    place among the sorted folders, of which there must then be `classes`.

    Args:
        root: folder with <class>/* or <split>/<class>/*.
        split: "train", "val" or "test"; without split folders every split is the whole set.
        classes: number of classes, usually 1000.
        downscale: int >= 1, both sides are divided by it.
        licence: of the pictures.
    Raises:
        DataError: no class folders or pictures, or folders that do not fit `classes`.
    """
    check_downscale("imagenet_like", downscale)
    if classes < 2:
        raise DataError(f"imagenet_like: classes must be >= 2, got {classes}")
    root = Path(root)
    base = root
    if any((root / name).is_dir() for name in ("train", "val", "test")):
        base = root / split
        if not base.is_dir():
            raise DataError(f"imagenet_like: folder {base} does not exist")
    indices = _class_indices(root, base, classes)
    members = [(path, number) for folder, number in indices for path in pictures_below(folder)]
    names = tuple(path.relative_to(base).as_posix() for path, _ in members)

    def read(index: int) -> Sample:
        path, number = members[index]
        image = downscaled(read_image(path), downscale)
        return Sample(image, None, names[index], licence, {"class": number})

    files = tuple((path, None) for path, _ in members)
    return Dataset("imagenet_like", split, classes, licence, names, read, files)


def _class_indices(root: Path, base: Path, classes: int) -> list[tuple[Path, int]]:
    folders = sorted(
        entry for entry in base.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    )
    if not folders:
        raise DataError(f"imagenet_like: {base} holds no class folder")
    names = [folder.name for folder in folders]
    if all(name.isdecimal() for name in names):
        places = {name: int(name) for name in names}
    elif (root / SYNSETS).is_file():
        places = _synset_places(root / SYNSETS)
    elif len(folders) == classes:
        places = {name: place for place, name in enumerate(names)}
    else:
        raise DataError(
            f"imagenet_like: {base} has {len(folders)} class folders, classes is {classes}; write "
            f"all synsets in their order to {root / SYNSETS}, or set classes"
        )
    for name in names:
        if name not in places:
            raise DataError(f"imagenet_like: folder {base / name} is not in {root / SYNSETS}")
        if places[name] >= classes:
            raise DataError(
                f"imagenet_like: folder {base / name} is class {places[name]}, allowed: "
                f"0 .. {classes - 1}"
            )
    return [(folder, places[folder.name]) for folder in folders]


def _synset_places(path: Path) -> dict[str, int]:
    words = [words[0] for _, words in read_lines(path)]
    if len(set(words)) != len(words):
        raise DataError(f"{path}: a synset occurs twice")
    return {word: place for place, word in enumerate(words)}
