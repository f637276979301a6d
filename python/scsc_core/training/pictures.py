# SPDX-License-Identifier: GPL-3.0-or-later
"""Training batches from data sets: samples kept in memory, augmented by seed, as tensors."""

from __future__ import annotations

import numpy as np
import torch

from .. import data
from ..data import DataError, Dataset, Sample
from ..data.augment import Augmentation
from .seeds import generator_for
from .settings import DataSettings

_KEPT_BYTES = 2 << 30  # 3000 frames of 480 x 360 with labels


class Samples:
    """Samples of several splits, kept in memory once read, up to `_KEPT_BYTES`.

    Args:
        sets: checked up front; see `data.check`.
        count: at most so many samples, evenly spread; 0: all.
        labels: whether labels are needed.
    Raises:
        DataError: a set is empty, faulty, or has no labels though they are needed.
    """

    def __init__(self, sets: list[Dataset], count: int = 0, labels: bool = True):
        for dataset in sets:
            data.check(dataset)
        places = [(s, i) for s in sets for i in range(len(s))]
        if not places:
            raise DataError(f"data set {sets[0].name if sets else '?'} has no pictures to use")
        chosen = np.linspace(0, len(places) - 1, min(count or len(places), len(places)))
        self._places = [places[int(i)] for i in chosen]
        self._kept: dict[int, Sample] = {}
        self._bytes = 0
        if labels and self[0].label is None:
            raise DataError(f"data set {sets[0].name} has no labels, which this stage needs")

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Sample:
        if index in self._kept:
            return self._kept[index]
        dataset, place = self._places[index]
        sample = dataset[place]
        size = sample.image.nbytes + (0 if sample.label is None else sample.label.nbytes)
        if self._bytes + size <= _KEPT_BYTES:
            self._kept[index] = sample
            self._bytes += size
        return sample

    @property
    def sources(self) -> list[dict[str, str]]:
        """Names, splits and licences for a model's record."""
        used = {(s.name, s.split, s.licence) for s, _ in self._places}
        return [{"name": n, "split": p, "licence": c} for n, p, c in sorted(used)]


def open_samples(settings: DataSettings, training: bool, labels: bool = True) -> Samples:
    """The training or the validation pictures of a stage."""
    splits = settings.train_splits if training else (settings.validation_split,)
    s, sets = settings, []
    for split in splits:
        sets.append(data.open(s.name, s.root, split, s.classes, **s.options))
    return Samples(sets, s.train_count if training else s.validation_count, labels)


def crops(
    samples: Samples, augmentation: Augmentation, seed: int, step: int, indices: range
) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Crops number `indices` of a step: pictures uint8 [h, w, 3] and labels uint8 [h, w]."""
    images, labels = [], []
    for index in indices:
        rng = generator_for(seed, "crop", step, index)
        sample = samples[int(rng.integers(len(samples)))]
        image, label = augmentation(sample.image, sample.label, rng)
        images.append(image)
        labels.append(label)
    return images, labels


def shard(batch: int, rank: int, world: int) -> range:
    """Which items of a batch belong to one of `world` processes."""
    return range(rank * batch // world, (rank + 1) * batch // world)


def to_tensor(images: list[np.ndarray], device: torch.device | str = "cpu") -> torch.Tensor:
    """Pictures uint8 [H, W, 3] as float [B, 3, H, W] in [0, 1], channels last."""
    x = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)
    return x.to(torch.float32).div_(255).contiguous(memory_format=torch.channels_last)


def label_tensor(labels: list[np.ndarray], device: torch.device | str = "cpu") -> torch.Tensor:
    """Labels uint8 [H, W] as int64 [B, H, W]."""
    return torch.from_numpy(np.stack(labels).astype(np.int64)).to(device)


def to_image(x: torch.Tensor) -> np.ndarray:
    """Float [3, H, W] in [0, 1] as uint8 [H, W, 3]."""
    pixels = x.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())
