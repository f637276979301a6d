# SPDX-License-Identifier: GPL-3.0-or-later
"""What every benchmark shares: timing, result rows with targets, the host they were taken on."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One figure of a benchmark.

    Attributes:
        name: what was measured.
        value: the figure, in `unit`.
        unit: unit as text, empty for a ratio.
        target: figure to reach, or None where none is set.
        higher_is_better: False for times, sizes and losses.
        condition: setting it was measured with.
        spread: (worst or lowest, highest) of the repeats, or None.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    higher_is_better: bool = True
    condition: str = ""
    spread: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        # Figures often come as numpy numbers, which JSON does not take.
        object.__setattr__(self, "value", float(self.value))
        if self.spread is not None:
            object.__setattr__(self, "spread", tuple(float(bound) for bound in self.spread))

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.target is None:
            return None
        return (self.value >= self.target) if self.higher_is_better else (self.value <= self.target)


@dataclass(frozen=True)
class Timing:
    """Seconds of one call over several repeats."""

    median_s: float
    min_s: float
    max_s: float


def measure(function: Callable[[], Any], repeat: int = 5, min_time_s: float = 0.2) -> Timing:
    """Seconds that one call takes.

    The function is called once unmeasured (caches, first touch of memory), then in `repeat`
    batches, each of as many calls as fill `min_time_s`.

    Raises:
        ValueError: repeat < 1 or min_time_s < 0.
    """
    if repeat < 1:
        raise ValueError(f"repeat must be >= 1, got {repeat}")
    if min_time_s < 0:
        raise ValueError(f"min_time_s must be >= 0, got {min_time_s}")
    function()
    start = time.perf_counter()
    function()
    once = max(time.perf_counter() - start, 1e-9)
    calls = max(1, round(min_time_s / once))
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        seconds.append((time.perf_counter() - start) / calls)
    return Timing(statistics.median(seconds), min(seconds), max(seconds))


@dataclass(frozen=True)
class Host:
    """The machine of a measurement: processor, instruction set in use, cores, load before it."""

    cpu: str
    isa: str
    cores: int
    load: float
    version: str

    @classmethod
    def current(cls) -> "Host":
        """This machine, now."""
        from .. import __version__

        return cls(
            cpu=_cpu_name(),
            isa=_native_isa(),
            cores=len(os.sched_getaffinity(0)),
            load=round(os.getloadavg()[0], 2),
            version=__version__,
        )

    def __str__(self) -> str:
        return (
            f"{self.cpu}; kernels {self.isa}; {self.cores} cores, load {self.load:.2f} at the start"
            f"; scsc {self.version}"
        )


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _native_isa() -> str:
    from .. import _native

    return _native.isa()


def to_json(name: str, host: Host, rows: Sequence[Row]) -> str:
    """One JSON object: benchmark, host, rows with `met`."""
    content = {
        "benchmark": name,
        "host": asdict(host),
        "rows": [asdict(row) | {"met": row.met} for row in rows],
    }
    return json.dumps(content, indent=1)


def to_table(name: str, rows: Sequence[Row]) -> Any:
    """A rich table with the columns measurement, value, spread, target, verdict, condition."""
    from rich.table import Table

    table = Table(title=f"scsc bench {name}", title_justify="left")
    table.add_column("measurement")
    for column in ("value", "lowest .. highest", "target"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    table.add_column("condition", style="dim")
    for row in rows:
        bound = ""
        if row.target is not None:
            bound = f"{'>=' if row.higher_is_better else '<='} {_figure(row.target)}"
        spread = " .. ".join(map(_figure, row.spread)) if row.spread else ""
        value = f"{_figure(row.value)} {row.unit}".rstrip()
        table.add_row(row.name, value, spread, bound, _verdict(row), row.condition)
    return table


def _verdict(row: Row) -> str:
    if row.met is None:
        return ""
    if row.met:
        return "[green]met[/]"
    assert row.target is not None
    if not row.target:
        return "[red]missed[/]"
    return f"[red]missed by {abs(row.value / row.target - 1):.0%}[/]"


def _figure(value: float) -> str:
    """Three significant digits, without an exponent for the sizes that occur here."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
