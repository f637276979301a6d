# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a program over the air; imports nothing, so that Ctrl-C has an answer from the first moment."""

import importlib
import os
import signal
from typing import Any

INTERRUPTED = 130


def start(module: str, function: str, *arguments: Any) -> int:
    """The exit code of a function of a module of this package.

    While the module loads Ctrl-C ends the process at once: nothing is open yet, and libraries that load
    make other errors of a KeyboardInterrupt.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    run = getattr(importlib.import_module(f".{module}", __package__), function)
    signal.signal(signal.SIGINT, before)
    return run(*arguments)
