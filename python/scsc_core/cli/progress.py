# SPDX-License-Identifier: GPL-3.0-or-later
"""How long runs show where they are: a bar with remaining time, or lines where nobody watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINES = 20  # lines of a whole run on something that is no terminal


@contextmanager
def counted(name: str) -> Iterator[Callable[[int, int], None]]:
    """Yields the function (done, total) that shows how far a run is; on stderr, so stdout stays clean."""
    if not sys.stderr.isatty():
        yield _lines(name)
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
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(name: str) -> Callable[[int, int], None]:
    started, last = time.monotonic(), 0

    def show(done: int, total: int) -> None:
        nonlocal started, last
        if done < last:  # another part of the run begins
            started, last = time.monotonic(), 0
        if (done - last) * _LINES >= total or done == total:
            seconds = time.monotonic() - started
            left = seconds * (total - done) / done
            print(f"{name}: {done} of {total}, {left:.0f} s left", file=sys.stderr, flush=True)
            last = done

    return show
