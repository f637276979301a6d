# SPDX-License-Identifier: GPL-3.0-or-later
"""Acceptance of a version of the street scenes: target beside measured value, test by test."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .streets import STREETS_VERSION, open_streets, render
from .streets_learning import ColourClassifier, Constant, SmallNetwork, half_size, score
from .streets_statistics import class_shares, picture_statistics

# Targets from CamVid's test frames: (value, allowed difference).
STATISTICS = {
    "slope": (-2.31, 0.23),
    "gradient": (8.8, 2.0),
    "jpeg_bpp": (0.90, 0.21),
    "noise": (1.6, 0.8),
}
SHARES = (0.35, 0.26, 0.02, 0.11, 0.17, 0.01, 0.04)
LEAST_PRESENCE = 0.6
PINNED = (
    ("pinhole", "train", 0, (160, 120)),
    ("pinhole", "test", 1, (160, 120)),
    ("equirectangular", "train", 2, (192, 96)),
)
_SIZE = (480, 360)
_RATE_QPS = (28, 34, 40, 46)
_RENDER_LIMIT_S = 0.15


@dataclass(frozen=True)
class Check:
    """One acceptance test: its number, claim, target and measured value as text, verdict.

    passed is None where something that the test needs is absent; measured then says what.
    """

    number: int
    claim: str
    target: str
    measured: str
    passed: bool | None


def _check(number: int, claim: str, target: str, value: float, passed: bool) -> Check:
    return Check(number, claim, target, f"{value:.3g}", bool(passed))


def statistics_checks(images) -> list[Check]:
    """Test 1 on pictures of 480x360."""
    found = picture_statistics(images)
    names = {
        "slope": "slope of the power spectrum",
        "gradient": "mean |dI/dx|",
        "jpeg_bpp": "JPEG quality 50, bpp",
        "noise": "noise sigma",
    }
    checks = []
    for key, (value, slack) in STATISTICS.items():
        got = getattr(found, key)
        target = f"{value} +- {slack}"
        checks.append(_check(1, names[key], target, got, abs(got - value) <= slack))
    return checks


def share_checks(labels) -> list[Check]:
    """Test 2: class shares within a factor of two, and presence."""
    from ..tasks.categories import CLASSES7

    shares, presence = class_shares(labels)
    checks = []
    for name, target, got in zip(CLASSES7, SHARES, shares):
        claim = f"share of {name}"
        bounds = f"{target / 2:g} .. {target * 2:g}"
        checks.append(_check(2, claim, bounds, got, target / 2 <= got <= 2 * target))
    rarest = presence.min()
    claim = f"scenes with the rarest class ({CLASSES7[int(presence.argmin())]})"
    checks.append(_check(2, claim, f">= {LEAST_PRESENCE}", rarest, rarest >= LEAST_PRESENCE))
    return checks


def digest(camera: str, pool: str, seed: int, size: tuple[int, int]) -> str:
    """SHA-256 of a picture and its labels, hexadecimal."""
    image, label = render(seed, size, camera, pool)
    return hashlib.sha256(image.tobytes() + label.tobytes()).hexdigest()


def determinism_check() -> Check:
    """Test 7: renders twice give the same bytes; the values themselves are pinned in a test."""
    twice = [[digest(*scene) for scene in PINNED] for _ in range(2)]
    equal = sum(a == b for a, b in zip(*twice))
    return _check(7, "equal digests of renders", f"{len(PINNED)}", equal, equal == len(PINNED))


def speed_check(scenes: int = 10) -> Check:
    """Test 8: CPU time of a scene of 256x256."""
    render(0, (256, 256))
    start = time.process_time()
    for seed in range(scenes):
        render(seed, (256, 256))
    took = (time.process_time() - start) / scenes
    target = f"<= {_RENDER_LIMIT_S}"
    return _check(8, "seconds for a scene of 256x256", target, took, took <= _RENDER_LIMIT_S)


def learning_checks(train, test, camvid, steps: int, progress=None) -> list[Check]:
    """Tests 3 and 6: a small network against colour alone, and on photographs.

    Args:
        train, test: samples of the pools "train" and "test".
        camvid: samples of CamVid's test split, or None.
        steps: of the small network's training.
    """
    train, test = ([half_size(s.image, s.label) for s in part] for part in (train, test))
    network = SmallNetwork(train, steps, progress=progress)
    lead = 100 * (score(network, test) - score(ColourClassifier(train), test))
    claim = "lead of a CNN over colour alone, mIoU points"
    checks = [_check(3, claim, ">= 20", lead, lead >= 20)]
    claim = "lead of that CNN over the majority on CamVid, mIoU points"
    if camvid is None:
        return [*checks, Check(6, claim, ">= 15", "needs CamVid", None)]
    photographs = [half_size(s.image, s.label) for s in camvid]
    counts = np.sum([np.bincount(la.ravel(), minlength=256)[:7] for _, la in photographs], 0)
    majority = score(Constant(int(counts.argmax())), photographs)
    lead = 100 * (score(network, photographs) - majority)
    return [*checks, _check(6, claim, ">= 15", lead, lead >= 15)]


def task_checks(scenes, camvid, judge) -> list[Check]:
    """Tests 4 and 5b: the frozen ESPNetv2 on clean scenes, and how its score follows the rate.

    Args:
        scenes, camvid: samples; camvid may be None.
        judge: EspNetV2Segmenter, or None where its weights are absent.
    """
    claims = ("mIoU of ESPNetv2, points", "slope of mIoU against log2 bpp over CamVid's")
    if judge is None:
        return [Check(n, c, t, "needs ESPNetv2's weights", None)
                for n, c, t in zip((4, 5), claims, (">= 35", "0.5 .. 2"))]  # fmt: skip
    clean = 100 * score(judge, [(s.image, s.label) for s in scenes])
    checks = [_check(4, claims[0], ">= 35", clean, clean >= 35)]
    if camvid is None:
        return [*checks, Check(5, claims[1], "0.5 .. 2", "needs CamVid", None)]
    ratio = _rate_slope(scenes, judge) / _rate_slope(camvid, judge)
    return [*checks, _check(5, claims[1], "0.5 .. 2", ratio, 0.5 <= ratio <= 2)]


def _rate_slope(samples, judge) -> float:
    """mIoU points per doubling of the rate, fitted over BPG at several QP."""
    from .. import codecs

    codec = codecs.get("bpg")
    points = []
    for qp in _RATE_QPS:
        coded = [codec.encode(s.image, qp) for s in samples]
        pixels = sum(s.image.shape[0] * s.image.shape[1] for s in samples)
        bpp = 8 * sum(len(data) for data in coded) / pixels
        decoded = [(codec.decode(data), s.label) for data, s in zip(coded, samples)]
        points.append((np.log2(bpp), 100 * score(judge, decoded)))
    x, y = np.array(points).T
    return float(np.polyfit(x, y, 1)[0])


def codec_checks(samples, qp: int = 38) -> list[Check]:
    """Test 5a: the order of the codecs, mean PSNR at the bytes that BPG needs at one QP."""
    from .. import codecs
    from ..evaluation.metrics import psnr_db

    bpg = codecs.get("bpg")
    lead = {"bpg": [], "jpeg2000": []}
    for sample in samples:
        data = bpg.encode(sample.image, qp)
        quality = {"bpg": psnr_db(sample.image, bpg.decode(data))}
        for name in ("jpeg", "jpeg2000"):
            codec = codecs.get(name)
            coded, _ = codec.encode_to_budget(sample.image, len(data))
            quality[name] = psnr_db(sample.image, codec.decode(coded))
        for name, leads in lead.items():
            leads.append(quality[name] - quality["jpeg"])
    return [
        _check(5, f"PSNR of {name} over JPEG at equal bytes, dB", "> 0", np.mean(leads),
               np.mean(leads) > 0)
        for name, leads in lead.items()
    ]  # fmt: skip


def evaluate(quick: bool = False, progress: Callable[[str], None] | None = None) -> list[Check]:
    """All acceptance tests of the current version.

    Args:
        quick: fewer scenes and training steps; minutes instead of about half an hour.
        progress: called with the name of what comes next.
    Source: training.md section 2.2.
    """
    report = progress if progress is not None else lambda text: None
    scenes, trained, steps = (24, 120, 500) if quick else (64, 400, 2500)
    report("rendering")
    train = [open_streets(None, "train", 7, trained, _SIZE)[k] for k in range(trained)]
    test = [open_streets(None, "test", 7, scenes, _SIZE)[k] for k in range(scenes)]
    chosen = train[:scenes]
    checks = statistics_checks([s.image for s in chosen]) + share_checks([s.label for s in chosen])
    camvid, judge = _camvid(scenes), _judge()
    report("training a small network")
    checks += learning_checks(train, test, camvid, steps,
                              lambda k, n: report(f"training a small network: {k}/{n}"))  # fmt: skip
    report("task network and codecs")
    checks += task_checks(chosen, camvid, judge) + codec_checks(chosen[:12])
    report("determinism and speed")
    return sorted([*checks, determinism_check(), speed_check()], key=lambda c: c.number)


def _camvid(count: int):
    """Samples spread over CamVid's test split; None where the set is absent."""
    from .. import data

    try:
        found = data.open("camvid", None, "test", 7)
    except data.DataError:
        return None
    return [found[k * len(found) // count] for k in range(min(count, len(found)))]


def _judge():
    """The frozen ESPNetv2; None where its weights are absent."""
    from .. import zoo
    from ..tasks.espnetv2 import EspNetV2Segmenter

    try:
        return EspNetV2Segmenter.load()
    except zoo.ModelError:
        return None


def lines(checks) -> list[str]:
    """The table as text, one line a test."""
    verdicts = {True: "ok", False: "MISSED", None: "skipped"}
    head = f"procedural streets, version {STREETS_VERSION}"
    rows = [f"{c.number}  {verdicts[c.passed]:8}{c.claim:58}{c.target:>14}  {c.measured}"
            for c in checks]  # fmt: skip
    return [head, f"   {'':8}{'':58}{'target':>14}  measured", *rows]
