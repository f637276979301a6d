# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of trained weights: index entry and card, made from the stage and its run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..nets.dct_proxy import FORMULA_PROXIES
from ..nets.inference import weights_of
from ..nets.proxy import Proxy
from .journal import read_records
from .loop import Outcome
from .ppen_settings import PpenSettings
from .publish import publish, publish_log
from .settings import HOUSEKEEPING, model_name, with_names

OWN_LICENCE = "GPL-3.0-or-later"
_NON_COMMERCIAL = "CC-BY-NC-4.0"
_LARGE = 1024  # numbers of a tensor that is worth rounding
CITATIONS = {
    "camvid": "Brostow, Shotton, Fauqueur, Cipolla, ECCV 2008; Brostow, Fauqueur, Cipolla, "
    "Pattern Recognition Letters 2009 (CamVid).",
}


def publish_stage(models: Path, stage: Any, outcome: Outcome, run: Path) -> list[Path]:
    """Write the weights of a finished stage into a folder of models, with the loss curves."""
    described = _DESCRIBERS[stage.name](stage, outcome)
    paths = []
    for entry, tensors, purpose, limits in described:
        text = card(entry, purpose, limits)
        paths.append(publish(models, entry, compact(tensors), text))
        _copy_log(models, entry["name"], run)
    return paths


def compact(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Large tensors as float16, half the file; biases and statistics stay float32.

    What is published is what is evaluated, so the rounding (2^-11) is part of every figure.
    """
    return {
        k: v.astype(np.float16) if v.dtype == np.float32 and v.size >= _LARGE else v
        for k, v in tensors.items()
    }


def _copy_log(models: Path, name: str, run: Path) -> None:
    """curves/<name>.png and logs/<name>.csv: the run's curve, and its records thinned."""
    (models / "curves").mkdir(exist_ok=True)
    if (run / "curves.png").is_file():
        shutil.copy(run / "curves.png", models / "curves" / f"{name}.png")
    publish_log(models, name, read_records(run / "metrics.jsonl"))


def _entry(stage: Any, outcome: Outcome, network: str, config: dict, **more: Any) -> dict:
    s = stage.settings
    data = list(stage.training.sources)
    if "needs" in more:
        for learned_from in more["needs"]:
            data += [d for d in _data_of(learned_from) if d not in data]
        more["needs"] = [model_name(n) for n in more["needs"]]
    free = all(d["licence"] in (OWN_LICENCE, "none") for d in data)
    trained = with_names(s.model_dump(mode="json", exclude={*HOUSEKEEPING, "data"}))
    return {
        "name": s.model,
        "network": network,
        "config": config,
        "trained_with": {
            "stage": stage.name,
            "config_hash": s.digest(),
            "version": __version__,
            "torch": str(torch.__version__),
            "seconds": outcome.seconds,
            "best_step": outcome.best_step,
            **trained,
        },
        "data": data,
        "licence": OWN_LICENCE if free else _NON_COMMERCIAL,
        "commercial_use": free,
        "metrics": {"validation": {k: round(v, 4) for k, v in outcome.scores.items()}},
        **more,
    }


def _data_of(model: str) -> list[dict]:
    """What the networks were trained on that a stage trained against."""
    from .. import zoo

    if model.startswith("espnetv2-"):
        return [{"name": "cityscapes", "split": "train", "licence": "research (weights not ours)"}]
    return list(zoo.describe(model)["data"])


def _task(stage: Any, outcome: Outcome):
    c = stage.network.network.config
    config = {"classes": c.classes, "decoder": c.decoder, "dropout": c.dropout}
    needs = [s.start] if (s := stage.settings).start else []
    # the auxiliary head serves training alone
    tensors = {
        k: v for k, v in weights_of(outcome.network.network).items() if not k.startswith("aux")
    }
    (height, width), (smallest, largest) = s.crop, s.scale
    valid_for = (
        f"{c.classes} classes in pictures like those of {s.data.name}; trained on crops of "
        f"{width} x {height} px of frames scaled to {smallest:g} to {largest:g}"
    )
    kind = f"segmentation-{c.classes}"
    entry = _entry(
        stage, outcome, "erf_pspnet", config, task=kind, valid_for=valid_for, needs=needs
    )
    purpose = "segmentation network of the receiver (ERF-PSPNet)"
    limits = "Street scenes seen from a car, of one data set; "
    limits += f"trained on {'BPG-coded' if s.coded_qps else 'undamaged'} pictures."
    return [(entry, tensors, purpose, limits)]


def _ppen(stage: Any, outcome: Outcome):
    s = stage.settings
    c = outcome.network.config
    config = {"variant": c.variant, "qa": c.qa, "deform": c.deform, "strip": c.strip}
    config |= {"strip_window": c.strip_window, "qp_range": [min(s.qps), max(s.qps)]}
    needs = [n for n in (s.start, *s.tasks, s.proxy) if n and n not in FORMULA_PROXIES]
    valid_for = validity(s, stage.frames.sizes)
    entry = _entry(
        stage,
        outcome,
        "ppen",
        config,
        task="segmentation-7",
        codec="bpg",
        valid_for=valid_for,
        needs=needs,
    )
    purpose = "pre-processor before BPG, for segmentation at the receiver"
    limits = (
        "Trained for the task networks named above: another network may need more bits than "
        "without it. The picture is shaped for a machine; see its PSNR loss."
    )
    return [(entry, weights_of(outcome.network), purpose, limits)]


def validity(settings: PpenSettings, sizes: list[tuple[int, int]]) -> str:
    """What a PPEN was trained and chosen on: QPs, codec, sizes (width, height) of frames."""
    height, width = settings.crop
    frames = ", ".join(f"{w} x {h}" for w, h in sizes)
    return (
        f"QP {min(settings.qps)} to {max(settings.qps)}; BPG 4:2:0, preset {settings.preset}; "
        f"trained on crops of {width} x {height} px, tested on frames of {frames} px"
    )


def _joint(stage: Any, outcome: Outcome):
    (entry, tensors, purpose, limits), *_ = _ppen(stage, outcome)
    pcen = dict(entry) | {"name": f"{entry['name']}-pcen", "network": "pcen", "config": {}}
    del pcen["valid_for"]
    pcen |= {"snr_def": "pz_n0", "needs": [entry["name"]]}
    return [
        (entry, tensors, purpose + ", trained in turns with PCEN", limits),
        (pcen, stage.pcen_tensors(), "PCEN trained in turns with PPEN", "2 x 2 antennas, QPSK."),
    ]


def _proxy(stage: Any, outcome: Outcome):
    network, kind, config = outcome.network, "residual_proxy", {}
    if isinstance(network, Proxy):
        kind = "proxy"
        config = {"variant": network.config.variant, "conditioning": network.config.conditioning}
    used = (getattr(stage.settings, "start", ""), getattr(stage.settings, "ppen", "none"))
    needs = [name for name in used if name not in ("", "none")]
    more = {"needs": needs}
    if stage.name == "proxy-fit":  # before it a proxy knows no codec
        s = stage.settings
        more["valid_for"] = (
            f"QP {min(s.qps)} to {max(s.qps)}; BPG 4:2:0, preset {s.preset}; trained on crops of "
            f"{s.side} x {s.side} px"
        )
    entry = _entry(stage, outcome, kind, config, codec="bpg", **more)
    purpose = "differentiable stand-in of BPG, for training"
    limits = "Its gradient is judged by scsc evaluate proxycheck; it codes nothing itself."
    return [(entry, weights_of(network), purpose, limits)]


_DESCRIBERS = {
    "task": _task,
    "ppen": _ppen,
    "joint": _joint,
    "proxy-pretrain": _proxy,
    "proxy-fit": _proxy,
}


def card(entry: dict, purpose: str, limits: str) -> str:
    """The model's page: purpose, data and licence, how it was made, figures, limits."""
    trained = entry["trained_with"]
    data = ", ".join(f"{d['name']} {d['split']} ({d['licence']})" for d in entry["data"])
    cited = [CITATIONS[d["name"]] for d in entry["data"] if d["name"] in CITATIONS]
    keys = ("steps", "batch", "learning_rate", "weight_decay", "ema", "seed", "config_hash")
    settings = ", ".join(f"{k} {trained[k]}" for k in keys)
    rows = "\n".join(f"| {k} | {_figure(v)} |" for k, v in entry["metrics"]["validation"].items())
    notes = "" if entry["commercial_use"] else " No commercial use."
    lines = [
        f"# {entry['name']}",
        "",
        f"{purpose[0].upper()}{purpose[1:]}.",
        "",
        f"**Training data**: {data}. Licence of the weights: {entry['licence']}.{notes}",
        *([" ".join(dict.fromkeys(cited))] if cited else []),
        "",
        f"**How made**: `scsc train {trained['stage']} -c configs/train/{entry['name']}.yaml`, "
        f"{trained['seconds']:.0f} s of training on the recipe's machine; {settings}; "
        f"torch {trained['torch']}. The weights are those of step {trained['best_step']} "
        "(moving average), the best of those validated.",
        *_begun_from(entry),
        *([f"Needs: {', '.join(entry['needs'])}."] if entry.get("needs") else []),
        "",
        *([validity_line(entry), ""] if "valid_for" in entry else []),
        "**Validation** (pictures that chose the weights, not a test):",
        "",
        "| score | value |",
        "|---|---|",
        rows,
        "",
        f"**Limits**: {limits}",
    ]
    return "\n".join(lines) + "\n"


def _begun_from(entry: dict) -> list[str]:
    start = entry["trained_with"].get("start")
    return [f"Begun from {start}; `scsc train all` makes both."] if start else []


def validity_line(entry: dict) -> str:
    """The card's line **Valid for**, between how a model was made and its scores."""
    return f"**Valid for**: {entry['valid_for']}."


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
