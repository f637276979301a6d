# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages `proxy-pretrain` and `proxy-fit`: the learned stand-in for codec and link."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator
from torch.nn import functional as F

from .. import codecs, preprocessing, zoo
from ..config import Finite
from ..data.augment import Augmentation
from ..evaluation.rank_correlation import spearman
from ..nets.dct_proxy import KNOTS_QP
from ..nets.proxy import LinkState, Proxy, ProxyConfig
from ..nets.residual_proxy import ResidualProxy
from .codec_cache import CodecCache
from .codec_pool import CodecPool
from .coded_cases import CasePlan, CodedCases
from .pictures import crops, open_samples, shard, to_image, to_tensor
from .seeds import generator_for, seed_for
from .settings import WORDS, DataSettings, ModelName, StageSettings, check_qps
from .stage import StageBase

CODE_RATES = (1 / 6, 1 / 3, 1 / 2, 2 / 3)
_EVERY_QP = tuple(int(q) for q in KNOTS_QP)


class ProxySettings(StageSettings):
    """What both stages of the proxy share.

    Attributes:
        variant, conditioning: see `ProxyConfig`.
        snr_db: range of the uniformly drawn SNR.
        validation_crops: crops the proxy is scored on.
    """

    learning_rate: Finite = Field(1e-3, gt=0, le=1)
    weight_decay: Finite = Field(0, ge=0)
    warmup: int = Field(100, ge=0)
    data: DataSettings = DataSettings(name="camvid")
    variant: Literal["small", "medium", "large"] = "small"
    conditioning: Annotated[Literal["on", "off"], WORDS] = "on"
    snr_db: tuple[Finite, Finite] = (2.0, 12.0)
    validation_crops: int = Field(32, ge=2)

    @field_validator("snr_db")
    @classmethod
    def _ordered(cls, value):
        if value[0] > value[1]:
            raise ValueError(f"snr_db must be low, high, got {value}")
        return value

    def links(self, rng: np.random.Generator, count: int) -> LinkState:
        """Code rates, SNRs and the singular values of 2 x 2 Rayleigh channels."""
        h = rng.standard_normal((2, count, 2, 2)) / math.sqrt(2)
        gains = np.linalg.svd(h[0] + 1j * h[1], compute_uv=False)
        values = (rng.choice(CODE_RATES, count), rng.uniform(*self.snr_db, count), gains)
        return LinkState(*(torch.from_numpy(np.asarray(v)).float() for v in values))


class PretrainSettings(ProxySettings):
    """Stage B: crops of `side` px, any pictures."""

    model: ModelName = "proxy-bottleneck"
    steps: int = Field(4000, ge=1)
    side: int = Field(128, ge=32)


class FitSettings(ProxySettings):
    """Stage C: codec results of `crops` pairs of crops.

    Attributes:
        variant: of `ProxyConfig`, or "residual": `ResidualProxy`, which needs no pretraining.
        start: .safetensors file or name of pretrained weights; "": random ones.
        ppen: pre-processor whose outputs are every second pair's second version, or "none".
        side, crops, qps: of the cases.
        preset: of the BPG encoder.
        cache, cache_gb, codec_workers: of `CodecCache` and its threads.
        picture_weight: factor of the mean square error; at 10 it is about as large as the rate
            term at the last mu, so that the common analysis serves both.
        rate_weight: mu at the first and at the last step, rising geometrically.
        pair_weight: factor of the error of a pair's difference within the rate term.
        rate_cases: crops the lines of the rate are fitted on, at each QP.
    """

    model: ModelName = "proxy-small-bpg"
    variant: Literal["small", "medium", "large", "residual"] = "residual"
    steps: int = Field(3000, ge=1)
    batch: int = Field(8, ge=2, multiple_of=2)
    learning_rate: Finite = Field(5e-4, gt=0, le=1)
    start: str = ""
    ppen: str = "none"
    side: int = Field(256, ge=32)
    crops: int = Field(2000, ge=1)
    qps: tuple[int, ...] = _EVERY_QP
    preset: str = "medium"
    cache: str = "runs/codec-cache"
    cache_gb: Finite = Field(8.0, gt=0)
    codec_workers: int = Field(1, ge=1)
    picture_weight: Finite = Field(10.0, gt=0)
    rate_weight: tuple[Finite, Finite] = (1e-3, 0.1)
    pair_weight: Finite = Field(1.0, ge=0)
    rate_cases: int = Field(32, ge=4)

    _check_qps = field_validator("qps")(check_qps)

    @field_validator("rate_weight")
    @classmethod
    def _check_rate_weight(cls, value):
        if min(value) <= 0:
            raise ValueError(f"rate_weight must be two numbers > 0, got {list(value)}")
        return value

    @model_validator(mode="after")
    def _check_pairs(self):
        if self.batch % (2 * self.devices):
            raise ValueError(
                f"batch must be whole pairs on each of devices = {self.devices}, got {self.batch}"
            )
        return self


