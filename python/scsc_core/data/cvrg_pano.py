# SPDX-License-Identifier: GPL-3.0-or-later
"""CVRG-Pano: 600 street panoramas 1664x832 with 20 classes in 7 categories (the user's own copy).

images/<name>.*  labels/<name>.png  classes.json  splits/{train,val,test}.txt (optional)

`scsc data prepare` brings other layouts into this one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .class_tables import ClassTable
from .folder import pictures_below
from .lists import read_json, read_lines
from .pictures import read_image, read_label
from .sample import IGNORE, DataError, Dataset, Sample, check_labels

LICENCE = "terms of the authors of CVRG-Pano (user's copy)"
SPLITS = ("train", "val", "test")
SPLIT_SEED = 0
CATEGORIES = 7


@dataclass(frozen=True)
class Classes:
    """What classes.json says: names, category and colour of every value of the label files.

    Attributes:
        names: of the values 0, 1, ...
        to_seven: category 0 .. 6 of each value, or `IGNORE`.
        colours: RGB of each value, or None where the file has no palette.
    """

    names: tuple[str, ...]
    to_seven: tuple[int, ...]
    colours: tuple[tuple[int, int, int], ...] | None


def open_cvrg_pano(root: Path, split: str, classes: int = 7, seed: int = SPLIT_SEED) -> Dataset:
    """Panoramas of one split.

    Args:
        root: folder with images/, labels/ and classes.json.
        split: "train", "val" or "test"; splits/<split>.txt lists one name a line. Without the folder
            splits/ the split is drawn by `drawn_splits`.
        classes: 7, or the number of values that classes.json names (20).
        seed: of the drawn splits.
    Raises:
        DataError: a folder, classes.json, a list, a listed picture or a label is missing or wrong.
    Source: training.md section 2.
    """
    root = Path(root)
    described = read_classes(root / "classes.json")
    values = len(described.names)
    if classes not in (CATEGORIES, values):
        raise DataError(f"cvrg_pano: classes must be 7 or {values}, got {classes}")
    pairs = pairs_by_name(root / "images", root / "labels")
    if (root / "splits").is_dir():
        names = _listed(root / "splits" / f"{split}.txt", pairs)
    else:
        names = drawn_splits(sorted(pairs), seed)[split]
    files = tuple(pairs[name] for name in names)
    numbers = described.to_seven if classes == CATEGORIES else range(values)
    table = ClassTable.of(values, dict(enumerate(numbers)))

    def label(index: int):
        return table(read_label(files[index][1]), files[index][1])

    def read(index: int) -> Sample:
        sample = Sample(read_image(files[index][0]), label(index), names[index], LICENCE)
        return check_labels(sample, classes, files[index][1])

    return Dataset("cvrg_pano", split, classes, LICENCE, tuple(names), read, files, label)


def drawn_splits(names: Sequence[str], seed: int = SPLIT_SEED) -> dict[str, list[str]]:
    """Names drawn into "train", "val" and "test" as 4 : 1 : 1, each in order of name.

    400/100/100 of the 600 panoramas. The order of the draw is that of SHA-256(seed, name), the same
    on every machine and with every library.

    Raises:
        DataError: fewer than 6 names.
    """
    if len(names) < 6:
        raise DataError(f"cvrg_pano: {len(names)} pictures are too few to draw splits (least: 6)")
    order = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    share = len(names) // 6
    drawn = {"val": order[:share], "test": order[share : 2 * share], "train": order[2 * share :]}
    return {split: sorted(drawn[split]) for split in SPLITS}


def pairs_by_name(images: Path, labels: Path) -> dict[str, tuple[Path, Path]]:
    """Picture and label files with equal stems, by stem.

    Raises:
        DataError: a folder is missing or empty, a stem occurs twice, or a picture has no label.
    """
    pictures, masks = _by_stem(images), _by_stem(labels)
    for name, path in pictures.items():
        if name not in masks:
            raise DataError(f"cvrg_pano: {path} has no label {labels / name}.png")
    return {name: (path, masks[name]) for name, path in pictures.items()}


def read_classes(path: Path) -> Classes:
    """Content of classes.json: `classes<n>` (names), `map<n>to7`, optionally `palette<n>`.

    n is the number of values of the label files, 20 for CVRG-Pano.

    Raises:
        DataError: missing, no JSON, or names, map and palette that do not fit each other.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path} must be a JSON object")
    sizes = [key[3:-3] for key in content if key.startswith("map") and key.endswith("to7")]
    if len(sizes) != 1 or not sizes[0].isdecimal() or not 1 <= int(sizes[0]) <= IGNORE:
        raise DataError(f"{path} must hold one list map<n>to7, for example map20to7")
    count = int(sizes[0])
    names = _list_of(content, f"classes{count}", count, path, lambda name: isinstance(name, str))
    to_seven = _list_of(
        content, f"map{count}to7", count, path, lambda value: value in (*range(CATEGORIES), IGNORE)
    )
    colours = None
    if f"palette{count}" in content:
        rows = _list_of(content, f"palette{count}", count, path, _is_colour)
        colours = tuple(tuple(row) for row in rows)
        if len(set(colours)) != count:
            raise DataError(f"{path}: a colour occurs twice in palette{count}")
    return Classes(tuple(names), tuple(to_seven), colours)


def _list_of(content: dict, key: str, count: int, path: Path, valid) -> list:
    values = content.get(key)
    if not isinstance(values, list) or len(values) != count:
        raise DataError(f"{path}: {key} must be a list of {count} entries")
    for value in values:
        if isinstance(value, bool) or not valid(value):
            raise DataError(f"{path}: {key} cannot hold {value!r}")
    return values


def _is_colour(value) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(type(part) is int and 0 <= part <= 255 for part in value)
    )


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in pictures_below(folder):
        if path.stem in found:
            raise DataError(f"cvrg_pano: {found[path.stem]} and {path} have the same name")
        found[path.stem] = path
    return found


def _listed(path: Path, pairs: dict[str, tuple[Path, Path]]) -> list[str]:
    names = []
    for number, words in read_lines(path):
        if len(words) != 1 or words[0] not in pairs:
            raise DataError(f"{path} line {number}: {' '.join(words)!r} is no picture of images/")
        names.append(words[0])
    if len(set(names)) != len(names):
        raise DataError(f"{path}: a name occurs twice")
    return names
