# SPDX-License-Identifier: GPL-3.0-or-later
"""How long runs show where they are: a bar with remaining time, or lines where nobody watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINES = 20  # lines of a whole run on something that is no terminal

Terms = dict[str, float]


@contextmanager
def counted(name: str) -> Iterator[Callable[[int, int], None]]:
    """Yields the function (done, total) that shows how far a run is; on stderr, so stdout stays clean."""
    with stepped(name) as show:
        yield lambda done, total: show(done, total, {})


@contextmanager
def stepped(name: str, log_every: int = 0) -> Iterator[Callable[[int, int, Terms], None]]:
    """As `counted`, with figures beside the bar: yields the function (done, total, terms).

    Args:
        log_every: without a terminal, steps between two lines; 0: a twentieth of the run.
    """
    if not sys.stderr.isatty():
        yield _lines(name, log_every)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[terms]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None, terms="")
        yield lambda done, total, terms: bar.update(
            task, completed=done, total=total, terms=_text(terms)
        )


def _lines(name: str, log_every: int) -> Callable[[int, int, Terms], None]:
    started, first, last = time.monotonic(), 0, 0

    def show(done: int, total: int, terms: Terms) -> None:
        nonlocal started, first, last
        if done < last or last == 0:  # a run begins, or another part of it, or goes on from `done`
            started, first, last = time.monotonic(), done - 1, done - 1
        every = log_every or max(1, total // _LINES)
        if done // every > last // every or done == total:
            left = (time.monotonic() - started) * (total - done) / (done - first)
            figures = f", {_text(terms)}" if terms else ""
            line = f"{name}: {done} of {total}{figures}, {left:.0f} s left"
            print(line, file=sys.stderr, flush=True)
        last = done

    return show


def _text(terms: Terms) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in terms.items())
