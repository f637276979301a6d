# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bit is worth to a task network: the slope of its loss against the log rate of plain BPG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import codecs
from ..model_choice import load_segmenter
from .ppen_inputs import frames


@dataclass(frozen=True)
class RatePoint:
    """Means over the frames at one QP.

    Attributes:
        qp; bpp; loss: L_seg against the labels, the loss that trains PPEN.
        slope: -d loss / d log bpp, from the points on both sides (at an end, from one).
    """

    qp: int
    bpp: float
    loss: float
    slope: float


def run(
    network: str,
    qps: tuple[int, ...],
    data: str = "camvid",
    split: str = "val",
    count: int | None = None,
    folder: str | None = None,
    preset: str = "medium",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[RatePoint]:
    """The curve of a task network over plain BPG.

    Args:
        network: see `model_choice.load_segmenter`.
        qps: at least two different slice QPs in 1..51.
        data, split, count, folder: the frames, see `ppen_inputs.frames`.
        preset: of the BPG encoder.
    Raises:
        ValueError: unknown network, data set, split or preset; QPs that are not as said.
    """
    if len(set(qps)) < 2 or any(not 1 <= qp <= 51 for qp in qps):
        raise ValueError(f"qps must be two or more different QPs in 1..51, got {list(qps)}")
    task, codec = load_segmenter(network), codecs.get("bpg", preset=preset)
    pictures, qps = frames(data, split, count, folder), tuple(sorted(set(qps)))
    sums = np.zeros((len(qps), 2))
    for number, frame in enumerate(pictures):
        for place, qp in enumerate(qps):
            coded = codec.encode(frame.image, qp=qp)
            bpp = 8 * len(coded) / frame.label.size
            sums[place] += bpp, _loss(task, codec.decode(coded), frame.label)
        progress(number + 1, len(pictures))
    bpp, loss = (sums / len(pictures)).T
    slopes = -np.gradient(loss, np.log(bpp))
    rows = zip(qps, bpp, loss, slopes, strict=True)
    return [RatePoint(qp, *map(float, values)) for qp, *values in rows]


def _loss(task, image: np.ndarray, label: np.ndarray) -> float:
    """L_seg of one decoded picture."""
    import torch

    device = task.runtime.device
    x = torch.from_numpy(np.array(image)).to(device).permute(2, 0, 1)[None].float() / 255
    y = torch.from_numpy(label.astype(np.int64))[None].to(device)
    with torch.inference_mode():
        return task.loss(task.logits(x), y).item()


def lines(points: list[RatePoint]) -> list[str]:
    """A table as text."""
    texts = [f"{'QP':>4} {'bpp':>8} {'L_seg':>8} {'-dL/dlog bpp':>13}"]
    for p in points:
        texts.append(f"{p.qp:4d} {p.bpp:8.4f} {p.loss:8.4f} {p.slope:13.4f}")
    return texts
