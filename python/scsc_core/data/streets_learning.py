# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be learnt from street scenes: by colour alone, and by a small network."""

from __future__ import annotations

import numpy as np

_CLASSES = 7
_COLOUR_BITS = 4
_BATCH = 8


def half_size(image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Picture (means of 2x2 pixels) and labels (every second) at half the size, sides even."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    blocks = image[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
    small = blocks.mean(axis=(1, 3)) + 0.5
    return small.astype(np.uint8), np.ascontiguousarray(label[:height:2, :width:2])


class ColourClassifier:
    """The class that is most frequent at a pixel's colour, in 16 levels per channel.

    Args:
        samples: pairs (image uint8 [H,W,3], label uint8 [H,W]) to count.
    """

    def __init__(self, samples):
        cells = 1 << (3 * _COLOUR_BITS)
        counts = np.zeros((cells, _CLASSES), np.int64)
        for image, label in samples:
            known = label < _CLASSES
            place = self._cells(image)[known] * _CLASSES + label[known]
            counts += np.bincount(place, minlength=cells * _CLASSES).reshape(cells, _CLASSES)
        self._table = np.where(counts.any(1), counts.argmax(1), counts.sum(0).argmax())

    @staticmethod
    def _cells(image: np.ndarray) -> np.ndarray:
        r, g, b = (image[:, :, k].astype(np.int64) >> (8 - _COLOUR_BITS) for k in range(3))
        return (r << (2 * _COLOUR_BITS)) + (g << _COLOUR_BITS) + b

    def segment(self, image: np.ndarray) -> np.ndarray:
        """Label map uint8 [H,W]."""
        return self._table[self._cells(image)].astype(np.uint8)


class SmallNetwork:
    """A convolutional network of 0.2 M weights, trained on the spot.

    Args:
        samples: list of pairs (image, label) of one size.
        steps: of AdamW with batches of 8 pictures, mirrored at random.
        seed: of the weights and the batches.
        progress: called as progress(step, steps).
    """

    def __init__(self, samples, steps: int, seed: int = 0, progress=None):
        import torch
        from torch.nn import functional as F

        torch.manual_seed(seed)
        self._network = _network()
        shares = np.mean(
            [np.bincount(la.ravel(), minlength=256)[:_CLASSES] for _, la in samples], 0
        )
        weights = 1 / np.log(1.1 + shares / shares.sum())
        weights = torch.tensor(weights / weights.mean(), dtype=torch.float32)
        optimiser = torch.optim.AdamW(self._network.parameters(), 2e-3, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.PolynomialLR(optimiser, steps, 0.9)
        rng = np.random.default_rng(seed)
        self._network.train()
        for step in range(steps):
            chosen = [samples[k] for k in rng.integers(0, len(samples), _BATCH)]
            mirrored = [(i[:, ::-1], la[:, ::-1]) if rng.random() < 0.5 else (i, la)
                        for i, la in chosen]  # fmt: skip
            gain = rng.uniform(0.7, 1.3, (_BATCH, 1, 1, 1)).astype(np.float32)
            x = np.stack([i for i, _ in mirrored]).astype(np.float32) / 255 * gain
            y = torch.from_numpy(np.stack([la for _, la in mirrored]).astype(np.int64))
            scores = self._network(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
            loss = F.cross_entropy(scores, y, weights, ignore_index=255)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if progress is not None:
                progress(step + 1, steps)
        self._network.eval()

    def segment(self, image: np.ndarray) -> np.ndarray:
        """Label map uint8 [H,W] of a picture uint8 [H,W,3]."""
        import torch

        x = torch.from_numpy(image.astype(np.float32).transpose(2, 0, 1)[None] / 255)
        with torch.inference_mode():
            return self._network(x)[0].argmax(0).numpy().astype(np.uint8)


def _network():
    """Two halvings, eight dilated layers, and the sum of coarse and fine scores."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    def layer(inputs, outputs, stride=1, dilation=1):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.fine = nn.Sequential(layer(3, 16, 2), layer(16, 24))
            self.down = layer(24, 48, 2)
            self.body = nn.ModuleList([layer(48, 48, 1, d) for d in (1, 2, 4, 8, 1, 2, 4, 8)])
            self.coarse_head, self.fine_head = (
                nn.Conv2d(48, _CLASSES, 1),
                nn.Conv2d(24, _CLASSES, 1),
            )

        def forward(self, x):
            fine = self.fine(x - 0.45)
            deep = self.down(fine)
            for block in self.body:
                deep = deep + block(deep)
            scores = F.interpolate(self.coarse_head(deep), fine.shape[-2:], mode="bilinear")
            scores = scores + self.fine_head(fine)
            return F.interpolate(scores, x.shape[-2:], mode="bilinear")

    network = Network()
    return network.to(memory_format=torch.channels_last)


def score(segmenter, samples) -> float:
    """Mean IoU over the classes that occur, of any object with `segment`, over (image, label)."""
    from ..tasks.scores import confusion, mean_iou

    total = np.zeros((_CLASSES, _CLASSES), np.int64)
    for image, label in samples:
        total += confusion(label, segmenter.segment(image), _CLASSES)
    return float(mean_iou(total))


class Constant:
    """The same class everywhere, the baseline of the majority."""

    def __init__(self, value: int):
        self._value = value

    def segment(self, image: np.ndarray) -> np.ndarray:
        """Label map uint8 [H,W] of that class."""
        return np.full(image.shape[:2], self._value, np.uint8)
