# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PPEN is chosen by: bits saved at equal task score on full validation frames."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..tasks.categories import overlay
from ..tasks.segmentation import Segmenter, confusion, mean_iou, pixel_accuracy
from .codec_pool import CodecPool
from .pictures import Samples

_CURVE_QPS = (25, 28, 31, 34, 37, 41, 44, 47, 50)
_ROW_MULTIPLE = 16  # frames are cut to it below, never scaled

Shape = Callable[[np.ndarray, float], np.ndarray]


class FrameValidation:
    """Plain BPG's curve of mean IoU against bits per pixel once, then points of PPENs against it.

    Args:
        samples: labelled frames.
        task: the network that segments the decoded frames.
        pool: codec.
        qps: at which PPENs are scored.
    """

    def __init__(self, samples: Samples, task: Segmenter, pool: CodecPool, qps: tuple[int, ...]):
        self.task, self.pool, self.qps = task, pool, qps
        self.frames = []
        for index in range(len(samples)):
            sample = samples[index]
            rows = sample.image.shape[0] // _ROW_MULTIPLE * _ROW_MULTIPLE
            self.frames.append((sample.image[:rows], sample.label[:rows]))
        self._plain: dict[int, tuple[float, float, float, float]] = {}

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """The different (width, height) of the frames."""
        return sorted({(image.shape[1], image.shape[0]) for image, _ in self.frames})

    def point(self, qp: int, shape: Shape | None) -> tuple[float, float, float, float]:
        """(bits per pixel, mean IoU, pixel accuracy, mean PSNR in dB) over all frames at one QP."""
        images = [i if shape is None else shape(i, qp) for i, _ in self.frames]
        coded = self.pool.transcode(images, [qp] * len(images))
        n = len(self.task.classes)
        total, psnr = np.zeros((n, n), np.int64), []
        for (image, label), (picture, _) in zip(self.frames, coded, strict=True):
            total += confusion(label, self.task.segment(picture), n)
            error = np.mean((picture.astype(np.float32) - image) ** 2)
            psnr.append(10 * np.log10(255**2 / max(float(error), 1e-3)))
        pixels = sum(image.shape[0] * image.shape[1] for image, _ in self.frames)
        return (
            sum(c.bits for c in coded) / pixels,
            float(mean_iou(total)),
            float(pixel_accuracy(total)),
            float(np.mean(psnr)),
        )

    def plain(self, qp: int) -> tuple[float, float, float, float]:
        """`point` of the codec alone, computed once."""
        if qp not in self._plain:
            self._plain[qp] = self.point(qp, None)
        return self._plain[qp]

    def scores(self, shape: Shape) -> dict[str, float]:
        """Mean over QPs of log(plain bits for the same mean IoU) - log(bits): the score.

        saving: 1 - exp(-score). psnr_loss_db, bits, iou, accuracy: means against plain BPG at the
        same QP.
        """
        curve = np.array([self.plain(qp) for qp in _CURVE_QPS])
        gains, differences = [], []
        for qp in self.qps:
            bpp, score, accuracy, psnr = self.point(qp, shape)
            gains.append(np.log(equal_rate(curve[:, 0], curve[:, 1], score)) - np.log(bpp))
            plain = self.plain(qp)
            differences.append(
                (bpp / plain[0], score - plain[1], accuracy - plain[2], plain[3] - psnr)
            )
        bits, gain_iou, gain_accuracy, loss = np.mean(differences, 0)
        score = float(np.mean(gains))
        return {
            "score": score,
            "saving": 1 - float(np.exp(-score)),
            "bits": float(bits),
            "iou_gain": float(gain_iou),
            "accuracy_gain": float(gain_accuracy),
            "psnr_loss_db": float(loss),
        }

    def pictures(self, shape: Shape, index: int = 0) -> dict[str, np.ndarray]:
        """One frame at the middle and the highest QP, with plain BPG above it for comparison."""
        image, label = self.frames[index]
        shown = {}
        for qp in (self.qps[len(self.qps) // 2], self.qps[-1]):
            rows = []
            for prepared in (image, shape(image, qp)):
                decoded = self.pool.transcode([prepared], [qp])[0].image
                rows.append([prepared, decoded, overlay(decoded, self.task.segment(decoded))])
            rows = [np.hstack(row) for row in rows]
            shown[f"frame-qp{qp}"] = np.vstack(rows)
        shown["truth"] = overlay(image, label)
        return shown


def equal_rate(bpp: np.ndarray, score: np.ndarray, wanted: float) -> float:
    """Rate at which a curve reaches a score; log-linear, held at the curve's ends.

    The curve is made monotone by its running maximum from the low rates: a codec may score higher
    at fewer bits by chance, and what fewer bits reached needs no more.
    """
    order = np.argsort(bpp)
    rates, best = np.log(bpp[order]), np.maximum.accumulate(score[order])
    keep = np.concatenate([[True], np.diff(best) > 0])
    return float(np.exp(np.interp(wanted, best[keep], rates[keep])))
