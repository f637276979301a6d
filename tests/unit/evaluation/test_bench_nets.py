# SPDX-License-Identifier: GPL-3.0-or-later
import subprocess

import numpy as np
import pytest

from scsc_core.evaluation import bench_nets


def test_quick_run_times_every_variant(untrained_models, monkeypatch):
    for name in ("SMALL_SIZE", "LARGE_SIZE", "LINK_SIZE"):
        monkeypatch.setattr(bench_nets, name, (64, 64))
    monkeypatch.setattr(bench_nets, "THREADS", 1)  # two would wait for each other on a busy machine

    names = [row.name for row in bench_nets.run(quick=True)]

    for variant in bench_nets.VARIANTS:
        assert f"PPEN {variant} 64x64, float32" in names
    for name in ("PPEN small 64x64, kernels", "PPEN small 64x64, torch"):
        assert name in names
    for name in ("ERF-PSPNet 64x64, float32", "SCSC link, tiny", "peak memory, PPEN small 64x64"):
        assert name in names


def test_links_are_timed_with_every_stage(untrained_models, monkeypatch):
    monkeypatch.setattr(bench_nets, "LINK_SIZE", (64, 96))
    rows = {row.name: row for row in bench_nets.link_rows(2, 1)}

    assert rows["digital link"].value > 0 and rows["SCSC link, small"].value > 0
    ratio = rows["SCSC rate over digital, small"]
    expected = rows["SCSC link, small"].value / rows["digital link"].value
    assert ratio.value == pytest.approx(expected)
    assert ratio.target == 0.85
    assert "ppen-small-streets" in ratio.condition
    assert {"SCSC stage ppen", "SCSC stage segment", "SCSC stage detect"} <= set(rows)


def test_row_says_when_weights_are_random(untrained_models):
    _, trained = bench_nets.preprocessor("small")
    network, random = bench_nets.preprocessor("medium")
    image = bench_nets.noise((32, 48))

    assert trained == "weights of ppen-small-streets"
    assert random == "seeded random weights"
    np.testing.assert_array_equal(network(image, 37), image)  # untrained PPEN is the identity


def test_memory_is_that_of_a_process():
    row = bench_nets.memory_row("ppen", (64, 64))

    assert 50 < row.value < row.target


def test_compiler_that_takes_too_long_gives_a_row(monkeypatch):
    def late(*args, timeout, **options):
        raise subprocess.TimeoutExpired(args, timeout)

    monkeypatch.setattr(subprocess, "run", late)

    row = bench_nets.compile_row(3)

    assert row.name.endswith("works") and row.value == 0
    assert row.condition == "no: not compiled in 3 s"


def test_compiler_that_fails_gives_its_reason(monkeypatch):
    monkeypatch.setattr(bench_nets, "_COMPILED", "raise RuntimeError('no C++ compiler')")

    row = bench_nets.compile_row()

    assert row.condition == "no: RuntimeError: no C++ compiler"


def test_threads_are_given_back():
    import torch

    before = torch.get_num_threads()
    with bench_nets.torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
