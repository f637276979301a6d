# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage `ppen`: the pre-processor, with the real codec forward and a proxy backward."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch.nn import functional as F

from .. import codecs, zoo
from ..data.augment import Augmentation
from ..data.sample import IGNORE
from ..evaluation.proxy_check import Crop
from ..model_choice import load_segmenter
from ..nets.dct_proxy import FORMULA_PROXIES
from ..nets.inference import Runtime, WeightsError, load_weights
from ..nets.layers import ste_round
from ..nets.ppen import Ppen, PpenConfig
from ..nets.preprocessor import Preprocessor
from ..tasks.segmentation import Segmenter, segmentation_loss
from .codec_pool import CodecPool, Transcoded
from .delivery import abstract_delivery, draw_link, full_delivery
from .pictures import crops, label_tensor, open_samples, shard, to_image, to_tensor
from .ppen_settings import PpenSettings
from .ppen_validation import FrameValidation
from .proxy_watch import ProxyWatch
from .seeds import generator_for, seed_for
from .stage import StageBase, start_tensors
from .straight_through import coded_batch, straight_through

_END_QPS = (28.0, 47.0)  # where weights that depend on QP are given
_REFERENCE_CROPS = 24
_WATCH = "watch"  # name among the further tensors


@dataclass(frozen=True)
class PpenBatch:
    """The samples of a step on one device.

    Attributes: x: x_o, float [B,3,H,W]. y: labels int64 [B,H,W]. q: slice QPs float [B].
    plain_bpp: mean bits per pixel of plain crops at these QPs, float [B]. indices: in the step.
    """

    x: torch.Tensor
    y: torch.Tensor
    q: torch.Tensor
    plain_bpp: torch.Tensor
    indices: range


def load_proxy(name: str) -> torch.nn.Module:
    """The codec's stand-in: a key of `FORMULA_PROXIES`, or a learned one from the zoo, frozen."""
    if name in FORMULA_PROXIES:
        return FORMULA_PROXIES[name]()
    proxy = zoo.load(name)
    if not isinstance(proxy, torch.nn.Module):
        raise zoo.ModelError(f"proxy {name} is no codec proxy")
    return proxy.eval().requires_grad_(False)


