# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `task`: the segmentation network of the receiver, on labelled pictures."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator
from torch.nn import functional as F

from .. import codecs, zoo
from ..config import Finite
from ..data.augment import Augmentation
from ..nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
from ..nets.inference import Runtime, WeightsError, load_weights, weights_of
from ..tasks.categories import colours
from ..tasks.segmentation import (
    Segmenter,
    confusion,
    iou,
    mean_iou,
    pixel_accuracy,
    segmentation_loss,
)
from .codec_pool import CodecPool
from .pictures import crops, label_tensor, open_samples, shard, to_tensor
from .seeds import generator_for, seed_for
from .settings import ModelName, StageSettings
from .stage import StageBase, start_tensors

_SHARE_SAMPLES = 64  # label maps that the class weights are counted on


class TaskSettings(StageSettings):
    """ERF-PSPNet on a labelled data set.

    Attributes:
        decoder, dropout: see `ErfPspNetConfig`.
        auxiliary: weight of the cross-entropy at 1/8 size.
        small_crop, small_scale, small_batch: of the first `small_share` of the steps.
        crop, scale: of the rest, with `batch`.
        balance: c of the class weights 1 / ln(c + share), normalised to mean 1.
        start: name or .safetensors file of weights to begin with; "": random ones.
        coded_qps: train and validate on pictures that BPG coded at these slice QPs, one drawn for
            each; (): on undamaged ones. The receiver's answer to coding, not allowed to PPEN's
            rivals by the paper, which freezes the task network.
        preset, codec_workers: of the BPG encoder.
    """

    model: ModelName = "erf-pspnet-streets-7"
    batch: int = Field(6, ge=1)
    decoder: Literal["pspnet", "erfnet"] = "pspnet"
    dropout: Finite = Field(0.35, ge=0, le=3)
    auxiliary: Finite = Field(0.3, ge=0)
    small_crop: tuple[int, int] = (176, 240)
    small_scale: tuple[Finite, Finite] = (0.42, 0.75)
    small_batch: int = Field(8, ge=1)
    small_share: float = Field(0.5, ge=0, le=1)
    crop: tuple[int, int] = (288, 352)
    scale: tuple[Finite, Finite] = (0.75, 1.35)
    balance: Finite = Field(1.1, gt=1)
    start: str = ""
    coded_qps: tuple[int, ...] = ()
    preset: Literal["veryslow", "slower", "slow", "medium"] = "medium"
    codec_workers: int = Field(1, ge=1)

    @field_validator("coded_qps")
    @classmethod
    def _check_qps(cls, value):
        if any(not 1 <= qp <= 51 for qp in value):
            raise ValueError(f"coded_qps must be in 1..51, got {list(value)}")
        return value

    @model_validator(mode="after")
    def _check_batches(self):
        # pyramid pooling to one bin leaves BatchNorm nothing but the pictures of one device
        for name in ("batch", "small_batch"):
            value = getattr(self, name)
            if value % self.devices or value < 2 * self.devices:
                raise ValueError(
                    f"{name} must be a multiple of devices = {self.devices} and at least "
                    f"{2 * self.devices}, got {value}"
                )
        return self


def _begin(network: ErfPspNet, start: str) -> None:
    """Weights of a published network, which has no auxiliary head; that one keeps its own."""
    config = {"classes": network.config.classes, "decoder": network.config.decoder}
    tensors = start_tensors(start, TaskStage.name, "erf_pspnet", config)
    own = {k: v for k, v in weights_of(network).items() if k.startswith("auxiliary.")}
    try:
        load_weights(network, own | tensors)
    except WeightsError as error:
        raise zoo.ModelError(f"start {start}: {error}") from None


class _WithAuxiliary(torch.nn.Module):
    """forward gives both outputs, so that wrappers for several devices see the whole step."""

    def __init__(self, network: ErfPspNet):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.network.with_auxiliary(x)


