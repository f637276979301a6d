# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark of the networks alone and inside the link: `scsc bench nets`.

Speed does not depend on the values of weights: where a variant has no trained model, seeded random
weights stand in, and the row says so.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from .. import zoo
from ..config import LinkConfig
from ..link import SymbolLink
from .benchmark import Row, measure
from .ppen_points import one_torch_thread

THREADS = 2
VARIANTS = ("tiny", "small", "medium", "paper")
SMALL_SIZE, LARGE_SIZE, LINK_SIZE = (256, 256), (1024, 2048), (352, 480)  # (height, width)
_TARGETS_MS = {("small", SMALL_SIZE): 40.0, ("small", LARGE_SIZE): 1500.0}
_LINK_RATIO_TARGETS = {"small": 0.85, "tiny": None}  # variants in the link; None: no target
_LINK_STAGES_OF, _DIGITAL = "small", "digital link"
_MEMORY_TARGET_MIB = 3 * 1024.0
_COMPILE_LIMIT_S = 240
_SETS = ("camvid", "streets", "general")  # trained models of a variant, in this order
_SEED = 0


def run(quick: bool = False) -> list[Row]:
    """Rows: milliseconds per picture, bf16, torch.compile, kernels and torch, links, memory."""
    rows = []
    with torch_threads(THREADS):
        for variant in VARIANTS:
            sizes = [SMALL_SIZE] if quick or variant == "paper" else [SMALL_SIZE, LARGE_SIZE]
            for size in sizes:
                rows += _speed_rows(variant, size, quick)
        rows += _bf16_rows()
        if not quick:
            rows += _speed_rows("paper", LARGE_SIZE, quick=True)
        rows += _segmenter_rows(quick)
    if not quick:
        rows.append(compile_row())
    with torch_threads(1):
        rows += _kernel_rows(quick)
        rows += link_rows(4 if quick else 24, 1 if quick else 5)
    for network in ("ppen", "segmenter"):
        rows.append(memory_row(network, SMALL_SIZE if quick else LARGE_SIZE))
    return rows


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """So many threads for torch inside, as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def preprocessor(variant: str, precision: str = "float32"):
    """(Preprocessor, what its weights are): trained if the zoo has the variant, else seeded random."""
    import torch

    from ..nets.inference import Runtime
    from ..nets.ppen import Ppen, PpenConfig
    from ..nets.preprocessor import Preprocessor

    runtime = Runtime(precision=precision)
    name = _trained([f"ppen-{variant}-{data}" for data in _SETS])
    if name:
        return Preprocessor(zoo.load(name).network, runtime=runtime), f"weights of {name}"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        network = Ppen(PpenConfig(variant))
    return Preprocessor(network, runtime=runtime), "seeded random weights"


def segmenter(precision: str = "float32"):
    """(Segmenter, what its weights are), as `preprocessor`."""
    import torch

    from ..nets.erf_pspnet import ErfPspNet, ErfPspNetConfig
    from ..nets.inference import Runtime
    from ..tasks.segmentation import Segmenter

    runtime = Runtime(precision=precision)
    name = _trained([f"erf-pspnet-{data}-7" for data in _SETS])
    if name:
        return Segmenter(zoo.load(name).network, runtime=runtime), f"weights of {name}"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        network = ErfPspNet(ErfPspNetConfig())
    return Segmenter(network, runtime=runtime), "seeded random weights"


def _trained(names: list[str]) -> str | None:
    known = zoo.index()
    return next((name for name in names if name in known), None)


def _precisions() -> tuple[str, ...]:
    from ..nets.inference import has_bf16

    return ("float32", "bf16") if has_bf16() else ("float32",)


def _bf16_rows() -> list[Row]:
    """A row that says why the others have no bf16; none where they have."""
    if "bf16" in _precisions():
        return []
    return [Row("bf16 works", 0.0, "", None, True, "no: this processor has no bf16")]


def _speed_rows(variant: str, size: tuple[int, int], quick: bool) -> list[Row]:
    rows = []
    for precision in _precisions():
        network, weights = preprocessor(variant, precision)
        image = noise(size)
        target = _TARGETS_MS.get((variant, size)) if precision == "float32" else None
        name = f"PPEN {variant} {size[1]}x{size[0]}, {precision}"
        rows.append(_time_row(name, partial(network, image, 37), target, weights, quick))
    return rows


def _kernel_rows(quick: bool) -> list[Row]:
    """PPEN by the native kernels and by torch, on one thread."""
    rows, image = [], noise(LINK_SIZE)
    for variant in _LINK_RATIO_TARGETS:
        network, weights = preprocessor(variant)
        for native in (True, False):
            network.network.native = native
            name = (
                f"PPEN {variant} {LINK_SIZE[1]}x{LINK_SIZE[0]}, {'kernels' if native else 'torch'}"
            )
            call = partial(network, image, 37)
            rows.append(_time_row(name, call, None, weights, quick, threads=1))
    return rows


def _segmenter_rows(quick: bool) -> list[Row]:
    rows = []
    for precision in _precisions():
        network, weights = segmenter(precision)
        for size in [SMALL_SIZE, LINK_SIZE] + [LARGE_SIZE] * (not quick):
            image = noise(size)
            name = f"ERF-PSPNet {size[1]}x{size[0]}, {precision}"
            rows.append(_time_row(name, partial(network.segment, image), None, weights, quick))
    return rows


def _time_row(
    name,
    function: Callable,
    target: float | None,
    weights: str,
    quick: bool,
    threads: int | None = None,
) -> Row:
    timing = measure(function, *((2, 0.0) if quick else (5, 0.2)))
    spread = (1e3 * timing.min_s, 1e3 * timing.max_s)
    condition = f"{threads or THREADS} threads, {weights}"
    return Row(name, 1e3 * timing.median_s, "ms", target, False, condition, spread)


def noise(size: tuple[int, int]) -> np.ndarray:
    """A picture uint8 [height, width, 3] of seeded noise."""
    return np.random.default_rng(_SEED).integers(0, 256, (*size, 3), dtype=np.uint8)


_COMPILED = """
import json, time, torch
from scsc_core.evaluation import bench_nets
from scsc_core.evaluation.benchmark import measure
torch.set_num_threads({threads})
network, weights = bench_nets.preprocessor("small")
network.network = torch.compile(network.network)
image = bench_nets.noise({size})
start = time.perf_counter()
network(image, 37)
first = time.perf_counter() - start
timing = measure(lambda: network(image, 37))
print(json.dumps([timing.median_s, timing.min_s, timing.max_s, first, weights]))
"""


def compile_row(limit_s: float = _COMPILE_LIMIT_S) -> Row:
    """PPEN small 256x256 under torch.compile; a row without a time says why it does not work here."""
    name = f"PPEN small {SMALL_SIZE[1]}x{SMALL_SIZE[0]}, torch.compile"
    code = _COMPILED.format(threads=THREADS, size=SMALL_SIZE)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return Row(f"{name} works", 0.0, "", None, True, f"no: not compiled in {limit_s:g} s")
    if done.returncode:
        told = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Row(f"{name} works", 0.0, "", None, True, f"no: {told[:120]}")
    median, low, high, first, weights = json.loads(done.stdout.splitlines()[-1])
    condition = f"{THREADS} threads, {weights}; first call {first:.0f} s"
    return Row(name, 1e3 * median, "ms", None, False, condition, (1e3 * low, 1e3 * high))


def link_rows(count: int, repeats: int) -> list[Row]:
    """Pictures per second of SCSC links and the digital link, all with segmentation behind."""
    images = crops(count, LINK_SIZE)
    judge, task_weights = segmenter()
    links = {_DIGITAL: (LinkConfig(precoder="svd_wf", snr_db=12, seed=1), None)}
    weights = {}
    for variant in _LINK_RATIO_TARGETS:
        network, weights[variant] = preprocessor(variant)
        links[f"SCSC link, {variant}"] = LinkConfig(precoder="pcen", snr_db=12, seed=1), network
    rates: dict[str, list[float]] = {name: [] for name in links}
    stages: dict[str, dict[str, float]] = {}
    for config, preprocess in links.values():  # caches, first touch of memory
        _send_all(config, preprocess, judge, images[:2])
    # They alternate, so that a drift of the machine's speed meets all.
    for _ in range(repeats):
        for name, (config, preprocess) in links.items():
            seconds, stages[name] = _send_all(config, preprocess, judge, images)
            rates[name].append(len(images) / seconds)
    condition = (
        f"{LINK_SIZE[1]}x{LINK_SIZE[0]}, BPG QP 37, R=1/2, QPSK 2x2, 12 dB, segmentation, "
        f"{THREADS} threads"
    )
    rows = [_spread_row(name, found, "images/s", None, condition) for name, found in rates.items()]
    for variant, target in _LINK_RATIO_TARGETS.items():
        ratios = [a / b for a, b in zip(rates[f"SCSC link, {variant}"], rates[_DIGITAL])]
        condition = f"paired runs; PPEN with {weights[variant]}, ERF-PSPNet with {task_weights}"
        rows.append(
            _spread_row(f"SCSC rate over digital, {variant}", ratios, "", target, condition)
        )
    for stage, seconds in stages[f"SCSC link, {_LINK_STAGES_OF}"].items():
        value = 1e3 * seconds / len(images)
        condition = f"PPEN {_LINK_STAGES_OF}, both threads at work"
        rows.append(Row(f"SCSC stage {stage}", value, "ms", None, False, condition))
    return rows


def _spread_row(name: str, values: list[float], unit: str, target, condition: str) -> Row:
    spread = (min(values), max(values))
    return Row(name, statistics.median(values), unit, target, condition=condition, spread=spread)


def crops(count: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Different crops uint8 [height, width, 3] of the sample photograph, size = (height, width)."""
    from ..codecs import load_image
    from ..data import sample_image

    photograph = load_image(sample_image())
    rng = np.random.default_rng(_SEED)
    height, width = (side - wanted for side, wanted in zip(photograph.shape[:2], size))
    corners = zip(rng.integers(height + 1, size=count), rng.integers(width + 1, size=count))
    return [np.ascontiguousarray(photograph[y : y + size[0], x : x + size[1]]) for y, x in corners]


