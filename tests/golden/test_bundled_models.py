# SPDX-License-Identifier: GPL-3.0-or-later
"""What each bundled model gives on three procedural scenes, so that wrong weights do not pass.

The figures are in models/pins.yaml. After a model was trained again, measure it and look at the change:

    PYTHONPATH=.venv/build/test_modules .venv/bin/python tests/golden/test_bundled_models.py NAME...

writes the figures of these models into that file (without names: of all) and prints them.
"""

import sys
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import yaml

from scsc_core import codecs, zoo
from scsc_core.codecs import bpg

pytest.importorskip("torch", reason="the networks need torch")

PINS = Path(__file__).parent / "models" / "pins.yaml"
SIZE = (320, 240)
SEEDS = (11, 12, 13)
QPS = (31, 44)
CHANNELS = 40
# what another processor, torch or encoder may change: absolute, "bytes" relative
TOLERANCES = {
    "miou": 0.005,
    "share": 0.005,
    "psnr_db": 0.05,
    "bytes": 0.01,
    "proxy_bpp": 0.01,
    "proxy_psnr_db": 0.05,
    "information": 0.003,
}


@lru_cache(maxsize=1)
def scenes():
    """Pictures and labels of the test scenes."""
    from scsc_core.data.streets import render

    return [render(seed, SIZE, pool="test") for seed in SEEDS]


def psnr_db(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def of_segmenter(model):
    """Mean IoU over the scenes, and the share of the pixels that each class gets."""
    from scsc_core.tasks.segmentation import confusion, mean_iou

    maps = [model.segment(image) for image, _ in scenes()]
    labels = [label for _, label in scenes()]
    total = sum(confusion(truth, found, 7) for truth, found in zip(labels, maps, strict=True))
    shares = np.bincount(np.ravel(maps), minlength=7) / np.size(maps)
    return {"miou": float(mean_iou(total)), "share": shares.tolist()}


def of_preprocessor(model):
    """At each QP: PSNR of its output against the scenes, and bytes of that after BPG."""
    codec, found = codecs.get("bpg", preset="medium"), {"psnr_db": [], "bytes": []}
    for qp in QPS:
        shaped = [model(image, qp) for image, _ in scenes()]
        pairs = zip(scenes(), shaped, strict=True)
        found["psnr_db"].append(float(np.mean([psnr_db(out, x) for (x, _), out in pairs])))
        found["bytes"].append(sum(len(codec.encode(out, qp)) for out in shaped))
    return found


def of_proxy(model):
    """At each QP: bits per pixel that it tells, and PSNR of its pictures against the scenes."""
    import torch

    x = torch.tensor(np.stack([image for image, _ in scenes()])).permute(0, 3, 1, 2) / 255
    found = {"proxy_bpp": [], "proxy_psnr_db": []}
    for qp in QPS:
        with torch.inference_mode():
            image, bpp = model.eval()(x, torch.full((len(x),), float(qp)))
        found["proxy_bpp"].append(float(bpp.mean()))
        found["proxy_psnr_db"].append(float(psnr_db(255 * image.numpy(), 255 * x.numpy())))
    return found


def of_precoder(name):
    """Mean BICM information at 2, 6 and 10 dB on some seeded channels."""
    from scsc_core.training.pcen_stage import validate

    found = validate(name, zoo.tensors(name), CHANNELS)
    return {"information": found["mean_bicm_information"]}


def measure(name):
    """The figures of one model."""
    network = zoo.entry(name)["network"]
    if network.startswith("pcen"):
        return of_precoder(name)
    kinds = {"erf_pspnet": of_segmenter, "ppen": of_preprocessor, "residual_proxy": of_proxy}
    return kinds[network](zoo.load(name))


def differences(found, pinned):
    """Figures that differ by more than their tolerance."""
    assert found.keys() == pinned.keys()
    far = []
    for key, value in found.items():
        a, b = np.atleast_1d(value).astype(float), np.atleast_1d(pinned[key]).astype(float)
        allowed = TOLERANCES[key] * (b if key == "bytes" else 1)
        if a.shape != b.shape or (np.abs(a - b) > allowed).any():
            far.append(f"{key}: {value}, pinned {pinned[key]}")
    return far


def pins():
    return yaml.safe_load(PINS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(zoo.index()))
def test_bundled_model_gives_its_figures(name):
    network = zoo.entry(name)["network"]
    if network == "ppen" and not bpg.have_bpg():
        pytest.skip("this build has no BPG codec")

    assert differences(measure(name), pins()[name]) == []


def test_figures_tell_the_models_apart():
    """Else a model in the place of another would pass."""
    pinned = pins()
    alike = [
        (a, b)
        for a, b in combinations(pinned, 2)
        if pinned[a].keys() == pinned[b].keys() and not differences(pinned[a], pinned[b])
    ]

    assert alike == []


def _rounded(value):
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 5) if isinstance(value, float) else value


def main(*names):
    """Write the figures of these models, or of all."""
    kept = pins() if PINS.is_file() else {}
    new = {n: {k: _rounded(v) for k, v in measure(n).items()} for n in names or zoo.index()}
    kept = {n: v for n, v in sorted((kept | new).items()) if n in zoo.index()}
    text = yaml.safe_dump(kept, sort_keys=False, default_flow_style=None, width=100)
    PINS.write_text(f"# written by tests/golden/test_bundled_models.py\n{text}", encoding="utf-8")
    print(yaml.safe_dump(new, default_flow_style=None, width=100), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