class TaskStage(StageBase):
    """Weighted cross-entropy + 0.3 x auxiliary head, + soft Jaccard from half time.

    Args:
        settings: `TaskSettings`.
    Source: training.md sections 3 and 6, recipe A.
    """

    name = "task"

    def __init__(self, settings: TaskSettings):
        self.settings = settings
        self.network = self.started(settings)  # before the pictures, which take long to read
        self.training = open_samples(settings.data, training=True)
        self.validation = open_samples(settings.data, training=False)
        self.weights = self._class_weights()
        self.small_augmentation = Augmentation(settings.small_crop, settings.small_scale)
        self.augmentation = Augmentation(settings.crop, settings.scale)
        codec = codecs.get("bpg", preset=settings.preset)
        self.pool = CodecPool(codec, settings.codec_workers) if settings.coded_qps else None

    @staticmethod
    def started(settings: TaskSettings) -> _WithAuxiliary:
        """The network before the first step."""
        s = settings
        torch.manual_seed(seed_for(s.seed, "weights"))
        network = ErfPspNet(ErfPspNetConfig(s.data.classes, s.decoder, True, s.dropout))
        if s.start:
            _begin(network, s.start)
        return _WithAuxiliary(network)

    def _class_weights(self) -> torch.Tensor:
        counts = np.zeros(256)
        step = max(1, len(self.training) // _SHARE_SAMPLES)
        for index in range(0, len(self.training), step):
            counts += np.bincount(self.training[index].label.ravel(), minlength=256)
        counts = counts[: self.settings.data.classes]
        weights = 1 / np.log(self.settings.balance + counts / max(1, counts.sum()))
        return torch.from_numpy(weights / weights.mean()).float()

    def _small(self, step: int) -> bool:
        return step < self.settings.small_share * self.settings.steps

    def batch(self, step: int, rank: int, world: int):
        """(pictures, labels) as tensors."""
        s = self.settings
        small = self._small(step)
        augmentation = self.small_augmentation if small else self.augmentation
        indices = shard(s.small_batch if small else s.batch, rank, world)
        images, labels = crops(self.training, augmentation, s.seed, step, indices)
        if self.pool is not None:
            rngs = [generator_for(s.seed, "qp", step, index) for index in indices]
            images = self._coded(images, [int(r.choice(s.coded_qps)) for r in rngs])
        return to_tensor(images, self.device), label_tensor(labels, self.device)

    def _coded(self, images: list[np.ndarray], qps: list[int]) -> list[np.ndarray]:
        """The pictures as BPG gives them back."""
        return [c.image for c in self.pool.transcode(images, qps)]

    def place(self, device):
        """Class weights too."""
        super().place(device)
        self.weights = self.weights.to(device)

    def loss(self, network, batch, step):
        """Loss and its terms."""
        x, y = batch
        logits, auxiliary = network(x)
        jaccard = float(step >= self.settings.steps / 2)
        main = segmentation_loss(logits, y, self.weights, jaccard)
        coarse = F.interpolate(y[:, None].float(), auxiliary.shape[-2:], mode="nearest-exact")
        side = segmentation_loss(auxiliary, coarse[:, 0].long(), self.weights, jaccard=0)
        terms = {"segmentation": float(main.detach()), "auxiliary": float(side.detach())}
        return main + self.settings.auxiliary * side, terms

    def validate(self, network) -> dict[str, float]:
        """Mean IoU (the score), pixel accuracy and IoU by class on the validation pictures.

        With `coded_qps`, over the pictures at all of these QPs together.
        """
        segmenter = Segmenter(network.network, runtime=Runtime(str(self.device)))
        n = self.settings.data.classes
        total = np.zeros((n, n), np.int64)
        for index in range(len(self.validation)):
            sample, shown = self.validation[index], [self.validation[index].image]
            if self.pool is not None:
                qps = list(self.settings.coded_qps)
                shown = self._coded(shown * len(qps), qps)
            for image in shown:
                total += confusion(sample.label, segmenter.segment(image), n)
        scores = {"score": float(mean_iou(total)), "pixel_accuracy": float(pixel_accuracy(total))}
        return scores | {f"iou_{i}": float(value) for i, value in enumerate(iou(total))}

    def pictures(self, network):
        """Picture, label and prediction of the first and the middle validation sample."""
        segmenter = Segmenter(network.network, runtime=Runtime(str(self.device)))
        shown = {}
        for index in (0, len(self.validation) // 2):
            sample = self.validation[index]
            maps = [colours(m) for m in (sample.label, segmenter.segment(sample.image))]
            shown[f"sample-{index}"] = np.hstack([sample.image, *maps])
        return shown