class PpenStage(StageBase):
    """One PPEN for all QPs; see `PpenSettings` for the loss.

    Args:
        settings: `PpenSettings`.
    Raises:
        ModelError: a task network, proxy or start that cannot be used.
        DataError: pictures without labels, or with other classes than the task networks.
    Source: training.md section 4, Algorithm 2 of the paper as corrected; rate term ours.
    """

    name = "ppen"

    def __init__(self, settings: PpenSettings):
        self.settings = s = settings
        # models before pictures, which take long to read
        self.network = self.started(s)
        self.tasks = [load_segmenter(name, classes=None) for name in s.tasks]
        for name, task in zip(s.tasks, self.tasks, strict=True):
            if len(task.classes) != s.data.classes:
                raise zoo.ModelError(
                    f"task network {name} has {len(task.classes)} classes, the data "
                    f"{s.data.classes}"
                )
        self.proxy = load_proxy(s.proxy)
        labels = s.task_target == "gt"
        self.training = open_samples(s.data, training=True, labels=labels)
        self.pool = CodecPool(codecs.get("bpg", preset=s.preset), s.codec_workers)
        self.augmentation = Augmentation(s.crop, s.scale)
        validation = open_samples(s.data, training=False)
        self.frames = FrameValidation(validation, self.tasks[0], self.pool, s.validation_qps)
        self.watch = self._proxy_watch()
        self.plain_bpp = self._reference_rates()

    def _proxy_watch(self) -> ProxyWatch | None:
        s = self.settings
        if not s.proxy_crops:
            return None
        images, labels = crops(self.training, self.augmentation, s.seed, -2, range(s.proxy_crops))
        found = [Crop(str(i), *pair) for i, pair in enumerate(zip(images, labels, strict=True))]
        return ProxyWatch(found, self.proxy, self.tasks[0], s.qps, s.preset)

    @staticmethod
    def started(settings: PpenSettings) -> Ppen:
        """The network before the first step."""
        s = settings
        torch.manual_seed(seed_for(s.seed, "weights"))
        config = PpenConfig(s.variant, s.qa, s.deform, s.strip, s.strip_window)
        if not s.start:
            return Ppen(config)
        tensors = start_tensors(s.start, PpenStage.name, "ppen", asdict(config))
        try:
            return load_weights(Ppen(config), tensors)
        except WeightsError as error:
            raise zoo.ModelError(f"start {s.start}: {error}") from None

    def _reference_rates(self) -> np.ndarray:
        """Mean bits per pixel of plain crops at each QP, so that the rate term has one scale."""
        s, means = self.settings, []
        images, _ = crops(self.training, self.augmentation, s.seed, -1, range(_REFERENCE_CROPS))
        for qp in s.qps:
            bits = [c.bits for c in self.pool.transcode(images, [qp] * len(images))]
            means.append(np.mean(bits) / (s.crop[0] * s.crop[1]))
        return np.array(means)

    # one step ------------------------------------------------------------------------------------
    def batch(self, step: int, rank: int, world: int) -> PpenBatch:
        """Crops, labels and QPs of a step."""
        s = self.settings
        indices = shard(s.batch, rank, world)
        images, labels = crops(self.training, self.augmentation, s.seed, step, indices)
        draws = [int(generator_for(s.seed, "qp", step, i).integers(len(s.qps))) for i in indices]
        x = to_tensor(images, self.device)
        labelled = labels[0] is not None
        y = label_tensor(labels, self.device) if labelled else torch.empty(0, dtype=torch.int64)
        q = torch.tensor([float(s.qps[d]) for d in draws], device=self.device)
        return PpenBatch(x, y, q, torch.from_numpy(self.plain_bpp[draws]).to(q), indices)

    def place(self, device):
        """Task networks and proxy too."""
        super().place(device)
        self.proxy.to(device)
        for task in self.tasks:
            task.move(device)

    def loss(self, network, batch: PpenBatch, step: int):
        """Loss of Algorithm 2 and its terms."""
        s = self.settings
        shaped = ste_round(network(batch.x, batch.q).float())
        coded = self._code(shaped, batch.q)
        decoded = to_tensor([c.image for c in coded], self.device)
        bits = torch.tensor([float(c.bits) for c in coded], device=self.device)
        bpp = bits / (s.crop[0] * s.crop[1])
        with torch.autocast(self.device.type, enabled=False):
            passed = coded_batch(decoded, bpp, self.proxy(shaped, batch.q))
        received, weight = self._received(passed.image, coded, batch, step)
        drawn, scale = self._drawn_task(step)
        task = self._task_loss(received, batch, weight, self.tasks[drawn], scale)
        compared = passed.image if s.l_pre == "decoded" else shaped
        error = s.pre_scale * (compared - batch.x).square().mean((1, 2, 3))
        picture = (_weights(s.picture_weight, batch.q) * error).mean()
        relative = passed.bpp / batch.plain_bpp
        rate = (_weights(s.rate_weight, batch.q) * relative).mean()
        task_weight = s.task_weight[drawn] if isinstance(s.task_weight, tuple) else s.task_weight
        total = task_weight * task + picture + rate
        with torch.no_grad():
            psnr = -10 * torch.log10((decoded - batch.x).square().mean((1, 2, 3)) + 1e-10).mean()
            terms = {"task": task.item(), "rate": relative.mean().item(), "psnr_db": psnr.item()}
            if s.outage != "none":
                terms["delivered"] = weight.mean().item()
        return total, terms

    def _received(
        self, image: torch.Tensor, coded: list[Transcoded], batch: PpenBatch, step: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the receiver shows [B,3,H,W], and which samples arrived [B] as 1 and 0."""
        s = self.settings
        arrived = torch.ones(len(coded), device=self.device)
        if s.outage == "none":
            return image, arrived
        damaged = []
        for place, index in enumerate(batch.indices):
            draw = draw_link(s.seed, step, index, s.code_rates, s.snr_db)
            picture = coded[place].image
            if s.chain == "abstract":
                delivered = abstract_delivery(draw)
            else:
                noise, qp = seed_for(s.seed, "noise", step, index), int(batch.q[place])
                delivered, picture = full_delivery(draw, coded[place].data, s.crop, qp, noise)
            arrived[place] = float(delivered)
            damaged.append(picture)
        if s.outage == "real":
            image = straight_through(to_tensor(damaged, self.device), image)
        return image, arrived

    def _code(self, shaped: torch.Tensor, q: torch.Tensor) -> list[Transcoded]:
        """The real codec's work on a batch."""
        return self.pool.transcode([to_image(x) for x in shaped], [int(qp) for qp in q])

    def _drawn_task(self, step: int) -> tuple[int, float]:
        """Number of the task network of a step, and the scale at which it sees the picture."""
        s = self.settings
        rng = generator_for(s.seed, "task", step)
        drawn = int(rng.integers(len(self.tasks)))
        return drawn, float(s.task_scales[int(rng.integers(len(s.task_scales)))])

    def _task_loss(
        self, received, batch: PpenBatch, weight, task: Segmenter, scale: float
    ) -> torch.Tensor:
        s = self.settings
        logits = _scaled_logits(task, received, scale)
        y = batch.y
        if s.task_target == "teacher":
            with torch.no_grad():
                y = _scaled_logits(task, batch.x, scale).argmax(1)
        if s.outage == "zero" and (weight == 0).any():
            y = torch.where(weight[:, None, None] > 0, y, torch.full_like(y, IGNORE))
            if (y == IGNORE).all():
                return logits.sum() * 0
        return segmentation_loss(logits, y)

    # scores --------------------------------------------------------------------------------------
    def preprocessor(self, network: Ppen) -> Preprocessor:
        """The network as the transmitter uses it."""
        qps = self.settings.qps
        return Preprocessor(network, (min(qps), max(qps)), Runtime(str(self.device)))

    def validate(self, network) -> dict[str, float]:
        """Bits saved at equal mean IoU on full frames, and checks of the proxy.

        See `FrameValidation` and `ProxyWatch`.
        """
        preprocessor = self.preprocessor(network)
        scores = self.frames.scores(preprocessor)
        if self.watch is not None:
            scores |= self.watch.scores(preprocessor)
            self.problem = self.watch.problem
        return scores

    def extra_tensors(self) -> dict[str, torch.Tensor]:
        """What the proxy's checks have found so far."""
        return {} if self.watch is None else {_WATCH: self.watch.state}

    def load_extra(self, tensors: dict[str, torch.Tensor]) -> None:
        """The inverse of `extra_tensors`; a checkpoint may be of a run without these checks."""
        if self.watch is not None and _WATCH in tensors:
            self.watch.state = tensors[_WATCH]
            self.problem = self.watch.problem

    def pictures(self, network):
        """Original, shaped, decoded, and the segmentation of the decoded picture."""
        return self.frames.pictures(self.preprocessor(network))


def _weights(ends: float | tuple[float, float], q: torch.Tensor) -> torch.Tensor:
    """Weight of a term at each QP: one number, or geometric between its two ends."""
    low, high = ends if isinstance(ends, tuple) else (ends, ends)
    if not high:
        return torch.zeros_like(q)
    share = (q - _END_QPS[0]) / (_END_QPS[1] - _END_QPS[0])
    return low * (high / low) ** share


def _scaled_logits(task: Segmenter, x: torch.Tensor, scale: float) -> torch.Tensor:
    """Logits at the picture's size of the picture seen at another scale."""
    if scale == 1.0:
        return task.logits(x)
    seen = F.interpolate(x, scale_factor=scale, mode="bilinear", antialias=scale < 1)
    return F.interpolate(task.logits(seen), x.shape[-2:], mode="bilinear")
