# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark of the whole symbol-level link: `scsc bench link`.

Every picture is a different one, so nothing is served from a cache; scoring (PSNR, MS-SSIM) is not
part of the link and is left out of the rate.
"""

import resource
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..config import LinkConfig
from ..link import SymbolLink
from .benchmark import Row

_STAGES = ("compress", "encode", "channel", "precode", "detect", "decode", "reconstruct")


def pictures(count: int, size: int = 256, seed: int = 0) -> list[np.ndarray]:
    """Different crops uint8 [size, size, 3] of the sample photograph."""
    from ..codecs import load_image
    from ..data import sample_image

    photograph = load_image(sample_image())
    rng = np.random.default_rng(seed)
    height, width = (side - size for side in photograph.shape[:2])
    corners = zip(rng.integers(height + 1, size=count), rng.integers(width + 1, size=count))
    return [np.ascontiguousarray(photograph[y : y + size, x : x + size]) for y, x in corners]


def run(quick: bool = False) -> list[Row]:
    """Rows: pictures per second with and without PCEN on two threads, stages, memory."""
    images = pictures(8 if quick else 48)
    rows, rates = [], {}
    plain, pcen = (LinkConfig(precoder=name, snr_db=12, seed=1) for name in ("svd_wf", "pcen"))
    send_all(pcen, images[:4], workers=2)
    # The two precoders alternate, so that a drift of the machine's speed meets both.
    for _ in range(2 if quick else 5):
        for config in (plain, pcen):
            seconds, _ = send_all(config, images, workers=2)
            rates.setdefault(config.precoder, []).append(len(images) / seconds)
    condition = "256x256 crops, BPG QP 37, R=1/2, QPSK 2x2, ML, 12 dB, 2 threads"
    for name, values in rates.items():
        rows.append(
            Row(
                f"whole link, {name}",
                statistics.median(values),
                "images/s",
                target=15.0,
                condition=condition,
                spread=(min(values), max(values)),
            )
        )
    ratios = [a / b for a, b in zip(rates["pcen"], rates["svd_wf"])]
    rows.append(
        Row(
            "rate with PCEN over rate without",
            statistics.median(ratios),
            "",
            target=0.95,
            condition="paired runs",
            spread=(min(ratios), max(ratios)),
        )
    )
    _, stages = send_all(pcen, images, workers=1)
    for stage in _STAGES:
        rows.append(
            Row(f"stage {stage}", 1e3 * stages[stage] / len(images), "ms", None, False, "1 thread")
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(Row("peak memory of this process", peak, "MiB", 1024.0, False, "all of the above"))
    return rows


def send_all(
    config: LinkConfig, images: list[np.ndarray], workers: int
) -> tuple[float, dict[str, float]]:
    """Send every picture once; wall seconds, and seconds summed by stage.

    Each worker thread runs whole links of its own; the kernels release the GIL.
    """
    shares = [images[i::workers] for i in range(workers)]
    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda share: _send(config, share), shares))
    wall = time.perf_counter() - start
    return wall, {stage: sum(part[stage] for part in parts) for stage in _STAGES}


def _send(config: LinkConfig, images: list[np.ndarray]) -> dict[str, float]:
    link = SymbolLink(config)
    totals = dict.fromkeys(_STAGES, 0.0)
    for image in images:
        result = link.carry(image)
        for stage, seconds in result.seconds.items():
            totals[stage] += seconds
    return totals
