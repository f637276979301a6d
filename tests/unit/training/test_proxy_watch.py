# SPDX-License-Identifier: GPL-3.0-or-later
"""ProxyWatch: what it measures on PPEN's pictures, and when it ends a run."""

import numpy as np
import pytest
import torch

from scsc_core.codecs import bpg_planes
from scsc_core.evaluation.perturbation import smooth_field
from scsc_core.evaluation.proxy_check import Crop
from scsc_core.nets.dct_proxy import DctProxy, IdentityProxy
from scsc_core.nets.proxy_output import ProxyOutput
from scsc_core.tasks.segmentation import Segmenter
from scsc_core.training.proxy_watch import ProxyWatch

pytestmark = pytest.mark.skipif(not bpg_planes.have_bpg(), reason="this build has no BPG codec")


class Brightness(torch.nn.Module):
    """Logits of 7 classes that brightness decides."""

    def forward(self, x):
        return -((x.mean(1, keepdim=True) - torch.linspace(0, 1, 7)[None, :, None, None]) ** 2) * 40


class Reversed(DctProxy):
    """Its rate falls where the codec's rises."""

    def forward(self, x, q, link=None):
        image, bpp = super().forward(x, q)
        return ProxyOutput(image, 1 / bpp)


def crops(count=4, side=64):
    rng = np.random.default_rng(0)
    found = []
    for i in range(count):
        field = sum(smooth_field((side, side), sigma, rng) for sigma in (1 + i, 8))
        image = np.clip(128 + 30 * field, 0, 255).astype(np.uint8)
        found.append(Crop(str(i), image, None))
    return found


def watch(proxy):
    return ProxyWatch(crops(), proxy, Segmenter(Brightness()), (31, 41), "medium")


def same(image, qp):
    return image


def test_dct_proxy_passes_on_pictures_as_they_are():
    guard = watch(DctProxy())

    scores = [guard.scores(same) for _ in range(2)][1]

    assert scores["proxy_spearman"] > 0.9 and scores["proxy_psnr_db"] > 28
    assert set(scores) == {"proxy_spearman", "proxy_psnr_db", "task_sign", "rate_sign"}
    assert guard.problem is None


def test_wrong_rate_ends_the_run_at_the_second_validation():
    guard = watch(Reversed())

    first = (guard.scores(same), guard.problem)
    second = (guard.scores(same), guard.problem)

    assert first[0]["proxy_spearman"] < 0 and first[1] is None
    assert "Spearman -" in second[1] and "at least 0.8" in second[1]


def test_validations_before_a_checkpoint_count():
    before, after = watch(Reversed()), watch(Reversed())
    before.scores(same)

    after.state = before.state.clone()
    after.scores(same)

    assert "Spearman -" in after.problem and "2 validations in a row" in after.problem
    assert before.problem is None


def test_validations_count_in_a_row():
    guard = watch(DctProxy())
    guard.state = torch.tensor([1.0, 0.5])

    guard.scores(same)

    assert guard.problem is None and guard.state[0] == 0 and guard.state[1] > 0.9


def test_proxy_without_a_rate_is_not_judged_by_it():
    guard = watch(IdentityProxy())

    scores = [guard.scores(same) for _ in range(2)][1]

    assert "proxy_spearman" not in scores and guard.problem is None


def test_preprocessor_is_what_is_looked_at():
    seen = []

    def preprocessor(image, qp):
        seen.append(qp)
        return image

    watch(DctProxy()).scores(preprocessor)

    assert seen == [31.0, 41.0, 31.0, 41.0]
