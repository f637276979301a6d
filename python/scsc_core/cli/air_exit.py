# SPDX-License-Identifier: GPL-3.0-or-later
"""How programs over the air end: exit codes, one-line errors, Ctrl-C and SIGTERM in every phase."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from ..radio.front_end import FrontEndError
from ..radio.station import ForcedEnd
from .air_start import INTERRUPTED

EXIT_DONE, EXIT_ERROR, EXIT_USAGE, EXIT_FORCED, EXIT_INCOMPLETE = range(5)


class StopOnSignals:
    """While it is entered Ctrl-C and SIGTERM interrupt the set-up, or end a run in order.

    Once the run has begun they set an event, so that what is open is closed in its order; the second one
    ends the process at once.

    Args:
        stop: threading.Event that the run looks at.
    """

    def __init__(self, stop: threading.Event):
        self._stop, self._running, self._previous = stop, False, {}

    def run_begins(self) -> None:
        """From now on a signal ends in order."""
        self._running = True

    def __enter__(self) -> StopOnSignals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _interrupt(self, *_: Any) -> None:
        if not self._running:
            raise KeyboardInterrupt
        if self._stop.is_set():
            os._exit(EXIT_FORCED)
        self._stop.set()


def leave(code: int) -> NoReturn:
    """End the process now, with what was printed, and without waiting for its threads."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def exit_code(name: str, run: Callable[[], int], debug: bool = False) -> int:
    """What `run` gives; errors of the user are one line and code 2, Ctrl-C is 130, other errors are 1.

    SIGTERM counts as Ctrl-C: what is open is closed. A station that does not stop ends the process.

    Args:
        name: of the program, for its line.
        debug: bool, let errors pass with their traceback.
    """
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run()
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except ForcedEnd as error:
        _complain(name, error)
        os._exit(EXIT_FORCED)
    except BrokenPipeError:
        # The reader (head, less) has left; what Python still wants to flush has no taker.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except (ValueError, FrontEndError) as error:
        if debug:
            raise
        _complain(name, error)
        return EXIT_USAGE
    except Exception as error:
        if debug:
            raise
        _complain(name, f"{type(error).__name__}: {error}")
        return EXIT_ERROR
    finally:
        signal.signal(signal.SIGTERM, previous)


def _complain(name: str, error: Exception | str) -> None:
    print(f"{name}: error: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