def lagrangian(q: torch.Tensor) -> torch.Tensor:
    """Mean square error on [0,1] that a bit per pixel is worth to an HEVC encoder at QP q [B]."""
    return 0.57 * torch.exp2((q - 12) / 3) / 255**2


class PretrainStage(StageBase):
    """MSE(x, x_a) + lambda(Q) bits / (h w), lambda the codec's own Lagrange multiplier.

    Args:
        settings: `PretrainSettings`.
    Source: training.md sections 1 and 6, stage B; lambda(Q) ours: the proxy starts with a trade
        between picture and rate that follows the codec's at every Q.
    """

    name = "proxy-pretrain"
    labels = False

    def __init__(self, settings: PretrainSettings):
        self.settings = settings
        self.training = open_samples(settings.data, training=True, labels=self.labels)
        self.validation = open_samples(settings.data, training=False, labels=self.labels)
        self.network = _bottleneck(settings)

    def batch(self, step: int, rank: int, world: int):
        """(pictures, QPs, links)."""
        s = self.settings
        indices = shard(s.batch, rank, world)
        images, _ = crops(self.training, self._augmentation(), s.seed, step, indices)
        draws = [generator_for(s.seed, "qp", step, i) for i in indices]
        q = torch.tensor([rng.uniform(KNOTS_QP[0], KNOTS_QP[-1]) for rng in draws])
        links = _moved(_links(s, step, indices), self.device)
        return to_tensor(images, self.device), q.to(self.device), links

    def _augmentation(self) -> Augmentation:
        return Augmentation((self.settings.side, self.settings.side), vflip=True)

    def loss(self, network, batch, step):
        """Loss and its terms."""
        x, q, links = batch
        image, bpp = network(x, q, links)
        error = (image.float() - x).square().mean((1, 2, 3))
        loss = (error + lagrangian(q) * bpp).mean()
        return loss, {"mse": float(error.detach().mean()), "bpp": float(bpp.detach().mean())}

    @torch.no_grad()
    def validate(self, network) -> dict[str, float]:
        """Score: negative loss on fixed crops; PSNR and bits per pixel."""
        s, losses, errors, rates = self.settings, [], [], []
        for number in range(-(-s.validation_crops // s.batch)):
            indices = range(number * s.batch, (number + 1) * s.batch)
            images, _ = crops(self.validation, self._augmentation(), s.seed, -1, indices)
            q = torch.tensor([KNOTS_QP[i % len(KNOTS_QP)] for i in indices], device=self.device)
            x = to_tensor(images, self.device)
            links = _moved(_links(s, -1, indices), self.device)
            image, bpp = network(x, q, links)
            error = (image - x).square().mean((1, 2, 3))
            losses.append((error + lagrangian(q) * bpp).mean().item())
            errors.append(error)
            rates.append(bpp)
        psnr = -10 * torch.log10(torch.cat(errors))
        return {
            "score": -float(np.mean(losses)),
            "psnr_db": psnr.mean().item(),
            "bpp": torch.cat(rates).mean().item(),
        }


class FitStage(StageBase):
    """L_pro = w MSE(x_hat, x_hat_a) + mu (|log bpp_p - log bpp| + pair term).

    The pair term is |difference of log bpp_p - difference of log bpp| over a pair's two versions:
    what the gradient must tell. a_Q, b_Q are fitted by least squares at the start, and for the
    averaged weights before every validation. Every case counts as delivered: what the codec gives
    does not depend on the link, the proxy learns to undo its noise.

    Args:
        settings: `FitSettings`.
    Raises:
        ModelError: `start` or `ppen` names no usable model.
    Source: training.md sections 3 and 5, stage C; w, pair term and versions ours.
    """

    name = "proxy-fit"
    labels = False

    def __init__(self, settings: FitSettings):
        self.settings = s = settings
        # models before pictures, which take long to read
        self.network = self.started(s)
        ppen = preprocessing.load(s.ppen)
        self.training = open_samples(s.data, training=True, labels=self.labels)
        validation = open_samples(s.data, training=False, labels=self.labels)
        pool = CodecPool(codecs.get("bpg", preset=s.preset), s.codec_workers)
        cache = CodecCache(Path(s.cache), s.cache_gb)

        def cases(samples, count, purpose):
            plan = CasePlan(count, s.side, s.qps, s.seed, purpose)
            return CodedCases(samples, plan, pool, cache, ppen)

        self.cases = cases(self.training, s.crops, "fit")
        self.rate_cases = cases(self.training, s.rate_cases, "rate")
        self.held_out = cases(validation, s.validation_crops, "validation")
        fit_rate(self.network, self._fixed(self.rate_cases))

    @staticmethod
    def started(settings: FitSettings) -> Proxy | ResidualProxy:
        """The network before the first step."""
        fresh = _fresh(settings)
        if not settings.start:
            return fresh
        found = zoo.load(settings.start)
        same = type(found) is type(fresh)
        if not same or getattr(found, "config", None) != getattr(fresh, "config", None):
            raise zoo.ModelError(
                f"start must be a proxy of variant {settings.variant}, {settings.start} is none"
            )
        return found.requires_grad_(True)

    def batch(self, step: int, rank: int, world: int):
        """(cases, links); the next step's cases are coded meanwhile."""
        s = self.settings
        drawn = [self._drawn(at, rank, world) for at in (step, step + 1)]
        cases = self.cases.batch_and_next(*drawn)
        pairs = shard(s.batch // 2, rank, world)
        links = _links(s, step, range(2 * pairs.start, 2 * pairs.stop))
        return _moved(cases, self.device), _moved(links, self.device)

    def _drawn(self, step: int, rank: int, world: int) -> list[tuple[int, int]]:
        """(crop number, QP) of each pair of a step."""
        s, drawn = self.settings, []
        for index in shard(s.batch // 2, rank, world):
            rng = generator_for(s.seed, "case", step, index)
            drawn.append((int(rng.integers(s.crops)), int(rng.choice(s.qps))))
        return drawn

    def loss(self, network, batch, step):
        """Loss and its terms."""
        cases, links = batch
        s = self.settings
        image, bpp = network(cases.x, cases.q, links)
        error = F.mse_loss(image.float(), cases.decoded)
        level, pair = rate_errors(bpp, cases.bpp)
        first, last = s.rate_weight
        mu = first * (last / first) ** (step / max(1, s.steps - 1))
        loss = s.picture_weight * error + mu * (level + s.pair_weight * pair)
        terms = {"psnr_db": -10 * math.log10(max(error.item(), 1e-10))}
        return loss, terms | {"rate": level.item(), "pair": pair.item()}

    @torch.no_grad()
    def validate(self, network) -> dict[str, float]:
        """Rate lines of the averaged network anew, then its scores on held-out crops.

        psnr_db: of the picture; spearman: of the rate, mean over QPs; rate, pair: errors of log
        bpp; rate_sign: share of pairs whose rate changes as the proxy says. Score: the negative
        loss with the last mu.
        """
        fit_rate(network, self._fixed(self.rate_cases))
        s, errors, rows = self.settings, [], []
        for cases in self._fixed(self.held_out):
            start = sum(row.shape[1] for row in rows)
            links = _moved(_links(s, -1, range(start, start + len(cases.q))), self.device)
            image, bpp = network(cases.x, cases.q, links)
            errors.append((image - cases.decoded).square().mean((1, 2, 3)))
            rows.append(torch.stack([cases.q, bpp, cases.bpp]))
        q, bpp, real = torch.cat(rows, 1).cpu()
        error = torch.cat(errors)
        level, pair = rate_errors(bpp, real)
        change, real_change = (torch.log(v[0::2] / v[1::2]) for v in (bpp, real))
        correlations = [spearman(bpp[q == k].numpy(), real[q == k].numpy()) for k in q.unique()]
        loss = s.picture_weight * error.mean() + s.rate_weight[1] * (level + s.pair_weight * pair)
        return {
            "score": -loss.item(),
            "psnr_db": -10 * torch.log10(error).mean().item(),
            "spearman": float(np.mean(correlations)),
            "rate": level.item(),
            "pair": pair.item(),
            "rate_sign": (change.sign() == real_change.sign()).float().mean().item(),
        }

    def pictures(self, network):
        """Input, decoded picture and the proxy's, at the lowest and the highest QP."""
        shown = {}
        for qp in (min(self.settings.qps), max(self.settings.qps)):
            cases = _moved(self.held_out.batch([(0, qp)]), self.device)
            with torch.no_grad():
                image, _ = network(cases.x, cases.q)
            parts = (cases.x[0], cases.decoded[0], image[0])
            shown[f"qp-{qp}"] = np.hstack([to_image(part) for part in parts])
        return shown

    def close(self) -> None:
        """End the background work and the cache."""
        for cases in (self.cases, self.rate_cases, self.held_out):
            cases.close()

    def _fixed(self, cases: CodedCases):
        """All crops of a plan at all its QPs, a batch at a time."""
        for number in range(cases.plan.crops):
            for at in range(0, len(cases.plan.qps), 4):
                found = cases.batch([(number, qp) for qp in cases.plan.qps[at : at + 4]])
                yield _moved(found, self.device)


def rate_errors(bpp: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean |log bpp - log real| [B], and the same of the differences within pairs."""
    error = torch.log(bpp) - torch.log(real)
    return error.abs().mean(), (error[0::2] - error[1::2]).abs().mean()


@torch.no_grad()
def fit_rate(network: Proxy | ResidualProxy, batches) -> None:
    """Least squares of log bpp = a_Q log(bits / (h w)) + b_Q at every QP of `KNOTS_QP`.

    QPs without a case take the line of the nearest one with cases.

    Args:
        network: its buffers are replaced; otherwise unchanged.
        batches: iterable of `Cases`.
    Raises:
        ValueError: a QP has fewer than two different rates, so that no line can be fitted.
    """
    training = network.training
    network.eval()
    rows = []
    for cases in batches:
        _, rate = network.estimate(cases.x, cases.q)
        rows.append(torch.stack([cases.q, rate.log(), cases.bpp.log()]).double())
    network.train(training)
    q, rate, real = torch.cat(rows, 1).cpu()
    fitted = {}
    for qp in q.unique().tolist():
        x, y = rate[q == qp], real[q == qp]
        spread = (x - x.mean()).square().sum()
        if not spread > 0:
            raise ValueError(f"rate_cases must differ in rate at QP {qp:g}, got {len(x)} alike")
        slope = ((x - x.mean()) * (y - y.mean())).sum() / spread
        fitted[qp] = (slope, y.mean() - slope * x.mean())
    for index, knot in enumerate(KNOTS_QP):
        nearest = min(fitted, key=lambda qp: abs(qp - knot))
        network.line.slope[index], network.line.offset[index] = fitted[nearest]


def _links(settings: ProxySettings, step: int, indices: range) -> LinkState:
    """Links of the items of a step, -1 for validation; each has a stream of its own."""
    streams = [generator_for(settings.seed, "links", step, i) for i in indices]
    drawn = [settings.links(rng, 1) for rng in streams]
    return LinkState(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))


def _moved(values: Any, device: torch.device) -> Any:
    """A named tuple of tensors on a device."""
    return type(values)(*(value.to(device) for value in values))


def _bottleneck(settings: ProxySettings) -> Proxy:
    torch.manual_seed(seed_for(settings.seed, "weights"))
    return Proxy(ProxyConfig(settings.variant, settings.conditioning))


def _fresh(settings: FitSettings) -> Proxy | ResidualProxy:
    if settings.variant != "residual":
        return _bottleneck(settings)
    torch.manual_seed(seed_for(settings.seed, "weights"))
    return ResidualProxy()
