# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel models: deviation of their moments from the references, and speed of the sample channel."""

import numpy as np

from ..channels.stream_channel import StreamChannel
from ..channels.stream_config import StreamChannelConfig
from . import benchmark
from .channel_acceptance import compare

_SAMPLES = 1 << 17


def run(quick: bool = False) -> list[benchmark.Row]:
    """Rows of `scsc bench channels`.

    The value of a moment is its distance from the reference and the target its tolerance; what was
    measured stands in the condition.
    """
    rows = [
        benchmark.Row(
            f"{item.name}, deviation",
            abs(item.measured - item.reference),
            item.unit,
            item.tolerance,
            higher_is_better=False,
            condition=f"{item.measured:.4g}, reference {item.reference:.4g}",
        )
        for item in compare(2000 if quick else 10_000)
    ]
    return rows + [_speed(name, target, quick, **options) for name, target, options in _SPEEDS]


_SPEEDS = (
    ("flat channel and noise", 10.0, {"block": "samples:5280"}),
    ("the same, looking for bursts", None, {}),
    ("TDL-A 30 ns at 5 Msps", None, {"model": "tdl", "delay_spread_ns": 30, "sample_rate_hz": 5e6}),
    (
        "TDL-A 30 ns at 5 Msps, Doppler 5 Hz",
        None,
        {
            "model": "tdl",
            "delay_spread_ns": 30,
            "sample_rate_hz": 5e6,
            "block": "doppler",
            "doppler_hz": 5,
        },
    ),
    ("flat channel, sampling clock off by 20 ppm", None, {"sfo_ppm": 20}),
    ("flat channel, CFO and phase noise", None, {"cfo_hz": 1e4, "phase_noise": 0.003}),
)


def _speed(name: str, target: float | None, quick: bool, **options) -> benchmark.Row:
    channel = StreamChannel(StreamChannelConfig(**options))
    parts = np.random.default_rng(1).standard_normal((2, _SAMPLES, 2), np.float32) * 0.5
    samples = parts.view(np.complex64)[..., 0]
    repeat, seconds = (2, 0.05) if quick else (5, 0.5)
    timing = benchmark.measure(lambda: channel.apply(samples), repeat, seconds)
    rates = [_SAMPLES / time / 1e6 for time in (timing.median_s, timing.max_s, timing.min_s)]
    return benchmark.Row(
        f"sample channel: {name}",
        rates[0],
        "Msps",
        target,
        condition="two antennas, one core",
        spread=(rates[1], rates[2]),
    )
