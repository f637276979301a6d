# SPDX-License-Identifier: GPL-3.0-or-later
"""Acceptance of codec proxies: values against the codec, and the signs of their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .. import codecs
from . import bootstrap
from .checks import check_rising
from .perturbation import KINDS, perturbed
from .rank_correlation import spearman

LEAST_PSNR_DB = 30.0
LEAST_SPEARMAN = 0.95
TARGET_AGREEMENT = 0.70
QPS = (28, 31, 34, 37, 41, 44, 47)
_SNR_DB = (2.0, 12.0)
_CODE_RATES = (1 / 6, 1 / 3, 1 / 2, 2 / 3)
ALL = "all"  # kinds of perturbation together


@dataclass(frozen=True)
class Settings:
    """How proxies are checked.

    Attributes:
        qps: slice QPs of BPG.
        preset: of the BPG encoder; "medium" is what training uses.
        amplitude: root mean square of a perturbation in grey levels.
        sigma: px, smoothness of a perturbation. The encoder's decisions change with any change of
            its input, and move the task loss by an amount that hardly depends on the amplitude
            (QP 37, 256 px: .3, where a field of 4 grey levels and 2 px moves that of the picture
            itself by .04, one of 32 px by .24): finer fields are hidden by it.
        seed: of perturbations and links.
    """

    qps: tuple[int, ...] = QPS
    preset: str = "medium"
    amplitude: float = 4.0
    sigma: float = 32.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_rising("qps", self.qps, 1, 51)


class Crop(NamedTuple):
    """A picture that proxies are checked on.

    Attributes: name; image uint8 [H,W,3]; label uint8 [H,W], or None for the task network's own
    result on the clean picture.
    """

    name: str
    image: np.ndarray
    label: np.ndarray | None


@dataclass(frozen=True)
class Agreement:
    """Share of perturbations whose change has the sign that the proxy's gradient predicts.

    share and interval (95 %, crops resampled) are None where the gradient is zero throughout, the
    interval also with fewer than `bootstrap.LEAST_BLOCKS` crops.
    """

    share: float | None
    interval: tuple[float, float] | None
    cases: int

    def text(self) -> str:
        """Percent with interval."""
        if self.share is None:
            return "none"
        if self.interval is None:
            return f"{100 * self.share:.0f}"
        low, high = self.interval
        return f"{100 * self.share:.0f} ({100 * low:.0f}-{100 * high:.0f})"


@dataclass(frozen=True)
class ProxyRow:
    """One proxy at one QP (None: all).

    Attributes: proxy; qp; psnr_db of its picture against the decoded one, mean over crops; spearman
    of its rate (for all QPs: the mean of theirs; None for a constant rate); task and rate: kind of
    perturbation, or `ALL`, -> Agreement.
    """

    proxy: str
    qp: int | None
    psnr_db: float
    spearman: float | None
    task: dict[str, Agreement]
    rate: dict[str, Agreement]


@dataclass(frozen=True)
class ProxyCheck:
    """Rows of all proxies and what they were measured on."""

    rows: list[ProxyRow]
    crops: int
    task: str
    settings: Settings

    def find(self, proxy: str, qp: int | None = None) -> ProxyRow:
        """The row of a proxy at a QP; KeyError if it was not measured."""
        for row in self.rows:
            if (row.proxy, row.qp) == (proxy, qp):
                return row
        raise KeyError(f"no row for {proxy}, QP {qp}")


@dataclass
class _Figures:
    """Arrays over (crop, QP) or (crop, QP, kind of perturbation)."""

    psnr_db: np.ndarray
    bpp: np.ndarray
    task: np.ndarray
    rate: np.ndarray


@dataclass
class _Measurement:
    bpp: np.ndarray
    task: np.ndarray
    rate: np.ndarray
    proxies: dict[str, _Figures] = field(default_factory=dict)


def run(
    crops: Sequence[Crop],
    proxies: dict[str, Any],
    task: Any,
    task_name: str,
    settings: Settings = Settings(),
    preprocessor: Callable[[np.ndarray, float], np.ndarray] | None = None,
    progress: Callable[[int, int], None] | None = None,
    device: str = "cpu",
) -> ProxyCheck:
    """Check proxies against real BPG on the same crops and perturbations.

    Real change: f(x + d) - f(x - d), f the task loss on the decoded picture or the bits per pixel;
    the central difference leaves out the even part, which no gradient can tell. Predicted change:
    (gradient of the straight-through step at x) . 2 d.

    Args:
        crops: at least 2.
        proxies: name -> module, called as proxy(x, q, link).
        task: task network with `logits(x)`, `loss(logits, labels)` and `segment(image)`.
        task_name: for the report.
        settings: QPs, perturbations, seed.
        preprocessor: PPEN applied to every second crop, so that its outputs are among the inputs.
        progress: called as progress(done, total) after every crop and QP.
        device: where proxies and task network are.
    Raises:
        ValueError: fewer than two crops, no proxy.
    Source: networks.md section 5, acceptance.
    """
    if len(crops) < 2:
        raise ValueError(f"crops must be at least 2, got {len(crops)}")
    if not proxies:
        raise ValueError("proxies must name at least one, got none")
    measured = _empty(len(crops), len(settings.qps), proxies)
    total = len(crops) * len(settings.qps)
    for i, crop in enumerate(crops):
        target = crop.label if crop.label is not None else task.segment(crop.image)
        for j, qp in enumerate(settings.qps):
            image = crop.image
            if preprocessor is not None and i % 2:
                image = preprocessor(image, qp)
            _measure(measured, (i, j), image, target, qp, proxies, task, settings, device)
            if progress is not None:
                progress(i * len(settings.qps) + j + 1, total)
    return ProxyCheck(_rows(measured, settings.qps), len(crops), task_name, settings)


def _empty(crops: int, qps: int, proxies: dict[str, Any]) -> _Measurement:
    def zeros(*last: int) -> np.ndarray:
        return np.zeros((crops, qps, *last))

    kinds = len(KINDS)
    measured = _Measurement(zeros(), zeros(kinds), zeros(kinds))
    for name in proxies:
        measured.proxies[name] = _Figures(zeros(), zeros(), zeros(kinds), zeros(kinds))
    return measured


def _measure(measured, at, image, target, qp, proxies, task, settings, device) -> None:
    """All figures of one picture at one QP."""
    import torch

    codec = codecs.get("bpg", preset=settings.preset)
    labels = torch.from_numpy(np.array(target))[None].long().to(device)

    def tensor(picture: np.ndarray):
        rows = np.ascontiguousarray(picture.transpose(2, 0, 1))
        return torch.from_numpy(rows)[None].to(device).float() / 255

    def coded(picture: np.ndarray):
        data = codec.encode(picture, qp)
        return tensor(codec.decode(data)), 8 * len(data) / picture[..., 0].size

    def loss(decoded):
        return task.loss(task.logits(decoded), labels)

    decoded, measured.bpp[at] = coded(image)
    decoded.requires_grad_()
    (slope,) = torch.autograd.grad(loss(decoded), decoded)
    rng = np.random.default_rng([settings.seed, *at])
    changes = []
    for k, kind in enumerate(KINDS):
        sides = perturbed(image, kind, settings.amplitude, settings.sigma, rng)
        with torch.no_grad():
            (above, bpp_above), (below, bpp_below) = (coded(side) for side in sides)
            measured.task[(*at, k)] = (loss(above) - loss(below)).item()
        measured.rate[(*at, k)] = bpp_above - bpp_below
        changes.append(tensor(sides[0]) - tensor(sides[1]))
    link = _random_link(rng, device)
    for name, proxy in proxies.items():
        x = tensor(image).requires_grad_()
        estimate, bpp = proxy(x, torch.tensor([float(qp)], device=device), link)
        figures = measured.proxies[name]
        error = (estimate.detach().clamp(0, 1) - decoded.detach()).square().mean().item()
        figures.psnr_db[at] = -10 * np.log10(max(error, 1e-10))
        figures.bpp[at] = bpp.item()
        of_task = torch.autograd.grad((estimate * slope).sum(), x, retain_graph=True)[0]
        figures.task[at] = [(of_task * change).sum().item() for change in changes]
        if bpp.requires_grad:
            of_rate = torch.autograd.grad(bpp.sum(), x)[0]
            figures.rate[at] = [(of_rate * change).sum().item() for change in changes]


def _random_link(rng: np.random.Generator, device: str):
    """Code rate, SNR and stream gains of a random 2 x 2 Rayleigh channel."""
    import torch

    from ..nets.proxy import LinkState

    h = (rng.standard_normal((2, 2)) + 1j * rng.standard_normal((2, 2))) / np.sqrt(2)
    gains = np.linalg.svd(h, compute_uv=False)
    values = (rng.choice(_CODE_RATES), rng.uniform(*_SNR_DB), gains)
    return LinkState(*(torch.from_numpy(np.array(v)[None]).float().to(device) for v in values))


def _rows(measured: _Measurement, qps: tuple[int, ...]) -> list[ProxyRow]:
    rows = []
    for name, figures in measured.proxies.items():
        correlations = [spearman(figures.bpp[:, j], measured.bpp[:, j]) for j in range(len(qps))]
        for j, qp in [*enumerate(qps), (slice(None), None)]:
            agreements = (
                _agreements(figures.task[:, j], measured.task[:, j]),
                _agreements(figures.rate[:, j], measured.rate[:, j]),
            )
            psnr_db = float(figures.psnr_db[:, j].mean())
            correlation = float(np.mean(correlations[j]))
            correlation = None if np.isnan(correlation) else correlation
            rows.append(ProxyRow(name, qp, psnr_db, correlation, *agreements))
    return rows


def _agreements(predicted: np.ndarray, real: np.ndarray) -> dict[str, Agreement]:
    """Of each kind of perturbation, the last axis, and of all together."""
    found = {k: agreement(predicted[..., i], real[..., i]) for i, k in enumerate(KINDS)}
    return found | {ALL: agreement(predicted, real)}


def agreement(predicted: np.ndarray, real: np.ndarray) -> Agreement:
    """Share of equal signs of predicted and real changes [crops, ...].

    A real change of exactly zero is left out; crops are resampled whole, because the cases of one
    crop are not independent.
    """
    if not predicted.any():
        return Agreement(None, None, 0)
    predicted, real = predicted.reshape(len(predicted), -1), real.reshape(len(real), -1)
    counted = (real != 0).sum(1)
    equal = ((np.sign(predicted) == np.sign(real)) & (real != 0)).sum(1)
    if not counted.any():
        return Agreement(None, None, 0)
    crops = bootstrap.blocks([str(i) for i in range(len(counted))], 1)
    drawn = bootstrap.counts(crops)
    with np.errstate(invalid="ignore"):
        shares = bootstrap.sums(drawn, equal) / bootstrap.sums(drawn, counted)
    share = float(equal.sum() / counted.sum())
    return Agreement(share, bootstrap.interval(shares), int(counted.sum()))


def accepted(row: ProxyRow) -> dict[str, bool]:
    """The bounds of acceptance by name.

    Values: mean PSNR >= 30 dB, Spearman >= .95. Gradients of task loss and rate, all kinds of
    perturbation together: their intervals lie above one half; "target": and the shares are >= .70.
    """
    found = (row.task[ALL], row.rate[ALL])
    above = all(a.interval is not None and a.interval[0] > 0.5 for a in found)
    return {
        "psnr": row.psnr_db >= LEAST_PSNR_DB,
        "spearman": row.spearman is not None and row.spearman >= LEAST_SPEARMAN,
        "gradient": above,
        "target": above and all(a.share >= TARGET_AGREEMENT for a in found),
    }


def lines(check: ProxyCheck) -> list[str]:
    """The table and the verdicts as plain text for a terminal."""
    s = check.settings
    few = check.crops < bootstrap.LEAST_BLOCKS
    intervals = f"no intervals below {bootstrap.LEAST_BLOCKS} crops" if few else "95 % intervals"
    titles = [f"{value} {kind}" for value in ("task", "rate") for kind in (*KINDS, ALL)]
    out = [
        f"{check.crops} crops, BPG preset {s.preset}, task {check.task}; perturbations of "
        f"{s.amplitude:g} grey levels, {s.sigma:g} px; equal signs of central differences in %, "
        f"{intervals}",
        f"{'proxy':16s} {'QP':>3s} {'PSNR dB':>8s} {'Spearman':>9s}"
        + "".join(f" {title:>14s}" for title in titles),
    ]
    for row in check.rows:
        cells = [a.text() for found in (row.task, row.rate) for a in found.values()]
        correlation = "-" if row.spearman is None else f"{row.spearman:.3f}"
        out.append(
            f"{row.proxy:16s} {'all' if row.qp is None else row.qp:>3} {row.psnr_db:8.1f} "
            f"{correlation:>9s}" + "".join(f" {cell:>14s}" for cell in cells)
        )
    out.append("")
    if few:
        return [*out, f"no verdict below {bootstrap.LEAST_BLOCKS} crops"]
    for row in check.rows:
        if row.qp is None:
            verdicts = (f"{name} {'yes' if ok else 'no'}" for name, ok in accepted(row).items())
            out.append(f"{row.proxy}: {', '.join(verdicts)}")
    return out
