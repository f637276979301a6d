# SPDX-License-Identifier: GPL-3.0-or-later
import math
import subprocess
import sys

import numpy as np
import pytest

from scsc_core.evaluation import metrics


def _picture(height=176, width=176, seed=0):
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 200, height)[:, None, None] + np.linspace(0, 20, width)[None, :, None]
    return (ramp + rng.uniform(0, 30, (height, width, 3))).astype(np.uint8)


def test_psnr_of_a_known_error():
    a = np.full((8, 8, 3), 100, np.uint8)

    assert metrics.psnr_db(a, a + 5) == pytest.approx(10 * math.log10(255**2 / 25))
    assert metrics.psnr_db(np.zeros_like(a), np.full_like(a, 255)) == pytest.approx(0)


def test_equal_pictures_have_infinite_psnr_and_ms_ssim_one():
    a = _picture()

    assert metrics.psnr_db(a, a.copy()) == math.inf
    assert metrics.ms_ssim(a, a.copy()) == pytest.approx(1)


def test_ms_ssim_falls_with_noise():
    a = _picture()
    rng = np.random.default_rng(1)
    noisy = [np.clip(a + rng.normal(0, s, a.shape), 0, 255).astype(np.uint8) for s in (5, 40)]

    little, much = (metrics.ms_ssim(a, b) for b in noisy)

    assert 1 > little > much > 0


@pytest.mark.parametrize(
    "side, scales",
    [(10, 0), (11, 1), (21, 2), (43, 2), (44, 3), (98, 3), (99, 4), (175, 4), (176, 5), (999, 5)],
)
def test_small_pictures_get_fewer_scales(side, scales):
    assert metrics.ms_ssim_scales(side, 1000) == metrics.ms_ssim_scales(1000, side) == scales


@pytest.mark.parametrize("side", [11, 20, 21, 41, 43, 44, 81, 98, 99, 161, 175, 176])
def test_ms_ssim_works_on_both_sides_of_every_limit(side):
    a, b = _picture(side, side), _picture(side, side, 1)

    assert 0 < metrics.ms_ssim(a, b) < 1


def test_ms_ssim_of_a_tiny_picture_is_none():
    assert metrics.ms_ssim(_picture(10, 300), _picture(10, 300, 1)) is None


def test_equal_content_is_scored_once(monkeypatch):
    calls = []

    def _psnr_db(a, b):
        calls.append(1)
        return 30.0

    monkeypatch.setattr(metrics, "_cache", type(metrics._cache)())
    monkeypatch.setattr(metrics, "_psnr_db", _psnr_db)
    a, b, c = (_picture(16, 16, seed) for seed in (1, 2, 3))

    for x, y in ((a, b), (b, a), (a.copy(), b.copy()), (a, c)):
        metrics.psnr_db(x, y)

    assert len(calls) == 2


def test_cache_stays_bounded(monkeypatch):
    monkeypatch.setattr(metrics, "_cache", type(metrics._cache)())
    monkeypatch.setattr(metrics, "CACHE_SIZE", 3)
    for value in range(9):
        metrics.psnr_db(np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), value, np.uint8))

    assert len(metrics._cache) == 3


@pytest.mark.parametrize(
    "a, b",
    [
        (np.zeros((4, 4, 3)), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)),
        (np.zeros((0, 4, 3), np.uint8), np.zeros((0, 4, 3), np.uint8)),
    ],
)
@pytest.mark.parametrize("metric", [metrics.psnr_db, metrics.ms_ssim])
def test_other_arrays_are_refused(metric, a, b):
    with pytest.raises(ValueError, match="pictures must"):
        metric(a, b)


def test_psnr_needs_no_torch():
    program = (
        "import sys, numpy as np\n"
        "from scsc_core.evaluation.metrics import psnr_db\n"
        "psnr_db(np.zeros((4, 4, 3), 'u1'), np.ones((4, 4, 3), 'u1'))\n"
        "assert 'torch' not in sys.modules and 'torchmetrics' not in sys.modules\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n" + program],
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr
