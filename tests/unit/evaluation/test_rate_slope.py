# SPDX-License-Identifier: GPL-3.0-or-later
"""The slope of the task loss against log rate, and the command that prints it."""

import json

import numpy as np
import pytest
import torch

from scsc_core import cli
from scsc_core.codecs import bpg_planes
from scsc_core.evaluation import rate_slope
from scsc_core.evaluation.perturbation import smooth_field
from scsc_core.evaluation.ppen_points import Frame
from scsc_core.tasks.segmentation import Segmenter

pytestmark = pytest.mark.skipif(not bpg_planes.have_bpg(), reason="this build has no BPG codec")


class FineDetail(torch.nn.Module):
    """Logits of 7 classes whose confidence grows with the detail that the codec left."""

    def forward(self, x):
        detail = (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3), keepdim=True) * 60
        logits = torch.zeros(len(x), 7, *x.shape[-2:])
        logits[:, 0] = detail[:, 0]
        return logits


@pytest.fixture
def frames(monkeypatch):
    rng = np.random.default_rng(0)
    found = []
    for i in range(2):
        field = sum(smooth_field((64, 64), sigma, rng) for sigma in (0.7, 8))
        image = np.clip(128 + 20 * field, 0, 255).astype(np.uint8)
        found.append(Frame(str(i), image, np.zeros((64, 64), np.uint8)))
    monkeypatch.setattr(rate_slope, "frames", lambda *arguments: found)
    monkeypatch.setattr(rate_slope, "load_segmenter", lambda name: Segmenter(FineDetail()))


@pytest.mark.usefixtures("frames")
def test_loss_rises_as_the_rate_falls_and_the_slope_is_that_of_the_points():
    low, middle, high = rate_slope.run("detail", (41, 28, 34))

    assert (low.qp, middle.qp, high.qp) == (28, 34, 41)
    assert low.bpp > middle.bpp > high.bpp and low.loss < middle.loss < high.loss
    step = np.log(high.bpp) - np.log(middle.bpp)
    assert high.slope == pytest.approx(-(high.loss - middle.loss) / step)
    assert all(point.slope > 0 for point in (low, middle, high))


@pytest.mark.usefixtures("frames")
def test_command_writes_its_points(tmp_path):
    output = tmp_path / "slope.json"

    assert cli.main(["evaluate", "slope", "--qps", "31,41", "--output", str(output)]) == 0

    assert [point["qp"] for point in json.loads(output.read_text())["points"]] == [31, 41]


@pytest.mark.parametrize("qps", ["31", "31,31", "0,31", "31,52"])
def test_qps_that_make_no_curve_are_refused(qps, capsys):
    assert cli.main(["evaluate", "slope", "--qps", qps]) == 2

    assert "qps must be two or more different QPs in 1..51" in capsys.readouterr().err
