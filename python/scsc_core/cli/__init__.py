# SPDX-License-Identifier: GPL-3.0-or-later
"""The `scsc` command: each sub-command is a module of this package, imported when it is called."""

import os
import sys
from collections.abc import Sequence

# Commands that hand all their words over to an installed program, --debug among them.
PROGRAMS = ("demo", "loopback", "tx", "rx", "channel", "calibrate")
DONE, ERROR, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    A wrong option, a bad value or unreadable input gives one line on stderr and code 2, Ctrl-C
    gives 130; any other exception is a bug and passes through with its traceback. With `--debug`,
    which is accepted at any place, errors of the first kind show their traceback too.

    Args:
        arguments: words after the program's name; None takes those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    if not words or words[0] not in PROGRAMS:
        words = [word for word in words if word != "--debug"]
    try:
        return _run(words)
    except KeyboardInterrupt:
        if debug:
            raise
        print("scsc: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has left; what Python still wants to flush has no taker.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR
    except (ValueError, OSError) as error:
        if debug:
            raise
        print(f"scsc: error: {' '.join(str(error).split())}", file=sys.stderr)
        return USAGE


def _run(words: list[str]) -> int:
    try:
        import typer
    except ImportError as error:
        raise ValueError(
            f"{error}; use ./scsc, or pip install the dependencies of pyproject.toml"
        ) from error
    from .application import build

    usage_error, command_line_error = typer.BadParameter.__mro__[1:3]
    try:
        status = build().main(args=words, prog_name="scsc", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except usage_error as error:
        command = error.ctx.command_path if error.ctx else "scsc"
        raise ValueError(f"{error.format_message()} (see {command} --help)") from error
    except command_line_error as error:
        raise ValueError(error.format_message()) from error
    if status == INTERRUPTED:  # some versions of typer turn Ctrl-C into this code themselves
        raise KeyboardInterrupt
    return status if isinstance(status, int) else DONE
