# SPDX-License-Identifier: GPL-3.0-or-later
"""Small stand-ins for frames, task networks and pre-processors of the experiments with networks."""

import numpy as np
import pytest

from scsc_core.evaluation.ppen_points import Frame, Judge, Source


@pytest.fixture(scope="session")
def classify():
    """A task network of one line: seven steps of luma, which coding noise pushes over their edges."""

    def steps(image):
        luma = image.astype(float) @ [0.299, 0.587, 0.114]
        return np.minimum(luma * 7 / 256, 6).astype(np.uint8)

    return steps


@pytest.fixture(scope="session")
def frames(classify):
    """Twelve frames 64x64 of two sequences, with labels that the brightness judge finds."""
    found = []
    for index in range(12):
        rng = np.random.default_rng(index)
        coarse = rng.integers(0, 256, (8, 8, 1)).repeat(8, 0).repeat(8, 1)
        image = (coarse + rng.normal(0, 9, (64, 64, 3))).clip(0, 255).astype(np.uint8)
        label = classify(coarse.repeat(3, 2))
        label[:2] = 255
        found.append(Frame(f"{'ab'[index // 6]}_{index:03d}", image, label))
    return found


@pytest.fixture
def judge(classify):
    """The brightness judge; `calls` counts the pictures it saw."""
    calls = []

    def segment(image):
        calls.append(image.shape)
        return classify(image)

    found = Judge("brightness", "brightness-1", segment)
    object.__setattr__(found, "calls", calls)
    return found


@pytest.fixture(scope="session")
def flattener():
    """A pre-processor for what the brightness judge rewards: it averages blocks of 8x8."""

    def flatten(image, qp):
        means = image.reshape(8, 8, 8, 8, 3).mean((1, 3), keepdims=True)
        return np.broadcast_to(means, (8, 8, 8, 8, 3)).reshape(64, 64, 3).round().astype(np.uint8)

    return Source("flattener", "model", "flattener-1", flatten)