def _send_all(config, preprocess, judge, images) -> tuple[float, dict[str, float]]:
    """Wall seconds for all pictures on all threads, and seconds summed by stage."""
    shares = [images[i::THREADS] for i in range(THREADS)]
    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS, initializer=one_torch_thread) as pool:
        parts = list(pool.map(lambda share: _send(config, preprocess, judge, share), shares))
    wall = time.perf_counter() - start
    names = dict.fromkeys(name for part in parts for name in part)
    return wall, {name: sum(part.get(name, 0.0) for part in parts) for name in names}


def _send(config, preprocess, judge, images) -> dict[str, float]:
    link = SymbolLink(config, preprocess)
    totals: dict[str, float] = {}
    for image in images:
        carried = link.carry(image)
        start = time.perf_counter()
        judge.segment(carried.picture.image)
        seconds = {**carried.seconds, "segment": time.perf_counter() - start}
        for stage, value in seconds.items():
            totals[stage] = totals.get(stage, 0.0) + value
    return totals


_PEAK = """
import torch
from scsc_core.evaluation import bench_nets
torch.set_num_threads({threads})
image = bench_nets.noise({size})
if {network!r} == "ppen":
    bench_nets.preprocessor("small")[0](image, 37)
else:
    bench_nets.segmenter()[0].segment(image)
print(bench_nets.peak_mib())
"""


def peak_mib() -> float:
    """Largest resident memory of this process in MiB.

    Not getrusage: Linux hands a parent's peak on to the process that it starts.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM: this needs Linux")


def memory_row(network: str, size: tuple[int, int]) -> Row:
    """Peak memory of a process of its own that takes one picture through a network.

    Raises:
        RuntimeError: the process ended with an error.
    """
    code = _PEAK.format(threads=THREADS, size=size, network=network)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"memory of {network} not measured: {done.stderr.strip()[-300:]}")
    title = "PPEN small" if network == "ppen" else "ERF-PSPNet"
    return Row(
        f"peak memory, {title} {size[1]}x{size[0]}",
        float(done.stdout.splitlines()[-1]),
        "MiB",
        _MEMORY_TARGET_MIB,
        False,
        "a process of its own, libraries included",
    )
