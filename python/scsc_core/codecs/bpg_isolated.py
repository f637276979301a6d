# SPDX-License-Identifier: GPL-3.0-or-later
"""BPG decoding in a subprocess with limited memory and time, for files from unknown sources."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

from .base import DecodeError

MEMORY_LIMIT_BYTES = 2 << 30
TIME_LIMIT_S = 30

_CHILD = """
import pickle, resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from scsc_core.codecs import DecodeError, get
method, arguments = pickle.load(sys.stdin.buffer)
try:
    result = getattr(get("bpg"), method)(*arguments)
except (DecodeError, MemoryError) as error:
    result = str(error) or "out of memory"
sys.stdout.buffer.write(pickle.dumps(result))
"""


def isolated(method: str, *arguments):
    """Result of a method of the BPG codec, run in a process of its own.

    Raises:
        DecodeError: what the method raises, or the process crashed, ran too long or out of memory.
    """
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    known = os.environ.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([package_root()] + ([known] if known else []))
    try:
        child = subprocess.run(
            [sys.executable, "-c", _CHILD, str(MEMORY_LIMIT_BYTES)],
            input=pickle.dumps((method, arguments)),
            capture_output=True,
            env=environment,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DecodeError(f"decoding took longer than {TIME_LIMIT_S} s") from error
    if child.returncode != 0:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        reason = last[0] if last else f"exit code {child.returncode}"
        raise DecodeError(f"the isolated decoder failed: {reason}")
    result = pickle.loads(child.stdout)
    if isinstance(result, str):
        raise DecodeError(result)
    return result


def package_root() -> str:
    """Folder from which the running scsc_core was imported (links are kept as they are)."""
    import scsc_core

    return os.path.dirname(os.path.dirname(os.path.abspath(scsc_core.__file__)))
